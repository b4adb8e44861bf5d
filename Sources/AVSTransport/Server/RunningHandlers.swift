import Synchronization

/// How many handlers of a server have not returned, over all connections, also those whose stream is gone (OV-2).
final class RunningHandlers: Sendable {
    private let number = Atomic<Int>(0)
    /// Spares each return the lock for as long as nobody waits.
    private let isAwaited = Atomic<Bool>(false)
    private let waiters = Mutex<[Waiter<Void>]>([])

    var count: Int { number.load(ordering: .relaxed) }

    /// Counts one more if that makes at most `limit`.
    func begin(limit: Int) -> Bool {
        guard number.add(1, ordering: .relaxed).newValue <= limit else {
            end()
            return false
        }
        return true
    }

    /// One has returned.
    func end() {
        // Sequentially consistent, as in `waitUntilNone()`: either this sees that somebody waits, or they see the zero.
        guard number.subtract(1, ordering: .sequentiallyConsistent).newValue == 0,
            isAwaited.load(ordering: .sequentiallyConsistent)
        else { return }
        resumeAll()
    }

    /// Waits until none runs. Another may begin right after, unless the connections have ended before.
    ///
    /// - Throws: `CancellationError` once the waiting task is cancelled.
    func waitUntilNone() async throws {
        let waiter = Waiter<Void>()
        waiters.withLock { $0.append(waiter) }
        isAwaited.store(true, ordering: .sequentiallyConsistent)
        if number.load(ordering: .sequentiallyConsistent) == 0 { resumeAll() }
        try await waiter.value()
    }

    private func resumeAll() {
        let waiting = waiters.withLock { waiters in
            defer { waiters = [] }
            return waiters
        }
        for waiter in waiting { waiter.resume() }
    }
}
