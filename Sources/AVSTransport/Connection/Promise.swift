import Synchronization

/// A value that comes once and for all who ask, now or later.
final class Promise<Value: Sendable>: Sendable {
    private struct State {
        var result: Result<Value, any Error>?
        var waiters: [Waiter<Value>] = []
    }

    private let state = Mutex(State())

    /// The first result counts.
    func fulfil(_ result: Result<Value, any Error>) {
        let waiters = state.withLock { state in
            guard state.result == nil else { return [Waiter<Value>]() }
            state.result = result
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume { result } }
    }

    /// - Throws: the failure, or `CancellationError` once the asking task is cancelled.
    func value() async throws -> Value {
        let waiter = Waiter<Value>()
        state.withLock { state in
            if let result = state.result {
                waiter.resume { result }
            } else {
                state.waiters.removeAll { $0.isDecided }
                state.waiters.append(waiter)
            }
        }
        return try await waiter.value()
    }
}
