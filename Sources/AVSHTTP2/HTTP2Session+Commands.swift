import CNGHTTP2

extension HTTP2Session {
    // MARK: Streams

    /// Opens a stream with a request. Requests over the peer's limit of streams wait inside the library (NG-19).
    ///
    /// - Parameter endsStream: no body follows; otherwise ``send(_:after:on:)`` and ``finish(_:trailers:)``.
    /// - Throws: ``HTTP2Error/isStreamIDNotAvailable`` when the connection has used up its numbers (LIM-5).
    public mutating func request(_ headers: HeaderBlock, endsStream: Bool) throws(HTTP2Error) -> StreamID {
        let session = unsafe raw
        let result = unsafe headers.withFields { fields, count in
            guard !endsStream else {
                return unsafe nghttp2_submit_request(session, nil, fields, count, nil, nil)
            }
            var provider = unsafe nghttp2_data_provider(source: nghttp2_data_source(), read_callback: Callbacks.read)
            return unsafe nghttp2_submit_request(session, nil, fields, count, &provider, nil)
        }
        try HTTP2Error.check("nghttp2_submit_request", result)
        let stream = StreamID(result)
        if !endsStream { mailbox.outboxes.insert(OutboxHolder(), for: stream) }
        return stream
    }

    /// Answers a request. With `endsStream` the header section is the whole answer (RSP-2).
    ///
    /// - Throws: ``HTTP2Error/alreadyAnswered(_:)`` for a second answer with a body. The library would take it, and may
    ///   crash over it.
    public mutating func respond(
        on stream: StreamID, headers: HeaderBlock, endsStream: Bool = false
    ) throws(HTTP2Error) {
        guard endsStream else {
            return try unsafe headers.withFields { fields, count throws(HTTP2Error) in
                try unsafe beginResponse(stream, fields, count)
            }
        }
        let session = unsafe raw
        let code = unsafe headers.withFields { fields, count in
            unsafe nghttp2_submit_response(session, stream.rawValue, fields, count, nil)
        }
        try HTTP2Error.check("nghttp2_submit_response", code)
    }

    /// Begins an answer with headers that are the same for many; its body follows.
    public mutating func respond(on stream: StreamID, headers: PreparedHeaders) throws(HTTP2Error) {
        try unsafe beginResponse(stream, headers.base, headers.count)
    }

    /// One provider for the life of the response, deferred while there is nothing (NG-10).
    private func beginResponse(
        _ stream: StreamID, _ fields: UnsafeMutablePointer<nghttp2_nv>?, _ count: Int
    ) throws(HTTP2Error) {
        guard mailbox.outboxes[stream] == nil else { throw .alreadyAnswered(stream) }
        var provider = unsafe nghttp2_data_provider(source: nghttp2_data_source(), read_callback: Callbacks.read)
        let code = unsafe nghttp2_submit_response(raw, stream.rawValue, fields, count, &provider)
        try HTTP2Error.check("nghttp2_submit_response", code)
        mailbox.outboxes.insert(OutboxHolder(), for: stream)
    }

    /// Queues body bytes. A stream that is gone takes them and drops them (CAN-3).
    public mutating func send(_ bytes: [UInt8], after lead: ChunkLead = .none, on stream: StreamID) {
        guard let wasDeferred = mailbox.outboxes[stream]?.outbox.append(bytes, after: lead) else { return }
        mailbox.unsentBytes += lead.count + bytes.count
        if wasDeferred { resume(stream) }
    }

    /// Ends our side after what is queued: with trailers, or with END_STREAM on the last DATA frame.
    public mutating func finish(_ stream: StreamID, trailers: HeaderBlock?) {
        let wasDeferred = mailbox.outboxes[stream]?.outbox.finish(trailers.map { .withTrailers($0) } ?? .withData)
        if wasDeferred == true { resume(stream) }
    }

    /// Ends our side after what is queued, with trailers that are the same for many.
    public mutating func finish(_ stream: StreamID, trailers: PreparedHeaders) {
        if mailbox.outboxes[stream]?.outbox.finish(.withPrepared(trailers)) == true { resume(stream) }
    }

    private func resume(_ stream: StreamID) {
        // An answer of "invalid argument" means that the stream was not deferred, which is as good (NG-11).
        _ = unsafe nghttp2_session_resume_data(raw, stream.rawValue)
    }

    /// Resets a stream. Whatever of it is queued and not yet drained is dropped, trailers included (NG-8).
    public mutating func reset(_ stream: StreamID, _ code: HTTP2ErrorCode) {
        mailbox.unsentBytes -= mailbox.outboxes[stream]?.outbox.discard() ?? 0
        _ = unsafe nghttp2_submit_rst_stream(raw, noFlags, stream.rawValue, code.rawValue)
    }

    /// Reports payload as taken by the application, which opens the stream's window again (FC-3). Report each byte at
    /// most once: a surplus switches backpressure off (FC-5).
    public mutating func consume(_ count: Int, on stream: StreamID) {
        guard count > 0 else { return }
        _ = unsafe nghttp2_session_consume_stream(raw, stream.rawValue, count)
    }

    /// Body bytes of a stream that wait in its queue; 0 for a stream that is gone.
    public func unsentBytes(_ stream: StreamID) -> Int { mailbox.outboxes[stream]?.outbox.unsentBytes ?? 0 }

    /// Body bytes that wait, over all streams.
    public var unsentBytes: Int { mailbox.unsentBytes }

    /// HEADERS frames sent since the beginning.
    public var headersSent: Int { mailbox.headersSent }

    /// Asks for one ``HTTP2Event/writable(_:)`` when the unsent bytes fall to `mark`.
    public mutating func notify(_ stream: StreamID, whenUnsentAtMost mark: Int) {
        mailbox.outboxes[stream]?.outbox.writableMark = mark
    }

    /// Goes on with this number, as if all below it had been used; for tests of what happens at the end (LIM-5).
    mutating func skipStreams(to next: StreamID) {
        _ = unsafe nghttp2_session_set_next_stream_id(raw, next.rawValue)
    }

    // MARK: Connection

    public mutating func ping(_ number: UInt64) throws(HTTP2Error) {
        var bigEndian = number.bigEndian
        let session = unsafe raw
        let code = unsafe withUnsafeBytes(of: &bigEndian) {
            unsafe nghttp2_submit_ping(session, 0, $0.bindMemory(to: UInt8.self).baseAddress)
        }
        try HTTP2Error.check("nghttp2_submit_ping", code)
    }

    /// Credits what has come on the connection, and sends a PING right behind that credit (FC-10). In this order: peers
    /// that limit PINGs forget earlier ones when they see a WINDOW_UPDATE.
    public mutating func measure(ping number: UInt64) throws(HTTP2Error) {
        mailbox.pingAfterCredit = number
        // All of it is consumed (FC-2). Where it is nothing, an update for all that came is queued already.
        let due = unsafe nghttp2_session_get_effective_recv_data_length(raw)
        try unsafe HTTP2Error.check(
            "nghttp2_submit_window_update", nghttp2_submit_window_update(raw, noFlags, 0, max(0, due)))
    }

    /// Announces another window for all streams, which holds for each once the peer acknowledges it, and enlarges the
    /// connection's if it is the smaller one (FC-10, NG-21).
    public mutating func setStreamWindow(_ bytes: UInt32) throws(HTTP2Error) {
        let entry = nghttp2_settings_entry(
            settings_id: Int32(bitPattern: NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: bytes)
        let code = unsafe withUnsafePointer(to: entry) { unsafe nghttp2_submit_settings(raw, noFlags, $0, 1) }
        try HTTP2Error.check("nghttp2_submit_settings", code)
        let window = Int32(clamping: bytes)
        guard unsafe nghttp2_session_get_effective_local_window_size(raw) < window else { return }
        let result = unsafe nghttp2_session_set_local_window_size(raw, noFlags, 0, window)
        try HTTP2Error.check("nghttp2_session_set_local_window_size", result)
    }

    /// What the peer may send on all streams together, not counting what came and was not credited yet.
    public var connectionWindowBytes: Int { unsafe Int(nghttp2_session_get_effective_local_window_size(raw)) }

    /// The first of the two GOAWAY frames of a drain, which names no stream and stops none, and a PING behind it, whose
    /// answer says that the peer has seen both (DR-1, NG-17). A peer without streams need not answer.
    public mutating func announceShutdown(ping number: UInt64) throws(HTTP2Error) {
        mailbox.pingAfterShutdownNotice = number
        try unsafe HTTP2Error.check("nghttp2_submit_shutdown_notice", nghttp2_submit_shutdown_notice(raw))
    }

    /// A GOAWAY that names the last stream taken. Later streams are ignored; open ones go on.
    public mutating func goAway(_ code: HTTP2ErrorCode, reason: String = "") throws(HTTP2Error) {
        let last = unsafe nghttp2_session_get_last_proc_stream_id(raw)
        try goAway(last: StreamID(last), code, reason)
    }

    private mutating func goAway(
        last: StreamID, _ code: HTTP2ErrorCode, _ reason: String
    ) throws(HTTP2Error) {
        let session = unsafe raw
        let text = Array(reason.utf8.prefix(256))
        let result = unsafe nghttp2_submit_goaway(session, noFlags, last.rawValue, code.rawValue, text, text.count)
        try HTTP2Error.check("nghttp2_submit_goaway", result)
    }

    /// The highest stream number that reached us (LIM-5).
    public var lastProcessedStream: StreamID { unsafe StreamID(nghttp2_session_get_last_proc_stream_id(raw)) }

    /// How many streams the peer lets us have open (client); 100 until its SETTINGS arrive (CON-5).
    public var peerMaxConcurrentStreams: UInt32 {
        unsafe nghttp2_session_get_remote_settings(raw, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
    }

    /// Header list size the peer announced (RSP-7); effectively unlimited if it announced none.
    public var peerHeaderListLimitBytes: UInt32 {
        unsafe nghttp2_session_get_remote_settings(raw, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE)
    }

    /// A GOAWAY frame for a session that failed and can write none itself (ATT-3). It goes out as it is.
    ///
    ///     | length: 3 | type 7 | flags 0 | stream 0: 4 | last stream: 4 | code: 4 | text |
    public func lastWords(_ code: HTTP2ErrorCode, _ reason: String) -> [UInt8] {
        let text = Array(reason.utf8.prefix(256))
        var frame: [UInt8] = [0, UInt8((8 + text.count) >> 8), UInt8((8 + text.count) & 0xff), 7, 0, 0, 0, 0, 0]
        for number in [UInt32(bitPattern: lastProcessedStream.rawValue), code.rawValue] {
            frame += (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
        }
        return frame + text
    }
}
