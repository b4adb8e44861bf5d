/// Up to eight bytes that go out in front of a chunk, without an array of their own: a length prefix.
public struct ChunkLead: Hashable, Sendable {
    /// The bytes, first one in the lowest eight bits.
    let packed: UInt64
    public let count: Int

    public static let none = ChunkLead(packed: 0, count: 0)

    private init(packed: UInt64, count: Int) {
        self.packed = packed
        self.count = count
    }

    /// One byte and a big-endian number after it.
    public init(_ first: UInt8, _ number: UInt32) {
        self.init(packed: UInt64(first) | (UInt64(number.byteSwapped) << 8), count: 5)
    }

    subscript(index: Int) -> UInt8 { UInt8(truncatingIfNeeded: packed >> UInt64(index * 8)) }
}

/// An outbox in the stream table, which hands it out without moving it.
final class OutboxHolder {
    @exclusivity(unchecked) private var held = Outbox()

    /// Not checked for overlapping access at run time: an outbox calls nothing that could come back.
    var outbox: Outbox {
        _read { yield unsafe held }
        _modify { yield unsafe &held }
    }
}

/// What one stream has still to send. The library pulls from here when windows and the frame size allow (FC-7).
struct Outbox {
    /// How our side of the stream ends.
    enum End {
        case open
        /// END_STREAM on the last DATA frame: a client's half-close.
        case withData
        /// A header section after the last DATA frame.
        case withTrailers(HeaderBlock)
        case withPrepared(PreparedHeaders)
        /// Handed to the library.
        case submitted
    }

    private struct Chunk {
        var lead = ChunkLead.none
        var body: [UInt8] = []
        var count: Int { lead.count + body.count }
    }

    /// The chunk that is being sent, nearly always the only one, and how much of it is sent.
    private var first = Chunk()
    private var sentOfFirst = 0
    /// Those after it, and how many of these have become the first since.
    private var later: [Chunk] = []
    private var startedLater = 0
    private(set) var unsentBytes = 0
    var end = End.open
    /// The library asked, got nothing, and must be told when there is something (NG-11).
    var isDeferred = false
    /// Report ``HTTP2Event/writable(_:)`` once `unsentBytes` is at most this.
    var writableMark: Int?

    /// - Returns: whether the library waits to be told; nil if our side has ended and nothing was taken.
    mutating func append(_ body: [UInt8], after lead: ChunkLead) -> Bool? {
        guard case .open = end else { return nil }
        let chunk = Chunk(lead: lead, body: body)
        guard chunk.count > 0 else { return false }
        if unsentBytes == 0 { first = chunk } else { later.append(chunk) }
        unsentBytes += chunk.count
        return takeDeferred()
    }

    /// - Returns: whether the library waits to be told.
    mutating func finish(_ end: End) -> Bool {
        guard case .open = self.end else { return false }
        self.end = end
        return takeDeferred()
    }

    /// - Returns: how many bytes are no longer unsent.
    mutating func discard() -> Int {
        defer {
            first = Chunk()
            later.removeAll()
            (sentOfFirst, startedLater, unsentBytes) = (0, 0, 0)
        }
        return unsentBytes
    }

    /// Moves the next `count` bytes to `output`, which has room for them.
    ///
    /// - Returns: whether the writable mark was reached by that.
    mutating func move(_ count: Int, to output: UnsafeMutableRawBufferPointer) -> Bool {
        var (written, wanted) = (0, min(count, unsentBytes))
        unsentBytes -= wanted
        while wanted > 0 {
            let moved = unsafe copyFromFirst(wanted, to: UnsafeMutableRawBufferPointer(rebasing: output[written...]))
            written += moved
            wanted -= moved
        }
        guard let mark = writableMark, unsentBytes <= mark else { return false }
        writableMark = nil
        return true
    }

    private mutating func copyFromFirst(_ limit: Int, to output: UnsafeMutableRawBufferPointer) -> Int {
        let lead = first.lead
        var written = 0
        while written < limit, sentOfFirst < lead.count {
            unsafe output[written] = lead[sentOfFirst]
            written += 1
            sentOfFirst += 1
        }
        let start = sentOfFirst - lead.count
        let moved = min(limit - written, first.body.count - start)
        if moved > 0 {
            unsafe first.body.withUnsafeBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(rebasing: output[written...])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + moved)]))
            }
            written += moved
            sentOfFirst += moved
        }
        if sentOfFirst == first.count { startNext() }
        return written
    }

    /// Frees the first chunk, which is sent.
    private mutating func startNext() {
        sentOfFirst = 0
        guard startedLater < later.count else {
            first = Chunk()
            return
        }
        first = later[startedLater]
        later[startedLater] = Chunk()
        startedLater += 1
        if startedLater == later.count {
            later.removeAll(keepingCapacity: true)
            startedLater = 0
        } else if startedLater > 64 {  // many small messages: forget the sent ones now and then, not one by one
            later.removeFirst(startedLater)
            startedLater = 0
        }
    }

    /// Whether the library waits to be told of new data; it is told once.
    private mutating func takeDeferred() -> Bool {
        defer { isDeferred = false }
        return isDeferred
    }
}
