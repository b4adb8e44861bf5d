public import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSWorkflow
import Logging

extension TaskEngine {
    /// Stores a new, enabled task and tells the operators.
    ///
    /// - Parameter task: validated; its id, status and counters are set here.
    /// - Throws: ``EngineError/foreignWallet`` unless the wallet is the owner's (7.4),
    ///   ``EngineError/unknownChain(_:)``.
    public func create(
        _ draft: AutomationTask, receipt: Receipt<AutomationTask>? = nil
    ) async throws -> AutomationTask {
        guard !configuration.isSpaceLow() else { throw EngineError.spaceLow(what: "new tasks") }
        guard configuration.chains[draft.chainID] != nil else { throw EngineError.unknownChain(draft.chainID) }
        guard try await wallets.isOwned(draft.wallet, by: draft.owner) else { throw EngineError.foreignWallet }
        try await store.readWithoutBlocking { [limit = configuration.limits.tasksPerOwner] in
            try $0.checkTaskQuota(of: draft.owner, limit: limit)  // before anything is queued for the committer
        }
        let now = time.now
        var new = draft
        new.id = newTaskID(at: now)
        new.status = .enabled
        new.inputVariables["settings"] = Self.enriched(draft.inputVariables["settings"], of: new)
        let task = new
        let limit = configuration.limits.tasksPerOwner
        try await store.update { transaction in
            _ = try transaction.once(receipt) { transaction in
                // Updates run one after another: of tasks that are created at the same moment one is the last.
                try transaction.checkTaskQuota(of: task.owner, limit: limit)
                try transaction.create(task)
                return task
            }
        }
        logWarnings(about: task)
        await operators.enabled(TaskCheck(task))
        return task
    }

    /// What is accepted and most likely not meant (execution-engine 1.2, *CHOICE*).
    func logWarnings(about task: AutomationTask) {
        let warnings = task.graphWarnings
        guard !warnings.isEmpty else { return }
        logger.warning("a task's graph is odd", metadata: ["task": "\(task.id)", "why": "\(warnings)"])
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

extension StoreReader where Self: ~Copyable {
    /// Whether an owner may have one more task that is not finished.
    /// - Throws: ``EngineError/quota(name:limit:)``.
    fileprivate func checkTaskQuota(of owner: Address, limit: Int) throws {
        var unfinished: UInt64 = 0
        var rest = Rows<TaskCountKey>(under: owner)
        while true {
            // One row for each wallet and status: one turn, but for owners with thousands of wallets.
            let rows = try rows(rest, limit: StorageLimits.scanRowsMax)
            for row in rows where !row.key.status.isTerminal { unfinished += row.value.value }
            guard rows.count == StorageLimits.scanRowsMax, let last = rows.last else { break }
            rest = rest.after(last.key)
        }
        guard unfinished < limit else { throw EngineError.quota(name: "tasks per owner", limit: limit) }
    }
}
