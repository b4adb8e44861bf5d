import AVSRPC
import DequeModule
import Synchronization

/// Compresses large messages beside the event loops (CMP-10): a mebibyte of JSON takes zlib 35 ms, measured, in which a
/// loop would serve none of its connections.
///
/// At most `limit` messages are compressed at the same time, in the order in which they came; those behind them wait.
/// That queue is bounded by the calls, of which each has at most one message here: a handler's answer, or the one whose
/// writer waits for it. For the same reason what one task writes keeps its order.
final class CompressionJobs: Sendable {
    /// Smaller messages are compressed where they are: this much takes 2 ms, and changing threads takes time too.
    static let worthwhileBytes = 64 * 1024

    private struct Job {
        let message: [UInt8]
        let encoding: MessageEncoding
        let done: @Sendable (OutgoingMessage) -> Void
    }

    /// Contexts for one job at a time, kept for the next one.
    ///
    /// `@unchecked`: whoever took it out of ``State/idle``, or made it, has it alone until it is put back.
    private final class Worker: @unchecked Sendable {
        let compressor = MessageCompressor()
    }

    private struct State {
        var jobs: Deque<Job> = []
        var running = 0
        var idle: [Worker] = []
        var waiters: [Waiter<Void>] = []
    }

    private let limit: Int
    private let state = Mutex(State())
    private let number = Atomic<Int>(0)

    /// - Parameter limit: messages at a time. Half the processors, so that the loops keep the others; at least one.
    init(limit: Int) {
        self.limit = max(1, limit)
    }

    /// Messages compressed here so far.
    var count: Int { number.load(ordering: .relaxed) }

    static func isWorthwhile(_ message: [UInt8], _ encoding: MessageEncoding) -> Bool {
        encoding != .identity && message.count >= worthwhileBytes
    }

    /// - Parameter done: called once, on any thread but the caller's, with the message as it should go out.
    func start(
        _ message: [UInt8], _ encoding: MessageEncoding, then done: @escaping @Sendable (OutgoingMessage) -> Void
    ) {
        let worker = state.withLock { state -> Worker? in
            state.jobs.append(Job(message: message, encoding: encoding, done: done))
            guard state.running < limit else { return nil }
            state.running += 1
            return state.idle.popLast() ?? Worker()
        }
        guard let worker else { return }
        Task(executorPreference: globalConcurrentExecutor) { self.work(worker) }  // ends when no job is left for it
    }

    private func work(_ worker: Worker) {
        while let job = next(for: worker) {
            let message = OutgoingMessage(job.message, job.encoding, worker.compressor)
            number.add(1, ordering: .relaxed)
            job.done(message)
        }
    }

    private func next(for worker: Worker) -> Job? {
        let (job, waiters) = state.withLock { state -> (Job?, [Waiter<Void>]) in
            if let job = state.jobs.popFirst() { return (job, []) }
            state.running -= 1
            state.idle.append(worker)
            guard state.running == 0 else { return (nil, []) }
            defer { state.waiters = [] }
            return (nil, state.waiters)
        }
        for waiter in waiters { waiter.resume() }
        return job
    }

    /// Waits until all that was started is done: what is done goes to event loops, which had better be there. A call
    /// that was given up leaves its message here.
    ///
    /// - Throws: `CancellationError` once the waiting task is cancelled.
    func waitUntilIdle() async throws {
        let waiter = Waiter<Void>()
        state.withLock { state in
            if state.running == 0 { waiter.resume() } else { state.waiters.append(waiter) }
        }
        try await waiter.value()
    }
}
