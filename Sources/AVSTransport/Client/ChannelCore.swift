import AVSHTTP2
import AVSPrimitives
import AVSRPC
import DequeModule
import Logging
import NIOCore
import NIOPosix

/// The one connection of a channel: opened when a call wants it, opened again with backoff when it fails, left alone
/// when nobody calls (CH-1). Of several addresses the first that is ready serves all calls (CH-4). Lives on one event
/// loop.
///
/// `@unchecked`: everything that changes is touched on that loop only.
final class ChannelCore: @unchecked Sendable {
    private enum State {
        case idle
        case connecting(Round)
        case ready(ClientConnection)
        /// Connected to a server that has not said that it serves (HL-5), or has said why not.
        case unwell(ClientConnection, reason: String?)
        /// Waiting for the next attempt (TRANSIENT_FAILURE), with what went wrong.
        case failed(String)
        case shutdown
    }

    /// One look at all addresses, in their order. The next one is tried when one has failed, or has not answered for
    /// ``ChannelCore/headStart``; the first that is ready ends the round.
    private struct Round {
        let number: Int
        let since: ContinuousClock.Instant
        /// None until the name is resolved.
        var addresses: [Target.Address] = []
        /// Index of the address that is tried next.
        var next = 0
        var attempts: Set<ObjectIdentifier> = []
    }

    /// What an address gets before the next one is tried as well (CH-4, RFC 8305).
    private static let headStart = TimeAmount.milliseconds(250)

    let target: Target
    let addresses: AddressSource
    private var rounds = 0
    let configuration: RPCChannel.Configuration
    let loop: LoopContext
    let compression = CompressionJobs(limit: System.coreCount / 2)
    let time: any TimeSource
    let logger: Logger
    private var state = State.idle {
        didSet { if let balancer { balancer.tellObservers() } else { tellObservers() } }
    }
    /// If this is one address of several whose calls go round.
    weak var balancer: RoundRobin?
    private var observers: [AsyncStream<RPCChannel.Connectivity>.Continuation] = []
    private var lastTold: RPCChannel.Connectivity?
    private var backoff: Backoff
    private var random = SystemRandomNumberGenerator()
    private var retryTimer: Scheduled<Void>?
    private var nextAddressTimer: Scheduled<Void>?
    /// Calls without a stream, in the order they came: there is no connection, or the server takes no more for now
    /// (CH-6). Some may be over.
    private var waiting: Deque<ClientStream> = []
    /// Requests kept for another attempt, over all calls (RT-3).
    var keptBytes = 0
    var retryThrottle: RetryThrottle
    /// All connections that have not ended, the ready one among them.
    private var connections: [ObjectIdentifier: ClientConnection] = [:]
    private var keepaliveFactor = 1
    private var whenClosed: [() -> Void] = []

    init(
        target: Target, configuration: RPCChannel.Configuration, loop: LoopContext, time: any TimeSource, logger: Logger
    ) {
        self.target = target
        self.configuration = configuration
        self.loop = loop
        self.time = time
        var logger = logger
        logger[metadataKey: "target"] = "\(target)"
        self.logger = logger
        addresses = AddressSource(target, configuration, loop: loop, time: time)
        backoff = configuration.backoff
        retryThrottle = configuration.retryThrottle
    }

    /// One address of this channel, whose calls go round.
    func one(of address: Target.Address, for balancer: RoundRobin) -> ChannelCore {
        let core = ChannelCore(
            target: Target(address, of: target), configuration: configuration, loop: loop, time: time, logger: logger)
        core.balancer = balancer
        return core
    }

    // MARK: Calls

    /// Gives a call a stream, now or when there is a connection.
    func open(_ stream: ClientStream) {
        if let balancer { balancer.open(stream) } else { openHere(stream) }
    }

    /// The same, on this address and no other.
    func openHere(_ stream: ClientStream) {
        switch state {
        case .ready(let connection) where connection.hasRoom && waiting.isEmpty: stream.attach(connection)
        case .ready: waiting.append(stream)
        case .connecting, .unwell(_, nil): waiting.append(stream)
        case .idle:
            waiting.append(stream)
            connect()
        case .failed where balancer?.reroute(stream) == true: break
        case .unwell where balancer?.reroute(stream) == true: break
        case .failed(let reason), .unwell(_, let reason?):
            if stream.waitsForReady {
                waiting.append(stream)
            } else {
                stream.fail(RPCStatus(.unavailable, "no connection to \(target): \(reason)"))  // RT-1
            }
        case .shutdown: stream.fail(RPCStatus(.unavailable, "the channel is closed"))
        }
    }

    /// Connects without a call that wants it.
    func wake() {
        if case .idle = state { connect() }
    }

    func takeWaiting() -> Deque<ClientStream> {
        defer { waiting = [] }
        return waiting
    }

    /// Gives streams to those who wait, in order, as far as the server takes them (CH-6).
    func openWaiting() {
        while case .ready(let connection) = state, connection.hasRoom, let stream = waiting.popFirst() {
            stream.attach(connection)
        }
    }

    /// - Returns: whether a call waits that is not over.
    private func hasWaiting() -> Bool {
        waiting.removeAll { $0.isOver }
        return !waiting.isEmpty
    }

    private func openAgain() {
        let calls = waiting
        waiting = []
        for call in calls where !call.isOver { openHere(call) }
    }

    /// The pause before the `retry`th retry of a call (RT-3).
    func delay(of policy: RetryPolicy, before retry: Int) -> Duration { policy.delay(before: retry, using: &random) }

    // MARK: Connecting

    private func connect() {
        rounds += 1
        let number = rounds
        state = .connecting(Round(number: number, since: time.monotonic))
        addresses.find { answer in
            guard case .connecting(var round) = self.state, round.number == number else { return }
            switch answer {
            case .success(let addresses):
                round.addresses = addresses
                self.state = .connecting(round)
                self.tryNextAddress()
            case .failure(let reason): self.roundFailed("\(reason)", since: round.since)
            }
        }
    }

    private func tryNextAddress() {
        nextAddressTimer?.cancel()
        nextAddressTimer = nil
        guard case .connecting(var round) = state, round.next < round.addresses.count else { return }
        let address = round.addresses[round.next]
        let connection = ClientConnection(core: self)
        connections[ObjectIdentifier(connection)] = connection
        round.next += 1
        round.attempts.insert(ObjectIdentifier(connection))
        state = .connecting(round)
        if round.next < round.addresses.count {
            nextAddressTimer = loop.eventLoop.scheduleTask(in: Self.headStart) { self.tryNextAddress() }
        }
        let bound = NIOLoopBound(connection, eventLoop: loop.eventLoop)
        let future = bootstrap(connection, to: address)
        future.assumeIsolated().whenFailure { error in
            self.connectionEnded(bound.value, .lost("\(error)"))
        }
    }

    private func bootstrap(
        _ connection: ClientConnection, to address: Target.Address
    ) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(connection, eventLoop: loop.eventLoop)
        let (security, limits) = (configuration.security, connectionLimits)
        let host = Target.host(ofAuthority: configuration.authority ?? target.authority)
        let now = time.monotonic
        let bootstrap = ClientBootstrap(group: loop.eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 * 1024, high: 256 * 1024))
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 * 1024))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if bound.value.isClosing { throw ChannelError.ioOnClosedChannel }
                    bound.value.channel = channel
                    try security.connect(channel, host: host, target: "\(address)", at: now) { result in
                        do {
                            _ = try result.get()
                        } catch {
                            return bound.value.handshakeFailed(error)
                        }
                        let handler = try bound.value.makeHandler(limits)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
            }
        switch address {
        case .host(let host, let port):
            var tcp = bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
            if let (option, value) = limits.userTimeout { tcp = tcp.channelOption(option, value: value) }
            return tcp.connect(host: host, port: port)
        case .unix(let path): return bootstrap.connect(unixDomainSocketPath: path)
        case .abstract(let name):
            do {
                return bootstrap.withConnectedSocket(try AbstractSocket.connected(name))
            } catch {
                return loop.eventLoop.makeFailedFuture(error)
            }
        }
    }

    private var connectionLimits: ConnectionLimits {
        var limits = configuration.limits
        limits.keepaliveTime = limits.keepaliveTime.map { max($0, .seconds(10)) * keepaliveFactor }  // KA-5
        return limits
    }

    // MARK: From the connections

    func connectionIsReady(_ connection: ClientConnection) {
        guard case .connecting(let round) = state, round.attempts.contains(ObjectIdentifier(connection)) else {
            return connection.close("the channel is closed, or another address was faster")
        }
        nextAddressTimer?.cancel()
        if let service = configuration.healthService {
            state = .unwell(connection, reason: nil)
            connection.watchHealth(of: service)
        } else {
            backoff.reset()  // not before the server's SETTINGS (CH-2)
            state = .ready(connection)
        }
        for id in round.attempts where id != ObjectIdentifier(connection) {
            connections[id]?.close("another address was faster")
        }
        becameReady()
    }

    private func becameReady() {
        guard case .ready = state else { return }
        openWaiting()
        balancer?.becameReady()
    }

    /// The call by which a connection asks for its server's health.
    func healthCall() -> ClientStream {
        let fields = RequestFields(
            path: HealthBoard.watchPath, scheme: configuration.security.scheme,
            authority: configuration.authority ?? target.authority, userAgent: configuration.userAgent)
        return ClientStream(
            core: self, kind: .serverStreaming, fields: fields, deadline: nil, waitsForReady: false,
            responseLimitBytes: 4 * 1024, isBound: true)
    }

    /// Open calls go on, whatever the server says of its health; it is new ones that it concerns (HL-5).
    func healthChanged(of connection: ClientConnection, _ health: HealthWatch.Health) {
        guard isCurrent(connection) else { return }
        switch health {
        case .serving:
            backoff.reset()
            state = .ready(connection)
            becameReady()
        case .notServing(let reason):
            state = .unwell(connection, reason: reason)
            openAgain()  // those that do not wait for ready fail here
        }
    }

    /// GOAWAY: open calls go on there, new ones want another connection (DR-5).
    func connectionIsDraining(_ connection: ClientConnection, _ code: HTTP2ErrorCode, _ reason: String) {
        if code == .enhanceYourCalm, reason == "too_many_pings" {  // KA-5
            keepaliveFactor = min(keepaliveFactor * 2, 1_024)
            logger.warning("the server counts our pings as too many; keepalive time is doubled")
        }
        if isCurrent(connection) { leaveReady() }
    }

    private func isCurrent(_ connection: ClientConnection) -> Bool {
        switch state {
        case .ready(let current), .unwell(let current, _): current === connection
        case .idle, .connecting, .failed, .shutdown: false
        }
    }

    func connectionEnded(_ connection: ClientConnection, _ end: ConnectionEnd) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        logger.debug("connection ended", metadata: ["reason": "\(end.reason)"])
        switch state {
        case .connecting(let round) where round.attempts.contains(ObjectIdentifier(connection)):
            attemptFailed(connection, end.reason, of: round)
        case .ready, .unwell: if isCurrent(connection) { leaveReady() }
        case .shutdown: finishClosing()
        case .idle, .connecting, .failed: break
        }
    }

    private func leaveReady() {
        // One that never served is a failure: calls that wait must not make it a loop (CH-2).
        if case .unwell(_, let reason) = state {
            let reason = reason ?? "the connection was lost before the server said that it is serving"
            return roundFailed(reason, since: time.monotonic)
        }
        state = .idle
        balancer?.lookAgain()
        if hasWaiting() { connect() }  // else not before the next call (DR-6)
    }

    private func attemptFailed(_ connection: ClientConnection, _ reason: String, of round: Round) {
        var round = round
        round.attempts.remove(ObjectIdentifier(connection))
        state = .connecting(round)
        if round.next < round.addresses.count { return tryNextAddress() }
        if round.attempts.isEmpty { roundFailed(reason, since: round.since) }
    }

    /// No address answered.
    private func roundFailed(_ reason: String, since: ContinuousClock.Instant) {
        state = .failed(reason)
        let now = time.monotonic
        let delay = max(.zero, backoff.next(using: &random) - since.duration(to: now))
        logger.info("connecting failed", metadata: ["error": "\(reason)", "retry_in": "\(delay)"])
        retryTimer = loop.eventLoop.scheduleTask(in: TimeAmount(delay)) { self.retry() }
        balancer?.lookAgain()
        openAgain()  // those that do not wait for ready fail here
    }

    /// The next attempt starts now, and the pauses after it begin anew (CH-2).
    func resetBackoff() {
        backoff.reset()
        guard case .failed = state else { return }
        retryTimer?.cancel()
        retry()
    }

    private func retry() {
        retryTimer = nil
        guard case .failed = state else { return }
        if hasWaiting() { connect() } else { state = .idle }
    }

    // MARK: Closing

    /// Open calls end UNAVAILABLE.
    ///
    /// - Parameter then: called when the last connection is gone.
    func close(_ then: @escaping () -> Void) {
        stop(then)
        let calls = takeWaiting()
        for call in calls where !call.isOver { call.fail(RPCStatus(.unavailable, "the channel is closed")) }
        for connection in connections.values { connection.close("the channel was closed") }
        finishClosing()
    }

    /// The address is not one of the target's any more: open calls go on, and there will be no others.
    func retire(_ then: @escaping () -> Void) {
        stop(then)
        for connection in connections.values { connection.retire() }
        finishClosing()
    }

    private func stop(_ then: @escaping () -> Void) {
        whenClosed.append(then)
        state = .shutdown
        retryTimer?.cancel()
        nextAddressTimer?.cancel()
        addresses.cancel()
    }

    private func finishClosing() {
        guard connections.isEmpty else { return }
        let tell = whenClosed
        whenClosed = []
        for then in tell { then() }
    }

    // MARK: Observing

    /// Tells `observer` of the state now and of every change, until it is cancelled or the channel closed (CH-1).
    func observe(_ observer: AsyncStream<RPCChannel.Connectivity>.Continuation) {
        observer.yield(connectivity)
        if connectivity == .shutdown { return observer.finish() }
        observers.append(observer)
    }

    func tellObservers() {
        let now = connectivity
        guard !observers.isEmpty, now != lastTold else { return }
        lastTold = now
        observers.removeAll { observer in
            if case .terminated = observer.yield(now) { return true }
            if now == .shutdown { observer.finish() }
            return now == .shutdown
        }
    }

    /// The channel's, of which this may be one address of several.
    var connectivity: RPCChannel.Connectivity { balancer?.connectivity ?? ownConnectivity }

    var ownConnectivity: RPCChannel.Connectivity {
        switch state {
        case .idle: .idle
        case .connecting: .connecting
        case .unwell(_, nil): .connecting
        case .ready: .ready
        case .failed, .unwell: .transientFailure
        case .shutdown: .shutdown
        }
    }
}
