public import AVSModel
public import AVSPrimitives
import AVSSchema
import AVSStorage

/// What a caller who triggered a task gets.
public struct TriggeredRun: Hashable, Sendable {
    public var executionID: ExecutionID
    public var startAt: Timestamp
    /// The record of a blocking run; `nil` when the run is yet to come.
    public var execution: Execution?

    public init(executionID: ExecutionID, startAt: Timestamp, execution: Execution? = nil) {
        self.executionID = executionID
        self.startAt = startAt
        self.execution = execution
    }
}

/// What a caller who triggers a task asks for.
public struct TriggerRequest: Sendable {
    public var taskID: TaskID
    public var owner: Address
    /// What the run's trigger step shows; `nil` data when the caller gave none.
    public var data: JSONValue?
    /// The kind that the caller named; `nil` when it named none. The task's own kind is what the run uses (DEFECT-55).
    public var requestedKind: TriggerKind?
    /// Merged over the task's input variables for this run only.
    public var input: [String: JSONValue]
    /// Whether the answer waits for the run's end.
    public var isBlocking: Bool

    public init(
        taskID: TaskID, owner: Address, data: JSONValue? = nil, requestedKind: TriggerKind? = nil,
        input: [String: JSONValue] = [:], isBlocking: Bool = false
    ) {
        self.taskID = taskID
        self.owner = owner
        self.data = data
        self.requestedKind = requestedKind
        self.input = input
        self.isBlocking = isBlocking
    }
}

extension TaskEngine {
    // MARK: By its owner

    /// Starts a run by its owner's word.
    ///
    /// A block task that is not to be waited for gets only a promised id: the next report of an operator runs it.
    /// - Throws: ``EngineError``: not found, not runnable, a quota.
    public func trigger(_ request: TriggerRequest, receipt: Receipt<TriggeredRun>? = nil) async throws -> TriggeredRun {
        try await executions.admit(owner: request.owner)
        let now = time.now
        let id = newExecutionID(at: now)
        let outcome = try await store.update { [self] transaction -> (task: AutomationTask, job: WaitingJob?) in
            try transaction.refuseRepetition(of: receipt)
            // The run is recorded with its acceptance: a repeated call finds it, whatever has become of it.
            try transaction.record(TriggeredRun(executionID: id, startAt: now), for: receipt)
            guard var task = try ownedTask(request.taskID, of: request.owner, in: transaction) else {
                throw EngineError.taskNotFound
            }
            if let refusal = task.refusal(at: now) { throw EngineError.notRunnable(refusal) }
            if let wish = task.requestedStatus { throw EngineError.notRunnable(.status(wish)) }
            let limit = configuration.limits.queuedPerTask
            guard task.reserved < limit else {
                throw EngineError.queueFull(name: "queued executions per task", limit: Int(limit))
            }
            let waitsForBlock = (request.requestedKind ?? task.trigger.kind) == .block && !request.isBlocking
            guard !waitsForBlock else {
                try transaction.checkPromises(of: task.id, limit: configuration.limits.promisedPerTask)
                let index = try transaction.promise(&task)
                try transaction.promise(RunOfTask(task.id, id), index: index)
                return (task, nil)
            }
            let output = TriggerOutput(kind: task.trigger.kind, data: request.data)
            let job = try transaction.enqueue(
                id, of: &task, promisedIndex: nil, trigger: output, input: request.input, now: now)
            return (task, job)
        }
        try Failpoint.hit(.intakeBeforeAnswer)
        guard let job = outcome.job else {
            await operators.immediate(TaskCheck(outcome.task))
            return TriggeredRun(executionID: id, startAt: now)
        }
        guard request.isBlocking else {
            await executions.submit(job)
            return TriggeredRun(executionID: id, startAt: now)
        }
        guard let execution = await executions.submitAndWait(job) else {
            try Task.checkCancellation()  // nobody is there to be answered
            throw EngineError.shuttingDown
        }
        return TriggeredRun(executionID: id, startAt: execution.startAt, execution: execution)
    }

    // MARK: By an operator

    /// Decides about an operator's report, durably, before it answers (XO-1, XO-9).
    /// - Throws: ``MalformedTrigger``, ``EngineError``; then nothing changed and a repetition can succeed (XO-10).
    public func accept(_ report: TriggerFired) async throws -> NotifyAnswer {
        guard configuration.approvedOperators.contains(report.reporter) else {
            throw EngineError.notApproved(report.reporter)
        }
        let now = time.now
        let fresh = newExecutionID(at: now)
        let intake = TriggerIntake(limits: configuration.limits, times: configuration.times)
        if let owner = try await store.readWithoutBlocking({ try $0.recordedTask(report.taskID)?.owner }) {
            try await executions.admit(owner: owner)
        }
        let (answer, after) = try await store.update { try intake.decide(report, fresh: fresh, now: now, in: &$0) }
        try Failpoint.hit(.intakeBeforeAnswer)
        if answer.keepsWatching { await operators.reported(report.taskID, by: report.reporter) }
        await executions.afterCommit(after)
        return answer
    }

    /// An operator found more events of a task than it may report: the task is switched off (6.9).
    /// - Returns: whether this alert disabled it, and the sentence for the operator.
    public func reportOverload(of id: TaskID, by reporter: Address) async throws -> (disabled: Bool, message: String) {
        let absent = (false, "Task was already disabled or not found")
        guard await operators.isTracking(id, by: reporter),
            let task = try await store.readWithoutBlocking({ try $0.task(id) }),
            task.status == .enabled || task.status == .running
        else { return absent }
        let change = try await setEnabled(false, task: id, owner: task.owner)
        guard change.success, change.previous != .disabled else { return absent }
        return (true, "Task disabled due to event overload")
    }
}

extension StoreReader where Self: ~Copyable {
    /// Whether one more run may wait for an operator's report.
    /// - Throws: ``EngineError/queueFull(name:limit:)``.
    fileprivate func checkPromises(of task: TaskID, limit: Int) throws {
        guard try rows(Rows<PromiseKey>(under: task), limit: limit).count < limit else {
            throw EngineError.queueFull(name: "executions per task that await a block", limit: limit)
        }
    }
}
