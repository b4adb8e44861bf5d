import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage

/// A run that this process may carry out.
struct ClaimedRun: Sendable {
    var task: AutomationTask
    var job: Job
    var claim: Claim
}

/// What a worker does with a job.
enum ClaimAnswer: Sendable {
    case run(ClaimedRun)
    /// The run was refused; its record is written.
    case ended(Execution, after: [AfterCommit])
    /// The job is gone: its task was deleted, or another claim ended it.
    case gone
}

/// A write of a run whose claim is not its own any more (XO-14): whoever holds it now decides.
struct LostClaim: Error, Hashable, Sendable {
    var execution: ExecutionID
}

/// The begin and the end of runs: each is one update, pure over the transaction (XO-13, XO-19).
struct RunBook: Sendable {
    let limits: EngineLimits
    let times: EngineTimes
    /// The start of this process: a claim of an older one is of a process that died (DUR-11).
    let epoch: UInt64
    let rates: FeeRates
    /// Whether ends of runs are written to the outbox.
    let tellsOutside: Bool

    // MARK: Begin

    /// Takes the job for this process, counting the attempt before the work.
    func claim(_ waiting: WaitingJob, now: Timestamp, in transaction: inout Transaction) throws -> ClaimAnswer {
        guard let job = try transaction.value(for: JobKey(.waiting, waiting.number)) else { return .gone }
        guard var task = try transaction.task(job.taskID) else {
            try transaction.delete(JobKey(.waiting, job.number))
            return .gone
        }
        let previous = try transaction.value(for: ClaimKey(job.executionID))
        let old = task
        if let previous, previous.deaths > 0, UInt64(previous.deaths) + 1 >= UInt64(limits.attemptsPerExecution) {
            task.endRun(at: now)
            task.noteInterruption()
            let text = "stopped after \(limits.attemptsPerExecution) interrupted attempts"
            return try close(job, task, replacing: old, status: .error, error: text, now: now, in: &transaction)
        }
        if previous == nil {
            if let reason = Self.refusal(of: task, at: now) {
                task.release()
                return try close(job, task, replacing: old, status: .failed, error: reason, now: now, in: &transaction)
            }
            task.beginRun(at: now)
            try transaction.save(task, replacing: old)
        }
        let claim = Claim(
            epoch: epoch, attempt: (previous?.attempt ?? 0) &+ 1, taskID: task.id, jobNumber: job.number,
            startedAt: previous?.startedAt ?? now,
            deadline: previous?.deadline ?? now.adding(task.executionDeadline ?? times.executionDeadline),
            givenBack: previous?.givenBack ?? 0)
        try transaction.put(ClaimKey(job.executionID), claim)
        try transaction.delete(JobKey(.waiting, job.number))
        try transaction.put(JobKey(.running, job.number), job)
        return .run(ClaimedRun(task: task, job: job, claim: claim))
    }

    /// Why an accepted trigger may not start its run after all (5.2, I12); `nil` when it may. Its own promise is part
    /// of the limit, so the limit is not looked at.
    private static func refusal(of task: AutomationTask, at now: Timestamp) -> String? {
        let status = task.requestedStatus ?? task.status
        guard status.acceptsTriggers else { return "task cannot be executed: task is \(status.name)" }
        if task.isExpired(at: now) || task.startAt.map({ now < $0 }) == true {
            return "task cannot be executed: either reached max execution, expired, or not yet started"
        }
        return nil
    }

    private func close(
        _ job: Job, _ task: AutomationTask, replacing old: AutomationTask, status: ExecutionStatus, error: String,
        now: Timestamp, in transaction: inout Transaction
    ) throws -> ClaimAnswer {
        let execution = Execution(
            id: job.executionID, taskID: job.taskID, index: Int64(clamping: job.index), startAt: now, endAt: now,
            status: status, error: error, fees: rates.fees(of: task.nodes))
        let after = try record(execution, of: job, in: .waiting, task, replacing: old, now: now, in: &transaction)
        return .ended(execution, after: after)
    }

    // MARK: End

    /// Writes the record of a run and everything that ends with it, if the claim is still ours.
    /// - Throws: ``LostClaim``.
    func end(
        _ run: ClaimedRun, _ execution: Execution, now: Timestamp, in transaction: inout Transaction
    ) throws -> [AfterCommit] {
        try transaction.compare(run.claim, of: execution.id)
        guard var task = try transaction.task(run.task.id) else { throw LostClaim(execution: execution.id) }
        let old = task
        task.endRun(at: now)
        task.noteValidation(execution.error)
        return try record(execution, of: run.job, in: .running, task, replacing: old, now: now, in: &transaction)
    }

    private func record(
        _ execution: Execution, of job: Job, in state: JobState, _ task: AutomationTask, replacing old: AutomationTask,
        now: Timestamp, in transaction: inout Transaction
    ) throws -> [AfterCommit] {
        var ended = job
        ended.endedAt = now
        try transaction.record(execution, owner: task.owner)
        try transaction.forgetPromise(RunOfTask(task.id, execution.id))
        try transaction.delete(ClaimKey(execution.id))
        try transaction.deleteAll(Rows<JournalKey>(under: execution.id))
        try transaction.delete(JobKey(state, job.number))
        try transaction.put(JobKey(execution.status == .error ? .failed : .done, job.number), ended)
        var task = task
        if !task.status.acceptsTriggers { try transaction.closePromises(of: &task, rates, now: now) }
        try transaction.save(task, replacing: old)
        var after: [AfterCommit] = []
        if tellsOutside { after.append(.posted(try transaction.post(.ended(execution, of: task, at: now)))) }
        guard old.status.acceptsTriggers, !task.status.acceptsTriggers else { return after }
        after.append(.stopped(task.id))
        guard task.status == .disabled, !task.statusReason.isEmpty else { return after }
        after.append(.switchedOff(task.id, task.statusReason))
        if tellsOutside { after.append(.posted(try transaction.post(.disabled(task, by: execution.id, at: now)))) }
        return after
    }

    // MARK: An orderly end

    /// Puts a run that this process will not end back into the queue: its attempt is not one that killed the process
    /// (XO-20). From then on the run writes nothing any more, for its claim is another (XO-14).
    ///
    /// Does nothing to a run that is not this process's, or has ended.
    func giveBack(_ execution: ExecutionID, in transaction: inout Transaction) throws {
        guard var claim = try transaction.value(for: ClaimKey(execution)), claim.epoch == epoch,
            let job = try transaction.value(for: JobKey(.running, claim.jobNumber)), job.executionID == execution
        else { return }
        claim.givenBack = min(claim.givenBack &+ 1, claim.attempt)
        try transaction.put(ClaimKey(execution), claim)
        try transaction.delete(JobKey(.running, job.number))
        try transaction.put(JobKey(.waiting, job.number), job)
    }

    // MARK: Recovery

    /// Puts the jobs of one claim of a dead process back into the queue; the attempt stays counted (XO-24, B2).
    ///
    /// The task stays as it is: its run goes on under the same id. Doing it twice changes nothing.
    func requeue(_ execution: ExecutionID, _ claim: Claim, in transaction: inout Transaction) throws {
        guard try transaction.value(for: ClaimKey(execution)) == claim, claim.epoch < epoch,
            let job = try transaction.value(for: JobKey(.running, claim.jobNumber))
        else { return }
        try transaction.delete(JobKey(.running, claim.jobNumber))
        try transaction.put(JobKey(.waiting, claim.jobNumber), job)
    }
}
