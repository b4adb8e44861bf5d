import AVSModel
public import AVSPrimitives
import AVSSchema
public import AVSStorage
import AVSWorkflow
public import Logging

/// Carries accepted triggers through their runs: takes jobs in turn, and has each claimed, run and recorded.
///
/// The queue in the store is the truth; what this actor holds in memory is an index of it, so that a crash loses
/// nothing (XO-2). Bounded: at most ``EngineLimits/queuedInAll`` jobs wait and ``EngineLimits/runningInAll`` run.
public actor ExecutionService {
    private let store: any KeyValueStore
    private let registry: OperatorRegistry
    private let outbox: OutboxDelivery?
    private let configuration: EngineConfiguration
    private let book: RunBook
    private let work: RunWork
    private let time: any TimeSource
    private let logger: Logger

    private var ready: ReadyJobs
    private var runs: [ExecutionID: Running] = [:]
    /// Callers who wait for a run's record, by the number that each got.
    private var results: [ExecutionID: [UInt64: CheckedContinuation<Execution?, Never>]] = [:]
    private var callersSoFar: UInt64 = 0
    private var idle: [TaskID: [CheckedContinuation<Void, Never>]] = [:]
    private var worker: CheckedContinuation<Void, Never>?
    private var isDraining = false
    /// Reports of cron ticks that were let go because another one waited (TIM-13).
    public private(set) var skippedTicks = 0
    /// Tasks that the service itself disabled since its start, because their runs could not begin or did not end.
    public private(set) var switchedOff = 0

    private struct Running {
        var taskID: TaskID
        let signal = StopSignal()
    }

    /// - Parameter epoch: the number of this start of the process, from the store.
    public init(
        store: any KeyValueStore, runner: any WorkflowRunner, registry: OperatorRegistry, wallets: WalletDirectory,
        secrets: SecretDirectory, outbox: OutboxDelivery?, configuration: EngineConfiguration, epoch: UInt64,
        time: any TimeSource, logger: Logger
    ) {
        self.store = store
        self.registry = registry
        self.outbox = outbox
        self.configuration = configuration
        self.time = time
        self.logger = logger
        book = RunBook(
            limits: configuration.limits, times: configuration.times, epoch: epoch, rates: configuration.fees,
            tellsOutside: outbox != nil)
        work = RunWork(
            store: PatientStore(base: store, time: time, logger: logger), book: book, runner: runner, wallets: wallets,
            secrets: secrets, configuration: configuration, time: time, logger: logger)
        ready = ReadyJobs(limits: configuration.limits)
    }

    // MARK: Recovery

    /// Brings the queue of the store into memory: first what a dead process was running, then what waits (XO-24).
    ///
    /// - Returns: how many rows were put right, how many runs were interrupted, and how many jobs wait in all.
    public func recover() async throws -> (repaired: Int, interrupted: Int, waiting: Int) {
        _ = try await Migrator(store: store, migrations: TaskEngine.migrations, time: time).run { _ in }
        let scan = RepairScan(store: store, rates: configuration.fees, logger: logger)
        let repaired = try await scan.run(now: time.now)
        var interrupted = 0
        for (execution, claim) in try await claimsOfOlderEpochs() {
            try await store.update { [book] in try book.requeue(execution, claim, in: &$0) }
            interrupted += 1
        }
        var rows = JobKey.rows(.waiting)
        while true {
            let page = try await store.readWithoutBlocking { [rows] in try $0.rows(rows, limit: 1_000) }
            for row in page { ready.add(WaitingJob(row.value)) }
            guard let last = page.last else { break }
            rows = rows.after(last.key)
        }
        return (repaired, interrupted, ready.waiting)
    }

    private func claimsOfOlderEpochs() async throws -> [(ExecutionID, Claim)] {
        var found: [(ExecutionID, Claim)] = []
        var rows = Rows<ClaimKey>.all
        while true {
            let page = try await store.readWithoutBlocking { [rows] in try $0.rows(rows, limit: 1_000) }
            found += page.filter { $0.value.epoch < book.epoch }.map { ($0.key.execution, $0.value) }
            guard let last = page.last else { return found }
            rows = rows.after(last.key)
        }
    }

    // MARK: Jobs

    /// Takes a committed job into the queue.
    func submit(_ job: WaitingJob, _ urgency: ReadyJobs.Urgency = .queued) {
        ready.add(job, urgency)
        wakeWorker()
    }

    /// As ``submit(_:_:)``, before jobs that nobody waits for, and waits for the run's record.
    ///
    /// Cancelling the surrounding task ends the waiting; the run was promised, and goes on.
    /// - Returns: `nil` when there is no record: the task was deleted, or the waiting was given up.
    func submitAndWait(_ job: WaitingJob) async -> Execution? {
        submit(job, .awaited)
        callersSoFar += 1
        let caller = callersSoFar
        return await withTaskCancellationHandler {
            await withCheckedContinuation { results[job.executionID, default: [:]][caller] = $0 }
        } onCancel: {
            Task { await self.leave(caller, job.executionID) }  // ends at once: it only forgets the caller
        }
    }

    private func leave(_ caller: UInt64, _ execution: ExecutionID) {
        results[execution]?.removeValue(forKey: caller)?.resume(returning: nil)
        if results[execution]?.isEmpty == true { results[execution] = nil }
    }

    /// Whether one more job of `owner` may be accepted.
    /// - Throws: ``EngineError/queueFull(name:limit:)``.
    func admit(owner: Address) throws {
        let limits = configuration.limits
        guard !isDraining else { throw EngineError.shuttingDown }
        guard ready.waiting < limits.queuedInAll else {
            throw EngineError.queueFull(name: "queued executions", limit: limits.queuedInAll)
        }
        guard ready.waiting(of: owner) < limits.queuedPerOwner else {
            throw EngineError.queueFull(name: "queued executions per owner", limit: limits.queuedPerOwner)
        }
    }

    /// Forgets the waiting jobs of a deleted task.
    func forget(_ task: TaskID, of owner: Address) { ready.remove(task: task, of: owner) }

    /// Jobs that wait and runs in progress, for metrics and the inspection tool.
    public var load: (waiting: Int, running: Int) { (ready.waiting, ready.running) }

    // MARK: Stopping

    /// Runs of this task end: no further node starts, and those that run are cancelled (XO-22).
    func stopRuns(of task: TaskID) {
        for run in runs.values where run.taskID == task { run.signal.set() }
    }

    /// Returns when no run of the task is in progress here.
    func waitUntilIdle(_ task: TaskID) async {
        while !Task.isCancelled, runs.values.contains(where: { $0.taskID == task }) {
            await withCheckedContinuation { idle[task, default: []].append($0) }
        }
    }

    /// Wakes those who wait for a task, whatever it does; for callers that gave up waiting.
    func wakeWaiters(of task: TaskID) {
        for waiter in idle.removeValue(forKey: task) ?? [] { waiter.resume() }
    }

    /// No further job is claimed; runs in progress go on.
    public func beginDrain() {
        isDraining = true
        wakeWorker()
    }

    // MARK: The worker

    /// Runs jobs until ``beginDrain()`` and the end of the runs in progress, or until cancelled.
    ///
    /// A cancelled run has no record: it is given back, and the next start of the process takes it up.
    public func run() async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                while let (job, signal) = await nextJob() {
                    group.addTask { await self.carryOut(job, signal) }
                }
            }
        } onCancel: {
            Task { await self.beginDrain() }  // ends at once: it only sets a mark
        }
        for waiter in results.values.flatMap(\.values) { waiter.resume(returning: nil) }
        results = [:]
    }

    private func nextJob() async -> (WaitingJob, StopSignal)? {
        while !isDraining, !Task.isCancelled {
            if let job = ready.next() {
                // Before the claim: whoever stops the task's runs after it finds this one.
                let run = Running(taskID: job.taskID)
                runs[job.executionID] = run
                return (job, run.signal)
            }
            await withCheckedContinuation { worker = $0 }
        }
        return nil
    }

    private func wakeWorker() {
        worker?.resume()
        worker = nil
    }

    private func carryOut(_ job: WaitingJob, _ signal: StopSignal) async {
        let (execution, after) = await work.attempt(job, signal)
        await afterCommit(after)
        ready.finished(job)
        runs[job.executionID] = nil
        if !runs.values.contains(where: { $0.taskID == job.taskID }) { wakeWaiters(of: job.taskID) }
        for waiter in (results.removeValue(forKey: job.executionID) ?? [:]).values {
            waiter.resume(returning: execution)
        }
        wakeWorker()
    }

    // MARK: After a commit

    /// What a committed update asks for: runs, and words to operators.
    func afterCommit(_ effects: [AfterCommit]) async {
        for effect in effects {
            switch effect {
            case .run(let job): submit(job)
            case .stopped(let id): await registry.stopped(.disable(id))
            case .skippedTick: skippedTicks += 1
            case .posted(let number): await outbox?.added(number)
            case .switchedOff(let id, let reason):
                switchedOff += 1
                logger.warning("disabled a task", metadata: ["task": "\(id)", "reason": "\(reason)"])
            }
        }
    }
}

extension WaitingJob {
    init(_ job: Job) {
        self.init(number: job.number, taskID: job.taskID, executionID: job.executionID, owner: job.owner)
    }
}
