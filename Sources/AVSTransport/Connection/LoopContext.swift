import AVSRPC
import NIOCore
import Synchronization

/// What the connections of one event loop share: the executor of their handlers' tasks, the compressor, the scratch
/// buffer, and the list of connections that have something to flush.
///
/// As a task executor it keeps a handler and its continuations on the loop of its connection (SP-4). Jobs are collected
/// and run in batches, so that many results cost one wake-up and one flush for each connection (SP-3).
///
/// `@unchecked`: jobs are behind a lock; everything else is touched on the event loop only.
final class LoopContext: TaskExecutor, @unchecked Sendable {
    let eventLoop: any EventLoop
    let compressor = MessageCompressor()
    /// Frames are serialized into this and copied out when they are few.
    var scratch = ByteBuffer()
    /// For the listeners' limit.
    let handshakes = HandshakeCount()

    private struct Queue {
        var jobs: [UnownedJob] = []
        var isScheduled = false
    }

    private let queue = Mutex(Queue())
    private var running: [UnownedJob] = []
    /// Jobs run so far. A call whose handler does not suspend is one (SP-4).
    private(set) var jobCount = 0
    private var isRunning = false
    private var flushes: [any Flushable] = []
    private var isFlushScheduled = false

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    // MARK: Jobs

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustSchedule = queue.withLock { queue in
            queue.jobs.append(job)
            defer { queue.isScheduled = true }
            return !queue.isScheduled
        }
        if mustSchedule { eventLoop.execute { self.runJobs() } }
    }

    /// Runs the jobs that are there; those that they add have their turn after the loop has looked at its sockets.
    private func runJobs() {
        let rest = queue.withLock { queue in
            swap(&queue.jobs, &running)
            queue.isScheduled = false
            return queue.jobs
        }
        assert(rest.isEmpty)
        isRunning = true
        jobCount += running.count
        for job in running { job.runSynchronously(on: asUnownedTaskExecutor()) }
        running.removeAll(keepingCapacity: true)
        isRunning = false
        flush()
    }

    // MARK: Flushing

    /// Flushes a connection at the end of this turn.
    func scheduleFlush(_ connection: any Flushable) {
        flushes.append(connection)
        guard !isRunning, !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.execute { self.flush() }
    }

    private func flush() {
        isFlushScheduled = false
        guard !flushes.isEmpty else { return }
        let connections = flushes
        flushes = []
        for connection in connections { connection.flushNow() }
    }
}

protocol Flushable: AnyObject {
    func flushNow()
}

/// The contexts of a group's loops, one for each for as long as whoever uses them lives.
struct LoopContexts: Sendable {
    private let contexts: [ObjectIdentifier: LoopContext]

    init(_ group: any EventLoopGroup) {
        var contexts: [ObjectIdentifier: LoopContext] = [:]
        for loop in group.makeIterator() { contexts[ObjectIdentifier(loop)] = LoopContext(loop) }
        self.contexts = contexts
    }

    func context(for loop: any EventLoop) -> LoopContext { contexts[ObjectIdentifier(loop)] ?? LoopContext(loop) }
}
