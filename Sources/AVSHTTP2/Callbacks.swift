import CNGHTTP2

/// The functions that libnghttp2 calls. Each recovers the mailbox, turns pointers into values and records.
enum Callbacks {
    /// - Returns: `otherwise` without a mailbox, which every session has.
    @inline(__always)
    private static func withMailbox<R>(
        _ userData: UnsafeMutableRawPointer?, otherwise: R, _ body: (inout Mailbox) -> R
    ) -> R {
        guard let mailbox = unsafe userData?.assumingMemoryBound(to: Mailbox.self) else { return otherwise }
        return unsafe body(&mailbox.pointee)
    }

    private static let fail = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
    private static let failStream = NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue

    /// Lends a filled table; the library copies it into the session.
    @unsafe static func withTable<R>(_ body: (OpaquePointer) throws(HTTP2Error) -> R) throws(HTTP2Error) -> R {
        var table: OpaquePointer?
        try unsafe HTTP2Error.check("nghttp2_session_callbacks_new", nghttp2_session_callbacks_new(&table))
        guard let table = unsafe table else { throw .outOfMemory(call: "nghttp2_session_callbacks_new") }
        defer { unsafe nghttp2_session_callbacks_del(table) }
        unsafe setReceiving(table)
        unsafe setSending(table)
        return try unsafe body(table)
    }

    private static func setReceiving(_ table: OpaquePointer) {
        unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(table) { _, head, data in
            guard let head = unsafe head?.pointee else { return 0 }
            return unsafe Callbacks.withMailbox(data, otherwise: 0) { mailbox in
                Callbacks.count(head, in: &mailbox)
                if UInt32(head.type) != NGHTTP2_CONTINUATION.rawValue { mailbox.abandonHeaders() }
                return 0
            }
        }
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(table) { _, frame, data in
            guard let stream = unsafe frame?.pointee.hd.stream_id else { return Callbacks.fail }
            return unsafe Callbacks.withMailbox(data, otherwise: Callbacks.fail) { mailbox in
                mailbox.beginHeaders(StreamID(stream))
                return 0
            }
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(table) {
            _, _, name, nameCount, value, count, flags, data in
            unsafe Callbacks.withMailbox(data, otherwise: Callbacks.fail) { mailbox in
                let fits = unsafe mailbox.header(
                    name: UnsafeBufferPointer(start: name, count: nameCount),
                    value: UnsafeBufferPointer(start: value, count: count),
                    indexed: UInt32(flags) & NGHTTP2_NV_FLAG_NO_INDEX.rawValue == 0)
                return fits ? 0 : Callbacks.failStream
            }
        }
        // Set, so that a malformed field is dropped alone and not with its whole stream (NG-12).
        unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(table) { _, _, _, _, _, _, _, _ in 0 }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table) { _, _, stream, bytes, count, data in
            guard let bytes = unsafe bytes else { return Callbacks.fail }
            return unsafe Callbacks.withMailbox(data, otherwise: Callbacks.fail) { mailbox in
                unsafe mailbox.data(StreamID(stream), bytes, count) ? 0 : Callbacks.fail
            }
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(table) { _, frame, data in
            guard let frame = unsafe frame else { return Callbacks.fail }
            return unsafe Callbacks.withMailbox(data, otherwise: Callbacks.fail) { mailbox in
                unsafe Callbacks.received(frame, in: &mailbox)
                return 0
            }
        }
        unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table) { _, frame, _, data in
            unsafe Callbacks.withMailbox(data, otherwise: 0) { mailbox in
                mailbox.counts.invalidFrames += 1
                guard let head = unsafe frame?.pointee.hd else { return 0 }
                mailbox.note { _ in FrameNote(isSent: false, head, "invalid") }
                if UInt32(head.type) == NGHTTP2_HEADERS.rawValue {
                    mailbox.abandonHeaders(StreamID(head.stream_id))
                }
                return 0
            }
        }
        // Frames of unknown types are counted at their head; their payload is dropped.
        unsafe nghttp2_session_callbacks_set_on_extension_chunk_recv_callback(table) { _, _, _, _, _ in
            NGHTTP2_ERR_CANCEL.rawValue
        }
        unsafe nghttp2_session_callbacks_set_unpack_extension_callback(table) { _, _, _, _ in
            NGHTTP2_ERR_CANCEL.rawValue
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(table) { _, stream, code, data in
            unsafe Callbacks.withMailbox(data, otherwise: 0) { mailbox in
                mailbox.closed(StreamID(stream), HTTP2ErrorCode(rawValue: code))
                return 0
            }
        }
    }

    private static func setSending(_ table: OpaquePointer) {
        unsafe nghttp2_session_callbacks_set_send_data_callback(table) { _, frame, head, count, _, data in
            guard let stream = unsafe frame?.pointee.hd.stream_id else { return Callbacks.fail }
            let head = unsafe UnsafeBufferPointer(start: head, count: 9)
            return unsafe Callbacks.withMailbox(data, otherwise: Callbacks.fail) { mailbox in
                let wrote = unsafe mailbox.writeData(StreamID(stream), head: head, count: count)
                return wrote ? 0 : NGHTTP2_ERR_WOULDBLOCK.rawValue
            }
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(table) { session, frame, data in
            guard let frame = unsafe frame else { return Callbacks.fail }
            return unsafe Callbacks.withMailbox(data, otherwise: Callbacks.fail) { mailbox in
                unsafe Callbacks.sent(frame, by: session, in: &mailbox)
                return 0
            }
        }
        unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(table) { _, frame, code, data in
            guard let head = unsafe frame?.pointee.hd else { return 0 }
            // A stream that a reset has ended, or will, is no news: `closed` says it.
            let isOver = code == NGHTTP2_ERR_STREAM_CLOSED.rawValue || code == NGHTTP2_ERR_STREAM_CLOSING.rawValue
            guard UInt32(head.type) == NGHTTP2_HEADERS.rawValue, !isOver else { return 0 }
            return unsafe Callbacks.withMailbox(data, otherwise: 0) { mailbox in
                mailbox.record(.headersNotSent(StreamID(head.stream_id), code: Int(code)))
                return 0
            }
        }
        unsafe nghttp2_session_callbacks_set_data_source_read_length_callback(table) {
            _, _, _, connectionWindow, streamWindow, frameSize, _ in
            // The library cuts the answer to what the windows and the peer allow (NG-14).
            min(Int(connectionWindow), Int(streamWindow), Int(frameSize), HTTP2Session.maxDataFrameBytes)
        }
    }

    // MARK: Frames

    /// Counts what a frame's head says, before its payload arrives.
    private static func count(_ head: nghttp2_frame_hd, in mailbox: inout Mailbox) {
        let isLast = UInt32(head.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
        switch UInt32(head.type) {
        case NGHTTP2_DATA.rawValue where !isLast && head.length == 0: mailbox.counts.emptyData += 1
        case NGHTTP2_DATA.rawValue where !isLast && head.length < 16: mailbox.counts.tinyData += 1
        case NGHTTP2_RST_STREAM.rawValue: mailbox.counts.resetsReceived += 1
        case NGHTTP2_WINDOW_UPDATE.rawValue: mailbox.counts.windowUpdates += 1
        case NGHTTP2_SETTINGS.rawValue where head.flags == 0: mailbox.counts.settings += 1
        case NGHTTP2_PING.rawValue where head.flags == 0: mailbox.counts.pings += 1
        case NGHTTP2_PRIORITY.rawValue: mailbox.counts.idleFrames += 1
        case NGHTTP2_DATA.rawValue...NGHTTP2_CONTINUATION.rawValue: break
        default:
            mailbox.counts.idleFrames += 1
            mailbox.note { _ in FrameNote(isSent: false, head) }  // its payload is dropped unseen
        }
    }

    private static func received(_ frame: UnsafePointer<nghttp2_frame>, in mailbox: inout Mailbox) {
        mailbox.note { unsafe FrameNote(isSent: false, frame, fields: $0) }
        let head = unsafe frame.pointee.hd
        let stream = StreamID(head.stream_id)
        let flags = UInt32(head.flags)
        switch UInt32(head.type) {
        case NGHTTP2_HEADERS.rawValue:
            mailbox.endHeaders(stream, endsStream: flags & NGHTTP2_FLAG_END_STREAM.rawValue != 0)
        case NGHTTP2_DATA.rawValue:
            if flags & NGHTTP2_FLAG_END_STREAM.rawValue != 0 { mailbox.record(.endOfStream(stream)) }
        case NGHTTP2_SETTINGS.rawValue:
            mailbox.record(flags & NGHTTP2_FLAG_ACK.rawValue == 0 ? .settings : .settingsAcknowledged)
        case NGHTTP2_PING.rawValue:
            guard flags & NGHTTP2_FLAG_ACK.rawValue != 0 else { return mailbox.record(.ping) }
            let number = unsafe withUnsafeBytes(of: frame.pointee.ping.opaque_data) {
                unsafe $0.loadUnaligned(as: UInt64.self)
            }
            mailbox.record(.pingAcknowledged(UInt64(bigEndian: number)))
        case NGHTTP2_GOAWAY.rawValue:
            let goAway = unsafe frame.pointee.goaway
            let debugData = unsafe [UInt8](
                UnsafeBufferPointer(start: goAway.opaque_data, count: min(goAway.opaque_data_len, 1_024)))
            unsafe mailbox.record(
                .goAway(
                    last: StreamID(goAway.last_stream_id), HTTP2ErrorCode(rawValue: goAway.error_code),
                    debugData: debugData))
        default: break
        }
    }

    private static func sent(
        _ frame: UnsafePointer<nghttp2_frame>, by session: OpaquePointer?, in mailbox: inout Mailbox
    ) {
        mailbox.note { _ in unsafe FrameNote(isSent: true, frame, fields: nil) }
        let head = unsafe frame.pointee.hd
        switch UInt32(head.type) {
        case NGHTTP2_DATA.rawValue:
            mailbox.counts.dataSent += 1
            unsafe resetIfClientIsOpen(head, session, &mailbox)
        case NGHTTP2_HEADERS.rawValue:
            mailbox.counts.headersSent += 1
            mailbox.headersSent += 1
            unsafe resetIfClientIsOpen(head, session, &mailbox)
        case NGHTTP2_GOAWAY.rawValue:
            unsafe mailbox.sentGoAway = HTTP2ErrorCode(rawValue: frame.pointee.goaway.error_code)
            mailbox.duePing = mailbox.pingAfterShutdownNotice
            mailbox.pingAfterShutdownNotice = nil
        case NGHTTP2_WINDOW_UPDATE.rawValue where head.stream_id == 0 && mailbox.pingAfterCredit != nil:
            mailbox.duePing = mailbox.pingAfterCredit
            mailbox.pingAfterCredit = nil
        case NGHTTP2_RST_STREAM.rawValue:
            let code = unsafe HTTP2ErrorCode(rawValue: frame.pointee.rst_stream.error_code)
            if code != .noError, code != .cancel { mailbox.counts.resetsProvoked += 1 }
        default: break
        }
    }

    /// The answer is complete while the client may still send: reset, after the last frame and not before it, which
    /// would drop it (RSP-5, NG-8).
    private static func resetIfClientIsOpen(
        _ head: nghttp2_frame_hd, _ session: OpaquePointer?, _ mailbox: inout Mailbox
    ) {
        guard mailbox.role == .server, UInt32(head.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0 else { return }
        guard unsafe nghttp2_session_get_stream_remote_close(session, head.stream_id) == 0 else { return }
        unsafe nghttp2_submit_rst_stream(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), head.stream_id, HTTP2ErrorCode.noError.rawValue)
    }

    // MARK: Filling DATA frames

    /// The data provider of every stream: says how much there is; ``Mailbox/writeData(_:head:count:)`` moves it.
    static let read: nghttp2_data_source_read_callback = { session, stream, _, limit, flags, _, data in
        guard let flags = unsafe flags else { return Int(Callbacks.fail) }
        return unsafe Callbacks.withMailbox(data, otherwise: Int(Callbacks.fail)) { mailbox in
            guard let holder = mailbox.outboxes[StreamID(stream)] else { return Int(Callbacks.failStream) }
            return unsafe Callbacks.nextData(
                of: &holder.outbox, limit: limit, flags: flags, session: session, stream: stream)
        }
    }

    private static func nextData(
        of outbox: inout Outbox, limit: Int, flags: UnsafeMutablePointer<UInt32>, session: OpaquePointer?,
        stream: Int32
    ) -> Int {
        let count = min(outbox.unsentBytes, limit)
        if count > 0 { unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue }
        if count == outbox.unsentBytes {
            // Trailers are submitted here and not earlier: HEADERS have a queue of their own, which goes first (NG-9).
            var code: Int32 = 0
            var endFlags = NGHTTP2_DATA_FLAG_EOF.rawValue
            switch outbox.end {
            case .withTrailers(let block):
                unsafe code = block.withFields { unsafe nghttp2_submit_trailer(session, stream, $0, $1) }
                endFlags |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            case .withPrepared(let headers):
                unsafe code = nghttp2_submit_trailer(session, stream, headers.base, headers.count)
                endFlags |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            case .withData: break
            case .open, .submitted: endFlags = 0
            }
            guard code == 0 else { return Int(Callbacks.failStream) }
            if endFlags != 0 {
                outbox.end = .submitted
                unsafe flags.pointee |= endFlags
                return count
            }
        }
        if count == 0 {
            outbox.isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        return count
    }
}
