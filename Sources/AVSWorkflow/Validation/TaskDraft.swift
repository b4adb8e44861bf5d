public import AVSModel
public import AVSPrimitives

/// What a client asks to be stored as a task, nothing checked.
public struct TaskDraft: Hashable, Sendable {
    /// Nil if the client sent none, or one of no kind.
    public var trigger: Trigger?
    public var nodes: [Node]
    public var edges: [Edge]
    public var inputVariables: [String: JSONValue]
    public var startAt: Timestamp?
    public var expiredAt: Timestamp?
    public var maxExecution: Int64
    /// In seconds; 0 leaves it to the service.
    public var executionDeadlineSeconds: UInt32
    /// The request's own fields for name and wallet: older clients send these instead of `settings` (D-11).
    public var legacyName: String
    public var legacyWallet: String

    public init(
        trigger: Trigger?, nodes: [Node], edges: [Edge], inputVariables: [String: JSONValue] = [:],
        startAt: Timestamp? = nil, expiredAt: Timestamp? = nil, maxExecution: Int64 = 0,
        executionDeadlineSeconds: UInt32 = 0, legacyName: String = "", legacyWallet: String = ""
    ) {
        self.trigger = trigger
        self.nodes = nodes
        self.edges = edges
        self.inputVariables = inputVariables
        self.startAt = startAt
        self.expiredAt = expiredAt
        self.maxExecution = maxExecution
        self.executionDeadlineSeconds = executionDeadlineSeconds
        self.legacyName = legacyName
        self.legacyWallet = legacyWallet
    }
}

/// A draft that passed every check that needs no store and no chain. Only ``TaskValidator`` makes one.
public struct CheckedDraft: Hashable, Sendable {
    public let settings: TaskSettings
    /// With the templates of event queries replaced by their values.
    public let trigger: Trigger
    public let nodes: [Node]
    public let edges: [Edge]
    /// With `settings`, also where it came from the request's own fields (D-11).
    public let inputVariables: [String: JSONValue]
    public let startAt: Timestamp?
    public let expiredAt: Timestamp?
    public let maxExecution: Int64
    /// Nil leaves it to the service.
    public let executionDeadline: Duration?

    init(_ draft: TaskDraft, settings: TaskSettings, trigger: Trigger, inputVariables: [String: JSONValue]) {
        self.settings = settings
        self.trigger = trigger
        nodes = draft.nodes
        edges = draft.edges
        self.inputVariables = inputVariables
        startAt = draft.startAt
        expiredAt = draft.expiredAt
        maxExecution = draft.maxExecution
        executionDeadline = draft.executionDeadlineSeconds == 0 ? nil : .seconds(draft.executionDeadlineSeconds)
    }

    /// The task to store; the entries that the service adds to `settings` are the engine's to add.
    ///
    /// - Parameter defaultChain: used when `settings.chain_id` is not there.
    public func task(id: TaskID, owner: Address, defaultChain: UInt64) -> AutomationTask {
        AutomationTask(
            id: id, owner: owner, wallet: settings.runner, name: settings.name, trigger: trigger, nodes: nodes,
            edges: edges, inputVariables: inputVariables, chainID: settings.chainID ?? defaultChain, startAt: startAt,
            expiredAt: expiredAt, maxExecution: maxExecution, executionDeadline: executionDeadline)
    }
}

/// The entries of `inputVariables.settings` that the service itself reads.
public struct TaskSettings: Hashable, Sendable {
    public var name: String
    /// The smart wallet that acts.
    public var runner: Address
    /// `chain_id`, as a number or as decimal or `0x` text; nil if absent.
    public var chainID: UInt64?

    /// - Throws: ``InvalidArgument`` with the texts of aggregator-api.md 2.8 rows 4 to 9, without a prefix.
    public init(inputVariables: [String: JSONValue]) throws(InvalidArgument) {
        guard !inputVariables.isEmpty else {
            throw InvalidArgument(.missingRequiredField, "inputVariables is required")
        }
        guard let settings = inputVariables["settings"], !settings.isNull else {
            throw InvalidArgument(.missingRequiredField, "inputVariables.settings is required")
        }
        guard case .object(let entries) = settings else {
            throw InvalidArgument(.invalidRequest, "inputVariables.settings must be an object")
        }
        guard let name = entries["name"]?.stringValue, !name.trimmingBlanks().isEmpty else {
            throw InvalidArgument(.missingRequiredField, "inputVariables.settings.name is required")
        }
        guard let runner = entries["runner"]?.stringValue, !runner.trimmingBlanks().isEmpty else {
            throw InvalidArgument(.missingRequiredField, "inputVariables.settings.runner is required")
        }
        guard let address = Address(runner) else {
            throw InvalidArgument(.invalidAddress, "inputVariables.settings.runner must be a valid hex address")
        }
        self.name = name
        self.runner = address
        chainID = try Self.chainID(entries["chain_id"])
    }

    /// What `settings.chain_id` says; nil if it is absent.
    public static func chainID(_ value: JSONValue?) throws(InvalidArgument) -> UInt64? {
        switch value {
        case nil, .null: return nil
        case .number(let number):
            if let id = UInt64(exactly: number), id > 0 { return id }
        case .string(let text):
            let word = text.hasPrefix("0x") || text.hasPrefix("0X") ? UInt256(hex: text) : UInt256(decimal: text)
            if let id = word?.uint64, id > 0 { return id }
        default: break
        }
        throw InvalidArgument(
            .invalidRequest,
            "inputVariables.settings.chain_id must be a positive whole number, or its decimal or 0x text")
    }
}
