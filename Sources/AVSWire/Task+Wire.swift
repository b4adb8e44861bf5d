public import AVSModel
public import AVSPrimitives
public import AVSProto

/// A record or message that says something no task can be.
public struct MalformedMessage: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}

extension Timestamp {
    /// On the wire 0 means that the instant is not set.
    public init?(wire milliseconds: Int64) {
        guard milliseconds != 0 else { return nil }
        self.init(milliseconds: milliseconds)
    }
}

extension Duration? {
    /// The duration that a message has in whole seconds, of which 0 says that there is none.
    public init(wireSeconds: UInt32) { self = wireSeconds == 0 ? nil : .seconds(wireSeconds) }

    /// In whole seconds, rounded up so that nothing gets less than it asked for; 0 if there is none.
    public var wireSeconds: UInt32 {
        guard let (seconds, rest) = self?.components else { return 0 }
        return UInt32(clamping: rest > 0 && seconds < .max ? seconds + 1 : seconds)
    }
}

extension AutomationTask {
    /// A task as we wrote it ourselves; what the message has no field for keeps its default.
    public init(_ wire: Wire.Task, chainID: UInt64) throws {
        guard let id = TaskID(wire.id) else { throw MalformedMessage("'\(wire.id.prefix(64))' is no task id") }
        guard let owner = Address(wire.owner), let wallet = Address(wire.smartWalletAddress) else {
            throw MalformedMessage("task \(id) has no owner or no wallet")
        }
        guard let status = AVSModel.TaskStatus(rawValue: wire.status.rawValue) else {
            throw MalformedMessage("task \(id) has the unknown status \(wire.status.rawValue)")
        }
        guard let trigger = wire.trigger else { throw MalformedMessage("task \(id) has no trigger") }
        self.init(
            id: id, owner: owner, wallet: wallet, name: wire.name, trigger: try Trigger(trigger),
            nodes: try wire.nodes.map { try Node($0) }, edges: wire.edges.map { Edge($0) },
            inputVariables: wire.inputVariables, chainID: chainID, startAt: Timestamp(wire: wire.startAt),
            expiredAt: Timestamp(wire: wire.expiredAt), maxExecution: wire.maxExecution,
            executionDeadline: Duration?(wireSeconds: wire.executionDeadlineSeconds), status: status,
            executionCount: wire.executionCount, lastRanAt: Timestamp(wire: wire.lastRanAt),
            completedAt: Timestamp(wire: wire.completedAt), statusReason: wire.statusReason)
    }
}

extension Wire.Task {
    /// What its owner sees of a task.
    public init(_ task: AutomationTask) {
        self.init()
        id = task.id.description
        owner = task.owner.checksummed
        smartWalletAddress = task.wallet.checksummed
        startAt = task.startAt?.milliseconds ?? 0
        expiredAt = task.expiredAt?.milliseconds ?? 0
        name = task.name
        completedAt = task.completedAt?.milliseconds ?? 0
        maxExecution = task.maxExecution
        executionDeadlineSeconds = task.executionDeadline.wireSeconds
        executionCount = task.executionCount
        lastRanAt = task.lastRanAt?.milliseconds ?? 0
        status = Wire.TaskStatus(rawValue: task.status.rawValue)
        trigger = Wire.TaskTrigger(task.trigger)
        nodes = task.nodes.map { Wire.TaskNode($0) }
        edges = task.edges.map { Wire.TaskEdge($0) }
        inputVariables = task.inputVariables
        statusReason = task.statusReason
    }
}
