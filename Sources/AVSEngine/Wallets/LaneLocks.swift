import AVSSchema
import DequeModule
import Synchronization

/// One user operation of a wallet at a time; wallets do not wait for each other (7.8).
///
/// Who waits is a call or a run, of which there are bounded numbers, so the waiting are bounded too.
final class LaneLocks: Sendable {
    private struct Waiter {
        let number: UInt64
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        /// A lane that is here is held.
        var waiting: [LaneKey: Deque<Waiter>] = [:]
        var newest: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Runs `body` when it is its turn.
    /// - Throws: what `body` throws, and `CancellationError` for a task that was cancelled while it waited.
    func holding<Answer: Sendable>(
        _ lane: LaneKey, _ body: @Sendable () async throws -> Answer
    ) async throws -> Answer {
        try await acquire(lane)
        defer { release(lane) }
        return try await body()
    }

    private func acquire(_ lane: LaneKey) async throws {
        let number = state.withLock { state in
            state.newest &+= 1
            return state.newest
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let turn = state.withLock { state -> Result<Void, any Error>? in
                    // Set before the handler below runs, so one of the two sees the other.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    guard state.waiting[lane] != nil else {
                        state.waiting[lane] = []
                        return .success(())
                    }
                    state.waiting[lane]?.append(Waiter(number: number, continuation: continuation))
                    return nil
                }
                if let turn { continuation.resume(with: turn) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.waiting[lane]?.firstIndex(where: { $0.number == number }) else { return nil }
                return state.waiting[lane]?.remove(at: index)
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    private func release(_ lane: LaneKey) {
        let next = state.withLock { state -> Waiter? in
            if let next = state.waiting[lane]?.popFirst() { return next }
            state.waiting[lane] = nil
            return nil
        }
        next?.continuation.resume()
    }
}
