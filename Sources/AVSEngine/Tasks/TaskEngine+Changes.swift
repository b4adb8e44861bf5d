public import AVSModel
public import AVSPrimitives
import AVSSchema
import AVSStorage

/// What a caller is told about a wished change of a task: never a failed call (aggregator-api 2.8).
public struct TaskChange: Hashable, Sendable {
    public var success: Bool
    /// The word in the answer's `status`, such as `disabled` or `cannot_cancel`.
    public var status: String
    public var message: String
    /// `nil` when there is no such task.
    public var previous: TaskStatus?
    /// The domain's number of a refusal, for the trailer.
    public var code: ErrorCode?

    public init(
        success: Bool, status: String, message: String, previous: TaskStatus? = nil, code: ErrorCode? = nil
    ) {
        self.success = success
        self.status = status
        self.message = message
        self.previous = previous
        self.code = code
    }

    static func done(_ status: String, _ message: String, _ previous: TaskStatus) -> TaskChange {
        TaskChange(success: true, status: status, message: message, previous: previous)
    }

    static func refused(
        _ status: String, _ message: String, _ previous: TaskStatus, _ code: ErrorCode? = nil
    ) -> TaskChange {
        TaskChange(success: false, status: status, message: message, previous: previous, code: code)
    }

    /// There is no such task, or it is another owner's.
    public static let notFound = TaskChange(
        success: false, status: "not_found", message: "Task not found", code: .taskNotFound)
}

/// What an update of a task decided.
private enum Verdict: Sendable {
    case answer(TaskChange)
    case moved(AutomationTask, TaskChange)
    case deleted(AutomationTask, TaskChange)
    /// A run is in progress: wait for its end, then decide again.
    case running

    /// What the caller is told; `nil` while that is open.
    var change: TaskChange? {
        switch self {
        case .answer(let change), .moved(_, let change), .deleted(_, let change): change
        case .running: nil
        }
    }
}

extension TaskEngine {
    /// Switches a task on or off. An idempotent call changes nothing and tells no operator.
    public func setEnabled(
        _ enabled: Bool, task id: TaskID, owner: Address, receipt: Receipt<TaskChange>? = nil
    ) async throws -> TaskChange {
        enabled ? try await enable(id, owner: owner, receipt) : try await disable(id, owner: owner, receipt)
    }

    private func enable(_ id: TaskID, owner: Address, _ receipt: Receipt<TaskChange>?) async throws -> TaskChange {
        let verdict = try await decide(receipt) { [self] transaction -> Verdict in
            guard var task = try ownedTask(id, of: owner, in: transaction) else { return .answer(.notFound) }
            switch task.status {
            case .enabled: return .answer(.done("enabled", "Task is already enabled", .enabled))
            case .running: return .answer(.done("enabled", "Task is already running", .running))
            case .completed, .failed, .canceled: return .answer(.terminal(task.status))
            case .disabled:
                let old = task
                task.enable()
                try transaction.save(task, replacing: old)
                return .moved(task, .done("enabled", "Task enabled successfully", old.status))
            }
        }
        switch verdict {
        case .answer(let change): return change
        case .moved(let task, let change):
            await operators.enabled(TaskCheck(task))
            return change
        case .deleted, .running: return .notFound  // not decided above
        }
    }

    private func disable(_ id: TaskID, owner: Address, _ receipt: Receipt<TaskChange>?) async throws -> TaskChange {
        let done = ("disabled", "Task disabled successfully")
        return try await stop(id, owner: owner, target: .disabled, done: done, receipt) { task in
            switch task.status {
            case .disabled: .done("disabled", "Task is already disabled", .disabled)
            case .completed, .failed, .canceled: .terminal(task.status)
            case .running: .refused("error", "Cannot disable a running task", .running, .executionInProgress)
            case .enabled: nil
            }
        }
    }

    /// Cancels a task for good.
    public func cancel(
        task id: TaskID, owner: Address, receipt: Receipt<TaskChange>? = nil
    ) async throws -> TaskChange {
        let done = ("cancelled", "Task cancelled successfully")
        return try await stop(id, owner: owner, target: .canceled, done: done, receipt) { task in
            let message = "Only active task can be cancelled, current status: \(task.status.name)"
            return switch task.status {
            case .completed: .refused("cannot_cancel", message, task.status, .taskAlreadyCompleted)
            case .failed: .refused("cannot_cancel", message, task.status)
            case .canceled: .refused("already_cancelled", message, task.status, .taskAlreadyCancelled)
            case .running: .refused("cannot_cancel", message, task.status, .executionInProgress)
            case .enabled, .disabled: nil
            }
        }
    }

    /// Moves a task to a status in which it accepts no triggers; waits for its runs within the grace (R4).
    ///
    /// While it waits the wish is part of the record, so that no further run starts and a crash does not lose it.
    /// - Parameter refusal: the answer that leaves the task as it is, or `nil` when it may be moved.
    private func stop(
        _ id: TaskID, owner: Address, target: TaskStatus, done: (status: String, message: String),
        _ receipt: Receipt<TaskChange>?, refusal: @escaping @Sendable (AutomationTask) -> TaskChange?
    ) async throws -> TaskChange {
        for hasWaited in [false, true] {
            let now = time.now
            let verdict = try await decide(receipt) { [self] transaction -> Verdict in
                guard let task = try ownedTask(id, of: owner, in: transaction) else { return .answer(.notFound) }
                if hasWaited, task.status == target { return .moved(task, .done(done.status, done.message, .running)) }
                if !hasWaited, task.status == .running {
                    try transaction.wish(target, for: task)
                    return .running
                }
                if let answer = refusal(task) {
                    if hasWaited { try transaction.wish(nil, for: task) }
                    return .answer(answer)
                }
                let moved = try transaction.move(task, to: target, configuration.fees, now: now)
                return .moved(moved, .done(done.status, done.message, task.status))
            }
            switch verdict {
            case .answer(let change): return change
            case .moved(let task, let change):
                await operators.stopped(.disable(task.id))
                return change
            case .deleted, .running:
                if target == .canceled { await executions.stopRuns(of: id) }
                await waitForRuns(of: id)
            }
        }
        return .notFound  // not reached: the second round always answers
    }

    /// Removes a task and what hangs on it (D-22).
    public func delete(
        task id: TaskID, owner: Address, receipt: Receipt<TaskChange>? = nil
    ) async throws -> TaskChange {
        for isLast in [false, true] {
            let verdict = try await decide(receipt) { [self] transaction -> Verdict in
                guard let task = try ownedTask(id, of: owner, in: transaction) else { return .answer(.notFound) }
                guard task.status != .running else {
                    let text = "Only non executing task can be deleted"
                    return isLast ? .answer(.refused("cannot_delete", text, .running, .executionInProgress)) : .running
                }
                try transaction.deleteJobs(of: task.id)
                try transaction.remove(task)
                return .deleted(task, .done("deleted", "Task deleted successfully", task.status))
            }
            switch verdict {
            case .answer(let change): return change
            case .deleted(let task, let change), .moved(let task, let change):
                await executions.forget(task.id, of: task.owner)
                await operators.stopped(.delete(task.id))
                return change
            case .running:
                await executions.stopRuns(of: id)
                await waitForRuns(of: id)
            }
        }
        return .notFound  // not reached: the second round always answers
    }

    /// One update that decides about a change, and records its answer when it is final.
    private func decide(
        _ receipt: Receipt<TaskChange>?, _ body: @escaping @Sendable (inout Transaction) throws -> Verdict
    ) async throws -> Verdict {
        try await store.update { transaction in
            try transaction.refuseRepetition(of: receipt)
            let verdict = try body(&transaction)
            if let change = verdict.change { try transaction.record(change, for: receipt) }
            return verdict
        }
    }

    /// Waits for the task's runs, at most the grace.
    private func waitForRuns(of id: TaskID) async {
        let deadline = time.monotonic + configuration.times.runningGrace
        await withTaskGroup(of: Void.self) { [executions, time] group in
            group.addTask { await executions.waitUntilIdle(id) }
            group.addTask {
                do { try await time.sleep(until: deadline) } catch { return }  // cancelled: the runs ended first
            }
            await group.next()
            group.cancelAll()
            await executions.wakeWaiters(of: id)
        }
    }
}

extension TaskChange {
    fileprivate static func terminal(_ status: TaskStatus) -> TaskChange {
        refused("error", "Cannot toggle task from terminal status: \(status.name)", status)
    }
}

extension Transaction {
    /// Notes what the owner wants the task to become when its last run ends; `nil` takes the wish back.
    fileprivate mutating func wish(_ status: TaskStatus?, for task: AutomationTask) throws {
        guard task.requestedStatus != status else { return }
        var changed = task
        changed.requestedStatus = status
        try save(changed, replacing: task)
    }

    fileprivate mutating func move(
        _ task: AutomationTask, to status: TaskStatus, _ rates: FeeRates, now: Timestamp
    ) throws -> AutomationTask {
        var changed = task
        changed.status = status
        changed.statusReason = ""
        try closePromises(of: &changed, rates, now: now)
        try save(changed, replacing: task)
        return changed
    }

    /// Ends the runs that the owner was promised but that no job has: the task will not run them (DEFECT-49).
    mutating func closePromises(of task: inout AutomationTask, _ rates: FeeRates, now: Timestamp) throws {
        for (key, _) in try rows(Rows<PromiseKey>(under: task.id), limit: StorageLimits.scanRowsMax) {
            let index = try value(for: PendingKey(task.id, key.run.execution))?.index ?? 0
            let execution = Execution(
                id: key.run.execution, taskID: task.id, index: Int64(clamping: index), startAt: now, endAt: now,
                status: .failed, error: "task cannot be executed: task is \(task.status.name)",
                fees: rates.fees(of: task.nodes))
            try record(execution, owner: task.owner)
            try forgetPromise(key.run)
            task.release()
        }
    }

    /// Deletes the waiting jobs of a task; their numbers are in its promises.
    mutating func deleteJobs(of task: TaskID) throws {
        for row in try rows(Rows<PendingKey>(under: task), limit: StorageLimits.scanRowsMax) {
            if let number = row.value.job { try delete(JobKey(.waiting, number)) }
        }
    }
}
