import AVSRPC
import DequeModule
import NIOCore

/// Spreads the calls of a channel over its addresses: each has a connection of its own, and calls take those that are
/// ready in turn (CH-4). When a connection is lost the name is resolved again, so that servers come and go (CH-3).
/// Lives on the channel's event loop.
///
/// `@unchecked`: everything that changes is touched on that loop only.
final class RoundRobin: @unchecked Sendable {
    /// The channel as a whole, which connects to nothing itself.
    private let head: ChannelCore
    private let source: AddressSource
    /// One for each address; none before the first call.
    private var cores: [ChannelCore] = []
    /// Those whose address is gone, until their last call has ended.
    private var retired: [ObjectIdentifier: ChannelCore] = [:]
    private var next = 0
    /// Calls that came before there was an address.
    private var waiting: Deque<ClientStream> = []
    private var isResolving = false
    /// Why there is no address.
    private var failure: String?
    private var backoff: Backoff
    private var random = SystemRandomNumberGenerator()
    private var retryTimer: Scheduled<Void>?
    private var lookTimer: Scheduled<Void>?
    private var isClosed = false

    init(_ head: ChannelCore) {
        self.head = head
        source = head.addresses
        backoff = head.configuration.backoff
        head.balancer = self
    }

    // MARK: Calls

    func open(_ stream: ClientStream) {
        if isClosed { return stream.fail(RPCStatus(.unavailable, "the channel is closed")) }
        if !cores.isEmpty {
            if !reroute(stream) { turn()[0].openHere(stream) }
        } else if let failure, !stream.waitsForReady {
            stream.fail(RPCStatus(.unavailable, "no connection to \(head.target): \(failure)"))  // RT-1
        } else {
            waiting.append(stream)
            if retryTimer == nil { resolve() }
        }
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

    /// An address is ready: those who wait for another one need not.
    func becameReady() {
        for core in cores where core.ownConnectivity != .ready {
            for stream in core.takeWaiting() { open(stream) }
        }
    }

    private func turn() -> [ChannelCore] {
        guard !cores.isEmpty else { return [] }
        next = (next + 1) % cores.count
        return Array(cores[next...] + cores[..<next])
    }

    // MARK: Addresses

    private func resolve() {
        guard !isResolving, !isClosed else { return }
        isResolving = true
        tellObservers()
        source.find { answer in
            self.isResolving = false
            switch answer {
            case .success(let addresses):
                self.failure = nil
                self.backoff.reset()
                self.use(addresses)
            case .failure(let reason): self.resolutionFailed("\(reason)")
            }
            self.tellObservers()
        }
    }

    private func use(_ addresses: [Target.Address]) {
        let old = cores
        cores = []
        for address in addresses where !cores.contains(where: { $0.target.addresses == [address] }) {
            cores.append(old.first { $0.target.addresses == [address] } ?? head.one(of: address, for: self))
        }
        var calls = waiting
        waiting = []
        for core in old where !cores.contains(where: { $0 === core }) {
            calls += core.takeWaiting()
            retired[ObjectIdentifier(core)] = core
            core.retire { self.retired[ObjectIdentifier(core)] = nil }
        }
        for call in calls where !call.isOver { open(call) }
    }

    private func resolutionFailed(_ reason: String) {
        guard cores.isEmpty, !isClosed else { return }  // those that we have may do
        failure = reason
        let delay = TimeAmount(backoff.next(using: &random))
        retryTimer = head.loop.eventLoop.scheduleTask(in: delay) {
            self.retryTimer = nil
            self.waiting.removeAll { $0.isOver }
            if self.waiting.isEmpty { self.failure = nil } else { self.resolve() }  // else the next call asks
            self.tellObservers()
        }
        let calls = waiting
        waiting = []
        for call in calls where !call.isOver { open(call) }  // those that do not wait for ready fail here
    }

    /// A connection was lost, or could not be made: the name may lead elsewhere by now (CH-3).
    func lookAgain() {
        guard source.isName, lookTimer == nil, !isClosed else { return }
        lookTimer = head.loop.eventLoop.scheduleTask(in: TimeAmount(source.pause)) {
            self.lookTimer = nil
            self.resolve()
        }
    }

    func resetBackoff() {
        backoff.reset()
        for core in cores { core.resetBackoff() }
        guard let retryTimer else { return }
        retryTimer.cancel()
        self.retryTimer = nil
        resolve()
    }

    // MARK: The end

    /// - Parameter then: called when the last connection is gone.
    func close(_ then: @escaping () -> Void) {
        isClosed = true
        lookTimer?.cancel()
        retryTimer?.cancel()
        let calls = waiting
        waiting = []
        for call in calls where !call.isOver { call.fail(RPCStatus(.unavailable, "the channel is closed")) }
        let all = [head] + cores + retired.values
        var open = all.count
        for core in all {
            core.close {
                open -= 1
                if open == 0 { then() }
            }
        }
    }

    // MARK: Observing

    /// READY if one is, else CONNECTING if one is, else IDLE if one is.
    var connectivity: RPCChannel.Connectivity {
        if isClosed { return .shutdown }
        if cores.isEmpty { return isResolving ? .connecting : failure == nil ? .idle : .transientFailure }
        let all = cores.map(\.ownConnectivity)
        for state in [RPCChannel.Connectivity.ready, .connecting, .idle] where all.contains(state) { return state }
        return .transientFailure
    }

    /// Who watches the channel watches the head.
    func tellObservers() { head.tellObservers() }
}
