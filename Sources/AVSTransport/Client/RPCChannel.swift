public import AVSPrimitives
public import AVSRPC
public import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Calls to one server over one connection, which is opened when it is wanted and opened again when it is lost.
///
///     let channel = try RPCChannel(target: "127.0.0.1:2206", time: SystemTime(), logger: logger)
///     let task = try await channel.unary(path, request, request: GetTaskReq.codec, response: Task.codec)
///     try await channel.serverStreaming(path, request, request: …, response: …) { checks in
///         for try await check in checks { … }
///     }
///     await channel.close()
///
/// Every call either returns what was asked for or throws an ``RPCStatus``, `cancelled` when the surrounding task was
/// cancelled. Streaming calls live as long as the closure they are given: whatever way it returns, the call is over.
public final class RPCChannel: Sendable {
    /// CH-1.
    public enum Connectivity: Hashable, Sendable {
        case idle, connecting, ready, transientFailure, shutdown
    }

    private let core: ChannelCore
    /// If calls go round several addresses.
    private let balancer: RoundRobin?
    private let configuration: Configuration
    private let callInterceptors: [any ClientCallInterceptor]
    private let time: any TimeSource
    private let authority: String

    /// Opens nothing yet.
    ///
    /// - Throws: ``RPCStatus`` for a target that names no address (``Target``).
    public convenience init(
        target: String, configuration: Configuration = Configuration(), time: any TimeSource, logger: Logger
    ) throws {
        guard let target = Target(target) else {
            throw RPCStatus(
                .internal, "'\(target)' names no address; wanted host:port, unix:/path or unix-abstract:name")
        }
        self.init(
            target: target, configuration: configuration, time: time, logger: logger,
            eventLoop: MultiThreadedEventLoopGroup.singleton.next())
    }

    init(
        target: Target, configuration: Configuration, time: any TimeSource, logger: Logger, eventLoop: any EventLoop
    ) {
        let loop = LoopContext(eventLoop, time: time)
        core = ChannelCore(target: target, configuration: configuration, loop: loop, time: time, logger: logger)
        let goesRound = configuration.loadBalancing == .roundRobin && (target.addresses.count > 1 || target.name != nil)
        balancer = goesRound ? RoundRobin(core) : nil
        self.configuration = configuration
        callInterceptors = configuration.interceptors.compactMap { $0 as? any ClientCallInterceptor }
        self.time = time
        authority = configuration.authority ?? target.authority
    }

    /// A channel that nobody holds has no calls; its connection is not left behind.
    deinit {
        let (core, balancer) = (self.core, self.balancer)
        core.loop.eventLoop.execute { Self.close(core, balancer) {} }
    }

    /// Ends open calls with UNAVAILABLE and closes the connection. Calls after that fail.
    public func close() async {
        let (core, balancer, waiter) = (self.core, self.balancer, Waiter<Void>())
        core.loop.eventLoop.execute { Self.close(core, balancer) { waiter.resume() } }
        do { try await waiter.value() } catch { return }  // cancelled: closing goes on
    }

    private static func close(_ core: ChannelCore, _ balancer: RoundRobin?, _ then: @escaping () -> Void) {
        if let balancer { balancer.close(then) } else { core.close(then) }
    }

    public var connectivity: Connectivity {
        get async {
            let waiter = Waiter<Connectivity>()
            let core = self.core
            core.loop.eventLoop.execute { waiter.resume { .success(core.connectivity) } }
            do { return try await waiter.value() } catch { return .idle }
        }
    }

    /// What ``connectivity`` is now and every time that it changes; who reads slowly gets the latest only. Ends after
    /// `shutdown` (CH-1).
    public var connectivityChanges: AsyncStream<Connectivity> {
        let (stream, observer) = AsyncStream.makeStream(of: Connectivity.self, bufferingPolicy: .bufferingNewest(1))
        let core = self.core
        core.loop.eventLoop.execute { core.observe(observer) }
        return stream
    }

    /// Leaves the pause between attempts to connect: the next one is made at once (CH-2).
    public func resetBackoff() {
        let (core, balancer) = (self.core, self.balancer)
        core.loop.eventLoop.execute { if let balancer { balancer.resetBackoff() } else { core.resetBackoff() } }
    }

    // MARK: Calls

    /// One request, one response.
    public func unary<Request: MessageCodec, Response: MessageCodec>(
        _ path: MethodPath, _ message: Request.Message, request: Request, response: Response,
        options: CallOptions = CallOptions()
    ) async throws -> Response.Message {
        try await unaryResponse(path, message, request: request, response: response, options: options).message
    }

    /// One request, one response with the metadata around it.
    public func unaryResponse<Request: MessageCodec, Response: MessageCodec>(
        _ path: MethodPath, _ message: Request.Message, request: Request, response: Response,
        options: CallOptions = CallOptions()
    ) async throws -> RPCResponse<Response.Message> {
        let bytes = try request.encode(message)
        return try await withStream(path, .unary, options) { stream in
            try await Self.send(bytes, stream)
            return try await Self.single(of: stream, response)
        }
    }

    /// One request, any number of responses.
    public nonisolated(nonsending) func serverStreaming<Request: MessageCodec, Response: MessageCodec, Result>(
        _ path: MethodPath, _ message: Request.Message, request: Request, response: Response,
        options: CallOptions = CallOptions(),
        _ body: nonisolated(nonsending) (ResponseStream<Response.Message>) async throws -> Result
    ) async throws -> Result {
        let bytes = try request.encode(message)
        return try await withStream(path, .serverStreaming, options) { stream in
            try await Self.send(bytes, stream)
            return try await body(ResponseStream(stream, response))
        }
    }

    /// Any number of requests, one response. The requests end when `body` returns.
    public nonisolated(nonsending) func clientStreaming<Request: MessageCodec, Response: MessageCodec>(
        _ path: MethodPath, request: Request, response: Response, options: CallOptions = CallOptions(),
        _ body: nonisolated(nonsending) (RequestWriter<Request.Message>) async throws -> Void
    ) async throws -> Response.Message {
        try await withStream(path, .clientStreaming, options) { stream in
            try await body(RequestWriter(stream, request))
            stream.finishRequests()
            return try await Self.single(of: stream, response).message
        }
    }

    /// Any number of both.
    public nonisolated(nonsending) func bidirectional<Request: MessageCodec, Response: MessageCodec, Result>(
        _ path: MethodPath, request: Request, response: Response, options: CallOptions = CallOptions(),
        _ body:
            nonisolated(nonsending) (RequestWriter<Request.Message>, ResponseStream<Response.Message>) async throws ->
            Result
    ) async throws -> Result {
        try await withStream(path, .bidirectional, options) { stream in
            try await body(RequestWriter(stream, request), ResponseStream(stream, response))
        }
    }

    // MARK: One shape for all four

    /// Runs a call for as long as `body` does; what is left of it then is cancelled (CAN-5).
    private nonisolated(nonsending) func withStream<Result>(
        _ path: MethodPath, _ kind: CallKind, _ options: CallOptions,
        _ body: nonisolated(nonsending) (any ClientCallChannel) async throws -> Result
    ) async throws -> Result {
        let began = time.monotonic
        let options = try await prepared(options, for: path)
        if Task.isCancelled { throw RPCStatus(.cancelled, "the task was cancelled before the call") }
        if !callInterceptors.isEmpty { return try await withIntercepted(path, kind, options, began: began, body) }
        let stream = makeStream(path, kind, options, began: began)
        return try await withTaskCancellationHandler {
            defer { stream.cancel() }
            stream.start()
            do {
                return try await body(stream)
            } catch is CancellationError {
                throw RPCStatus(.cancelled, "the call was cancelled")
            }
        } onCancel: {
            stream.cancel()
        }
    }

    /// The same through those that open calls (CH-8).
    private nonisolated(nonsending) func withIntercepted<Result>(
        _ path: MethodPath, _ kind: CallKind, _ options: CallOptions, began: ContinuousClock.Instant,
        _ body: nonisolated(nonsending) (any ClientCallChannel) async throws -> Result
    ) async throws -> Result {
        let streams = OpenStreams()
        return try await withTaskCancellationHandler {
            defer { streams.cancel() }
            do {
                return try await body(open(path, kind, options, began, callInterceptors[...], streams))
            } catch is CancellationError {
                throw RPCStatus(.cancelled, "the call was cancelled")
            }
        } onCancel: {
            streams.cancel()
        }
    }

    private func open(
        _ path: MethodPath, _ kind: CallKind, _ options: CallOptions, _ began: ContinuousClock.Instant,
        _ interceptors: ArraySlice<any ClientCallInterceptor>, _ streams: OpenStreams
    ) async throws -> any ClientCallChannel {
        guard let next = interceptors.first else {
            let stream = makeStream(path, kind, options, began: began)
            streams.start(stream)
            return stream
        }
        return try await next.open(path, kind, options) { options in
            try await self.open(path, kind, options, began, interceptors.dropFirst(), streams)
        }
    }

    /// The one request of a call that takes one, and the half-close behind it.
    private nonisolated(nonsending) static func send(_ bytes: [UInt8], _ call: any ClientCallChannel) async throws {
        if let stream = call as? ClientStream { return stream.sendSingle(bytes) }
        try await call.write(bytes, compress: true)
        call.finishRequests()
    }

    /// What interceptors and credentials make of a call's options (CH-7, CH-8).
    private nonisolated(nonsending) func prepared(
        _ options: CallOptions, for path: MethodPath
    ) async throws -> CallOptions {
        var options = options
        if !configuration.callPolicies.isEmpty { policy(of: path)?.apply(to: &options) }
        for interceptor in configuration.interceptors { try await interceptor.prepare(path, &options) }
        guard let credentials = options.credentials else { return options }
        do {
            let isSecure = configuration.security.scheme == "https"
            options.metadata.append(contentsOf: try await credentials.metadata(for: path, isSecure: isSecure))
        } catch is CancellationError {
            throw RPCStatus(.cancelled, "the call was cancelled")
        }
        return options
    }

    private func policy(of path: MethodPath) -> CallPolicy? {
        configuration.callPolicies[path.text] ?? configuration.callPolicies["/\(path.service)/"]
            ?? configuration.callPolicies["/"]
    }

    private func makeStream(
        _ path: MethodPath, _ kind: CallKind, _ options: CallOptions, began: ContinuousClock.Instant
    ) -> ClientStream {
        var deadline = CallContext.inheritedDeadline
        if let timeout = options.timeout {
            let own = began + timeout
            deadline = min(deadline ?? own, own)
        }
        let fields = RequestFields(
            path: path, scheme: configuration.security.scheme, authority: authority,
            userAgent: configuration.userAgent, encoding: options.requestEncoding, metadata: options.metadata)
        let interceptors = configuration.interceptors
        var onEnd: (@Sendable (RPCStatus) -> Void)?
        if !interceptors.isEmpty {
            onEnd = { status in
                for interceptor in interceptors { interceptor.ended(path, with: status) }
            }
        }
        return ClientStream(
            core: core, kind: kind, fields: fields, deadline: deadline, waitsForReady: options.waitForReady,
            responseLimitBytes: options.responseLimitBytes ?? configuration.responseLimitBytes,
            retryPolicy: options.retryPolicy ?? configuration.retryPolicy, tracers: options.tracers, onEnd: onEnd)
    }

    private static func single<Response>(
        of stream: any ClientCallChannel, _ codec: some MessageCodec<Response>
    ) async throws -> RPCResponse<Response> {
        guard let bytes = try await stream.nextMessage() else {
            throw RPCStatus(.unimplemented, "the server sent no response")
        }
        let wasCompressed = stream.lastWasCompressed
        guard try await stream.nextMessage() == nil else {
            throw RPCStatus(.unimplemented, "the server sent more than one response")
        }
        return RPCResponse(
            message: try ResponseStream.decoded(bytes, by: codec),
            initialMetadata: try await stream.responseMetadata,
            trailingMetadata: try await stream.status.metadata, wasCompressed: wasCompressed)
    }
}

/// The calls that interceptors have opened for one caller; over when the caller's is (CAN-5). As many as they make.
private final class OpenStreams: Sendable {
    private struct State {
        var streams: [ClientStream] = []
        var isCancelled = false
    }

    private let state = Mutex(State())

    func start(_ stream: ClientStream) {
        let isCancelled = state.withLock { state in
            state.streams.append(stream)
            return state.isCancelled
        }
        if isCancelled { stream.cancel() } else { stream.start() }
    }

    func cancel() {
        let streams = state.withLock { state in
            state.isCancelled = true
            return state.streams
        }
        for stream in streams { stream.cancel() }
    }
}
