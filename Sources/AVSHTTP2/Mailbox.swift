import CNGHTTP2

/// What the callbacks write into and read from. Nothing of ours runs inside libnghttp2 but these few appends (NG-1).
///
/// Lies at an address of its own, which libnghttp2 gives to the callbacks: no reference to count and no access to check
/// at run time, where every frame passes several times and every header field once. Touched only by the session that
/// owns it, on that session's thread.
@safe struct Mailbox: ~Copyable {
    let role: HTTP2Configuration.Role

    private(set) var events: [HTTP2Event] = []
    var counts = FrameCounts()
    var outboxes = StreamTable<OutboxHolder>()
    /// The sum over the outboxes.
    var unsentBytes = 0
    /// HEADERS frames sent since the beginning.
    var headersSent = 0

    /// The header section being received. HTTP/2 allows one at a time on a connection.
    private var incoming: IncomingHeaders
    /// Its stream, between the first frame of a section and the end of its last (ATT-11).
    var incomingStream: StreamID? { incoming.stream }

    /// The bytes that are being received, while they are; DATA is reported as ranges of them.
    private var input = unsafe UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    /// Payload bytes since the last look, for the connection's window (FC-2).
    private(set) var dataBytes = 0

    /// Where DATA frames are written during a drain, and how much of it is.
    private var output = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var outputCount = 0

    /// A DATA frame waits for more room than there was since ``beginOutput(_:)``.
    private(set) var wantsRoom = false

    /// To be sent right behind the next GOAWAY, and the same once that is sent. Not by the library: if it has both, it
    /// sends PING before GOAWAY, and the answer would say nothing.
    var pingAfterShutdownNotice: UInt64?
    /// The same behind the next WINDOW_UPDATE of the connection (FC-10).
    var pingAfterCredit: UInt64?
    var duePing: UInt64?
    /// The frames since they were last taken: of one read or one drain. Nil if nobody wants to know (OB-4).
    private(set) var notes: [FrameNote]?
    /// The code of the last GOAWAY sent.
    var sentGoAway: HTTP2ErrorCode?

    init(role: HTTP2Configuration.Role, configuration: HTTP2Configuration) {
        self.role = role
        notes = configuration.notesFrames ? [] : nil
        incoming = IncomingHeaders(
            sizeLimitBytes: configuration.headerListLimitBytes, fieldLimit: configuration.headerFieldLimit)
    }

    mutating func takeEvents() -> [HTTP2Event] {
        defer { events = [] }
        return events
    }

    mutating func takeCounts() -> FrameCounts {
        defer { counts = FrameCounts() }
        incoming.takeCounts(into: &counts)
        return counts
    }

    mutating func record(_ event: HTTP2Event) { events.append(event) }

    // MARK: Notes

    mutating func takeNotes() -> [FrameNote] {
        guard let notes, !notes.isEmpty else { return [] }
        self.notes = []
        return notes
    }

    /// - Parameter make: called only if notes are kept.
    mutating func note(_ make: (_ fields: HeaderBlock) -> FrameNote) {
        guard notes != nil else { return }
        notes?.append(make(incoming.block))
    }

    // MARK: Receiving

    /// Lends the mailbox the bytes about to be received. Ends with ``endInput()``.
    mutating func beginInput(_ bytes: UnsafeBufferPointer<UInt8>) {
        unsafe input = unsafe bytes
        dataBytes = 0
        // A small call takes about 60 bytes for each of its events; a read full of a large message has few.
        events.reserveCapacity(min(max(bytes.count / 60, 8), 128))
    }

    mutating func endInput() {
        unsafe input = UnsafeBufferPointer(start: nil, count: 0)
    }

    /// - Returns: false if the bytes are not part of the input, which libnghttp2 rules out.
    mutating func data(_ stream: StreamID, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let input = unsafe self.input
        guard let base = input.baseAddress else { return false }
        let start = unsafe bytes - base
        guard start >= 0, count >= 0, start + count <= input.count else { return false }
        dataBytes += count
        record(.data(stream, start..<(start + count)))
        return true
    }

    mutating func beginHeaders(_ stream: StreamID) { incoming.begin(stream) }

    /// - Returns: false once the section is so far over the limit that the rest is not worth looking at (ATT-4).
    mutating func header(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>, indexed: Bool) -> Bool {
        if unsafe incoming.append(name: name, value: value, indexed: indexed) { return true }
        // The stream ends here for either side; a client's caller hears why.
        if role == .client, let stream = incomingStream { endHeaders(stream, endsStream: false) }
        return false
    }

    mutating func endHeaders(_ stream: StreamID, endsStream: Bool) {
        record(.headers(stream, incoming.take(), endsStream: endsStream))
    }

    /// The section was malformed or far over its limit, so it has no end that the library would tell of.
    ///
    /// - Parameter stream: nil when a frame has begun that is not part of any section.
    mutating func abandonHeaders(_ stream: StreamID? = nil) {
        guard let current = incoming.stream, stream == nil || stream == current else { return }
        _ = incoming.take()
    }

    mutating func closed(_ stream: StreamID, _ code: HTTP2ErrorCode) {
        abandonHeaders(stream)
        unsentBytes -= outboxes.remove(stream)?.outbox.unsentBytes ?? 0
        record(.closed(stream, code))
    }

    // MARK: Sending

    /// Lends the mailbox room for output. Ends with ``endOutput()``.
    mutating func beginOutput(_ room: UnsafeMutableRawBufferPointer) {
        unsafe output = room
        outputCount = 0
        wantsRoom = false
    }

    mutating func endOutput() -> Int {
        unsafe output = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        return outputCount
    }

    /// One DATA frame: its head as the library made it, then bytes of the outbox.
    ///
    /// - Returns: false if there is no room for it *and* for the frame that the library may return after it.
    mutating func writeData(_ stream: StreamID, head: UnsafeBufferPointer<UInt8>, count: Int) -> Bool {
        let whole = head.count + count
        guard unsafe whole + HTTP2Session.frameRoomBytes <= output.count - outputCount else {
            wantsRoom = true
            return false
        }
        let start = unsafe UnsafeMutableRawBufferPointer(rebasing: output[outputCount...])
        unsafe start.copyMemory(from: UnsafeRawBufferPointer(head))
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: output[(outputCount + head.count)...])
        if let holder = outboxes[stream] {
            unsentBytes -= count
            if unsafe holder.outbox.move(count, to: room) { record(.writable(stream)) }
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
