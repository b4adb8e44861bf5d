import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSSchema
import AVSWire
import AVSWorkflow

/// Tasks of the caller.
///
/// - Source: aggregator-api 2.8.
struct TaskHandlers: Sendable {
    let engine: TaskEngine
    let gate: CallGate
    let time: any TimeSource
    /// Whether a cancelled task is shown as disabled, because the last client library knows no status 3 (D-3).
    let showsCanceledAsDisabled: Bool
    let validator: TaskValidator

    var methods: [RPCMethod] {
        [
            .unaryOnce(Wire.AggregatorMethods.createTask, engine) { request, call, once in
                try await create(request, owner: call.user, once)
            },
            .unarySpliced(Wire.AggregatorMethods.getTask) { request, call in
                try await task(request, owner: call.user)
            },
            .unarySpliced(Wire.AggregatorMethods.listTasks) { request, call in
                try await list(request, owner: call.user)
            },
            .unaryOnce(Wire.AggregatorMethods.setTaskEnabled, engine) { request, call, once in
                try await setEnabled(request, owner: call.user, once)
            },
            .unaryOnce(Wire.AggregatorMethods.cancelTask, engine, replay: withNumber) { request, call, once in
                try await cancel(request, call, once)
            },
            .unaryOnce(Wire.AggregatorMethods.deleteTask, engine) { request, call, once in
                try await delete(request, owner: call.user, once)
            },
            .unaryOnce(Wire.AggregatorMethods.triggerTask, engine, replay: nowKnown) { request, call, once in
                try await trigger(request, call, once)
            },
        ]
    }

    // MARK: Create and read

    private func create(
        _ request: Wire.CreateTaskReq, owner: Address, _ once: Once
    ) async throws -> Wire.CreateTaskResp {
        let answer: @Sendable (AutomationTask) -> Wire.CreateTaskResp = { task in
            .with { $0.id = task.id.description }
        }
        let draft = TaskDraft(
            trigger: try request.trigger.flatMap { $0.triggerType == nil ? nil : try Trigger($0) },
            nodes: try request.nodes.map { try Node($0) }, edges: request.edges.map { Edge($0) },
            inputVariables: request.inputVariables, startAt: Timestamp(wire: request.startAt),
            expiredAt: Timestamp(wire: request.expiredAt), maxExecution: request.maxExecution,
            executionDeadlineSeconds: request.executionDeadlineSeconds, legacyName: request.name,
            legacyWallet: request.smartWalletAddress)
        let checked = try validator.check(draft, now: time.now)
        try RequestText.checked(checked.settings.name, "settings.name")
        let chain = engine.configuration.defaultChainID
        let new = checked.task(id: TaskID(ULID.zero), owner: owner, defaultChain: chain)
        return answer(try await engine.create(new, receipt: once.receipt(answer)))
    }

    /// The bytes of an `aggregator.Task`.
    private func task(_ request: Wire.IdReq, owner: Address) async throws -> [UInt8] {
        guard !request.id.isEmpty else {
            throw InvalidArgument(.missingRequiredField, "Missing task id in request")
        }
        return try message(of: await engine.recordedTask(taskID(request.id), owner: owner))
    }

    /// The bytes of an `aggregator.ListTasksResp`.
    private func list(_ request: Wire.ListTasksReq, owner: Address) async throws -> [UInt8] {
        let wallets = try await ownedWallets(request.smartWalletAddress, owner: owner)
        let limits = engine.configuration.limits
        let asked = try PageRequest(before: request.before, after: request.after, limit: request.limit, limits: limits)
        var omitted: Set<RecordedTask.Part> = [.inputVariables]  // never part of a list (2.5)
        if !request.includeNodes { omitted.insert(.nodes) }
        if !request.includeEdges { omitted.insert(.edges) }
        let page = try await engine.tasks(owner: owner, wallets: wallets, page: asked).map { [omitted] task in
            try SplicedItem(id: task.id.ulid, message: message(of: task, without: omitted))
        }
        let cut = page.cut(to: limits.bytesPerPage, isForward: asked.isForward) { $0.message.count }
        return cut.answer(Wire.ListTasksResp.with { $0.pageInfo = Wire.PageInfo(cut, id: \.id) })
    }

    private func ownedWallets(_ texts: [String], owner: Address) async throws -> Set<Address> {
        guard !texts.isEmpty, !texts.contains("") else {
            throw InvalidArgument(.missingRequiredField, "Missing smart_wallet_address")
        }
        var wallets: Set<Address> = []
        for text in texts {
            guard let wallet = Address(text) else { throw EngineError.foreignWallet }
            guard wallets.insert(wallet).inserted else { continue }
            guard try await engine.wallets.isOwned(wallet, by: owner) else { throw EngineError.foreignWallet }
        }
        return wallets
    }

    /// The task as its owner sees it.
    private func message(of task: RecordedTask, without omitted: Set<RecordedTask.Part> = []) throws -> [UInt8] {
        let isMasked = showsCanceledAsDisabled && task.status == .canceled
        return try task.message(without: omitted, showing: isMasked ? .disabled : nil)
    }

    /// - Throws: `task not found` for a text that is no id: whether one exists is not told.
    private func taskID(_ text: String) throws -> TaskID {
        try RequestText.checked(text, "task id")
        guard let id = TaskID(text) else { throw EngineError.taskNotFound }
        return id
    }

    // MARK: Changes

    private func setEnabled(
        _ request: Wire.SetTaskEnabledReq, owner: Address, _ once: Once
    ) async throws -> Wire.SetTaskEnabledResp {
        let now = time.now
        let answer: @Sendable (TaskChange) -> Wire.SetTaskEnabledResp = { change in
            Wire.SetTaskEnabledResp(change, of: request.id, at: \.updatedAt, now)
        }
        try RequestText.checked(request.id, "task id")
        return answer(
            try await change(request.id) {
                try await engine.setEnabled(request.enabled, task: $0, owner: owner, receipt: once.receipt(answer))
            })
    }

    private func cancel(
        _ request: Wire.IdReq, _ call: CallContext, _ once: Once
    ) async throws -> Wire.CancelTaskResp {
        let now = time.now
        let answer: @Sendable (TaskChange) -> Wire.CancelTaskResp = { change in
            Wire.CancelTaskResp(change, of: request.id, at: \.cancelledAt, now)
        }
        try RequestText.checked(request.id, "task id")
        let owner = try call.user
        let change = try await change(request.id) {
            try await engine.cancel(task: $0, owner: owner, receipt: once.receipt(answer))
        }
        if let code = change.code, !change.success { call.setTrailingMetadata(.errorCode(code)) }
        return answer(change)
    }

    /// The answer to a repeated call to cancel, with the trailer that the first one had.
    @Sendable private func withNumber(
        recorded: [UInt8], _ request: Wire.IdReq, _ call: CallContext
    ) async throws -> [UInt8] {
        let answer = try Wire.CancelTaskResp(serialized: recorded)
        let code: ErrorCode? =
            switch (answer.status, answer.previousStatus) {
            case ("not_found", _): .taskNotFound
            case ("already_cancelled", _): .taskAlreadyCancelled
            case ("cannot_cancel", TaskStatus.completed.name): .taskAlreadyCompleted
            case ("cannot_cancel", TaskStatus.running.name): .executionInProgress
            default: nil
            }
        call.setTrailingMetadata(.replayed(code))
        return recorded
    }

    private func delete(
        _ request: Wire.IdReq, owner: Address, _ once: Once
    ) async throws -> Wire.DeleteTaskResp {
        let now = time.now
        let answer: @Sendable (TaskChange) -> Wire.DeleteTaskResp = { change in
            Wire.DeleteTaskResp(change, of: request.id, at: \.deletedAt, now)
        }
        try RequestText.checked(request.id, "task id")
        return answer(
            try await change(request.id) {
                try await engine.delete(task: $0, owner: owner, receipt: once.receipt(answer))
            })
    }

    /// Changes the task with this id; a text that is no id is a task that does not exist.
    private func change(_ id: String, _ body: (TaskID) async throws -> TaskChange) async throws -> TaskChange {
        guard let id = TaskID(id) else { return .notFound }
        return try await body(id)
    }

    // MARK: Trigger

    private func trigger(
        _ request: Wire.TriggerTaskReq, _ call: CallContext, _ once: Once
    ) async throws -> Wire.TriggerTaskResp {
        let owner = try call.user
        guard !request.taskId.isEmpty else {
            throw InvalidArgument(.missingRequiredField, "Missing task id in request")
        }
        guard request.taskId.utf8.count == 26 else { throw InvalidArgument(.invalidRequest, "invalid task id") }
        let id = try taskID(request.taskId)
        let data = request.triggerOutput?.data
        if case .manual(let manual) = try await engine.task(id, owner: owner).trigger.config, let data {
            do {
                try ManualTrigger.check(data: data, language: manual.language)
            } catch {
                throw InvalidArgument(error.code, error.message)
            }
        }
        if request.isBlocking { gate.release(call) }  // the run has its own bounds: those of the queue
        let run = try await engine.trigger(
            TriggerRequest(
                taskID: id, owner: owner, data: data,
                requestedKind: TriggerKind(rawValue: request.triggerType.rawValue), input: request.triggerInput,
                isBlocking: request.isBlocking),
            receipt: once.receipt { Wire.TriggerTaskResp($0, of: request.taskId) })
        return Wire.TriggerTaskResp(run, of: request.taskId)
    }

    /// What a repeated call to trigger is answered: the run that the first one started, as far as it is by now. One
    /// that waited gets the run's end, if it has one; another gets what the first got.
    @Sendable private func nowKnown(
        recorded: [UInt8], _ request: Wire.TriggerTaskReq, _ call: CallContext
    ) async throws -> [UInt8] {
        let answer = try Wire.TriggerTaskResp(serialized: recorded)
        guard request.isBlocking, let task = TaskID(request.taskId), let id = ExecutionID(answer.executionId),
            let execution = try await engine.endedExecution(id, of: task, owner: call.user)
        else { return recorded }
        let run = TriggeredRun(executionID: id, startAt: execution.startAt, execution: execution)
        return Wire.TriggerTaskResp(run, of: request.taskId).serialized()
    }
}

/// What the answers to all changes of a task have in common; each says in a field of its own when it was made.
private protocol TaskChangeAnswer: ProtoMessage {
    var success: Bool { get set }
    var status: String { get set }
    var message: String { get set }
    var id: String { get set }
    var previousStatus: String { get set }
}

extension Wire.SetTaskEnabledResp: TaskChangeAnswer {}
extension Wire.CancelTaskResp: TaskChangeAnswer {}
extension Wire.DeleteTaskResp: TaskChangeAnswer {}

extension TaskChangeAnswer {
    /// - Parameters:
    ///   - id: the task's, as the caller wrote it.
    ///   - field: for the time of a change that was made.
    init(_ change: TaskChange, of id: String, at field: WritableKeyPath<Self, Int64>, _ now: Timestamp) {
        self.init()
        success = change.success
        status = change.status
        message = change.message
        self.id = id
        previousStatus = change.previous?.name ?? ""
        self[keyPath: field] = change.success ? now.milliseconds : 0
    }
}

extension Wire.TriggerTaskResp {
    init(_ run: TriggeredRun, of task: String) {
        self.init()
        executionId = run.executionID.description
        workflowId = task
        startAt = run.startAt.milliseconds
        status = .pending
        guard let execution = run.execution else { return }
        status = Wire.ExecutionStatus(rawValue: execution.status.rawValue)
        endAt = execution.endAt?.milliseconds
        error = execution.error.isEmpty ? nil : execution.error
        steps = execution.steps.map { Wire.Execution.Step($0) }
    }
}
