import AVSPrimitives
import AVSRPC
import DequeModule
import NIOCore
import Synchronization

/// What the connections of one event loop share: the executor of their handlers' tasks, the compressor, the scratch
/// buffer, and the list of connections that have something to flush.
///
/// As a task executor it keeps a handler and its continuations on the loop of its connection (SP-4). Jobs are collected
/// and run in batches, so that many results cost one wake-up and one flush for each connection (SP-3).
///
/// `@unchecked`: jobs are behind a lock; everything else is touched on the event loop only, and what each call touches
/// is not checked for overlapping access at run time.
final class LoopContext: TaskExecutor, @unchecked Sendable {
    let eventLoop: any EventLoop
    let compressor = MessageCompressor()
    /// Frames are serialized into this and copied out when they are few.
    var scratch = ByteBuffer()
    /// For the listeners' limit.
    let handshakes = HandshakeCount()
    let inflating: InflateTurns
    @exclusivity(unchecked) var counters = LoopCounters()

    private struct Queue {
        var jobs: [UnownedJob] = []
        var isScheduled = false
    }

    /// So many batches in a row, or batches for so long, then the sockets have a turn: neither a task that yields in a
    /// loop nor one that writes what a large window takes starves anybody. NIO runs whatever `execute` adds before it
    /// looks at the sockets, so it takes a timer.
    static let longestChain = 256
    private static let longestChainTime = Duration.milliseconds(4)
    private static let pause = TimeAmount.microseconds(50)
    /// Batches in a row that only jobs of the batch before had asked for, and when the first of them ended.
    @exclusivity(unchecked) private var chain = 0
    @exclusivity(unchecked) private var chainBegan: ContinuousClock.Instant
    private let time: any TimeSource

    private let queue = Mutex(Queue())
    private var running: [UnownedJob] = []
    /// Jobs run so far. A call whose handler does not suspend is one (SP-4).
    private(set) var jobCount = 0
    @exclusivity(unchecked) private var isRunning = false
    /// Calls whose handlers may start, and whether a task is on its way to run them.
    @exclusivity(unchecked) private var startingCalls: Deque<any RunnableCall> = []
    @exclusivity(unchecked) private var isRunnerComing = false
    @exclusivity(unchecked) private var flushes: [any Flushable] = []
    private var isFlushScheduled = false

    init(_ eventLoop: any EventLoop, time: any TimeSource) {
        self.eventLoop = eventLoop
        self.time = time
        chainBegan = time.monotonic
        inflating = InflateTurns(eventLoop)
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

    /// Runs the jobs that are there, flushes what they wrote, and sees to those that they added.
    private func runJobs() {
        let rest = queue.withLock { queue in
            swap(&queue.jobs, &running)
            return queue.jobs  // `isScheduled` stays, so that jobs which these add schedule nothing
        }
        assert(rest.isEmpty)
        isRunning = true
        runAll()
        while !startingCalls.isEmpty {  // the call that ran before these is suspended
            startRunner()
            queue.withLock { swap(&$0.jobs, &running) }
            if running.isEmpty { break }
            runAll()
        }
        isRunning = false
        flush()
        scheduleAgain()
    }

    private func runAll() {
        jobCount += running.count
        for job in running { job.runSynchronously(on: asUnownedTaskExecutor()) }
        running.removeAll(keepingCapacity: true)
    }

    private func scheduleAgain() {
        let hasMore = queue.withLock { queue in
            queue.isScheduled = !queue.jobs.isEmpty
            return queue.isScheduled
        }
        guard hasMore else { return chain = 0 }
        let now = time.monotonic
        if chain == 0 { chainBegan = now }
        chain += 1
        if chain < Self.longestChain, now < chainBegan + Self.longestChainTime {
            eventLoop.execute { self.runJobs() }
        } else {
            chain = 0
            eventLoop.scheduleTask(in: Self.pause) { self.runJobs() }
        }
    }

    // MARK: Calls

    /// Runs the handler of a call in a task on this loop.
    ///
    /// The calls of one turn share a task for as long as their handlers do not suspend: making a task costs about as
    /// much as the rest of a small call (SP-4). A call that suspends keeps the task, and those after it get another
    /// one.
    func start(_ call: any RunnableCall) {
        startingCalls.append(call)
        startRunner()
    }

    private func startRunner() {
        guard !isRunnerComing else { return }
        isRunnerComing = true
        let runner = CallRunner()
        runner.task = Task(executorPreference: self) { await self.run(runner) }  // ends when no call waits for it
    }

    nonisolated(nonsending) private func run(_ runner: CallRunner) async {
        isRunnerComing = false
        // A cancelled task has had a call that was given up; the next one deserves a fresh task.
        while !Task.isCancelled, eventLoop.inEventLoop, let call = startingCalls.popFirst() {
            await call.run(in: runner)
        }
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

/// A task that runs handlers one after the other, for the calls to cancel while theirs is running.
///
/// `@unchecked`: touched on the event loop only.
final class CallRunner: @unchecked Sendable {
    fileprivate(set) var task: Task<Void, Never>?
}

/// A call with a handler.
protocol RunnableCall: AnyObject {
    /// Returns when the handler has. Until then, and not after, the call may cancel the task.
    nonisolated(nonsending) func run(in runner: CallRunner) async
}

protocol Flushable: AnyObject {
    func flushNow()
}

/// The contexts of a group's loops, one for each for as long as whoever uses them lives.
struct LoopContexts: Sendable {
    private let contexts: [ObjectIdentifier: LoopContext]
    private let time: any TimeSource

    init(_ group: any EventLoopGroup, time: any TimeSource) {
        var contexts: [ObjectIdentifier: LoopContext] = [:]
        for loop in group.makeIterator() { contexts[ObjectIdentifier(loop)] = LoopContext(loop, time: time) }
        self.contexts = contexts
        self.time = time
    }

    var all: some Sequence<LoopContext> { contexts.values }

    func context(for loop: any EventLoop) -> LoopContext {
        contexts[ObjectIdentifier(loop)] ?? LoopContext(loop, time: time)
    }
}
