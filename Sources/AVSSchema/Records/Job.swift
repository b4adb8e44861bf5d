public import AVSModel
public import AVSPrimitives
import AVSProto
public import AVSStorage
import AVSWire

/// An accepted trigger that waits for its run, runs, or has run.
public struct Job: Hashable, Sendable {
    public var number: UInt64
    public var taskID: TaskID
    public var executionID: ExecutionID
    /// The task's owner, so that the scheduler need not read the task.
    public var owner: Address
    /// The run's number in its task.
    public var index: UInt64
    public var trigger: TriggerOutput
    /// Merged over the task's input variables for this run.
    public var input: [String: JSONValue]
    public var enqueuedAt: Timestamp
    /// `nil` until the job ended.
    public var endedAt: Timestamp?

    public init(
        number: UInt64, taskID: TaskID, executionID: ExecutionID, owner: Address, index: UInt64, trigger: TriggerOutput,
        input: [String: JSONValue] = [:], enqueuedAt: Timestamp, endedAt: Timestamp? = nil
    ) {
        self.number = number
        self.taskID = taskID
        self.executionID = executionID
        self.owner = owner
        self.index = index
        self.trigger = trigger
        self.input = input
        self.enqueuedAt = enqueuedAt
        self.endedAt = endedAt
    }
}

extension Job: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.JobRecord(serialized: bytes)
        guard let kind = TriggerKind(rawValue: record.triggerType.rawValue) else {
            throw MalformedValue("\(record.triggerType.rawValue) is no trigger type")
        }
        self.init(
            number: record.id, taskID: try TaskID(recorded: record.taskId),
            executionID: try ExecutionID(recorded: record.executionId), owner: try Address(recorded: record.owner),
            index: UInt64(clamping: record.index), trigger: TriggerOutput(kind: kind, data: record.triggerData),
            input: record.triggerInput, enqueuedAt: Timestamp(milliseconds: record.enqueuedAt),
            endedAt: Timestamp(wire: record.endedAt))
    }

    public var stored: [UInt8] {
        var record = Stored.JobRecord()
        record.id = number
        record.taskId = taskID.description
        record.executionId = executionID.description
        record.owner = owner.lowercased
        record.index = Int64(clamping: index)
        record.triggerType = Wire.TriggerType(rawValue: trigger.kind.rawValue)
        record.triggerData = trigger.data
        record.triggerInput = input
        record.enqueuedAt = enqueuedAt.milliseconds
        record.endedAt = endedAt?.milliseconds ?? 0
        return record.serialized()
    }
}
