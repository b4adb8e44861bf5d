import Synchronization

/// Which services are well; what `grpc.health.v1.Health` answers from.
///
///     let health = HealthBoard()
///     health.set(.serving, for: "aggregator.Aggregator")
///     let server = RPCServer(…, methods: … + health.methods, …)
///     server.onDrainBegin { health.shutDown() }
public final class HealthBoard: Sendable {
    public enum Serving: UInt64, Hashable, Sendable {
        case unknown = 0
        case serving = 1
        case notServing = 2
        /// What a watcher of a name nobody has set is told.
        case serviceUnknown = 3
    }

    /// `List` refuses beyond this (HL-3).
    public static let listLimit = 100

    private struct State {
        var statuses: [String: Serving] = ["": .serving]
        var isShutDown = false
        var watchers: [Int: (service: String, AsyncStream<Serving>.Continuation)] = [:]
        var lastWatcher = 0
    }

    private let state = Mutex(State())

    /// The empty name, which means the whole server, is serving (HL-1).
    public init() {}

    /// Sets one name and tells its watchers. Ignored after ``shutDown()`` (HL-4).
    public func set(_ status: Serving, for service: String = "") {
        state.withLock { state in
            guard !state.isShutDown, state.statuses[service] != status else { return }
            state.statuses[service] = status
            for (watched, watcher) in state.watchers.values where watched == service { watcher.yield(status) }
        }
    }

    /// Everything is NOT_SERVING; watchers are told and their calls end, so that they do not hold up a drain (HL-4).
    public func shutDown() {
        state.withLock { state in
            state.isShutDown = true
            for service in state.statuses.keys { state.statuses[service] = .notServing }
            for (service, watcher) in state.watchers.values {
                if state.statuses[service] != nil { watcher.yield(.notServing) }
                watcher.finish()
            }
            state.watchers = [:]
        }
    }

    /// Takes back ``shutDown()``: every name is serving again.
    public func resume() {
        state.withLock { state in
            state.isShutDown = false
            for service in state.statuses.keys { state.statuses[service] = .serving }
        }
    }

    /// Nil for a name nobody has set.
    public func status(of service: String) -> Serving? { state.withLock { $0.statuses[service] } }

    var all: [String: Serving] { state.withLock { $0.statuses } }

    // MARK: Watching

    /// The state now and at each change. A slow reader gets the latest and nothing between (HL-2).
    func watch(_ service: String) -> (id: Int, AsyncStream<Serving>) {
        let (stream, watcher) = AsyncStream.makeStream(of: Serving.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            watcher.yield(state.statuses[service] ?? .serviceUnknown)
            state.lastWatcher += 1
            if state.isShutDown { watcher.finish() } else { state.watchers[state.lastWatcher] = (service, watcher) }
            return state.lastWatcher
        }
        return (id, stream)
    }

    func stopWatching(_ id: Int) {
        state.withLock { state in
            state.watchers.removeValue(forKey: id)?.1.finish()
        }
    }

    var watcherCount: Int { state.withLock { $0.watchers.count } }
}
