public import AVSPrimitives

/// What an operator last said of itself.
public struct OperatorInfo: Hashable, Sendable {
    public var address: Address
    public var name: String
    public var remoteIP: String
    public var lastPing: Timestamp
    public var version: String
    public var metricsPort: Int32
    public var blockNumber: Int64
    public var eventCount: Int64

    public init(
        address: Address, name: String = "Unknown", remoteIP: String = "", lastPing: Timestamp, version: String = "",
        metricsPort: Int32 = 0, blockNumber: Int64 = 0, eventCount: Int64 = 0
    ) {
        self.address = address
        self.name = name
        self.remoteIP = remoteIP
        self.lastPing = lastPing
        self.version = version
        self.metricsPort = metricsPort
        self.blockNumber = blockNumber
        self.eventCount = eventCount
    }
}

/// The kinds of trigger that an operator can watch.
public struct OperatorCapabilities: Hashable, Sendable {
    public var events: Bool
    public var blocks: Bool
    public var times: Bool

    /// What an operator that says nothing supports.
    public static let all = OperatorCapabilities(events: true, blocks: true, times: true)

    public init(events: Bool, blocks: Bool, times: Bool) {
        self.events = events
        self.blocks = blocks
        self.times = times
    }

    /// Whether the operator can watch a trigger of `kind`. A manual trigger is watched by nobody (6.4).
    public func supports(_ kind: TriggerKind) -> Bool {
        switch kind {
        case .event: events
        case .block: blocks
        case .cron, .fixedTime: times
        case .manual: false
        }
    }
}

/// What an operator has to watch for one task, as the stream carries it.
public struct TaskCheck: Hashable, Sendable {
    public var taskID: TaskID
    public var trigger: Trigger
    public var chainID: UInt64
    public var startAt: Timestamp?
    public var expiredAt: Timestamp?
    /// The task's limit of runs, 0 for none. The wire calls it *remain*, though it is not what is left.
    public var maxExecution: Int64

    public init(
        taskID: TaskID, trigger: Trigger, chainID: UInt64, startAt: Timestamp? = nil, expiredAt: Timestamp? = nil,
        maxExecution: Int64 = 0
    ) {
        self.taskID = taskID
        self.trigger = trigger
        self.chainID = chainID
        self.startAt = startAt
        self.expiredAt = expiredAt
        self.maxExecution = maxExecution
    }

    public init(_ task: AutomationTask) {
        self.init(
            taskID: task.id, trigger: task.trigger, chainID: task.chainID, startAt: task.startAt,
            expiredAt: task.expiredAt, maxExecution: task.maxExecution)
    }
}
