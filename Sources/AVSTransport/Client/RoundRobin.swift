import DequeModule

/// Spreads the calls of a channel over its addresses: each has a connection of its own, and calls take those that are
/// ready in turn (CH-4). Lives on the event loop that all of them share.
///
/// `@unchecked`: everything that changes is touched on that loop only.
final class RoundRobin: @unchecked Sendable {
    private let cores: [ChannelCore]
    private var next = 0

    /// - Parameter cores: one for each address, at least one.
    init(_ cores: [ChannelCore]) {
        self.cores = cores
        for core in cores { core.balancer = self }
    }

    func open(_ stream: ClientStream) {
        if !reroute(stream) { turn()[0].openHere(stream) }
    }

    /// Gives a call to an address that is ready, or else to one that may become so.
    ///
    /// - Returns: false if every address has failed.
    func reroute(_ stream: ClientStream) -> Bool {
        let cores = turn()
        for core in cores { core.wake() }  // an address that is not connected gets its next chance here
        for wanted in [RPCChannel.Connectivity.ready, .connecting] {
            guard let core = cores.first(where: { $0.ownConnectivity == wanted }) else { continue }
            core.openHere(stream)
            return true
        }
        return false
    }

    /// An address is ready: those who wait for one that has failed need not.
    func becameReady() {
        for core in cores where core.ownConnectivity == .transientFailure {
            for stream in core.takeWaiting() { open(stream) }
        }
    }

    private func turn() -> [ChannelCore] {
        next = (next + 1) % cores.count
        return Array(cores[next...] + cores[..<next])
    }

    /// READY if one is, else CONNECTING if one is, else IDLE if one is.
    var connectivity: RPCChannel.Connectivity {
        let all = cores.map(\.ownConnectivity)
        for state in [RPCChannel.Connectivity.ready, .connecting, .idle, .transientFailure] where all.contains(state) {
            return state
        }
        return .shutdown
    }

    /// Who watches the channel watches the first address, which speaks for all.
    func tellObservers() { cores[0].tellObservers() }
}
