import Dispatch
import Synchronization

/// Tasks that sleep, and the one timer that wakes them.
///
/// `Task.sleep` sets a timer of its own each time, which wakes the system's timer thread and stays until its time even
/// when the sleep is cancelled. Here nearly every sleep is a deadline of a call, a run or a script: far off, and
/// cancelled soon. That costs an entry in memory, and the timer is set anew only for one that is due before all others.
final class Sleepers: Sendable {
    private struct State {
        var alarms = Alarms<CheckedContinuation<Void, any Error>>()
        var sleepsSoFar: UInt64 = 0
        /// What the timer is set for.
        var wakesAt: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> ContinuousClock.Instant

    init(now: @escaping @Sendable () -> ContinuousClock.Instant) { self.now = now }

    /// How many sleep.
    var count: Int { state.withLock { $0.alarms.count } }

    /// Returns at `deadline`, at once if it has passed.
    /// - Throws: `CancellationError` as soon as the surrounding task is cancelled.
    func sleep(until deadline: ContinuousClock.Instant) async throws {
        let id = state.withLock { state in
            state.sleepsSoFar += 1
            return state.sleepsSoFar
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { add($0, id, at: deadline) }
        } onCancel: {
            state.withLock { $0.alarms.remove(id) }?.resume(throwing: CancellationError())
        }
    }

    private func add(
        _ sleeper: CheckedContinuation<Void, any Error>, _ id: UInt64, at deadline: ContinuousClock.Instant
    ) {
        enum Answer { case sleeps, setsTimer, isOver, isCancelled }
        let answer = state.withLock { state -> Answer in
            // Cancelled before this: the handler has found nobody to wake.
            if Task.isCancelled { return .isCancelled }
            if deadline <= now() { return .isOver }
            state.alarms.add(sleeper, id, at: deadline)
            if let wakesAt = state.wakesAt, wakesAt <= deadline { return .sleeps }
            state.wakesAt = deadline
            return .setsTimer
        }
        switch answer {
        case .sleeps: break
        case .setsTimer: setTimer(deadline)
        case .isOver: sleeper.resume()
        case .isCancelled: sleeper.resume(throwing: CancellationError())
        }
    }

    private func setTimer(_ time: ContinuousClock.Instant) {
        let (seconds, attoseconds) = max(.zero, now().duration(to: time)).components
        let nanoseconds = Int(attoseconds / 1_000_000_000) + 1
        // The clock of timers stands still while the machine is suspended. So it rings at least once a minute.
        let left = DispatchTimeInterval.nanoseconds(Int(min(seconds, 60)) * 1_000_000_000 + nanoseconds)
        DispatchQueue.global().asyncAfter(deadline: .now() + left) { self.ring(time) }
    }

    /// - Parameter time: for which the timer was set. One that was set again since then is for the later ring.
    private func ring(_ time: ContinuousClock.Instant) {
        typealias Woken = (due: [CheckedContinuation<Void, any Error>], next: ContinuousClock.Instant?)
        let (due, next) = state.withLock { state -> Woken in
            guard state.wakesAt == time else { return ([], nil) }
            let due = state.alarms.takeDue(at: now())
            state.wakesAt = state.alarms.nextTime()
            return (due, state.wakesAt)
        }
        for sleeper in due { sleeper.resume() }
        if let next { setTimer(next) }
    }
}
