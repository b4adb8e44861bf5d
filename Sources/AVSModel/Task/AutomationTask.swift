public import AVSPrimitives

/// A user's standing order: when the trigger fires, run the graph.
///
/// A value: every rule about it is a pure function in an extension beside this file.
public struct AutomationTask: Hashable, Sendable {
    public var id: TaskID
    /// The externally owned account that created it. Never changes (I10).
    public var owner: Address
    /// The smart wallet that acts for it: `inputVariables.settings.runner`.
    public var wallet: Address
    public var name: String
    public var trigger: Trigger
    public var nodes: [Node]
    public var edges: [Edge]
    /// Top-level variables of every run; holds `settings`.
    public var inputVariables: [String: JSONValue]
    /// The chain that it watches and acts on.
    public var chainID: UInt64

    /// `nil`: at once.
    public var startAt: Timestamp?
    /// `nil`: never.
    public var expiredAt: Timestamp?
    /// Runs allowed in all; 0 is no limit.
    public var maxExecution: Int64
    /// How long a run may take, from its begin; `nil` leaves that to the service (XO-21).
    public var executionDeadline: Duration?

    public var status: TaskStatus
    /// Runs that started.
    public var executionCount: Int64
    public var lastRanAt: Timestamp?
    public var completedAt: Timestamp?
    /// Accepted triggers whose run has not started; with `executionCount` never above `maxExecution` (XO-11, I6).
    public var reserved: Int64
    /// Runs in progress; the status is ``TaskStatus/running`` exactly while this is above 0.
    public var runsInFlight: Int64
    /// What its owner asked for while it was running: taken when the last run ends (R3).
    public var requestedStatus: TaskStatus?
    /// Runs in a row that could not start for a reason that only its owner can mend (5.6).
    public var validationFailures: Int64
    /// Runs in a row that were given up because the process ended with them again and again (XO-20).
    public var interruptedRuns: Int64
    /// Why the service itself disabled it; empty when it did not, or its owner has changed it since.
    public var statusReason: String

    public init(
        id: TaskID, owner: Address, wallet: Address, name: String, trigger: Trigger, nodes: [Node], edges: [Edge],
        inputVariables: [String: JSONValue] = [:], chainID: UInt64, startAt: Timestamp? = nil,
        expiredAt: Timestamp? = nil, maxExecution: Int64 = 0, executionDeadline: Duration? = nil,
        status: TaskStatus = .enabled, executionCount: Int64 = 0, lastRanAt: Timestamp? = nil,
        completedAt: Timestamp? = nil, reserved: Int64 = 0, runsInFlight: Int64 = 0,
        requestedStatus: TaskStatus? = nil, validationFailures: Int64 = 0, interruptedRuns: Int64 = 0,
        statusReason: String = ""
    ) {
        self.id = id
        self.owner = owner
        self.wallet = wallet
        self.name = name
        self.trigger = trigger
        self.nodes = nodes
        self.edges = edges
        self.inputVariables = inputVariables
        self.chainID = chainID
        self.startAt = startAt
        self.expiredAt = expiredAt
        self.maxExecution = maxExecution
        self.executionDeadline = executionDeadline
        self.status = status
        self.executionCount = executionCount
        self.lastRanAt = lastRanAt
        self.completedAt = completedAt
        self.reserved = reserved
        self.runsInFlight = runsInFlight
        self.requestedStatus = requestedStatus
        self.validationFailures = validationFailures
        self.interruptedRuns = interruptedRuns
        self.statusReason = statusReason
    }
}
