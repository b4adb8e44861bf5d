import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage

/// What has to happen once an update is committed, and never before (XO-12).
enum AfterCommit: Hashable, Sendable {
    case run(WaitingJob)
    /// Operators are told to stop watching.
    case stopped(TaskID)
    /// A tick was let go, which is counted (TIM-13).
    case skippedTick
    /// A message is in the outbox.
    case posted(UInt64)
    /// The service itself disabled the task, for this reason.
    case switchedOff(TaskID, String)
}

/// The decision about one reported trigger: pure over the transaction, so that it is one update (XO-1, XO-4).
///
/// - Source: reliability-security 2.4, aggregator-api 6.6.
struct TriggerIntake: Sendable {
    let limits: EngineLimits
    let times: EngineTimes

    /// Decides about a report, and promises a run when it is a new occurrence of a task that may run.
    /// - Parameter fresh: the id of the execution, should one begin; made outside, because an update may run again.
    /// - Throws: ``MalformedTrigger``, ``EngineError/queueFull(name:limit:)``; then nothing is written (XO-10).
    func decide(
        _ report: TriggerFired, fresh: ExecutionID, now: Timestamp, in transaction: inout Transaction
    ) throws -> (answer: NotifyAnswer, after: [AfterCommit]) {
        guard var task = try transaction.task(report.taskID) else { return (.notFound, []) }
        let occurrence = try Occurrence(of: report, trigger: task.trigger.kind, chainID: task.chainID)
        let identities = identities(of: report, occurrence)
        if let known = try known(identities, task: task.id, in: transaction) {
            return (repeated(known, of: task, now: now), [])
        }
        if let occurrence, let late = try untimely(occurrence, task: task, now: now, in: transaction) {
            return (late, [])
        }
        let promised = try oldestPending(of: task.id, in: transaction)
        if let refusal = task.refusal(at: now, keepingPromise: promised != nil) {
            return try refuse(&task, refusal, now: now, in: &transaction)
        }
        if let wish = task.requestedStatus { return (.inactive(wish), []) }

        if task.trigger.kind == .cron, task.status == .running, task.reserved >= limits.waitingTicksPerTask {
            // Final: whoever reports this tick after the run is told the same, and nothing runs late.
            try record(identities, executionID: nil, at: occurrence, of: task.id, now: now, in: &transaction)
            return (.skipped(remaining: task.remainingExecutions), [.skippedTick])
        }
        if promised == nil, task.reserved >= limits.queuedPerTask {
            throw EngineError.queueFull(name: "queued executions per task", limit: Int(limits.queuedPerTask))
        }
        let id = promised?.execution ?? fresh
        try record(identities, executionID: id, at: occurrence, of: task.id, now: now, in: &transaction)
        let output = TriggerOutput(kind: task.trigger.kind, data: report.output.data)
        let job = try transaction.enqueue(
            id, of: &task, promisedIndex: promised?.index, trigger: output, input: [:], now: now)
        return (.accepted(id, remaining: task.remainingExecutions), [.run(job)])
    }

    // MARK: Identity

    private struct Identity {
        var text: String
        var digest: IdentityDigest
    }

    /// The report's own id and the canonical identity, as far as there are any (XO-4). The two never collide: the
    /// first character tells them apart.
    private func identities(of report: TriggerFired, _ occurrence: Occurrence?) -> [Identity] {
        var texts: [String] = []
        if !report.requestID.isEmpty { texts.append("r " + report.requestID) }
        if let occurrence { texts.append(occurrence.identity) }
        return texts.compactMap { text in
            IdentityDigest(sha256: SHA256.hash(Array(text.utf8)).bytes).map { Identity(text: text, digest: $0) }
        }
    }

    private func known(
        _ identities: [Identity], task: TaskID, in transaction: borrowing Transaction
    ) throws -> Dedup? {
        for identity in identities {
            if let record = try transaction.value(for: DedupKey(task, identity.digest)) { return record }
        }
        return nil
    }

    /// What is said of an occurrence that was decided about before (XO-9): the same as then, unless the task has ended.
    private func repeated(_ record: Dedup, of task: AutomationTask, now: Timestamp) -> NotifyAnswer {
        let isRunnable = task.refusal(at: now) == nil
        guard record.executionID == nil, isRunnable else {
            return .deduplicated(remaining: task.remainingExecutions, isRunnable: isRunnable)
        }
        return .skipped(remaining: task.remainingExecutions)
    }

    /// - Parameter executionID: what the occurrence leads to; `nil` where it is skipped.
    private func record(
        _ identities: [Identity], executionID: ExecutionID?, at occurrence: Occurrence?, of task: TaskID,
        now: Timestamp, in transaction: inout Transaction
    ) throws {
        for identity in identities {
            try transaction.put(
                DedupKey(task, identity.digest),
                Dedup(
                    executionID: executionID, identity: identity.text, position: occurrence?.position, recordedAt: now))
        }
    }

    // MARK: Refusals

    /// The answer to an occurrence that lies too far back or ahead (XO-8, 3.2, TIM-12); `nil` when it is in time.
    private func untimely(
        _ occurrence: Occurrence, task: AutomationTask, now: Timestamp, in transaction: borrowing Transaction
    ) throws -> NotifyAnswer? {
        if let position = occurrence.position, let low = try transaction.value(for: DedupLowKey(task.id)),
            low.refuses(position)
        {
            return .expired
        }
        guard case .minute(let minute) = occurrence else { return nil }
        let (start, overflow) = minute.multipliedReportingOverflow(by: 60_000)
        guard !overflow else { return .expired }
        let instant = Timestamp(milliseconds: start)
        if instant > now.adding(times.futureTolerance) { return .notStarted(remaining: task.remainingExecutions) }
        let catchUp = task.trigger.kind == .fixedTime ? times.fixedTimeCatchUp : times.cronCatchUp
        // The window counts from the end of the minute, since any instant in it is the same tick.
        return instant.adding(.seconds(60) + catchUp) < now ? .expired : nil
    }

    private func refuse(
        _ task: inout AutomationTask, _ refusal: RunRefusal, now: Timestamp, in transaction: inout Transaction
    ) throws -> (answer: NotifyAnswer, after: [AfterCommit]) {
        switch refusal {
        case .exhausted(let count, let limit): return (.exhausted(count: count, limit: limit), [])
        case .notStarted: return (.notStarted(remaining: task.remainingExecutions), [])
        case .status(let status): return (.inactive(status), [])
        case .expired:
            guard task.status == .enabled, task.reserved == 0 else { return (.expired, []) }
            let old = task
            task.complete(at: now)
            try transaction.save(task, replacing: old)
            return (.expired, [.stopped(task.id)])
        }
    }

    /// The oldest promised run that no job has (DEFECT-29): a block trigger that its owner asked for.
    private func oldestPending(
        of task: TaskID, in transaction: borrowing Transaction
    ) throws -> (execution: ExecutionID, index: UInt64)? {
        for (key, _) in try transaction.rows(Rows<PromiseKey>(under: task), limit: 10) {
            // A promise without its run is the store check's to find, and stops no report.
            guard let pending = try transaction.value(for: PendingKey(task, key.run.execution)) else { continue }
            return (key.run.execution, pending.index)
        }
        return nil
    }
}

extension Transaction {
    /// Promises a run of `task` and puts its job into the queue.
    ///
    /// - Parameter promisedIndex: the index of a run that was promised before without a job; `nil` for a new run.
    mutating func enqueue(
        _ id: ExecutionID, of task: inout AutomationTask, promisedIndex: UInt64?, trigger: TriggerOutput,
        input: [String: JSONValue], now: Timestamp
    ) throws -> WaitingJob {
        let index: UInt64
        if let promisedIndex {
            index = promisedIndex
            try delete(PromiseKey(task.id, id))
        } else {
            index = try promise(&task)
        }
        let number = try takeJobNumber()
        let job = Job(
            number: number, taskID: task.id, executionID: id, owner: task.owner, index: index, trigger: trigger,
            input: input, enqueuedAt: now)
        try put(JobKey(.waiting, number), job)
        try put(TriggerKey(task.id, id), .pending)
        try put(PendingKey(task.id, id), PendingRun(index: index, job: number))
        return WaitingJob(number: number, taskID: task.id, executionID: id, owner: task.owner)
    }

    /// Counts one more accepted run and gives it its index.
    mutating func promise(_ task: inout AutomationTask) throws -> UInt64 {
        let old = task
        task.reserve()
        try save(task, replacing: old)
        return try takeIndex(of: task.id)
    }
}
