public import AVSPrimitives
public import AVSRPC
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle
import Synchronization

/// A gRPC server over HTTP/2.
///
///     let server = RPCServer(
///         configuration: .init(listeners: [.init(.tcp(host: "127.0.0.1", port: 2206))]),
///         methods: tasks.methods + health.methods, interceptors: [authentication],
///         time: SystemTime(), logger: logger)
///     try await server.run()     // until the surrounding service group shuts down, or the task is cancelled
///
/// Graceful shutdown drains: listeners close, each connection gets its two GOAWAYs, open calls finish, and at
/// ``Configuration/drainTimeout`` whatever is left is closed and its handlers cancelled (DR-2). Cancelling the task of
/// ``run()`` forces that end at once. When ``run()`` returns no handler runs any more, so what they use may be closed.
public final class RPCServer: Service {
    private let service: ServiceBundle
    private let group: any EventLoopGroup
    /// Ends with ``run()``.
    private let ownGroup: MultiThreadedEventLoopGroup?
    private let contexts: LoopContexts
    private let connections = ConnectionRegistry()
    private let bound = Promise<[Listener.Address]>()
    private let stop = Promise<Void>()
    private let onDrain = Mutex<[@Sendable () -> Void]>([])
    /// Its own event loops are gone after ``run()``, and nobody is left to ask.
    private let lastStatistics = Mutex<TransportStatistics?>(nil)

    /// - Parameters:
    ///   - methods: of two with the same path the later one wins.
    ///   - interceptors: run in this order before each call's request is decoded.
    ///   - threadCount: event loops; nil takes the process-wide group.
    public init(
        configuration: Configuration, methods: [RPCMethod], interceptors: [any ServerInterceptor] = [],
        time: any TimeSource, logger: Logger, threadCount: Int? = nil
    ) {
        let own = threadCount.map { MultiThreadedEventLoopGroup(numberOfThreads: max(1, $0)) }
        service = ServiceBundle(
            configuration: configuration, methods: methods, interceptors: interceptors, time: time, logger: logger)
        ownGroup = own
        group = own ?? MultiThreadedEventLoopGroup.singleton
        contexts = LoopContexts(group, time: time)
    }

    /// Where the server listens, in the order of its configuration; waits until it does.
    ///
    /// - Throws: what kept it from listening.
    public var boundAddresses: [Listener.Address] { get async throws { try await bound.value() } }

    /// The first TCP port the server listens on; waits until it does.
    public var boundPort: Int {
        get async throws {
            for case .tcp(_, let port) in try await boundAddresses { return port }
            return 0
        }
    }

    /// What the server has done so far and is doing; asks each event loop (OB-1). After ``run()`` what it was at its
    /// end.
    public var statistics: TransportStatistics {
        get async {
            if let last = lastStatistics.withLock({ $0 }) { return last }
            return await collectStatistics()
        }
    }

    private func collectStatistics() async -> TransportStatistics {
        var sum = TransportStatistics()
        let paths = service.methods.methods.map(\.path)
        for context in contexts.all {
            let waiter = Waiter<TransportStatistics>()
            let before = sum
            // Added up on the loop: its arrays would otherwise be shared with this thread, and the loop's next numbers
            // wait for a copy of them.
            context.eventLoop.execute {
                var after = before
                context.counters.add(to: &after, paths: paths)
                after.inflatedBytes += context.compressor.inflatedBytes
                waiter.resume { .success(after) }
            }
            sum = await waiter.valueIfNotCancelled() ?? sum
        }
        sum.connectionsOpen = connections.count
        sum.runningHandlers = service.handlers.count
        sum.waitingCalls = service.handlers.waitingCount
        sum.messagesCompressedBeside = service.compression.count
        sum.queuedBytes = service.budget.bytes
        return sum
    }

    /// Calls `body` once when a drain begins, before connections hear of it: health turns NOT_SERVING there (HL-4).
    public func onDrainBegin(_ body: @escaping @Sendable () -> Void) { onDrain.withLock { $0.append(body) } }

    /// Starts the graceful end; ``run()`` returns when it is done. Also what a shutdown of the service group does.
    public func beginDrain() { stop.fulfil(.success(())) }

    /// Listens and serves until it is told to stop.
    ///
    /// - Throws: if an address cannot be bound, or ``SharedPort``.
    public func run() async throws {
        let result: Result<Void, any Error>
        do { result = .success(try await serve()) } catch { result = .failure(error) }
        if let ownGroup {
            let last = await Task { await collectStatistics() }.value  // also when this task was cancelled
            lastStatistics.withLock { $0 = last }
            try await ownGroup.shutdownGracefully()
        }
        try result.get()
    }

    private func serve() async throws {
        let listeners: [any Channel]
        do {
            listeners = try await listen()
        } catch {
            bound.fulfil(.failure(error))
            throw error
        }
        let addresses = zip(service.configuration.listeners, listeners).map { $0.address.bound(to: $1.localAddress) }
        bound.fulfil(.success(addresses))
        await withGracefulShutdownHandler {
            do { try await stop.value() } catch { service.logger.debug("the server's task was cancelled") }
        } onGracefulShutdown: {
            self.beginDrain()
        }
        for listener in listeners {
            do { try await listener.close() } catch { service.logger.debug("a listener was closed already") }
        }
        for body in onDrain.withLock({ $0 }) { body() }
        await drain()
    }

    // MARK: Listening

    /// Accepting pauses for a second when the system has no file descriptor left, or another error of its own (CON-7).
    static func prepare(listener channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler())
    }

    private func listen() async throws -> [any Channel] {
        var channels: [any Channel] = []
        try service.configuration.checkPorts()
        do {
            for listener in service.configuration.listeners { channels.append(try await listen(listener)) }
        } catch {
            for channel in channels { channel.close(promise: nil) }
            throw error
        }
        return channels
    }

    private func listen(_ listener: Listener) async throws -> any Channel {
        let (service, contexts, connections) = (service, contexts, connections)
        let backlog = Int32(clamping: max(1, service.configuration.acceptBacklog))
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try Self.prepare(listener: channel) }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)  // DR-3
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 64 * 1024, high: 256 * 1024))  // FC-8
            // SP-2: up to 64 KiB in one read; small while there is little to read, since each channel keeps its own
            // (SP-10).
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 2_048, maximum: 64 * 1_024)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try connections.accept(
                        channel, listener.security, service, contexts.context(for: channel.eventLoop))
                }
            }
        switch listener.address {
        case .tcp(let host, let port):
            var tcp = bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            if let (option, value) = service.configuration.limits.userTimeout {
                tcp = tcp.childChannelOption(option, value: value)
            }
            return try await tcp.bind(host: host, port: port).get()
        case .unix(let path):
            return try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        case .abstract(let name):
            let socket = try AbstractSocket.listening(name, backlog: backlog)
            return try await bootstrap.withBoundSocket(socket).get()
        }
    }

    // MARK: Draining

    private func drain() async {
        let limit = service.configuration.drainTimeout
        let (connections, delay) = (connections, service.configuration.drainDelay)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    if delay > .zero { try await Task.sleep(for: delay) }
                    connections.drain()
                    try await connections.waitUntilEmpty()
                } catch { connections.close() }  // cancelled: force
            }
            group.addTask {
                do { try await Task.sleep(for: limit) } catch { return }
                connections.close()
            }
            await group.next()
            group.cancelAll()
        }
        connections.close()
        await waitForHandlers()
    }

    /// In a task of its own: this one may be cancelled, which forces the connections' end, and not more.
    private func waitForHandlers() async {
        let (connections, handlers, compression) = (connections, service.handlers, service.compression)
        let limit = service.configuration.handlerEndTimeout
        let haveEnded = await Task {
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        try await connections.waitUntilEmpty()
                        try await handlers.waitUntilNone()
                        try await compression.waitUntilIdle()
                        return true
                    } catch { return false }
                }
                group.addTask {
                    do { try await Task.sleep(for: limit) } catch { return true }
                    return false
                }
                defer { group.cancelAll() }
                return await group.next() ?? true
            }
        }.value
        guard !haveEnded else { return }
        service.logger.warning("handlers do not end", metadata: ["running": "\(handlers.count)"])
    }
}

extension RPCServer.Listener.Address {
    /// What it became: port 0 is a free one.
    fileprivate func bound(to address: SocketAddress?) -> Self {
        guard case .tcp = self, let host = address?.ipAddress, let port = address?.port else { return self }
        return .tcp(host: host, port: port)
    }
}
