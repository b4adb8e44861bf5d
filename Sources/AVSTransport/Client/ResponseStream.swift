public import AVSRPC

/// The responses of a streaming call, in order. One loop at a time.
///
/// Ends after an OK status; any other status is thrown as ``RPCStatus`` after the messages before it (STA-6).
public struct ResponseStream<Message: Sendable>: AsyncSequence, Sendable {
    private let stream: any ClientCallChannel
    private let decode: @Sendable ([UInt8]) throws -> Message

    init(_ stream: any ClientCallChannel, _ codec: some MessageCodec<Message>) {
        self.stream = stream
        decode = { try Self.decoded($0, by: codec) }
    }

    /// MSG-10.
    static func decoded(_ bytes: [UInt8], by codec: some MessageCodec<Message>) throws -> Message {
        do {
            return try codec.decode(bytes)
        } catch {
            throw RPCStatus(.internal, "the response could not be decoded: \(error)")
        }
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let responses: ResponseStream

        /// The window opens as messages are taken, so a slow loop slows the server (FC-3).
        public mutating func next() async throws -> Message? {
            guard let bytes = try await responses.stream.nextMessage() else { return nil }
            return try responses.decode(bytes)
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(responses: self) }

    /// Whether the response that the loop took last came compressed.
    public var lastWasCompressed: Bool { stream.lastWasCompressed }

    /// What came with the response headers; waits for them. An answer without headers of its own has none.
    ///
    /// - Throws: the call's status if it failed before it had headers.
    public var initialMetadata: Metadata { get async throws { try await stream.responseMetadata } }

    /// The status of the call, with trailing metadata; waits until the loop has taken everything before it.
    public var status: RPCStatus { get async throws { try await stream.status } }
}

/// The requests of a streaming call.
public struct RequestWriter<Message: Sendable>: Sendable {
    private let stream: any ClientCallChannel
    private let encode: @Sendable (Message) throws -> [UInt8]

    init(_ stream: any ClientCallChannel, _ codec: some MessageCodec<Message>) {
        self.stream = stream
        encode = { try codec.encode($0) }
    }

    /// Sends one message; waits while the server does not keep up (FC-7).
    ///
    /// - Parameter compress: false sends this one as it is in a call with a ``CallOptions/requestEncoding``.
    /// - Throws: ``RPCStatus`` once the call is over; its own status is what the responses end with.
    public func write(_ message: Message, compress: Bool = true) async throws {
        try await stream.write(encode(message), compress: compress)
    }

    /// No more requests (MSG-11).
    public func finish() { stream.finishRequests() }
}
