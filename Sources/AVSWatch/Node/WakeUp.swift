import Synchronization

/// A bell for one waiter: rung while nobody waits, it rings as soon as somebody does. Rings do not add up.
final class WakeUp: Sendable {
    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, any Error>?
    }

    private let state = Mutex(State())

    func ring() {
        let waiter = state.withLock { state in
            guard let waiter = state.waiter.take() else {
                state.isRung = true
                return nil as CheckedContinuation<Void, any Error>?
            }
            return waiter
        }
        waiter?.resume()
    }

    /// - Throws: `CancellationError` as soon as the surrounding task is cancelled.
    func wait() async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isOver = state.withLock { state in
                    guard !state.isRung, !Task.isCancelled else {
                        state.isRung = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                guard isOver else { return }
                if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    continuation.resume()
                }
            }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.resume(throwing: CancellationError())
        }
    }
}
