import AVSRPC
import AVSStorage
import Synchronization

/// Places for running handlers, and the calls that wait for one: ``CallQueue`` decides, this one waits and wakes.
final class CallSlots: Sendable {
    private enum Waiter {
        case asleep(CheckedContinuation<Void, any Error>)
        /// It was decided about before it could go to sleep.
        case decided(Result<Void, any Error>)
    }

    private struct State {
        var queue: CallQueue
        /// Of each call that waits, and of those that were woken and did not notice yet.
        var waiters: [UInt64: Waiter] = [:]

        /// What has to be resumed once the lock is free.
        mutating func decide(_ slot: CallQueue.Slot, _ result: Result<Void, any Error>) -> Wake? {
            if case .asleep(let continuation) = waiters.removeValue(forKey: slot.number) {
                return Wake(continuation: continuation, result: result)
            }
            waiters[slot.number] = .decided(result)
            return nil
        }
    }

    private struct Wake {
        var continuation: CheckedContinuation<Void, any Error>
        var result: Result<Void, any Error>

        func callAsFunction() { continuation.resume(with: result) }
    }

    private let state: Mutex<State>

    init(_ limits: CallLimits) { state = Mutex(State(queue: CallQueue(limits))) }

    /// Calls that run and calls that wait.
    var load: (running: Int, waiting: Int) { state.withLock { ($0.queue.running, $0.queue.waiting.count) } }

    /// Takes a place, or waits for one.
    /// - Throws: RESOURCE_EXHAUSTED; `CancellationError` when the calling task is cancelled while it waits.
    func take(for caller: CallQueue.Caller, _ workClass: WorkClass) async throws -> CallQueue.Slot {
        let (step, wake) = state.withLock { state -> (CallQueue.Step, Wake?) in
            let step = state.queue.enter(caller, workClass)
            guard case .wait(_, let gone?) = step else { return (step, nil) }
            return (step, state.decide(gone, .failure(state.queue.overflow)))
        }
        wake?()
        switch step {
        case .run(let slot): return slot
        case .refuse(let status): throw status
        case .wait(let slot, _):
            try await wait(slot)
            return slot
        }
    }

    /// Gives a place back; whoever is first in the queue gets it.
    func give(back slot: CallQueue.Slot) {
        let wake = state.withLock { state in
            state.queue.leave(slot).flatMap { state.decide($0, .success(())) }
        }
        wake?()
    }

    private func wait(_ slot: CallQueue.Slot) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let wake = state.withLock { state -> Wake? in
                    if case .decided(let result) = state.waiters.removeValue(forKey: slot.number) {
                        return Wake(continuation: continuation, result: result)
                    }
                    state.waiters[slot.number] = .asleep(continuation)
                    return nil
                }
                wake?()
            }
        } onCancel: {
            let wake = state.withLock { state in
                state.queue.giveUp(slot) ? state.decide(slot, .failure(CancellationError())) : nil
            }
            wake?()
        }
    }
}
