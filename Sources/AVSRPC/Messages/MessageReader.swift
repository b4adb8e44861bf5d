/// Takes messages off a stream of DATA, however it is cut (MSG-2).
///
///     | compressed: 1 byte, 0 or 1 | length: 4 bytes, big-endian, in bytes | message |
///
/// A message that lies whole in a chunk is copied out of it in one step, into an array of its own size: the only copy
/// on its way to a handler. Only one that spans chunks is put together (MSG-7), one at a time; bytes behind a complete
/// one wait as they came, so that a million tiny messages take no more memory than the window lets in (FC-6). A message
/// grows with what arrives, never by what its prefix announces (MSG-4), and a prefix over the limit fails before its
/// bytes come (MSG-3).
///
/// - Source: gRPC over HTTP/2, *Length-Prefixed-Message*.
public struct MessageReader: Sendable {
    public static let prefixBytes = 5

    public struct Message: Hashable, Sendable {
        public var isCompressed: Bool
        public var bytes: [UInt8]
    }

    private enum State {
        case prefix(UInt64, count: Int)
        case body(isCompressed: Bool, [UInt8], missing: Int)
        case complete(Message)
        case failed(RPCStatus)
    }

    public let limitBytes: Int
    private var state = State.prefix(0, count: 0)
    /// Bytes behind the complete message, and how many of them are used up.
    private var backlog: [UInt8] = []
    private var usedBacklog = 0
    private var hasEnded = false
    /// All bytes that came, and those of the messages that were taken, prefixes included (FC-3).
    public private(set) var receivedBytes = 0
    public private(set) var takenBytes = 0
    /// Messages that were put together from pieces.
    public private(set) var assembledMessages = 0

    /// - Parameter limitBytes: largest payload, without the prefix; exactly this passes (MSG-8).
    public init(limitBytes: Int) {
        self.limitBytes = limitBytes
    }

    /// A message can be taken.
    public var hasMessage: Bool {
        if case .complete = state { return true }
        return false
    }

    /// Bytes followed the complete message: a second one has begun.
    public var hasMore: Bool { usedBacklog < backlog.count }

    /// Why no further message will come, if that is so.
    public var failure: RPCStatus? {
        if case .failed(let status) = state { return status }
        return nil
    }

    /// Everything was taken and the peer has ended.
    public var isAtEnd: Bool {
        if case .prefix(_, 0) = state { return hasEnded }
        return false
    }

    /// What the waiting bytes occupy; for tests.
    var backlogCapacity: Int { backlog.capacity }

    public mutating func append(_ bytes: Span<UInt8>) {
        receivedBytes += bytes.count
        if takeWhole(bytes) { return }
        let used = backlog.isEmpty ? advance(bytes, from: 0) : 0
        guard used < bytes.count else { return }
        if usedBacklog > backlog.count / 2 {  // a stream that never runs dry must not keep what it used
            backlog.removeFirst(usedBacklog)
            usedBacklog = 0
        }
        backlog.append(copying: bytes.extracting(used...))
    }

    /// The usual case in one step: a small request, alone in its frame.
    private mutating func takeWhole(_ bytes: Span<UInt8>) -> Bool {
        guard case .prefix(_, 0) = state, backlog.isEmpty, bytes.count > Self.prefixBytes, bytes[0] <= 1 else {
            return false
        }
        var length = 0
        for index in 1..<Self.prefixBytes { length = length << 8 | Int(bytes[index]) }
        guard length == bytes.count - Self.prefixBytes, length <= limitBytes else { return false }
        let message = Message(isCompressed: bytes[0] == 1, bytes: Array(copying: bytes.extracting(Self.prefixBytes...)))
        state = .complete(message)
        return true
    }

    /// The peer will send nothing more. Inside a message that is an error (MSG-5).
    public mutating func end() {
        hasEnded = true
        checkEnd()
    }

    public mutating func take() -> Message? {
        guard case .complete(let message) = state else { return nil }
        state = .prefix(0, count: 0)
        takenBytes += Self.prefixBytes + message.bytes.count
        if hasMore {
            let waiting = backlog
            backlog = []
            usedBacklog = advance(waiting.span, from: usedBacklog)
            if usedBacklog < waiting.count { backlog = waiting } else { usedBacklog = 0 }
        }
        checkEnd()
        return message
    }

    private mutating func checkEnd() {
        guard hasEnded else { return }
        switch state {
        case .prefix(_, 0), .complete, .failed: break
        case .prefix(_, let count): fail(.internal, "the stream ended after \(count) bytes of a message's prefix")
        case .body(_, _, let missing): fail(.internal, "the stream ended \(missing) bytes before the end of a message")
        }
    }

    private mutating func fail(_ code: RPCCode, _ message: String) {
        state = .failed(RPCStatus(code, message))
        backlog = []
        usedBacklog = 0
    }

    /// Uses bytes until a message is complete. Returns where it stopped.
    private mutating func advance(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            switch state {
            case .prefix(var prefix, var count):
                while index < bytes.count, count < Self.prefixBytes {
                    prefix = prefix << 8 | UInt64(bytes[index])
                    index += 1
                    count += 1
                }
                state = .prefix(prefix, count: count)
                if count == Self.prefixBytes { beginBody(prefix) }
            case .body(let isCompressed, var body, let missing):
                state = .prefix(0, count: 0)  // give up our copy, so that the append is in place
                let count = min(missing, bytes.count - index)
                if count == missing, !body.isEmpty { assembledMessages += 1 }
                let capacity = Self.capacity(for: body.count + count, of: body.count + missing, now: body.capacity)
                if capacity > body.capacity { body.reserveCapacity(capacity) }
                body.append(copying: bytes.extracting(index..<(index + count)))
                index += count
                state =
                    count == missing
                    ? .complete(Message(isCompressed: isCompressed, bytes: body))
                    : .body(isCompressed: isCompressed, body, missing: missing - count)
            case .complete:
                return index
            case .failed:
                return bytes.count
            }
        }
        return index
    }

    /// Room for what has come of a message: twice as much each time, and from an eighth of it on all of it, so that a
    /// large one is moved about little and still holds only what its sender has paid for (MSG-4, OVL-10).
    private static func capacity(for received: Int, of length: Int, now capacity: Int) -> Int {
        if received <= capacity { return capacity }
        return received >= length / 8 ? length : max(received, min(capacity * 2, length), 1_024)
    }

    private mutating func beginBody(_ prefix: UInt64) {
        let (flag, length) = (prefix >> 32, Int(prefix & 0xffff_ffff))
        if flag > 1 {
            fail(.internal, "a message's compression flag is \(flag); 0 and 1 are allowed")
        } else if length > limitBytes {
            fail(.resourceExhausted, "a message of \(length) bytes is over the limit of \(limitBytes) bytes")
        } else if length == 0 {
            state = .complete(Message(isCompressed: flag == 1, bytes: []))
        } else {
            state = .body(isCompressed: flag == 1, [], missing: length)
        }
    }
}
