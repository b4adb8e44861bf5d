#ifndef CCURL_SHIM_H
#define CCURL_SHIM_H

// libcurl: transfers by the multi interface, and its URL parser. The macro gives each kind of handle its own type.
#define CURL_STRICTER
#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>

// Options are set and information is read through variadic functions, which Swift cannot call: one function per kind
// of argument.
static inline CURLcode CCurl_setLong(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode CCurl_setOffset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode CCurl_setString(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode CCurl_setPointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode CCurl_setReceive(CURL *easy, CURLoption option, curl_write_callback function) {
    return curl_easy_setopt(easy, option, function);
}
static inline CURLcode CCurl_setOpenSocket(CURL *easy, curl_opensocket_callback function) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, function);
}
static inline CURLcode CCurl_getLong(CURL *easy, CURLINFO information, long *value) {
    return curl_easy_getinfo(easy, information, value);
}
static inline CURLMcode CCurl_setMultiLong(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

// The result of a finished transfer: the message's union is not readable from Swift by name.
static inline CURLcode CCurl_result(const CURLMsg *message) { return message->data.result; }

// Writes the 4 or 16 bytes of an internet address, and its port; returns how many, or 0 for other families. An IPv6
// address is longer than the struct that Swift sees, so it is copied here.
static inline int CCurl_address(const struct sockaddr *address, unsigned char *bytes, unsigned short *port) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        memcpy(bytes, &v4.sin_addr, 4);
        *port = ntohs(v4.sin_port);
        return 4;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        memcpy(bytes, &v6.sin6_addr, 16);
        *port = ntohs(v6.sin6_port);
        return 16;
    }
    return 0;
}

#endif
