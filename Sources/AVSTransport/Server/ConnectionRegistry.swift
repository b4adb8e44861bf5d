import AVSPrimitives
import AVSRPC
import AVSTLS
import Logging
import NIOCore
import Synchronization

/// The sockets and open connections of a server, for its drain and its limits.
final class ConnectionRegistry: Sendable {
    private struct State {
        var connections: [ObjectIdentifier: NIOLoopBound<ServerConnection>] = [:]
        /// Accepted sockets, those in their handshake among them, and how many of them each address has.
        var sockets = 0
        var socketsByAddress: [String: Int] = [:]
        var isDraining = false
        var waiters: [Waiter<Void>] = []
    }

    private let state = Mutex(State())

    // MARK: Accepting

    /// Sets up an accepted channel, on its event loop.
    func accept(
        _ channel: any Channel, _ security: ConnectionSecurity, _ service: ServiceBundle, _ loop: LoopContext
    ) throws {
        let host = channel.remoteAddress?.ipAddress  // Unix sockets have none, and no limit of their own
        if let refusal = admit(host, service.configuration) {
            loop.counters.connectionsTurnedAway += 1
            service.logRefusal(of: Peer(address: Self.address(of: channel)), refusal)
            return channel.close(promise: nil)
        }
        channel.closeFuture.whenComplete { _ in self.release(host) }
        try security.accept(channel, loop.handshakes, at: service.time.monotonic) { result in
            switch result {
            case .success(let identity):
                if identity?.isResumed == true { loop.counters.handshakesResumed += 1 }
                try self.open(channel, identity, service, loop)
            case .failure(let error):
                loop.counters.count(Self.kind(of: error), in: \.handshakesFailed)
                let metadata: Logger.Metadata = ["peer": "\(Self.address(of: channel))", "error": "\(error)"]
                service.logger.info("handshake failed", metadata: metadata)
            }
        }
    }

    /// Counts a socket, or says why there is no room for it (OV-3).
    private func admit(_ host: String?, _ configuration: RPCServer.Configuration) -> String? {
        let refusal = configuration.connectionRefusal?()
        return state.withLock { state in
            if state.isDraining { return "the server is draining" }
            if let refusal { return refusal }
            if state.sockets >= configuration.maxConnections { return "too many connections" }
            if let host {
                let others = state.socketsByAddress[host, default: 0]
                if let limit = configuration.maxConnectionsPerAddress, others >= limit {
                    return "too many connections from one address"
                }
                state.socketsByAddress[host] = others + 1
            }
            state.sockets += 1
            return nil
        }
    }

    private func release(_ host: String?) {
        state.withLock { state in
            state.sockets -= 1
            guard let host, let others = state.socketsByAddress[host] else { return }
            state.socketsByAddress[host] = others > 1 ? others - 1 : nil
        }
    }

    private static func kind(of error: any Error) -> String {
        switch error {
        case is TLSHandshakeTimeout: "timeout"
        case is TooManyHandshakes: "too_many"
        case TLSError.certificateRejected: "certificate"
        case TLSError.noApplicationProtocol: "alpn"
        case is TLSError: "tls"
        default: "closed"
        }
    }

    private func open(
        _ channel: any Channel, _ identity: TLSIdentity?, _ service: ServiceBundle, _ loop: LoopContext
    ) throws {
        let connection = ServerConnection(
            service: service, loop: loop, peer: Peer(address: Self.address(of: channel), tls: identity),
            onEnd: { self.remove($0) })
        let handler = try connection.makeHandler()
        let key = ObjectIdentifier(connection)
        let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
        let isDraining = state.withLock { state in
            if !state.isDraining { state.connections[key] = bound }
            return state.isDraining
        }
        // A handshake takes its time: the drain may have begun since.
        guard !isDraining else { return channel.close(promise: nil) }
        loop.counters.connectionsOpened += 1
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    private static func address(of channel: any Channel) -> String { channel.remoteAddress.map(text) ?? "unknown" }

    private static func text(_ address: SocketAddress) -> String {
        if let host = address.ipAddress, let port = address.port { return "\(host):\(port)" }
        return address.pathname.map { "unix:\($0)" } ?? "unknown"
    }

    private func remove(_ connection: ServerConnection) {
        let waiters = state.withLock { state in
            state.connections[ObjectIdentifier(connection)] = nil
            guard state.connections.isEmpty else { return [Waiter<Void>]() }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    var count: Int { state.withLock { $0.connections.count } }

    // MARK: The end

    /// Starts the two-phase end of each connection; further ones are not accepted.
    func drain() { each { $0.beginDrain("shutdown") } }

    /// Ends each connection now.
    func close() { each { $0.close("shutdown") } }

    private func each(_ body: @escaping @Sendable (ServerConnection) -> Void) {
        let connections = state.withLock { state in
            state.isDraining = true
            return Array(state.connections.values)
        }
        for connection in connections { connection.eventLoop.execute { body(connection.value) } }
    }

    func waitUntilEmpty() async throws {
        let waiter = Waiter<Void>()
        state.withLock { state in
            if state.connections.isEmpty { waiter.resume() } else { state.waiters.append(waiter) }
        }
        try await waiter.value()
    }
}
