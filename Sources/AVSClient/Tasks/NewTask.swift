public import AVSModel
public import AVSPrimitives
import AVSProto
import AVSWire

/// What ``AggregatorClient/createTask(_:idempotencyKey:)`` is told of a task.
public struct NewTask: Hashable, Sendable {
    /// For people; not blank.
    public var name: String
    /// The smart wallet that acts for the task; one of the caller's.
    public var wallet: Address
    /// What starts its runs.
    public var trigger: Trigger
    /// At least one.
    public var nodes: [Node]
    /// At least one; the first nodes hang on the trigger's id.
    public var edges: [Edge]
    /// Top-level variables of every run. Under `settings` name, wallet and chain are filled in from here.
    public var inputVariables: [String: JSONValue]
    /// nil is the aggregator's default chain.
    public var chainID: UInt64?
    /// nil: at once.
    public var startAt: Timestamp?
    /// nil: never; else at least an hour ahead.
    public var expiredAt: Timestamp?
    /// 0 is no limit.
    public var maxExecution: Int64
    /// How long a run may take, in whole seconds up to a day; one that takes longer ends with an error. `nil` leaves
    /// that to the aggregator.
    public var executionDeadline: Duration?

    public init(
        name: String, wallet: Address, trigger: Trigger, nodes: [Node], edges: [Edge],
        inputVariables: [String: JSONValue] = [:], chainID: UInt64? = nil, startAt: Timestamp? = nil,
        expiredAt: Timestamp? = nil, maxExecution: Int64 = 0, executionDeadline: Duration? = nil
    ) {
        self.name = name
        self.wallet = wallet
        self.trigger = trigger
        self.nodes = nodes
        self.edges = edges
        self.inputVariables = inputVariables
        self.chainID = chainID
        self.startAt = startAt
        self.expiredAt = expiredAt
        self.maxExecution = maxExecution
        self.executionDeadline = executionDeadline
    }
}

extension NewTask {
    /// ``inputVariables`` with the settings that every aggregator looks for.
    var filledVariables: [String: JSONValue] {
        var settings = inputVariables["settings"]?.objectValue ?? [:]
        settings["name"] = .string(name)
        settings["runner"] = .string(wallet.checksummed)
        if let chainID { settings["chain_id"] = .string("\(chainID)") }  // text: a number holds 53 bits
        return inputVariables.merging(["settings": .object(settings)]) { $1 }
    }
}

extension Wire.CreateTaskReq {
    init(_ task: NewTask) {
        self.init()
        trigger = Wire.TaskTrigger(task.trigger)
        nodes = task.nodes.map { Wire.TaskNode($0) }
        edges = task.edges.map { Wire.TaskEdge($0) }
        inputVariables = task.filledVariables
        startAt = task.startAt?.milliseconds ?? 0
        expiredAt = task.expiredAt?.milliseconds ?? 0
        maxExecution = task.maxExecution
        executionDeadlineSeconds = task.executionDeadline.wireSeconds
    }
}
