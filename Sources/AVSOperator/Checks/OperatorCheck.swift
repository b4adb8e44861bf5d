public import AVSModel
import AVSPrimitives
public import AVSProto
import AVSWire

/// One message of the stream: what to watch, and what no longer.
public enum OperatorCheck: Hashable, Sendable {
    /// Watch this, in place of whatever is watched for the task.
    case monitor(TaskCheck)
    /// Stop watching: disabled, cancelled, completed.
    case disable(TaskID)
    /// Stop watching: the task is gone.
    case delete(TaskID)
    /// Report this trigger now.
    case immediate(TaskCheck)

    public var taskID: TaskID {
        switch self {
        case .monitor(let check), .immediate(let check): check.taskID
        case .disable(let id), .delete(let id): id
        }
    }
}

/// Why a message of the stream means nothing to us. It is logged and passed over: newer aggregators may say more.
public struct UnknownCheck: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}

extension OperatorCheck {
    /// - Throws: ``UnknownCheck`` for an operation that we do not know, and for one that lacks what it needs.
    public init(_ wire: Wire.SyncMessagesResp) throws {
        switch wire.op {
        case .monitorTaskTrigger: self = .monitor(try TaskCheck(wire))
        case .immediateTrigger: self = .immediate(try TaskCheck(wire))
        case .disableTask: self = .disable(try Self.taskID(wire.id))
        case .deleteTask: self = .delete(try Self.taskID(wire.id))
        default: throw UnknownCheck("operation \(wire.op.rawValue) for '\(wire.id.prefix(64))' is none that we know")
        }
    }

    fileprivate static func taskID(_ text: String) throws(UnknownCheck) -> TaskID {
        guard let id = TaskID(text) else { throw UnknownCheck("'\(text.prefix(64))' is not a task id") }
        return id
    }
}

extension TaskCheck {
    /// What to watch, as ``Wire/SyncMessagesResp`` carries it. Chain 0 is the operator's default.
    ///
    /// - Throws: ``UnknownCheck`` without a task or a trigger, `InvalidArgument` for a trigger that says nothing.
    public init(_ wire: Wire.SyncMessagesResp) throws {
        guard let metadata = wire.taskMetadata, let trigger = metadata.trigger else {
            throw UnknownCheck("message for '\(wire.id.prefix(64))' has no trigger")
        }
        let id = try OperatorCheck.taskID(metadata.taskId.isEmpty ? wire.id : metadata.taskId)
        self.init(
            taskID: id, trigger: try Trigger(trigger), chainID: metadata.chainId,
            startAt: metadata.startAt > 0 ? Timestamp(milliseconds: metadata.startAt) : nil,
            expiredAt: metadata.expiredAt > 0 ? Timestamp(milliseconds: metadata.expiredAt) : nil,
            maxExecution: metadata.remain)
    }
}

extension Wire.SyncMessagesResp {
    /// What to watch, as a message of the stream: also the form in which an operator keeps it.
    public init(monitoring check: TaskCheck) {
        self.init()
        id = check.taskID.description
        op = .monitorTaskTrigger
        taskMetadata = .with {
            $0.taskId = check.taskID.description
            $0.remain = check.maxExecution
            $0.expiredAt = check.expiredAt?.milliseconds ?? 0
            $0.startAt = check.startAt?.milliseconds ?? 0
            $0.trigger = Wire.TaskTrigger(check.trigger)
            $0.chainId = check.chainID
        }
    }
}
