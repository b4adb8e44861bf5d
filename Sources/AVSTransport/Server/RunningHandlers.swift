import DequeModule
import Synchronization

/// The places for handlers that all connections of a server share: how many are taken, also by handlers whose stream is
/// gone, and which connections wait for one (OV-2).
///
/// A place that becomes free goes to the connection that waits longest, which then waits behind all others for its
/// next one: a connection with a hundred calls gets no more of them started than one with two. While nobody waits,
/// taking and giving back is an addition each.
final class RunningHandlers: Sendable {
    /// A connection that waits, once however many of its calls do.
    private struct Waiting {
        let connection: ObjectIdentifier
        let wake: @Sendable () -> Void
    }

    private let limit: Int
    private let seatLimit: Int
    private let number = Atomic<Int>(0)
    /// Calls that wait for their handler to start.
    private let seats = Atomic<Int>(0)
    private let queue = Mutex<Deque<Waiting>>([])
    /// Of ``queue``; spares each return the lock for as long as nobody waits.
    private let queueLength = Atomic<Int>(0)
    /// The same for ``waiters``.
    private let isAwaited = Atomic<Bool>(false)
    private let waiters = Mutex<[Waiter<Void>]>([])

    /// - Parameters:
    ///   - limit: handlers that may run.
    ///   - seatLimit: calls that may wait for one of them to return.
    init(limit: Int, seatLimit: Int) {
        self.limit = limit
        self.seatLimit = seatLimit
    }

    var count: Int { number.load(ordering: .relaxed) }
    var waitingCount: Int { seats.load(ordering: .relaxed) }

    // MARK: Places

    /// Takes a place if there is one that nobody waits for.
    func begin() -> Bool { queueLength.load(ordering: .sequentiallyConsistent) == 0 && take() }

    private func take() -> Bool {
        var current = number.load(ordering: .sequentiallyConsistent)
        while current < limit {
            let (isTaken, original) = number.compareExchange(
                expected: current, desired: current + 1, ordering: .sequentiallyConsistent)
            if isTaken { return true }
            current = original
        }
        return false
    }

    /// A handler has returned, or a connection that was given a place has no use for it.
    func end() {
        // Sequentially consistent, as in `wait` and `waitUntilNone`: either this sees that somebody waits, or they see
        // the place that this gives back.
        let rest = number.subtract(1, ordering: .sequentiallyConsistent).newValue
        if queueLength.load(ordering: .sequentiallyConsistent) > 0 { handOver() }
        if rest == 0, isAwaited.load(ordering: .sequentiallyConsistent) { resumeAll() }
    }

    // MARK: Waiting for a place

    /// Counts a call that will wait, if there is room for it.
    func takeSeat() -> Bool {
        guard seats.add(1, ordering: .relaxed).newValue <= seatLimit else {
            leaveSeats(1)
            return false
        }
        return true
    }

    /// So many calls wait no longer, whether they run now or have ended.
    func leaveSeats(_ count: Int) { seats.subtract(count, ordering: .relaxed) }

    /// Calls `wake`, on whatever thread, when a place has been taken for the connection. It waits once at a time.
    func wait(_ connection: ObjectIdentifier, _ wake: @escaping @Sendable () -> Void) {
        queue.withLock { queue in
            queue.append(Waiting(connection: connection, wake: wake))
            queueLength.store(queue.count, ordering: .sequentiallyConsistent)
        }
        handOver()
    }

    /// The connection has ended. A place that is on its way to it comes, and is given back.
    func forget(_ connection: ObjectIdentifier) {
        guard queueLength.load(ordering: .sequentiallyConsistent) > 0 else { return }
        queue.withLock { queue in
            queue.removeAll { $0.connection == connection }
            queueLength.store(queue.count, ordering: .sequentiallyConsistent)
        }
    }

    private func handOver() {
        while let next = takeForNext() { next.wake() }
    }

    private func takeForNext() -> Waiting? {
        queue.withLock { queue in
            guard !queue.isEmpty, take() else { return nil }
            defer { queueLength.store(queue.count, ordering: .sequentiallyConsistent) }
            return queue.removeFirst()
        }
    }

    // MARK: The end

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
