public import AVSPrimitives

/// How a run stands or ended; raw values are the numbers on the wire. 4 was *partial success* and is never used.
public enum ExecutionStatus: Int32, Sendable, Hashable, CaseIterable {
    case pending = 1
    /// Every step succeeded.
    case success = 2
    /// A step failed, or the run was refused.
    case failed = 3
    /// The run itself could not be carried through.
    case error = 5
}

/// The record of one run of a task.
public struct Execution: Hashable, Sendable {
    public var id: ExecutionID
    public var taskID: TaskID
    /// The run's number in its task, from 0; never used twice, gaps are possible (I5).
    public var index: Int64
    public var startAt: Timestamp
    /// `nil` while pending.
    public var endAt: Timestamp?
    public var status: ExecutionStatus
    /// Empty on success.
    public var error: String
    /// What the run is asked for; the gas that it took is in ``costs``.
    public var fees: ExecutionFees
    /// The trigger's step first, then the nodes' in the order in which they ended.
    public var steps: [Step]

    public init(
        id: ExecutionID, taskID: TaskID, index: Int64, startAt: Timestamp, endAt: Timestamp? = nil,
        status: ExecutionStatus, error: String = "", fees: ExecutionFees = .standard, steps: [Step] = []
    ) {
        self.id = id
        self.taskID = taskID
        self.index = index
        self.startAt = startAt
        self.endAt = endAt
        self.status = status
        self.error = error
        self.fees = fees
        self.steps = steps
    }
}

/// What a step stands for.
public enum StepKind: Hashable, Sendable {
    case trigger(TriggerKind)
    case node(NodeKind)

    /// The enum's name on the wire: `TRIGGER_TYPE_CRON`, `NODE_TYPE_BRANCH`.
    public var wireName: String {
        switch self {
        case .trigger(let kind): kind.wireName
        case .node(let kind): kind.wireName
        }
    }
}

/// What one trigger or node did in a run.
public struct Step: Hashable, Sendable {
    /// The node's or trigger's id.
    public var id: String
    public var name: String
    public var kind: StepKind
    public var success: Bool
    /// Empty on success.
    public var error: String
    public var errorCode: ErrorCode
    /// For people; may hold several lines, never a secret.
    public var log: String
    /// Names of the variables that the step could see.
    public var inputs: [String]
    /// The configuration as the task has it, templates unresolved.
    public var config: JSONValue?
    /// `nil` when nothing was produced.
    public var output: JSONValue?
    /// Raw details that later nodes don't see.
    public var metadata: JSONValue?
    public var executionContext: JSONValue?
    /// Decimal texts, in gas and wei; empty when the step was not on a chain.
    public var gasUsed: String
    public var gasPrice: String
    public var totalGasCost: String
    /// Of the first attempt.
    public var startAt: Timestamp
    public var endAt: Timestamp
    /// Those that failed and were repeated by the node's retry policy, the first one first; everything else tells of
    /// the last attempt.
    public var failedAttempts: [Attempt] = []

    /// One of several runs of a node.
    public struct Attempt: Hashable, Sendable {
        public var startAt: Timestamp
        public var endAt: Timestamp
        public var error: String
        public var errorCode: ErrorCode

        public init(startAt: Timestamp, endAt: Timestamp, error: String, errorCode: ErrorCode) {
            self.startAt = startAt
            self.endAt = endAt
            self.error = error
            self.errorCode = errorCode
        }
    }

    public init(
        id: String, name: String, kind: StepKind, success: Bool = true, error: String = "",
        errorCode: ErrorCode = .unspecified, log: String = "", inputs: [String] = [], config: JSONValue? = nil,
        output: JSONValue? = nil, metadata: JSONValue? = nil, executionContext: JSONValue? = nil, gasUsed: String = "",
        gasPrice: String = "", totalGasCost: String = "", startAt: Timestamp, endAt: Timestamp
    ) {
        self.id = id
        self.name = name
        self.kind = kind
        self.success = success
        self.error = error
        self.errorCode = errorCode
        self.log = log
        self.inputs = inputs
        self.config = config
        self.output = output
        self.metadata = metadata
        self.executionContext = executionContext
        self.gasUsed = gasUsed
        self.gasPrice = gasPrice
        self.totalGasCost = totalGasCost
        self.startAt = startAt
        self.endAt = endAt
    }
}
