public import AVSModel
public import AVSPrimitives

/// What a client asks to be run without being stored, nothing checked.
public struct SimulationDraft: Hashable, Sendable {
    /// Nil if the client sent none, or one of no kind.
    public var trigger: Trigger?
    /// What the client calls the trigger's kind; nil if it leaves that open.
    public var declaredKind: TriggerKind?
    public var nodes: [Node]
    public var edges: [Edge]
    public var inputVariables: [String: JSONValue]

    public init(
        trigger: Trigger?, declaredKind: TriggerKind?, nodes: [Node], edges: [Edge],
        inputVariables: [String: JSONValue]
    ) {
        self.trigger = trigger
        self.declaredKind = declaredKind
        self.nodes = nodes
        self.edges = edges
        self.inputVariables = inputVariables
    }
}

extension TaskValidator {
    /// The checks of a simulation that need neither a store nor a chain, in the order in which clients see them.
    ///
    /// - Returns: the trigger and the settings.
    /// - Throws: ``InvalidArgument`` for the first check that fails.
    /// - Source: aggregator-api.md 2.12, *SimulateTask*.
    public func check(_ draft: SimulationDraft) throws(InvalidArgument) -> (trigger: Trigger, settings: TaskSettings) {
        guard let trigger = draft.trigger else {
            throw InvalidArgument(.missingRequiredField, "trigger is required for task simulation")
        }
        guard !draft.nodes.isEmpty else {
            throw InvalidArgument(.missingRequiredField, "at least one node is required for task simulation")
        }
        let settings: TaskSettings
        do throws(InvalidArgument) {
            settings = try TaskSettings(inputVariables: draft.inputVariables)
        } catch {
            throw InvalidArgument(error.code, "invalid task argument: \(error.message)")
        }
        do throws(InvalidArgument) {
            try checkInside(draft, trigger)
        } catch {
            throw InvalidArgument(error.code, "simulation failed: \(error.message)")
        }
        return (trigger, settings)
    }

    private func checkInside(_ draft: SimulationDraft, _ trigger: Trigger) throws(InvalidArgument) {
        if !trigger.name.isEmpty, let why = Identifier.refusal(of: trigger.name) {
            throw InvalidArgument(.invalidTriggerConfig, "trigger name validation failed: \(why)")
        }
        for node in draft.nodes {
            if let why = Identifier.refusal(of: node.name) {
                throw InvalidArgument(.invalidNodeConfig, "node name validation failed: \(why)")
            }
        }
        if let declared = draft.declaredKind, declared != trigger.kind {
            let text =
                "trigger type mismatch: type is \(declared.wireName), the configuration is of \(trigger.kind.wireName)"
            throw InvalidArgument(.invalidTriggerConfig, text)
        }
        if case .manual(let manual) = trigger.config {
            do throws(NodeFailure) {
                try ManualTrigger.check(data: manual.data, language: manual.language)
            } catch {
                throw InvalidArgument(error.code, error.message)
            }
        }
        try checkSize(trigger: trigger, nodes: draft.nodes, edges: draft.edges, inputVariables: draft.inputVariables)
    }
}
