import AVSTLS
public import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

extension WebSocketConnection {
    /// Connects, does TLS for `wss://`, and upgrades.
    ///
    /// - Parameter group: where the connection lives; nil takes the process-wide event loops.
    /// - Throws: ``WebSocketError``; `TLSError` if the system's trust roots cannot be used; `CancellationError`.
    public static func connect(
        to url: WebSocketURL, configuration: Configuration = Configuration(), on group: (any EventLoopGroup)? = nil
    ) async throws -> WebSocketConnection {
        let security = try security(of: url, configuration)
        let eventLoop = (group ?? MultiThreadedEventLoopGroup.singleton).next()
        let attempt = Attempt(url: url, configuration: configuration, security: security, eventLoop: eventLoop)
        return try await withTaskCancellationHandler {
            try await attempt.run().get()
        } onCancel: {
            attempt.cancel()
        }
    }

    private static func security(of url: WebSocketURL, _ configuration: Configuration) throws -> ConnectionSecurity {
        guard url.isSecure else { return .plaintext }
        if let security = configuration.security { return .tls(security) }
        var client = TLSClientConfiguration()
        client.applicationProtocols = .optional(["http/1.1"])
        return .tls(TLSSecurity(try TLSContext(client: client)))
    }
}

/// One attempt to connect; its promise is decided by whoever comes first: upgrade, failure, timeout, cancellation.
private struct Attempt: Sendable {
    let url: WebSocketURL
    let configuration: WebSocketConnection.Configuration
    let security: ConnectionSecurity
    let eventLoop: any EventLoop
    let promise: EventLoopPromise<WebSocketConnection>

    init(
        url: WebSocketURL, configuration: WebSocketConnection.Configuration, security: ConnectionSecurity,
        eventLoop: any EventLoop
    ) {
        (self.url, self.configuration, self.security, self.eventLoop) = (url, configuration, security, eventLoop)
        promise = eventLoop.makePromise()
    }

    func cancel() { promise.fail(CancellationError()) }

    func run() -> EventLoopFuture<WebSocketConnection> {
        let timeout = TimeAmount(configuration.connectTimeout)
        let timer = eventLoop.scheduleTask(in: timeout) {
            promise.fail(WebSocketError.connectTimeout(seconds: timeout.nanoseconds / 1_000_000_000))
        }
        ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 * 1024))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel) }
            }
            .connect(host: url.host, port: url.port)
            .whenFailure { promise.fail(WebSocketError.unreachable("\($0)")) }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return promise.futureResult
    }

    /// On the event loop, before the channel is connected.
    private func prepare(_ channel: any Channel) throws {
        // Whoever failed the promise, the channel is of no use any more.
        promise.futureResult.whenFailure { _ in channel.close(promise: nil) }
        try security.connect(channel, host: url.host) { result in
            switch result {
            case .success: try upgrade(channel)
            case .failure(let error): promise.fail(WebSocketError.unreachable("\(error)"))
            }
        }
    }

    private func upgrade(_ channel: any Channel) throws {
        let upgrader = NIOTypedWebSocketClientUpgrader<Void>(
            maxFrameSize: configuration.messageLimitBytes, enableAutomaticErrorHandling: false
        ) { channel, _ in
            channel.eventLoop.makeCompletedFuture { try open(channel) }
        }
        let upgrade = NIOTypedHTTPClientUpgradeConfiguration<Void>(
            upgradeRequestHead: requestHead, upgraders: [upgrader]
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(RefusalHandler(promise: promise))
            }
        }
        var pipeline = NIOUpgradableHTTPClientPipelineConfiguration(upgradeConfiguration: upgrade)
        pipeline.leftOverBytesStrategy = .forwardBytes  // a server may speak right behind its 101
        let upgraded = try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
            configuration: pipeline)
        upgraded.whenFailure { error in
            let isWrongAnswer = error is NIOHTTPClientUpgradeError
            promise.fail(
                isWrongAnswer ? WebSocketError.refused(status: 101) : .unreachable("the upgrade failed: \(error)"))
        }
    }

    private var requestHead: HTTPRequestHead {
        var fields = HTTPHeaders([("host", url.hostField)])
        for (name, value) in configuration.headers { fields.replaceOrAdd(name: name, value: value) }
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: url.resource, headers: fields)
    }

    /// The upgrade is done and the frame decoder in place.
    private func open(_ channel: any Channel) throws {
        let inbox = WebSocketInbox(
            countLimit: configuration.waitingMessagesLimit, byteLimit: configuration.waitingBytesLimit)
        let handler = try WebSocketHandler.install(on: channel, configuration, inbox: inbox)
        let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        promise.succeed(WebSocketConnection(channel, bound, inbox))
    }
}

/// Reads the status of an answer that is no upgrade.
private final class RefusalHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let promise: EventLoopPromise<WebSocketConnection>

    init(promise: EventLoopPromise<WebSocketConnection>) { self.promise = promise }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) {
            promise.fail(WebSocketError.refused(status: Int(head.status.code)))
        }
    }
}
