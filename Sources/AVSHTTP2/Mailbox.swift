import CNGHTTP2

/// What the callbacks write into and read from. Nothing of ours runs inside libnghttp2 but these few appends (NG-1).
///
/// Touched only by the session that owns it, on that session's thread.
@safe final class Mailbox {
    let role: HTTP2Configuration.Role
    let headerListLimitBytes: Int
    let headerFieldLimit: Int

    private(set) var events: [HTTP2Event] = []
    var counts = FrameCounts()
    var outboxes = StreamTable<Outbox>()
    /// The sum over the outboxes.
    var unsentBytes = 0
    /// HEADERS frames sent since the beginning.
    var headersSent = 0

    /// The header section being received. HTTP/2 allows one at a time on a connection.
    private var incoming = HeaderBlock()
    /// Its stream, between the first frame of a section and the end of its last (ATT-11).
    private(set) var incomingStream: StreamID?
    private var incomingSizeBytes = 0
    private var incomingCount = 0

    /// The bytes that are being received, while they are; DATA is reported as ranges of them.
    private var input: UnsafePointer<UInt8>?
    private var inputCount = 0
    /// Payload bytes since the last look, for the connection's window (FC-2).
    private(set) var dataBytes = 0

    /// Where DATA frames are written during a drain, and how much of it is.
    private var output = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var outputCount = 0

    /// To be sent right behind the next GOAWAY, and the same once that is sent. Not by the library: if it has both, it
    /// sends PING before GOAWAY, and the answer would say nothing.
    var pingAfterShutdownNotice: UInt64?
    var duePing: UInt64?
    /// The code of the last GOAWAY sent.
    var sentGoAway: HTTP2ErrorCode?

    init(role: HTTP2Configuration.Role, configuration: HTTP2Configuration) {
        self.role = role
        headerListLimitBytes = configuration.headerListLimitBytes
        headerFieldLimit = configuration.headerFieldLimit
    }

    func takeEvents() -> [HTTP2Event] {
        defer { events = [] }
        return events
    }

    func record(_ event: HTTP2Event) { events.append(event) }

    // MARK: Receiving

    /// Lends the mailbox the bytes about to be received. Ends with ``endInput()``.
    func beginInput(_ bytes: UnsafeBufferPointer<UInt8>) {
        unsafe input = bytes.baseAddress
        inputCount = bytes.count
        dataBytes = 0
        events.reserveCapacity(16)
    }

    func endInput() {
        unsafe input = nil
        inputCount = 0
    }

    /// - Returns: false if the bytes are not part of the input, which libnghttp2 rules out.
    func data(_ stream: StreamID, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard let base = unsafe input else { return false }
        let start = unsafe bytes - base
        guard start >= 0, count >= 0, start + count <= inputCount else { return false }
        dataBytes += count
        record(.data(stream, start..<(start + count)))
        return true
    }

    func beginHeaders(_ stream: StreamID) {
        incoming = HeaderBlock()
        incoming.reserve(byteCount: 384)
        incomingSizeBytes = 0
        incomingCount = 0
        incomingStream = stream
    }

    /// - Returns: false once the section is so far over the limit that the rest is not worth looking at (ATT-4).
    func header(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>, indexed: Bool) -> Bool {
        incomingSizeBytes += name.count + value.count + 32
        incomingCount += 1
        counts.headerFields += 1
        if incomingSizeBytes <= headerListLimitBytes, incomingCount <= headerFieldLimit {
            let range = unsafe value.span.trimmedRange
            unsafe incoming.append(name: name.span, value: value.span.extracting(range), indexed: indexed)
            return true
        }
        if !incoming.isTruncated { counts.oversizedHeaders += 1 }
        incoming.isTruncated = true
        let factor = HTTP2Configuration.headerBombFactor
        if incomingSizeBytes <= headerListLimitBytes * factor, incomingCount <= headerFieldLimit * factor { return true }
        // The stream ends here for either side; a client's caller hears why.
        if role == .client, let stream = incomingStream { endHeaders(stream, endsStream: false) }
        return false
    }

    func endHeaders(_ stream: StreamID, endsStream: Bool) {
        incomingStream = nil
        record(.headers(stream, incoming, endsStream: endsStream))
        incoming = HeaderBlock()
    }

    /// The section was malformed or far over its limit, so it has no end that the library would tell of.
    ///
    /// - Parameter stream: nil when a frame has begun that is not part of any section.
    func abandonHeaders(_ stream: StreamID? = nil) {
        guard let incomingStream, stream == nil || stream == incomingStream else { return }
        self.incomingStream = nil
        incoming = HeaderBlock()
    }

    func closed(_ stream: StreamID, _ code: HTTP2ErrorCode) {
        abandonHeaders(stream)
        unsentBytes -= outboxes.remove(stream)?.unsentBytes ?? 0
        record(.closed(stream, code))
    }

    // MARK: Sending

    /// Lends the mailbox room for output. Ends with ``endOutput()``.
    func beginOutput(_ room: UnsafeMutableRawBufferPointer) {
        unsafe output = room
        outputCount = 0
    }

    func endOutput() -> Int {
        unsafe output = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        return outputCount
    }

    /// One DATA frame: its head as the library made it, then bytes of the outbox.
    ///
    /// - Returns: false if there is no room for it *and* for the frame that the library may return after it.
    func writeData(_ stream: StreamID, head: UnsafeBufferPointer<UInt8>, count: Int) -> Bool {
        let whole = head.count + count
        guard unsafe whole + HTTP2Session.frameRoomBytes <= output.count - outputCount else { return false }
        let start = unsafe UnsafeMutableRawBufferPointer(rebasing: output[outputCount...])
        unsafe start.copyMemory(from: UnsafeRawBufferPointer(head))
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: output[(outputCount + head.count)...])
        if let outbox = outboxes[stream] {
            unsafe outbox.move(count, to: room)
            unsentBytes -= count
            if let mark = outbox.writableMark, outbox.unsentBytes <= mark {
                outbox.writableMark = nil
                record(.writable(stream))
            }
        }
        outputCount += whole
        return true
    }
}

extension Span<UInt8> {
    /// Without spaces and tabs at either end. The library is told to let them pass, because refusing them would reset
    /// the whole stream for one stray space in a value (NG-12).
    var trimmedRange: Range<Int> {
        var (start, end) = (0, count)
        while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
        while end > start, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }
}
