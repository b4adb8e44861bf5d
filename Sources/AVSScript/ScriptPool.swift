public import AVSPrimitives
import AVSScriptFrames
import AVSThreads
import Dispatch
import Glibc
public import Logging
import Synchronization

/// Worker processes for scripts: started ahead, one owner each, ended when they fail, grow, age or overrun.
///
/// As many threads as scripts may run at once talk to the processes, and one more keeps house: it starts spare
/// processes, ends idle ones and answers scripts that have waited too long. Nothing of this is on a thread that serves
/// calls (OVL-7).
public final class ScriptPool: Sendable {
    let settings: ScriptPoolSettings
    private let time: any TimeSource
    private let logger: Logger
    private let state: Mutex<State>
    /// Signalled for a script that may run now: by who adds it, and by a thread that takes one and leaves another.
    private let work = DispatchSemaphore(value: 0)
    /// Signalled when the house has something to do.
    private let house = DispatchSemaphore(value: 0)

    struct State {
        var queue: ScriptQueue
        /// Of the owner they last served.
        var idle: [IdleWorker] = []
        var fresh: [WorkerProcess] = []
        /// By job.
        var busy: [UInt64: WorkerProcess] = [:]
        var cancelled: Set<UInt64> = []
        var nextID: UInt64 = 0
        var failedStarts = 0
        var notBefore: ContinuousClock.Instant?
        /// When the next spare process may be started; nil before the first.
        var nextSpare: ContinuousClock.Instant?
        /// When the house wakes up by itself, or did last; nil before its first turn.
        var houseWakes: ContinuousClock.Instant?
        var isClosed = false
        var statistics = ScriptPoolStatistics()

        /// Spare processes that should be there, as far as there is room.
        func missingSpares(_ settings: ScriptPoolSettings) -> Int {
            let room = settings.workers + settings.spares - idle.count - fresh.count - busy.count
            return max(0, min(settings.spares - fresh.count, room))
        }

        func shouldStartSpare(_ settings: ScriptPoolSettings, at now: ContinuousClock.Instant) -> Bool {
            missingSpares(settings) > 0 && nextSpare.map { $0 <= now } ?? true
        }
    }

    struct IdleWorker {
        var process: WorkerProcess
        var owner: Address
        var scripts: Int
        var since: ContinuousClock.Instant
    }

    private init(_ settings: ScriptPoolSettings, time: any TimeSource, logger: Logger) {
        self.settings = settings
        self.time = time
        self.logger = logger
        state = Mutex(State(queue: ScriptQueue(limit: settings.queueLimit, perOwner: settings.workersPerOwner)))
    }

    // MARK: Beginning and ending

    /// Starts the first worker, looks at what stands around it and what it can run, and then serves.
    ///
    /// - Throws: ``ScriptPoolError``: the executable is missing, its first script fails, or a layer is missing that is
    ///   required. A layer that is not required is reported to `logger`.
    public static func start(
        _ settings: ScriptPoolSettings, time: any TimeSource, logger: Logger
    ) async throws(ScriptPoolError) -> ScriptPool {
        let pool = ScriptPool(settings, time: time, logger: logger)
        let first = await withCheckedContinuation { continuation in
            do throws(ScriptPoolError) {
                // The house's thread starts the first process too: a worker ends with the thread that started it.
                try startPoolThread {
                    let first = Result { () throws(ScriptPoolError) in try pool.startFirst() }
                    continuation.resume(returning: first)
                    if case .success = first { pool.keepHouse() }
                }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        try first.get()
        do throws(ScriptPoolError) {
            for _ in 0..<settings.workers { try startPoolThread { pool.serve() } }
        } catch {
            pool.close()
            throw error
        }
        return pool
    }

    private func startFirst() throws(ScriptPoolError) {
        let process = try WorkerProcess.start(settings, time: time)
        let greeting = try process.greeting(until: time.monotonic + ScriptPoolSettings.startLimit)
        try check(greeting)
        process.isGreeted.store(true, ordering: .relaxed)
        try checkModules(process)
        for (layer, reason) in greeting.missing.sorted(by: { $0.key < $1.key }) {
            logger.warning(
                "a layer of the script sandbox is missing; never run so in production",
                metadata: ["layer": "\(layer)", "reason": "\(reason)"])
        }
        state.withLock { state in
            state.fresh.append(process)
            state.statistics.started += 1
        }
    }

    /// Runs what needs the most: the modules, which come from a file, and the names of a zone, inside the sandbox.
    private func checkModules(_ process: WorkerProcess) throws(ScriptPoolError) {
        let source = """
            const _ = require("lodash"), dayjs = require("dayjs"), uuid = require("uuid");
            const zone = new Intl.DateTimeFormat("en", {timeZone: "Europe/Paris", year: "numeric"});
            return [
                _.sum([1, 2]), dayjs.unix(0).format("YYYY"), uuid.validate(uuid.v4()), zone.format(0),
                [_, dayjs, uuid].every(Object.isFrozen),
            ].join();
            """
        let limit = ScriptPoolSettings.startLimit
        let request = ScriptRequest(
            .program(source: source, isBody: true), variables: Array("{}".utf8),
            timeLimitMilliseconds: Int(limit / .milliseconds(1)))
        guard case .answer(let body) = process.ask(request.body, until: time.monotonic + limit) else {
            throw .cannotStart("the first script of a worker did not end (\(process.ending().text))")
        }
        do throws(ScriptFrameError) {
            let outcomes = try ScriptAnswer(body: body).outcomes
            guard outcomes == [.json("3,1970,true,1970,true")] else {
                throw ScriptFrameError("the first script of a worker gave \(outcomes)")
            }
        } catch {
            throw .cannotStart(error.description)
        }
    }

    private func check(_ greeting: WorkerGreeting) throws(ScriptPoolError) {
        guard settings.requiresSandbox else { return }
        var missing = greeting.missing
        for layer in WorkerGreeting.Layer.allCases where !greeting.layers.contains(layer) {
            missing[layer.rawValue] = missing[layer.rawValue] ?? "not reported"
        }
        guard missing.isEmpty else { throw .missingLayers(missing) }
    }

    /// Ends all processes and threads. Scripts that wait or run fail.
    public func close() {
        let (jobs, processes) = state.withLock { state in
            state.isClosed = true
            let all = state.idle.map(\.process) + state.fresh + Array(state.busy.values)
            state.idle = []
            state.fresh = []
            return (state.queue.remove { _ in true }, all)
        }
        for job in jobs { job.finish(.failure(ScriptFailureError(.cancelled))) }
        for process in processes { process.kill() }
        for _ in 0..<settings.workers { work.signal() }
        house.signal()
    }

    /// What the pool has done and does, as of now.
    public var statistics: ScriptPoolStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.waiting = state.queue.count
            statistics.running = state.busy.count
            statistics.processes = state.idle.count + state.fresh.count + state.busy.count
            return statistics
        }
    }

    /// All that are up.
    var processes: [WorkerProcess] {
        state.withLock { Array($0.busy.values) + $0.fresh + $0.idle.map(\.process) }
    }

    // MARK: Callers

    /// Runs one request for `owner` and waits for its answer. Cancelling the task ends the worker (OVL-11).
    func run(
        _ request: ScriptRequest, limit: Duration, owner: Address
    ) async -> Result<ScriptAnswer, ScriptFailureError> {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let body = request.body
        // A mark that came too late to find the script stays behind.
        defer { state.withLock { _ = $0.cancelled.remove(id) } }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enqueue(
                    ScriptJob(
                        id: id, owner: owner, body: body, limit: limit, expiry: time.monotonic + settings.queueWait,
                        finish: { continuation.resume(returning: $0) }))
            }
        } onCancel: {
            cancel(id)
        }
        switch answer {
        case .failure(let error):
            count(error.failure)
            return .failure(error)
        case .success(let body):
            do throws(ScriptFrameError) {
                let answer = try ScriptAnswer(body: body)
                state.withLock { $0.statistics.answered += 1 }
                return .success(answer)
            } catch {
                count(.workerFailed)
                return .failure(ScriptFailureError(.workerFailed))
            }
        }
    }

    private func count(_ failure: ScriptFailure) {
        state.withLock { $0.statistics.failures[failure, default: 0] += 1 }
    }

    private func enqueue(_ job: ScriptJob) {
        let (refusal, isReady, isSooner) = state.withLock { state -> (ScriptFailure?, Bool, Bool) in
            if state.isClosed || state.cancelled.remove(job.id) != nil { return (.cancelled, false, false) }
            guard state.queue.add(job) else { return (.overloaded, false, false) }
            // Where the owner has all its places, the thread that ends one of its scripts takes the next.
            return (nil, state.queue.isReady, state.houseWakes.map { job.expiry < $0 } ?? true)
        }
        if let refusal { return job.finish(.failure(ScriptFailureError(refusal))) }
        if isReady { work.signal() }
        if isSooner { house.signal() }
    }

    private func cancel(_ id: UInt64) {
        let (jobs, process) = state.withLock { state in
            let jobs = state.queue.remove { $0.id == id }
            // Not queued yet, or running: whoever comes to it next sees the mark.
            if jobs.isEmpty { state.cancelled.insert(id) }
            return (jobs, state.busy[id])
        }
        for job in jobs { job.finish(.failure(ScriptFailureError(.cancelled))) }
        process?.kill()
    }

    // MARK: Threads that serve

    private func serve() {
        while true {
            let (job, leavesAnother, isClosed) = state.withLock { ($0.queue.take(), $0.queue.isReady, $0.isClosed) }
            if let job {
                if leavesAnother { work.signal() }
                let (result, over) = perform(job)
                job.finish(result)
                // Who asked does not wait for the end of a process; the owner's next script does.
                over?.kill()
                let lacksSpare = state.withLock { state in
                    state.queue.finish(job.owner)
                    state.busy[job.id] = nil
                    state.cancelled.remove(job.id)
                    return state.shouldStartSpare(settings, at: time.monotonic)
                }
                if lacksSpare { house.signal() }
            } else if isClosed {
                return
            } else {
                work.wait()
            }
        }
    }

    /// The answer, and the process if it is to be ended.
    private func perform(_ job: ScriptJob) -> (Result<[UInt8], ScriptFailureError>, WorkerProcess?) {
        guard let worker = acquire(for: job) else { return (.failure(ScriptFailureError(.workerFailed)), nil) }
        let isCancelled = state.withLock { state in
            state.busy[job.id] = worker.process
            return state.cancelled.contains(job.id) || state.isClosed
        }
        guard !isCancelled else { return (.failure(ScriptFailureError(.cancelled)), worker.process) }
        switch worker.process.ask(job.body, until: time.monotonic + job.limit + ScriptPoolSettings.grace) {
        case .answer(let body):
            let isKept = giveBack(worker, from: job, after: body)
            return (.success(body), isKept ? nil : worker.process)
        case .late:
            return (.failure(ScriptFailureError(.timeout)), worker.process)
        case .broken:
            let ending = worker.process.ending()
            let wasCancelled = state.withLock { $0.cancelled.contains(job.id) || $0.isClosed }
            return (.failure(ScriptFailureError(wasCancelled ? .cancelled : ending.failure)), nil)
        }
    }

    /// False if the worker has done enough.
    private func giveBack(_ worker: IdleWorker, from job: ScriptJob, after body: [UInt8]) -> Bool {
        var worker = worker
        worker.scripts += 1
        worker.since = time.monotonic
        guard worker.scripts < settings.scriptsPerWorker, Self.resident(in: body) <= settings.retiringBytes else {
            return false
        }
        return state.withLock { state in
            guard !state.isClosed else { return false }
            // From here on it may run another's script, which whoever cancels this one must not end.
            state.busy[job.id] = nil
            state.idle.append(worker)
            return true
        }
    }

    /// The last member of an answer; anything else counts as too much.
    private static func resident(in body: [UInt8]) -> Int {
        let digits = body.dropLast().reversed().prefix { (0x30...0x39).contains($0) }.reversed()
        return Int(String(decoding: Array(digits), as: UTF8.self)) ?? .max
    }

    // MARK: Processes

    /// A worker that serves this owner or nobody yet. What serves another owner is ended first (JS-3).
    private func acquire(for job: ScriptJob) -> IdleWorker? {
        let (found, evicted, isFresh) = state.withLock { state -> (IdleWorker?, WorkerProcess?, Bool) in
            if let place = state.idle.lastIndex(where: { $0.owner == job.owner }) {
                return (state.idle.remove(at: place), nil, false)
            }
            let most = settings.workers + settings.spares
            let isFull = state.idle.count + state.busy.count + state.fresh.count >= most
            let evicted = isFull && !state.idle.isEmpty ? state.idle.removeFirst().process : nil
            let fresh = state.fresh.isEmpty ? nil : state.fresh.removeFirst()
            return (
                fresh.map { IdleWorker(process: $0, owner: job.owner, scripts: 0, since: time.monotonic) }, evicted,
                true
            )
        }
        if let evicted { evicted.kill() }
        if isFresh { house.signal() }
        // One that waited may have ended meanwhile; only a new one that does not work counts as a failed start.
        if let found {
            if case .success = readiness(of: found.process) { return found }
            found.process.kill()
        }
        guard let process = startProcess() else { return nil }
        if case .failure(let error) = readiness(of: process) {
            process.kill()
            noteFailedStart(error)
            return nil
        }
        return IdleWorker(process: process, owner: job.owner, scripts: 0, since: time.monotonic)
    }

    private func startProcess() -> WorkerProcess? {
        let mayStart = state.withLock { state in
            !state.isClosed && state.notBefore.map { $0 <= time.monotonic } ?? true
        }
        guard mayStart else { return nil }
        do throws(ScriptPoolError) {
            let process = try WorkerProcess.start(settings, time: time)
            state.withLock { $0.statistics.started += 1 }
            return process
        } catch {
            noteFailedStart(error)
            return nil
        }
    }

    /// Reads the greeting of a process that has not been used. A process that ended while it waited is not ready.
    private func readiness(of process: WorkerProcess) -> Result<Void, ScriptPoolError> {
        Result { () throws(ScriptPoolError) in
            if !process.isGreeted.load(ordering: .relaxed) {
                try check(try process.greeting(until: time.monotonic + ScriptPoolSettings.startLimit))
                process.isGreeted.store(true, ordering: .relaxed)
                state.withLock { state in
                    state.failedStarts = 0
                    state.notBefore = nil
                }
            }
            guard process.isQuiet else { throw .cannotStart("it ended at once") }
        }
    }

    /// The next start waits twice as long as the last, from 100 ms to 5 s.
    private func noteFailedStart(_ error: ScriptPoolError) {
        let isClosed = state.withLock { state in
            state.failedStarts = min(state.failedStarts + 1, 7)
            state.notBefore = time.monotonic + min(.milliseconds(50 << state.failedStarts), .seconds(5))
            return state.isClosed
        }
        if !isClosed { logger.error("a script worker did not start", metadata: ["reason": "\(error)"]) }
    }

    // MARK: The thread that keeps house

    private func keepHouse() {
        while true {
            let now = time.monotonic
            let (late, old, startsSpare, next, isClosed) = state.withLock { state in
                let late = state.queue.remove { $0.expiry <= now }
                let old = state.idle.filter { $0.since + settings.idleLimit <= now }
                state.idle.removeAll { $0.since + settings.idleLimit <= now }
                let startsSpare = state.shouldStartSpare(settings, at: now) && !state.isClosed
                if startsSpare { state.nextSpare = now + ScriptPoolSettings.spareInterval }
                // A moment that has come is no reason to wake for: what it stood for is done in this turn.
                let due = [
                    state.queue.nextExpiry, state.idle.map { $0.since + settings.idleLimit }.min(),
                    state.notBefore.flatMap { $0 > now ? $0 : nil },
                    state.missingSpares(settings) > (startsSpare ? 1 : 0) ? state.nextSpare : nil,
                ]
                // While scripts run, more will come. The next turn is before any of them has waited too long, so that
                // none of them has to wake the house for that.
                let soon = now + (state.busy.isEmpty ? settings.idleLimit : min(settings.idleLimit, settings.queueWait))
                let next = due.compactMap { $0 }.reduce(soon, min)
                state.houseWakes = next
                return (late, old, startsSpare, next, state.isClosed)
            }
            for job in late { job.finish(.failure(ScriptFailureError(.overloaded))) }
            for worker in old { worker.process.kill() }
            if isClosed { return }
            if startsSpare { startSpare() }
            let pause = max(next - time.monotonic, .milliseconds(1))
            _ = house.wait(timeout: .now() + .milliseconds(Int(pause / .milliseconds(1)) + 1))
        }
    }

    private func startSpare() {
        guard let process = startProcess() else {
            house.signal()  // what this turn planned took it for started
            return
        }
        let isKept = state.withLock { state in
            if !state.isClosed { state.fresh.append(process) }
            return !state.isClosed
        }
        if !isKept { process.kill() }
    }
}

/// - Throws: ``ScriptPoolError/cannotStart(_:)`` if the system has no thread to give.
private func startPoolThread(_ body: @escaping @Sendable () -> Void) throws(ScriptPoolError) {
    do throws(ThreadError) { try startThread("avs-scripts", body) } catch { throw .cannotStart(error.description) }
}
