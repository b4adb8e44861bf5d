/// One method of a service: its path, its shape, its limits and its handler.
///
///     RPCMethod.unary(path, request: GetTaskReq.codec, response: Task.codec) { request, call in
///         try await tasks.task(request.id, for: call[CallerKey.self])
///     }
///     RPCMethod.serverStreaming(path, request: …, response: …) { request, call, writer in
///         for await check in checks { try await writer.write(check) }
///     }
///
/// A handler runs in a task, on the connection's event loop: it may suspend and must not block (OV-4). The
/// task is cancelled when the caller resets the stream, the connection is lost or the deadline passes (CAN-2). What it
/// throws becomes the status.
public struct RPCMethod: Sendable {
    /// Limits of one method, where they differ from the server's.
    public struct Options: Hashable, Sendable {
        /// Largest request message; nil takes the server's limit (MSG-8). Anonymous methods want a small one.
        public var requestLimitBytes: Int?
        /// A caller's deadline is cut to this (DL-8).
        public var maximumTimeout: Duration?

        public init(requestLimitBytes: Int? = nil, maximumTimeout: Duration? = nil) {
            self.requestLimitBytes = requestLimitBytes
            self.maximumTimeout = maximumTimeout
        }
    }

    /// What the transport runs, with messages as bytes.
    public enum Handler: Sendable {
        case unary(@Sendable ([UInt8], CallContext) async throws -> [UInt8])
        case streaming(@Sendable (any ServerCallChannel, CallContext) async throws -> Void)
    }

    /// What never changes, behind one reference: each call has a copy of its method.
    private final class Facts: Sendable {
        let path: MethodPath
        let kind: CallKind
        let options: Options
        let handler: Handler

        init(_ path: MethodPath, _ kind: CallKind, _ options: Options, _ handler: Handler) {
            self.path = path
            self.kind = kind
            self.options = options
            self.handler = handler
        }
    }

    private let facts: Facts
    public var path: MethodPath { facts.path }
    public var kind: CallKind { facts.kind }
    public var options: Options { facts.options }
    public var handler: Handler { facts.handler }
    /// Its place among the methods of its server, from 0; for who counts calls by method.
    public internal(set) var number = 0

    /// A method over bytes. The typed functions below are what services use.
    public init(_ path: MethodPath, _ kind: CallKind, options: Options = Options(), handler: Handler) {
        facts = Facts(path, kind, options, handler)
    }

    /// One request, one response. With `response: .bytes` the handler returns bytes that are serialized already.
    public static func unary<Request: MessageCodec, Response: MessageCodec>(
        _ path: MethodPath, request: Request, response: Response, options: Options = Options(),
        _ handler: @escaping @Sendable (Request.Message, CallContext) async throws -> Response.Message
    ) -> RPCMethod {
        RPCMethod(
            path, .unary, options: options,
            handler: .unary { bytes, call in
                let message = try decoded(bytes, by: request)
                return try response.encode(await handler(message, call))
            })
    }

    /// One request, any number of responses.
    public static func serverStreaming<Request: MessageCodec, Response: MessageCodec>(
        _ path: MethodPath, request: Request, response: Response, options: Options = Options(),
        _ handler:
            @escaping @Sendable (Request.Message, CallContext, ResponseWriter<Response.Message>) async throws -> Void
    ) -> RPCMethod {
        RPCMethod(
            path, .serverStreaming, options: options,
            handler: .streaming { channel, call in
                guard let bytes = try await channel.nextMessage() else {
                    throw RPCStatus(.unimplemented, "the call carried no request")
                }
                let message = try decoded(bytes, by: request)
                try await handler(message, call, ResponseWriter(channel, response))
            })
    }

    /// Any number of requests, one response.
    public static func clientStreaming<Request: MessageCodec, Response: MessageCodec>(
        _ path: MethodPath, request: Request, response: Response, options: Options = Options(),
        _ handler: @escaping @Sendable (RequestStream<Request.Message>, CallContext) async throws -> Response.Message
    ) -> RPCMethod {
        RPCMethod(
            path, .clientStreaming, options: options,
            handler: .streaming { channel, call in
                let answer = try await handler(RequestStream(channel, request), call)
                try await channel.write(response.encode(answer), compress: true)
            })
    }

    /// Any number of both.
    public static func bidirectional<Request: MessageCodec, Response: MessageCodec>(
        _ path: MethodPath, request: Request, response: Response, options: Options = Options(),
        _ handler:
            @escaping @Sendable (RequestStream<Request.Message>, CallContext, ResponseWriter<Response.Message>)
            async throws -> Void
    ) -> RPCMethod {
        RPCMethod(
            path, .bidirectional, options: options,
            handler: .streaming { channel, call in
                try await handler(RequestStream(channel, request), call, ResponseWriter(channel, response))
            })
    }

    /// A message that does not parse is INTERNAL (MSG-10), unless the codec says otherwise.
    static func decoded<Message>(_ bytes: [UInt8], by codec: some MessageCodec<Message>) throws -> Message {
        do {
            return try codec.decode(bytes)
        } catch let status as RPCStatus {
            throw status
        } catch {
            throw RPCStatus(.internal, "the request could not be decoded: \(error)")
        }
    }
}

/// A call as its handler's wrappers see it: messages as bytes. The transport implements it; so may a test.
public protocol ServerCallChannel: AnyObject, Sendable {
    /// The next request; nil after the last. One caller at a time.
    ///
    /// - Throws: ``RPCStatus`` for a broken or oversized message, `CancellationError` once the call is over.
    func nextMessage() async throws -> [UInt8]?

    /// Queues a response and returns when the call's unsent bytes are under the limit (FC-7).
    ///
    /// - Throws: `CancellationError` once the call is over.
    func write(_ message: [UInt8], compress: Bool) async throws

    /// Sends the response headers now, before the first message (RSP-3).
    func sendHeaders() async throws
}

/// The responses of a streaming method.
public struct ResponseWriter<Message: Sendable>: Sendable {
    private let channel: any ServerCallChannel
    private let encode: @Sendable (Message) throws -> [UInt8]

    public init(_ channel: any ServerCallChannel, _ codec: some MessageCodec<Message>) {
        self.channel = channel
        encode = { try codec.encode($0) }
    }

    /// Sends one message; waits while the peer does not keep up (FC-7). That is the brake: do not write from several
    /// tasks at once without a bound of your own.
    ///
    /// - Parameter compress: false sends this one as it is on a compressed stream.
    /// - Throws: `CancellationError` once the call is over.
    public func write(_ message: Message, compress: Bool = true) async throws {
        try await channel.write(encode(message), compress: compress)
    }

    /// Sends the response headers now, for a stream whose first message is far away (RSP-3).
    public func sendHeaders() async throws { try await channel.sendHeaders() }
}

/// The requests of a streaming method, in order. One loop at a time.
public struct RequestStream<Message: Sendable>: AsyncSequence, Sendable {
    private let channel: any ServerCallChannel
    private let decode: @Sendable ([UInt8]) throws -> Message

    public init(_ channel: any ServerCallChannel, _ codec: some MessageCodec<Message>) {
        self.channel = channel
        decode = { try RPCMethod.decoded($0, by: codec) }
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let stream: RequestStream

        /// The window opens as messages are taken, so a slow loop slows the caller (FC-3).
        public mutating func next() async throws -> Message? {
            guard let bytes = try await stream.channel.nextMessage() else { return nil }
            return try stream.decode(bytes)
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }
}
