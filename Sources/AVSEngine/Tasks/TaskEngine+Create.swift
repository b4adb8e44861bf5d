public import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage

extension TaskEngine {
    /// Stores a new, enabled task and tells the operators.
    ///
    /// - Parameter task: validated; its id, status and counters are set here.
    /// - Throws: ``EngineError/foreignWallet`` unless the wallet is the owner's (7.4), ``EngineError/unknownChain(_:)``.
    public func create(_ draft: AutomationTask) async throws -> AutomationTask {
        guard configuration.chains[draft.chainID] != nil else { throw EngineError.unknownChain(draft.chainID) }
        guard try await wallets.isOwned(draft.wallet, by: draft.owner) else { throw EngineError.foreignWallet }
        let now = time.now
        var new = draft
        new.id = newTaskID(at: now)
        new.status = .enabled
        new.inputVariables["settings"] = Self.enriched(draft.inputVariables["settings"], of: new)
        let task = new
        try await store.update { try $0.create(task) }
        await operators.enabled(TaskCheck(task))
        return task
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
