// The limit: a plain echo server over libnghttp2 and epoll, one thread, no protobuf, no timers, no limits. What a call
// costs here is what the library and the kernel cost; everything above it is a runtime's own.
//
// usage: server PORT. Answers every complete request with its own body and grpc-status 0.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, WRITE_BYTES = 256 * 1024, EVENTS = 256 };

struct stream {
    uint8_t *body;
    size_t count, capacity, sent;
};

struct connection {
    int fd;
    nghttp2_session *session;
    uint8_t *unsent;  // what the socket did not take
    size_t unsent_count;
};

static int poller;
static uint8_t input[READ_BYTES], output[WRITE_BYTES];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

// MARK: Callbacks

#define FIELD(name, value) \
    {(uint8_t *)name, (uint8_t *)value, sizeof name - 1, sizeof value - 1, \
     NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE}

static const nghttp2_nv headers[] = {FIELD(":status", "200"), FIELD("content-type", "application/grpc")};
static const nghttp2_nv trailers[] = {FIELD("grpc-status", "0")};

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t length, uint32_t *flags,
                         nghttp2_data_source *source, void *user) {
    struct stream *stream = source->ptr;
    size_t count = stream->count - stream->sent;
    (void)user;
    if (count > length) count = length;
    memcpy(buffer, stream->body + stream->sent, count);
    stream->sent += count;
    if (stream->sent == stream->count) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(session, id, trailers, 1);
    }
    return (ssize_t)count;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    (void)user;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        struct stream *stream = calloc(1, sizeof *stream);
        if (!stream) return NGHTTP2_ERR_CALLBACK_FAILURE;
        nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t count,
                   void *user) {
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    (void)flags, (void)user;
    if (!stream) return 0;
    if (stream->count + count > stream->capacity) {
        stream->capacity = stream->count + count > 2 * stream->capacity ? stream->count + count : 2 * stream->capacity;
        stream->body = realloc(stream->body, stream->capacity);
        if (!stream->body) return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    memcpy(stream->body + stream->count, bytes, count);
    stream->count += count;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    (void)user;
    bool is_request = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (!is_request || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!stream) return 0;
    nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = read_body};
    return nghttp2_submit_response(session, frame->hd.stream_id, headers, 2, &provider);
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    (void)code, (void)user;
    if (stream) free(stream->body);
    free(stream);
    return 0;
}

// MARK: Connections

static nghttp2_session *open_session(void) {
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    if (nghttp2_session_server_new(&session, callbacks, NULL)) fail("nghttp2_session_server_new");
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20}};
    nghttp2_submit_settings(session, 0, settings, 2);
    nghttp2_session_set_local_window_size(session, 0, 0, 16 << 20);
    return session;
}

static void accept_all(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *connection = calloc(1, sizeof *connection);
        if (!connection) fail("calloc");
        connection->fd = fd;
        connection->session = open_session();
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static void close_connection(struct connection *connection) {
    nghttp2_session_del(connection->session);  // frees no stream of ours; the process is short-lived
    close(connection->fd);
    free(connection->unsent);
    free(connection);
}

// Writes, and keeps what the socket does not take. Returns false once the connection is broken.
static bool write_or_keep(struct connection *connection, const uint8_t *bytes, size_t count) {
    ssize_t written = write(connection->fd, bytes, count);
    if (written < 0 && errno != EAGAIN) return false;
    size_t done = written < 0 ? 0 : (size_t)written;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    uint8_t *old = connection->unsent, *rest = NULL;
    if (done < count) {
        rest = malloc(count - done);
        if (!rest) return false;
        memcpy(rest, bytes + done, count - done);
    }
    bool was_waiting = old != NULL;
    connection->unsent = rest;
    connection->unsent_count = count - done;
    free(old);
    if (was_waiting != (rest != NULL)) {
        if (rest) event.events |= EPOLLOUT;
        epoll_ctl(poller, EPOLL_CTL_MOD, connection->fd, &event);
    }
    return true;
}

static bool send_all(struct connection *connection) {
    if (connection->unsent && !write_or_keep(connection, connection->unsent, connection->unsent_count)) return false;
    while (!connection->unsent) {
        size_t filled = 0;
        const uint8_t *frame;
        ssize_t count = 0;
        while (filled + 20000 < WRITE_BYTES && (count = nghttp2_session_mem_send(connection->session, &frame)) > 0) {
            memcpy(output + filled, frame, (size_t)count);
            filled += (size_t)count;
        }
        if (count < 0) return false;
        if (filled == 0) break;
        if (!write_or_keep(connection, output, filled)) return false;
    }
    return nghttp2_session_want_read(connection->session) || nghttp2_session_want_write(connection->session);
}

static bool receive(struct connection *connection) {
    ssize_t count = read(connection->fd, input, sizeof input);
    if (count < 0 && errno == EAGAIN) return true;
    if (count <= 0) return false;
    return nghttp2_session_mem_recv(connection->session, input, (size_t)count) == count && send_all(connection);
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) fail("bind");
    socklen_t length = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);

    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS, -1);
        for (int index = 0; index < count; index++) {
            struct connection *connection = events[index].data.ptr;
            if (!connection) {
                accept_all(listener);
                continue;
            }
            bool is_open = true;
            if (events[index].events & EPOLLOUT) is_open = send_all(connection);
            if (is_open && events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) is_open = receive(connection);
            if (!is_open) close_connection(connection);
        }
    }
}
