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

/// What one stream has still to send. The library pulls from here when windows and the frame size allow (FC-7).
struct Outbox {
    /// How our side of the stream ends.
    enum End {
        case open
        /// END_STREAM on the last DATA frame: a client's half-close.
        case withData
        /// A header section after the last DATA frame.
        case withTrailers(HeaderBlock)
        /// Handed to the library.
        case submitted
    }

    private struct Chunk {
        var lead: ChunkLead
        var body: [UInt8]
        var count: Int { lead.count + body.count }
    }

    private var chunks: [Chunk] = []
    /// How many of `chunks` are sent, and how much of the first that is not.
    private var sentChunks = 0
    private var sentOfFirst = 0
    private(set) var unsentBytes = 0
    var end = End.open
    /// The library asked, got nothing, and must be told when there is something (NG-11).
    var isDeferred = false
    /// Report ``HTTP2Event/writable(_:)`` once `unsentBytes` is at most this.
    var writableMark: Int?

    mutating func append(_ body: [UInt8], after lead: ChunkLead) {
        let chunk = Chunk(lead: lead, body: body)
        guard chunk.count > 0 else { return }
        chunks.append(chunk)
        unsentBytes += chunk.count
    }

    mutating func discard() {
        chunks.removeAll()
        (sentChunks, sentOfFirst, unsentBytes) = (0, 0, 0)
    }

    /// Moves the next `count` bytes to `output`, which has room for them.
    mutating func move(_ count: Int, to output: UnsafeMutableRawBufferPointer) {
        var (written, wanted) = (0, min(count, unsentBytes))
        unsentBytes -= wanted
        while wanted > 0 {
            let moved = unsafe copyFromFirst(wanted, to: UnsafeMutableRawBufferPointer(rebasing: output[written...]))
            written += moved
            wanted -= moved
        }
        if sentChunks == chunks.count {
            chunks.removeAll(keepingCapacity: true)
            sentChunks = 0
        } else if sentChunks > 64 {  // many small messages: forget the sent ones now and then, not one by one
            chunks.removeFirst(sentChunks)
            sentChunks = 0
        }
    }

    private mutating func copyFromFirst(_ limit: Int, to output: UnsafeMutableRawBufferPointer) -> Int {
        let lead = chunks[sentChunks].lead
        var written = 0
        while written < limit, sentOfFirst < lead.count {
            unsafe output[written] = lead[sentOfFirst]
            written += 1
            sentOfFirst += 1
        }
        let start = sentOfFirst - lead.count
        let body = chunks[sentChunks].body
        let moved = min(limit - written, body.count - start)
        if moved > 0 {
            unsafe body.withUnsafeBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(rebasing: output[written...])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + moved)]))
            }
            written += moved
            sentOfFirst += moved
        }
        if sentOfFirst == lead.count + body.count {
            chunks[sentChunks] = Chunk(lead: .none, body: [])  // free the sent one now
            sentChunks += 1
            sentOfFirst = 0
        }
        return written
    }
}
