import AVSRPC
import Logging
import NIOCore
import Synchronization

/// The open connections of a server, for its drain and its limit.
final class ConnectionRegistry: Sendable {
    private struct State {
        var connections: [ObjectIdentifier: NIOLoopBound<ServerConnection>] = [:]
        /// How many channels of each address are accepted and not closed yet; handshakes count.
        var perAddress: [String: Int] = [:]
        var isDraining = false
        var waiters: [Waiter<Void>] = []
    }

    private let state = Mutex(State())

    /// Sets up an accepted channel, on its event loop.
    func accept(
        _ channel: any Channel, _ security: ConnectionSecurity, _ service: ServiceBundle, _ loop: LoopContext
    ) throws {
        let count = state.withLock { $0.isDraining ? .max : $0.connections.count }
        guard count < service.configuration.maxConnections else {
            service.logger.info("connection not accepted", metadata: ["open": "\(count)"])
            channel.close(promise: nil)
            return
        }
        guard admit(channel, service.configuration.maxConnectionsPerAddress) else {
            service.logger.info("connection not accepted", metadata: ["peer": "\(Self.address(of: channel))"])
            channel.close(promise: nil)
            return
        }
        try security.accept(channel, loop.handshakes) { result in
            switch result {
            case .success(let identity):
                try self.open(channel, identity, service, loop)
            case .failure(let error):
                let metadata: Logger.Metadata = ["peer": "\(Self.address(of: channel))", "error": "\(error)"]
                service.logger.info("handshake failed", metadata: metadata)
            }
        }
    }

    /// Counts the channel for its address, until it is closed.
    /// - Returns: false when the address has as many as it may have.
    private func admit(_ channel: any Channel, _ limit: Int?) -> Bool {
        guard let limit, let address = channel.remoteAddress?.ipAddress else { return true }
        let isAdmitted = state.withLock { state in
            let count = state.perAddress[address, default: 0]
            guard count < limit else { return false }
            state.perAddress[address] = count + 1
            return true
        }
        guard isAdmitted else { return false }
        channel.closeFuture.whenComplete { _ in
            self.state.withLock { state in
                let count = state.perAddress[address, default: 1] - 1
                state.perAddress[address] = count > 0 ? count : nil
            }
        }
        return true
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
