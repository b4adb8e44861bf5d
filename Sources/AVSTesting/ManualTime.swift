public import AVSPrimitives
import Synchronization

/// A clock that stands still until a test moves it.
///
/// Wall and monotonic time move together by ``advance(by:)``; ``jump(by:)`` steps the wall clock alone, as an
/// administrator or a time service would.
public final class ManualTime: TimeSource {
    private struct Sleeper {
        var deadline: ContinuousClock.Instant
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Timestamp
        var monotonic: ContinuousClock.Instant
        var sleepers: [UInt64: Sleeper] = [:]
        var nextID: UInt64 = 0
        var waitingForSleepers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state: Mutex<State>

    public init(now: Timestamp = Timestamp(milliseconds: 1_900_000_000_000)) {
        state = Mutex(State(now: now, monotonic: ContinuousClock().now))
    }

    public var now: Timestamp { state.withLock { $0.now } }
    public var monotonic: ContinuousClock.Instant { state.withLock { $0.monotonic } }

    /// Moves both clocks and wakes whoever's deadline has come.
    public func advance(by duration: Duration) {
        let due = state.withLock { state -> [Sleeper] in
            state.now = state.now.adding(duration)
            state.monotonic += duration
            let due = state.sleepers.filter { $0.value.deadline <= state.monotonic }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.sorted { $0.deadline < $1.deadline }
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Steps the wall clock alone.
    public func jump(by duration: Duration) {
        state.withLock { $0.now = $0.now.adding(duration) }
    }

    /// Returns once at least `count` tasks sleep: the way to know that a loop has come to its pause.
    public func waitForSleepers(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                guard state.sleepers.count < count else { return true }
                state.waitingForSleepers.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    public func sleep(until deadline: ContinuousClock.Instant) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                add(Sleeper(deadline: deadline, continuation: continuation), id: id)
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }

    private func add(_ sleeper: Sleeper, id: UInt64) {
        let (isDue, ready) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
            guard sleeper.deadline > state.monotonic, !Task.isCancelled else { return (true, []) }
            state.sleepers[id] = sleeper
            let count = state.sleepers.count
            let ready = state.waitingForSleepers.filter { $0.count <= count }.map(\.continuation)
            state.waitingForSleepers.removeAll { $0.count <= count }
            return (false, ready)
        }
        for continuation in ready { continuation.resume() }
        guard isDue else { return }
        if Task.isCancelled {
            sleeper.continuation.resume(throwing: CancellationError())
        } else {
            sleeper.continuation.resume()
        }
    }
}
