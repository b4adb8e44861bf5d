public import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage

extension TaskEngine {
    /// Stores a new, enabled task and tells the operators.
    ///
    /// - Parameter task: validated; its id, status and counters are set here.
    /// - Throws: ``EngineError/foreignWallet`` unless the wallet is the owner's (7.4), ``EngineError/unknownChain(_:)``.
    public func create(
        _ draft: AutomationTask, receipt: Receipt<AutomationTask>? = nil
    ) async throws -> AutomationTask {
        guard !configuration.isSpaceLow() else { throw EngineError.spaceLow(what: "new tasks") }
        guard configuration.chains[draft.chainID] != nil else { throw EngineError.unknownChain(draft.chainID) }
        guard try await wallets.isOwned(draft.wallet, by: draft.owner) else { throw EngineError.foreignWallet }
        try await checkQuota(of: draft.owner)
        let now = time.now
        var new = draft
        new.id = newTaskID(at: now)
        new.status = .enabled
        new.inputVariables["settings"] = Self.enriched(draft.inputVariables["settings"], of: new)
        let task = new
        try await store.update { transaction in
            _ = try transaction.once(receipt) { transaction in
                try transaction.create(task)
                return task
            }
        }
        await operators.enabled(TaskCheck(task))
        return task
    }

    /// Two tasks that are created at the same moment may both be the last: the bound keeps an owner from filling the
    /// database, it is no promise to the unit.
    private func checkQuota(of owner: Address) async throws {
        let limit = configuration.limits.tasksPerOwner
        let counts = try await taskCounts(Rows<TaskCountKey>(under: owner))
        let unfinished = counts.byStatus.reduce(0) { $0 + ($1.key.isTerminal ? 0 : $1.value) }
        guard unfinished < limit else { throw EngineError.quota(name: "tasks per owner", limit: limit) }
    }

    /// The settings as the run sees them: five keys are ours, whatever the client sent (aggregator-api 2.8).
    private static func enriched(_ settings: JSONValue?, of task: AutomationTask) -> JSONValue {
        var fields = settings?.objectValue ?? [:]
        fields["id"] = .string(task.id.description)
        fields["owner"] = .string(task.owner.checksummed)
        fields["startAt"] = .number(Double(task.startAt?.milliseconds ?? 0))
        fields["expiredAt"] = .number(Double(task.expiredAt?.milliseconds ?? 0))
        fields["maxExecution"] = .number(Double(task.maxExecution))
        return .object(fields)
    }
}
