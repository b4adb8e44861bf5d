import AVSModel
public import AVSPrimitives
import AVSSchema
public import AVSStorage
import AVSWorkflow
public import Logging
import Synchronization

/// Carries accepted triggers through their runs: takes jobs in turn, claims, runs, records.
///
/// The queue in the store is the truth; what this actor holds in memory is an index of it, so that a crash loses
/// nothing (XO-2). Bounded: at most ``EngineLimits/queuedInAll`` jobs wait and ``EngineLimits/runningInAll`` run.
public actor ExecutionService {
    private let store: any KeyValueStore
    private let runner: any WorkflowRunner
    private let registry: OperatorRegistry
    private let wallets: WalletDirectory
    private let secrets: SecretDirectory
    private let configuration: EngineConfiguration
    private let book: RunBook
    private let time: any TimeSource
    private let logger: Logger
    private let patientStore: PatientStore

    private var ready: ReadyJobs
    private var runs: [ExecutionID: Running] = [:]
    private var results: [ExecutionID: [CheckedContinuation<Execution?, Never>]] = [:]
    private var idle: [TaskID: [CheckedContinuation<Void, Never>]] = [:]
    private var worker: CheckedContinuation<Void, Never>?
    private var isDraining = false

    private struct Running {
        var taskID: TaskID
        let stop: StopMark
    }

    /// - Parameter epoch: the number of this start of the process, from the store.
    public init(
        store: any KeyValueStore, runner: any WorkflowRunner, registry: OperatorRegistry, wallets: WalletDirectory,
        secrets: SecretDirectory, configuration: EngineConfiguration, epoch: UInt64, time: any TimeSource, logger: Logger
    ) {
        self.store = store
        self.runner = runner
        self.registry = registry
        self.wallets = wallets
        self.secrets = secrets
        self.configuration = configuration
        self.time = time
        self.logger = logger
        patientStore = PatientStore(base: store, time: time, logger: logger)
        book = RunBook(
            limits: configuration.limits, times: configuration.times, epoch: epoch, rates: configuration.fees)
        ready = ReadyJobs(limits: configuration.limits)
    }

    // MARK: Recovery

    /// Brings the queue of the store into memory: first what a dead process was running, then what waits (XO-24).
    ///
    /// - Returns: how many rows were put right, how many runs were interrupted, and how many jobs wait in all.
    public func recover() async throws -> (repaired: Int, interrupted: Int, waiting: Int) {
        try await DerivedRowsFill(store: store, logger: logger).run(now: time.now)
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
    func submit(_ job: WaitingJob) {
        ready.add(job)
        wakeWorker()
    }

    /// As ``submit(_:)``, and waits for the run's record; a caller that is gone leaves the run alone.
    /// - Returns: `nil` when the job vanished without a record: its task was deleted.
    func submitAndWait(_ job: WaitingJob) async -> Execution? {
        submit(job)
        return await withCheckedContinuation { results[job.executionID, default: []].append($0) }
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

    /// Runs of this task start no further node (XO-22).
    func stopRuns(of task: TaskID) {
        for run in runs.values where run.taskID == task { run.stop.set() }
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
    /// A cancelled run writes nothing: its claim stays, and the next start of the process takes it up.
    public func run() async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                while let job = await nextJob() {
                    group.addTask { await self.carryOut(job) }
                }
            }
        } onCancel: {
            Task { await self.beginDrain() }  // ends at once: it only sets a mark
        }
        for waiter in results.values.joined() { waiter.resume(returning: nil) }
        results = [:]
    }

    private func nextJob() async -> WaitingJob? {
        while !isDraining, !Task.isCancelled {
            if let job = ready.next() { return job }
            await withCheckedContinuation { worker = $0 }
        }
        return nil
    }

    private func wakeWorker() {
        worker?.resume()
        worker = nil
    }

    private func carryOut(_ job: WaitingJob) async {
        let execution = await attempt(job)
        ready.finished(job)
        runs[job.executionID] = nil
        if !runs.values.contains(where: { $0.taskID == job.taskID }) { wakeWaiters(of: job.taskID) }
        for waiter in results.removeValue(forKey: job.executionID) ?? [] { waiter.resume(returning: execution) }
        wakeWorker()
    }

    /// One claim and run.
    /// - Returns: the run's record, or `nil` when there is none: the task is gone, or the run stays for the next start.
    private func attempt(_ job: WaitingJob) async -> Execution? {
        do {
            let now = time.now
            let answer = try await patientStore.update { [book] in try book.claim(job, now: now, in: &$0) }
            try Failpoint.hit(.runAfterClaim)
            switch answer {
            case .gone: return nil
            case .ended(let execution, let after):
                await afterCommit(after)
                return execution
            case .run(let claimed): return try await carryOut(claimed)
            }
        } catch {
            logger.error("a run could not be recorded; it stays in the queue", metadata: [
                "execution": "\(job.executionID)", "task": "\(job.taskID)", "error": "\(error)",
            ])
            return nil
        }
    }

    private func carryOut(_ run: ClaimedRun) async throws -> Execution? {
        let stop = StopMark()
        runs[run.job.executionID] = Running(taskID: run.task.id, stop: stop)
        let result = try await result(of: run, stop: stop)
        guard !Task.isCancelled else { return nil }
        let endAt = time.now
        let execution = Execution(
            id: run.job.executionID, taskID: run.task.id, index: Int64(clamping: run.job.index),
            startAt: run.claim.startedAt, endAt: endAt, status: result.status, error: result.error,
            fees: configuration.fees.fees(of: run.task.nodes), steps: result.steps)
        try Failpoint.hit(.runBeforeEnd)
        let after = try await patientStore.update { [book] in try book.end(run, execution, now: endAt, in: &$0) }
        try Failpoint.hit(.runAfterEnd)
        await afterCommit(after)
        return execution
    }

    /// Runs the graph within the run's deadline (XO-21): what is left of it, and never more than its length (TIM-2).
    /// - Throws: ``StorageError`` when the store cannot say now what an earlier attempt did.
    private func result(of run: ClaimedRun, stop: StopMark) async throws -> RunResult {
        let length = configuration.times.executionDeadline
        let left = min(length, max(.zero, run.claim.deadline.duration(since: time.now)))
        if let refusal = await walletRefusal(of: run.task) { return refusal }
        if let refusal = await creditRefusal(of: run.task) { return refusal }
        let secrets: [String: String]
        switch await self.secrets(of: run.task) {
        case .success(let values): secrets = values
        case .failure(let trouble): return .refused("\(trouble)")
        }
        let journal = RunJournal(of: run, in: patientStore)
        let recorded: [NodeRecord]
        do {
            recorded = run.claim.attempt > 1 ? try await journal.load() : []
        } catch StorageError.undecodable(let key, let reason) {
            logger.error("a journal cannot be read", metadata: [
                "key": "\(String(decoding: key, as: UTF8.self))", "reason": "\(reason)",
            ])
            return RunResult(steps: [], status: .error, error: "what the interrupted run did cannot be read")
        }
        let request = RunRequest(
            task: run.task, executionID: run.job.executionID, trigger: run.job.trigger, input: run.job.input,
            secrets: secrets, recorded: recorded, startedAt: run.claim.startedAt, deadline: time.monotonic + left)
        return await runner.run(request, recorder: journal, isStopped: { stop.isSet })
    }

    /// What the run may know. What the store cannot read is left out (8.3); a lost root key ends the run (KMS-2).
    private func secrets(of task: AutomationTask) async -> Result<[String: String], SecretTrouble> {
        do {
            return .success(try await secrets.values(for: task))
        } catch let trouble as SecretTrouble {
            return .failure(trouble)
        } catch {
            logger.error("secrets could not be read", metadata: ["task": "\(task.id)", "error": "\(error)"])
            return .success(configuration.macroSecrets)
        }
    }

    /// Why the task's wallet may not act in this run (5.3 row 7); `nil` when it may.
    private func walletRefusal(of task: AutomationTask) async -> RunResult? {
        do {
            guard !task.wallet.isZero else { return .refused(AutomationTask.missingWalletError) }
            let mayAct = try await wallets.mayAct(task.wallet, for: task.owner)
            return mayAct ? nil : .refused(AutomationTask.foreignWalletError)
        } catch EngineError.chain(let action, let cause) {
            // Of the chain, not of the task: it is not counted.
            return .refused("failed to validate wallet ownership: failed to \(action): \(cause)")
        } catch {
            logger.error("a run's wallet could not be looked up", metadata: ["task": "\(task.id)", "error": "\(error)"])
            return .refused("failed to validate wallet ownership: the wallet could not be looked up")
        }
    }

    /// Why the task's owner has to pay first (5.3 row 8); `nil` where it need not, or where nobody can tell.
    private func creditRefusal(of task: AutomationTask) async -> RunResult? {
        guard let limit = configuration.fees.wei(configuration.fees.creditLimit) else { return nil }
        do {
            let owed = try await FeeLedger(store: store).account(of: task.owner).outstanding
            guard owed > limit else { return nil }
            let text = "outstanding value fees (\(owed) wei) exceed credit limit"
            return .refused("[INSUFFICIENT_CREDIT] \(text)")
        } catch {
            logger.error("what an owner owes could not be read", metadata: ["owner": "\(task.owner)", "error": "\(error)"])
            return nil
        }
    }

    // MARK: After a commit

    /// What a committed update asks for: runs, and words to operators.
    func afterCommit(_ effects: [AfterCommit]) async {
        for effect in effects {
            switch effect {
            case .run(let job): submit(job)
            case .stopped(let id): await registry.stopped(.disable(id))
            }
        }
    }
}

/// Tells a run from outside to start no further node.
final class StopMark: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}

extension RunResult {
    /// A run that does not begin.
    fileprivate static func refused(_ error: String) -> RunResult { RunResult(steps: [], status: .failed, error: error) }
}

extension WaitingJob {
    init(_ job: Job) {
        self.init(number: job.number, taskID: job.taskID, executionID: job.executionID, owner: job.owner)
    }
}
