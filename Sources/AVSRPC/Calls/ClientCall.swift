/// One call as the client sees it, for all four kinds: what the server sent goes in, messages and one status come out.
///
/// The status comes after all messages that were complete before it, once (STA-6). A local failure (deadline, cancel,
/// lost connection) throws pending messages away.
public struct ClientCall: Sendable {
    public enum Step: Hashable, Sendable {
        case wait
        /// Response headers are here.
        case headers(Metadata)
        /// ``nextMessage(_:)`` has something to say.
        case ready
        /// As `ready`, and the stream must be reset with this HTTP/2 error code: the server has said its last word
        /// while our side is open, or it broke the protocol.
        case readyAndReset(UInt32)

        public var wantsReset: Bool {
            if case .readyAndReset = self { return true }
            return false
        }
    }

    public enum Next: Hashable, Sendable {
        case message([UInt8])
        case wait
        /// The end; OK or not. Trailing metadata is in the status.
        case end(RPCStatus)
    }

    private enum Server {
        /// No headers yet.
        case idle
        case streaming
        /// Something that is not gRPC; its text is kept for the error (MAP-1).
        case foreign(status: Int, contentType: String, body: [UInt8])
        case ended(RPCStatus)
    }

    public let kind: CallKind
    private var reader: MessageReader
    private var server = Server.idle
    private var encoding = MessageEncoding.identity
    private var hasOurSideEnded = false
    private var messagesTaken = 0
    /// The message that was taken last came compressed.
    public private(set) var lastWasCompressed = false
    private var reportedBytes = 0

    /// - Parameter limitBytes: largest response, also after decompression (CH-9).
    public init(kind: CallKind, limitBytes: Int) {
        self.kind = kind
        reader = MessageReader(limitBytes: limitBytes)
    }

    /// Response headers have come, or what stands for them: the call is not made again (RT-3).
    public private(set) var hasHeaders = false

    /// Responses may be compressed.
    public var inflatesResponses: Bool { encoding != .identity }

    /// Nothing of an answer has come: a call that the server refused unprocessed may be sent again (RT-2).
    public var isUnanswered: Bool {
        if case .idle = server { return true }
        return false
    }

    /// How the call ended, if it has; there may be messages to take before it.
    public var status: RPCStatus? {
        if case .ended(let status) = server { return status }
        return nil
    }

    public var hasEnded: Bool { status != nil }

    /// We have sent our END_STREAM.
    public mutating func endOurSide() { hasOurSideEnded = true }

    // MARK: What the server sends

    public mutating func receive(_ fields: ResponseFields, endsStream: Bool) -> Step {
        switch server {
        case .idle:
            if fields.isInformational { return .wait }
            return endsStream ? end(trailersOnly: fields) : begin(fields)
        case .streaming:
            guard endsStream else {
                return breakOff("the server sent a second header section in the middle of the answer")
            }
            return end(
                fields.status
                    ?? RPCStatus(.unknown, "the server ended the call without a status", metadata: fields.metadata))
        case .foreign:
            return endForeign()
        case .ended:
            return .wait
        }
    }

    private mutating func begin(_ fields: ResponseFields) -> Step {
        hasHeaders = true
        let httpStatus = fields.httpStatus ?? 0
        guard fields.isGRPC, httpStatus == 200 else {
            if let status = fields.status { return end(status) }
            server = .foreign(status: httpStatus, contentType: fields.contentType, body: [])
            return .wait
        }
        guard let encoding = fields.encoding else {  // CMP-4
            return breakOff("the server compresses with an encoding that was not offered")
        }
        if fields.hasUnreadableMetadata { return breakOff("the server sent metadata that is not base64") }
        server = .streaming
        self.encoding = encoding
        return .headers(fields.metadata)
    }

    private mutating func end(trailersOnly fields: ResponseFields) -> Step {
        if let status = fields.status { return end(status) }
        server = .foreign(status: fields.httpStatus ?? 0, contentType: fields.contentType, body: [])
        return endForeign()
    }

    public mutating func receive(_ bytes: Span<UInt8>) -> Step {
        switch server {
        case .idle:
            return breakOff("the server sent data before headers")
        case .streaming:
            reader.append(bytes)
            if !reader.hasMessage, let failure = reader.failure { return end(failure, resetCode: 0x8) }
            return reader.hasMessage ? .ready : .wait
        case .foreign(let status, let contentType, var body):
            body.append(copying: bytes.extracting(first: max(0, min(bytes.count, 1_024 - body.count))))
            server = .foreign(status: status, contentType: contentType, body: body)
            return .wait
        case .ended:
            return .wait
        }
    }

    /// The server ended the stream with DATA, which gRPC does not do.
    public mutating func receiveEnd() -> Step {
        switch server {
        case .idle: end(RPCStatus(.internal, "the server ended the stream without headers"))
        case .streaming: end(RPCStatus(.unknown, "the server ended the call without a status"))
        case .foreign: endForeign()
        case .ended: .wait
        }
    }

    private mutating func endForeign() -> Step {
        guard case .foreign(let status, let contentType, let body) = server else { return .wait }
        var text = "the answer is not gRPC: HTTP status \(status), content-type '\(contentType.prefix(128))'"
        if !body.isEmpty { text += ": " + String(decoding: body, as: UTF8.self) }
        return end(RPCStatus(StatusMapping.code(httpStatus: status), text))
    }

    private mutating func breakOff(_ text: String) -> Step {
        end(RPCStatus(.internal, text), resetCode: 0x1)
    }

    /// RSP-5: when the server has finished and we have not, the stream is reset so that both sides free it.
    private mutating func end(_ status: RPCStatus, resetCode: UInt32? = nil) -> Step {
        reader.end()
        server = .ended(status)
        if let resetCode { return .readyAndReset(resetCode) }
        return hasOurSideEnded ? .ready : .readyAndReset(0x0)
    }

    // MARK: Ends that are not the server's

    /// The stream was reset, refused or lost. Keeps complete messages; a status that came before stands (MAP-3).
    public mutating func close(_ status: RPCStatus) {
        if case .ended = server { return }
        server = .ended(status)
        reader = MessageReader(limitBytes: reader.limitBytes)
    }

    // MARK: What the caller takes

    /// A whole message waits to be taken.
    public var hasMessage: Bool { reader.hasMessage }

    /// The next response, decompressed; the status after the last.
    public mutating func nextMessage(_ compressor: MessageCompressor) -> Next {
        if let message = reader.take() {
            messagesTaken += 1
            lastWasCompressed = message.isCompressed
            if !kind.streamsResponses, messagesTaken > 1 {
                return fail(RPCStatus(.unimplemented, "the server sent more than one response"))
            }
            return decompressed(message, compressor)
        }
        guard case .ended(let status) = server else { return .wait }
        if status.isOK {
            if let failure = reader.failure { return fail(failure) }
            if !kind.streamsResponses, messagesTaken == 0 {
                return fail(RPCStatus(.unimplemented, "the server sent no response"))
            }
        }
        return .end(status)
    }

    private mutating func decompressed(_ message: MessageReader.Message, _ compressor: MessageCompressor) -> Next {
        guard message.isCompressed else { return .message(message.bytes) }
        guard encoding != .identity else {
            return fail(RPCStatus(.internal, "a message is marked compressed, but grpc-encoding announced nothing"))
        }
        do {
            return .message(try compressor.decompress(message.bytes, encoding, limitBytes: reader.limitBytes))
        } catch {
            return fail(RPCStatus(error))
        }
    }

    private mutating func fail(_ status: RPCStatus) -> Next {
        server = .ended(status)
        reader = MessageReader(limitBytes: reader.limitBytes)
        return .end(status)
    }

    /// As ``ServerCall/takeCredit(handlerIsWaiting:)``.
    public mutating func takeCredit(callerIsWaiting: Bool) -> Int {
        let due = callerIsWaiting && !reader.hasMessage ? reader.receivedBytes : reader.takenBytes
        guard due > reportedBytes else { return 0 }
        defer { reportedBytes = due }
        return due - reportedBytes
    }
}
