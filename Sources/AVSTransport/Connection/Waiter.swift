import Synchronization

/// One task that waits for one value from an event loop, and may be cancelled while it does.
///
/// Whoever comes first decides: the value, or the cancellation. The value may come before the task waits.
final class Waiter<Value: Sendable>: Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<Value, any Error>)
        case decided(Result<Value, any Error>)
        case finished
    }

    private let state = Mutex(State.idle)

    /// - Throws: `CancellationError` as soon as the task is cancelled, or what ``resume(with:)`` gave.
    func value() async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Value, any Error>? = state.withLock { state in
                    if case .decided(let result) = state {
                        state = .finished
                        return result
                    }
                    state = .waiting(continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            resume { .failure(CancellationError()) }
        }
    }

    /// Nil for a failure, the cancellation of the asking task among them.
    func valueIfNotCancelled() async -> Value? {
        do { return try await value() } catch { return nil }
    }

    /// Decides, unless that was done before. `result` is evaluated only if it counts, so that what it takes from
    /// somewhere is not lost; nil from it decides nothing.
    func resume(with result: () -> Result<Value, any Error>?) {
        let waiting: (CheckedContinuation<Value, any Error>, Result<Value, any Error>)? = state.withLock { state in
            switch state {
            case .idle:
                if let result = result() { state = .decided(result) }
                return nil
            case .waiting(let continuation):
                guard let result = result() else { return nil }
                state = .finished
                return (continuation, result)
            case .decided, .finished:
                return nil
            }
        }
        if let (continuation, result) = waiting { continuation.resume(with: result) }
    }

    /// A decision was made; nothing that is offered now is taken.
    var isDecided: Bool {
        state.withLock { state in
            switch state {
            case .idle, .waiting: false
            case .decided, .finished: true
            }
        }
    }
}

extension Waiter where Value == Void {
    func resume() { resume { .success(()) } }
}
