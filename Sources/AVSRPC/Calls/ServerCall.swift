/// One call as the server sees it, for all four kinds. Bytes and the handler's wishes go in; what to do comes out.
///
/// Two sides, each with its own life. The peer's: open, then ended. Ours: nothing sent, headers sent, ended. Anything a
/// peer can send has an answer here. The transport owns the stream: it sends what the steps say and tells the call when
/// the stream is gone.
public struct ServerCall: Sendable {
    /// What to do after input.
    public enum Step: Hashable, Sendable {
        /// Nothing changed for the handler.
        case wait
        /// ``nextMessage(_:)`` has something to say.
        case ready
        /// The call cannot go on; end it with this.
        case fail(RPCStatus)
    }

    public enum Next: Hashable, Sendable {
        case message([UInt8])
        case end
        /// Nothing yet.
        case wait
        case fail(RPCStatus)
    }

    /// A response on its way out.
    public struct Output: Hashable, Sendable {
        /// Response headers go first.
        public var needsHeaders: Bool
        public var message: OutgoingMessage
    }

    /// How the end looks on the wire.
    public enum End: Hashable, Sendable {
        /// One header section is the whole answer (RSP-2).
        case trailersOnly
        case trailers
        /// The call has ended before; say nothing.
        case ignored
    }

    private enum Ours { case idle, streaming, ended }

    /// Single requests are not given to a handler, and no interceptor runs, before they are complete (ATT-1), but for
    /// one that is still incomplete after this many bytes: its caller is asked who it is before more is stored. Half a
    /// small window, since nobody reads on, and the peer sends no more than a window, before the handler has started.
    private let earlyStartBytes: Int

    public let kind: CallKind
    public let requestEncoding: MessageEncoding
    public private(set) var responseEncoding: MessageEncoding
    /// The message that was taken last came compressed.
    public private(set) var lastWasCompressed = false
    private var reader: MessageReader
    private var hasPeerEnded = false
    private var ours = Ours.idle
    private var messagesTaken = 0
    private var reportedBytes = 0

    /// - Parameters:
    ///   - limitBytes: largest request, also after decompression (MSG-8, CMP-6).
    ///   - requestEncoding: what `grpc-encoding` announced.
    ///   - responseEncoding: what our messages may be compressed with; the caller has listed it (CMP-7).
    ///   - windowBytes: what the peer may send before we report any of it as consumed.
    public init(
        kind: CallKind, limitBytes: Int, requestEncoding: MessageEncoding = .identity,
        responseEncoding: MessageEncoding = .identity, windowBytes: Int = 65_535
    ) {
        self.kind = kind
        earlyStartBytes = min(64 * 1024, windowBytes / 2)
        self.requestEncoding = requestEncoding
        self.responseEncoding = responseEncoding
        reader = MessageReader(limitBytes: limitBytes)
    }

    // MARK: The peer's side

    /// Takes payload of DATA frames. After our end it is dropped.
    public mutating func receive(_ bytes: Span<UInt8>) -> Step {
        guard ours != .ended, !hasPeerEnded else { return .wait }
        reader.append(bytes)
        return stepAfterInput()
    }

    /// Takes the peer's END_STREAM.
    public mutating func receiveEnd() -> Step {
        guard ours != .ended, !hasPeerEnded else { return .wait }
        hasPeerEnded = true
        reader.end()
        return stepAfterInput()
    }

    private func stepAfterInput() -> Step {
        if !reader.hasMessage, let failure = reader.failure { return .fail(failure.asRefusal()) }
        if !kind.streamsRequests {
            if reader.hasMore || (messagesTaken > 0 && reader.hasMessage) {
                return .fail(RPCStatus(.unimplemented, "the method takes one request, the call carried a second one"))
            }
            if reader.isAtEnd, messagesTaken == 0 {
                return .fail(RPCStatus(.unimplemented, "the method takes one request, the call carried none"))
            }
        }
        return reader.hasMessage || reader.isAtEnd ? .ready : .wait
    }

    /// The handler may start.
    public var mayStart: Bool {
        kind.streamsRequests || hasPeerEnded || reader.receivedBytes >= earlyStartBytes
    }

    /// The next request, decompressed.
    public mutating func nextMessage(_ compressor: MessageCompressor) -> Next {
        guard ours != .ended else { return .end }
        if let message = reader.take() {
            messagesTaken += 1
            lastWasCompressed = message.isCompressed
            return decompressed(message, compressor)
        }
        if let failure = reader.failure { return .fail(failure.asRefusal()) }
        return reader.isAtEnd ? .end : .wait
    }

    private func decompressed(_ message: MessageReader.Message, _ compressor: MessageCompressor) -> Next {
        guard message.isCompressed else { return .message(message.bytes) }
        guard requestEncoding != .identity else {  // CMP-3
            return .fail(RPCStatus(.internal, "a message is marked compressed, but grpc-encoding announced nothing"))
        }
        do {
            return .message(
                try compressor.decompress(message.bytes, requestEncoding, limitBytes: reader.limitBytes))
        } catch {
            return .fail(RPCStatus(error).asRefusal(isPassing: error == .outOfMemory))
        }
    }

    /// How many received bytes to report as consumed on the stream (FC-3): those of the messages taken, and while the
    /// handler waits all of them, since the rest of the message it waits for may be larger than the window. Nothing
    /// once the peer has ended: it has no use for the window.
    public mutating func takeCredit(handlerIsWaiting: Bool) -> Int {
        guard !hasPeerEnded else { return 0 }
        let due = handlerIsWaiting && !reader.hasMessage ? reader.receivedBytes : reader.takenBytes
        guard due > reportedBytes else { return 0 }
        defer { reportedBytes = due }
        return due - reportedBytes
    }

    /// What came and was not taken, prefixes included.
    public var queuedBytes: Int { ours == .ended ? 0 : reader.receivedBytes - reader.takenBytes }

    /// A whole message waits to be taken.
    public var hasMessage: Bool { reader.hasMessage }

    // MARK: Our side

    /// What our messages may be compressed with from now on. The response headers name it: once they are out it stays.
    public mutating func setResponseEncoding(_ encoding: MessageEncoding) {
        if ours == .idle { responseEncoding = encoding }
    }

    /// A response. Nil once the call has ended: it goes nowhere (CAN-3).
    public mutating func write(_ message: [UInt8], compress: Bool, _ compressor: MessageCompressor) -> Output? {
        guard ours != .ended else { return nil }
        return write(OutgoingMessage(message, compress ? responseEncoding : .identity, compressor))
    }

    /// The same, of a message that was compressed with ``responseEncoding`` elsewhere (CMP-10).
    public mutating func write(_ message: OutgoingMessage) -> Output? {
        guard ours != .ended else { return nil }
        defer { ours = .streaming }
        return Output(needsHeaders: ours == .idle, message: message)
    }

    /// Response headers ahead of the first message (RSP-3). False if they are out already or no longer wanted.
    public mutating func sendHeaders() -> Bool {
        guard ours == .idle else { return false }
        ours = .streaming
        return true
    }

    /// Our end.
    public mutating func end() -> End {
        defer { ours = .ended }
        switch ours {
        case .idle: return .trailersOnly
        case .streaming: return .trailers
        case .ended: return .ignored
        }
    }

    /// The stream is gone: reset, lost, or given up at its deadline.
    public mutating func abandon() { ours = .ended }

    /// Our headers, or all there is, are out.
    public var hasBegun: Bool { ours != .idle }

    public var hasEnded: Bool { ours == .ended }
}

/// A message as it goes out, behind its prefix.
public struct OutgoingMessage: Hashable, Sendable {
    public let isCompressed: Bool
    public let bytes: [UInt8]

    /// Compresses if that is worth it (CMP-7).
    public init(_ message: [UInt8], _ encoding: MessageEncoding, _ compressor: MessageCompressor) {
        if encoding != .identity, let smaller = compressor.compressIfWorthwhile(message, encoding) {
            (isCompressed, bytes) = (true, smaller)
        } else {
            (isCompressed, bytes) = (false, message)
        }
    }
}

extension RPCStatus {
    /// The failure of a message, for the one who sent it: what is too large once is so always (OVL-5).
    fileprivate func asRefusal(isPassing: Bool = false) -> RPCStatus {
        guard code == .resourceExhausted else { return self }
        return isPassing
            ? with(RetryAdvice(after: .seconds(1), spread: message.hashValue), limit: "memory")
            : with(.never, limit: "size of a message")
    }

    /// CMP-5, CMP-6.
    init(_ failure: MessageCompressor.Failure) {
        switch failure {
        case .corrupt(let text): self.init(.internal, text)
        case .tooLarge(let limit):
            self.init(.resourceExhausted, "a message is over the limit of \(limit) bytes once decompressed")
        case .outOfMemory: self.init(.resourceExhausted, "no memory to decompress a message")
        }
    }
}
