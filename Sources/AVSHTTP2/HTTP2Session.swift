import CNGHTTP2

/// One HTTP/2 connection: bytes in, events out; commands in, bytes out. No sockets, no clock.
///
/// Both roles use it alike. A caller receives what the socket read, acts on the events, issues commands, and then
/// drains: one read, one drain, one write (SP-2). Commands only queue.
///
///     var session = try HTTP2Session.open(.server, configuration)
///     let events = try session.receive(bytes)           // act on them; `.data` names ranges of `bytes`
///     try session.respond(on: stream, headers: head)
///     session.send(message, after: ChunkLead(0, 5), on: stream)
///     session.finish(stream, trailers: trailers)
///     try session.drain(into: &output)                  // until nothing comes, then session.takeEvents()
///
/// The library never closes anything: once ``isFinished`` is true, flush and close the socket (NG-5). It has no timers;
/// every timeout is the caller's. Deleting a session reports no stream as closed; the caller keeps its own table
/// (NG-4).
///
/// Not `Sendable`: libnghttp2 allows one thread at a time, so a session lives on one event loop (NG-1).
@safe public struct HTTP2Session: ~Copyable {
    /// The largest frame that the library may return in one piece: a head and the 16 KiB of a frame buffer.
    static let frameRoomBytes = 9 + 16_384 + 256
    /// Largest DATA frame sent, if the peer allows it (NG-14).
    static let maxDataFrameBytes = 64 * 1024
    /// The room that ``drain(into:)`` wants: the largest DATA frame and one more frame.
    public static let outputRoomBytes = maxDataFrameBytes + 9 + 2 * frameRoomBytes

    let raw: OpaquePointer
    /// Ours to free; the library hands it to the callbacks.
    private let mailboxAddress: UnsafeMutablePointer<Mailbox>
    private var hasFailed = false

    private init(owning raw: OpaquePointer, _ mailbox: UnsafeMutablePointer<Mailbox>) {
        unsafe self.raw = unsafe raw
        unsafe mailboxAddress = unsafe mailbox
    }

    deinit {
        unsafe nghttp2_session_del(raw)
        unsafe mailboxAddress.deinitialize(count: 1)
        unsafe mailboxAddress.deallocate()
    }

    var mailbox: Mailbox {
        _read { yield unsafe mailboxAddress.pointee }
        nonmutating _modify { yield unsafe &mailboxAddress.pointee }
    }

    /// A session whose SETTINGS are queued as its first output (CON-2).
    public static func open(
        _ role: HTTP2Configuration.Role, _ configuration: HTTP2Configuration = HTTP2Configuration()
    ) throws(HTTP2Error) -> HTTP2Session {
        let mailbox = UnsafeMutablePointer<Mailbox>.allocate(capacity: 1)
        unsafe mailbox.initialize(to: Mailbox(role: role, configuration: configuration))
        let raw: OpaquePointer
        do throws(HTTP2Error) {
            unsafe raw = try unsafe create(role, configuration, reportingTo: mailbox)
        } catch {
            unsafe mailbox.deinitialize(count: 1)
            unsafe mailbox.deallocate()
            throw error
        }
        var session = unsafe HTTP2Session(owning: raw, mailbox)  // from here a throw frees both
        try session.submitSettings(role, configuration)
        return session
    }

    /// - Parameter mailbox: outlives the session that is made: both belong to one value, which frees the session first.
    @unsafe private static func create(
        _ role: HTTP2Configuration.Role, _ configuration: HTTP2Configuration,
        reportingTo mailbox: UnsafeMutablePointer<Mailbox>
    ) throws(HTTP2Error) -> OpaquePointer {
        try unsafe Callbacks.withTable { table throws(HTTP2Error) in
            try unsafe withOptions(configuration) { options throws(HTTP2Error) in
                var raw: OpaquePointer?
                let user = UnsafeMutableRawPointer(mailbox)
                let code =
                    switch role {
                    case .server: unsafe nghttp2_session_server_new2(&raw, table, user, options)
                    case .client: unsafe nghttp2_session_client_new2(&raw, table, user, options)
                    }
                try HTTP2Error.check("nghttp2_session_new2", code)
                guard let raw = unsafe raw else { throw .outOfMemory(call: "nghttp2_session_new2") }
                return unsafe raw
            }
        }
    }

    /// NG-18, as far as 1.52 has the options.
    @unsafe private static func withOptions<R>(
        _ configuration: HTTP2Configuration, _ body: (OpaquePointer) throws(HTTP2Error) -> R
    ) throws(HTTP2Error) -> R {
        var options: OpaquePointer?
        try unsafe HTTP2Error.check("nghttp2_option_new", nghttp2_option_new(&options))
        guard let options = unsafe options else { throw .outOfMemory(call: "nghttp2_option_new") }
        defer { unsafe nghttp2_option_del(options) }
        unsafe nghttp2_option_set_no_auto_window_update(options, 1)  // FC-1
        unsafe nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(options, 1)  // NG-12
        unsafe nghttp2_option_set_max_outbound_ack(options, configuration.maxOutboundAcknowledgements)
        unsafe nghttp2_option_set_max_settings(options, configuration.maxSettingsEntries)
        unsafe nghttp2_option_set_max_continuations(options, configuration.maxContinuations)  // ATT-3
        unsafe nghttp2_option_set_stream_reset_rate_limit(
            options, configuration.libraryResetBurst, configuration.libraryResetsPerSecond)
        unsafe nghttp2_option_set_peer_max_concurrent_streams(options, 100)  // CON-5
        // Unknown frames are only seen, and can only be counted, as extensions of ours (ATT-9).
        for type in UInt8(0x0a)...0xff { unsafe nghttp2_option_set_user_recv_extension_type(options, type) }
        return try unsafe body(options)
    }

    private mutating func submitSettings(
        _ role: HTTP2Configuration.Role, _ configuration: HTTP2Configuration
    ) throws(HTTP2Error) {
        var entries = [
            setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, configuration.streamWindowBytes),
            setting(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(clamping: configuration.headerListLimitBytes)),
        ]
        switch role {
        case .server:
            entries.append(setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, configuration.maxConcurrentStreams))
        case .client:
            entries.append(setting(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        }
        let code = unsafe nghttp2_submit_settings(raw, noFlags, entries, entries.count)
        try HTTP2Error.check("nghttp2_submit_settings", code)
        let window = configuration.connectionWindowBytes
        let result = unsafe nghttp2_session_set_local_window_size(raw, noFlags, 0, window)  // NG-21
        try HTTP2Error.check("nghttp2_session_set_local_window_size", result)
    }

    private func setting(_ id: nghttp2_settings_id, _ value: UInt32) -> nghttp2_settings_entry {
        nghttp2_settings_entry(settings_id: Int32(bitPattern: id.rawValue), value: value)
    }

    var noFlags: UInt8 { UInt8(truncatingIfNeeded: NGHTTP2_FLAG_NONE.rawValue) }

    // MARK: Bytes in

    /// Takes what the socket read. The callbacks only append to the mailbox, so nothing of ours runs inside libnghttp2.
    ///
    /// - Returns: what happened, in order. `.data` events name ranges of `bytes`.
    /// - Throws: once, when the connection is beyond repair; after that only deletion is left (NG-6), and the library
    ///   sends no GOAWAY for it: write ``lastWords(_:_:)`` and close.
    public mutating func receive(_ bytes: Span<UInt8>) throws(HTTP2Error) -> [HTTP2Event] {
        if hasFailed { throw .sessionFailed }
        let taken = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe mailbox.beginInput(buffer)
            defer { mailbox.endInput() }
            return unsafe nghttp2_session_mem_recv(raw, buffer.baseAddress, buffer.count)
        }
        if taken < 0 { hasFailed = true }
        try HTTP2Error.check("nghttp2_session_mem_recv", taken)
        if mailbox.dataBytes > 0 {  // FC-2
            let code = unsafe nghttp2_session_consume_connection(raw, mailbox.dataBytes)
            try HTTP2Error.check("nghttp2_session_consume_connection", code)
        }
        return mailbox.takeEvents()
    }

    /// Payload in the bytes that were received last.
    public var lastReadDataBytes: Int { mailbox.dataBytes }

    /// Events that sending caused: streams that closed with their last frame, streams that can take more.
    public mutating func takeEvents() -> [HTTP2Event] { mailbox.takeEvents() }

    /// The frames since the last call, if ``HTTP2Configuration/notesFrames`` is set. Take them after each read and each
    /// drain.
    public mutating func takeNotes() -> [FrameNote] { mailbox.takeNotes() }

    /// The frames counted since the last call.
    public mutating func takeCounts() -> FrameCounts {
        mailbox.takeCounts()
    }

    // MARK: Bytes out

    /// Writes whole frames as long as a next one surely fits; what is left over stays in the library (NG-7).
    ///
    /// - Parameter output: at least ``outputRoomBytes`` of room, else nothing may be written though there is something.
    /// - Returns: false when the library has nothing more that it may send now.
    public mutating func drain(into output: inout OutputRawSpan) throws(HTTP2Error) -> Bool {
        if hasFailed { throw .sessionFailed }
        var result = 0
        var mayHaveMore = true
        unsafe output.withUnsafeMutableBytes { room, count in
            while room.count - count >= Self.frameRoomBytes {
                var frame: UnsafePointer<UInt8>?
                unsafe mailbox.beginOutput(UnsafeMutableRawBufferPointer(rebasing: room[count...]))
                unsafe result = nghttp2_session_mem_send(raw, &frame)
                let written = mailbox.endOutput()
                count += written
                guard result > 0, let frame = unsafe frame else {
                    mayHaveMore = written > 0 || mailbox.wantsRoom
                    return
                }
                unsafe UnsafeMutableRawBufferPointer(rebasing: room[count...]).copyMemory(
                    from: UnsafeRawBufferPointer(start: frame, count: result))
                count += result
                if let number = mailbox.duePing {  // there is room: a frame leaves more of it than these 17 bytes
                    mailbox.duePing = nil
                    mailbox.note { _ in
                        FrameNote(isSent: true, type: "PING", stream: .connection, flags: 0, lengthBytes: 8)
                    }
                    let ping = Self.pingFrame(number)
                    unsafe UnsafeMutableRawBufferPointer(rebasing: room[count...]).copyBytes(from: ping)
                    count += ping.count
                }
            }
        }
        if result < 0 { hasFailed = true }
        try HTTP2Error.check("nghttp2_session_mem_send", result)
        return mayHaveMore
    }

    /// A PING of our own making, see ``Mailbox/pingAfterShutdownNotice``.
    ///
    ///     | length 8: 3 | type 6 | flags 0 | stream 0: 4 | number: 8 |
    private static func pingFrame(_ number: UInt64) -> [UInt8] {
        [0, 0, 8, 6, 0, 0, 0, 0, 0] + (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }

    /// Neither side has anything left to say: flush, then close the socket (NG-5).
    public var isFinished: Bool {
        unsafe hasFailed || (nghttp2_session_want_read(raw) == 0 && nghttp2_session_want_write(raw) == 0)
    }

    /// The code of the last GOAWAY that went out; the library sends some by itself, for what the peer did.
    public var sentGoAway: HTTP2ErrorCode? { mailbox.sentGoAway }

    /// There may be bytes to drain.
    public var wantsDrain: Bool { unsafe !hasFailed && nghttp2_session_want_write(raw) != 0 }

    /// Frames that wait to be sent, DATA that waits for a window not counted (ATT-7).
    public var queuedFrameCount: Int { unsafe nghttp2_session_get_outbound_queue_size(raw) }

    /// The stream of the header section that has begun and is not complete (ATT-11).
    public var incompleteHeaders: StreamID? { mailbox.incomingStream }
}
