public import AVSModel
import AVSPrimitives
import AVSProto
public import AVSStorage
import AVSWire

extension AutomationTask: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.TaskRecord(serialized: bytes)
        guard let task = record.task else { throw MalformedValue("a task record without a task") }
        try self.init(task, chainID: record.chainId)
        reserved = record.reserved
        runsInFlight = record.runsInFlight
        requestedStatus = TaskStatus(rawValue: record.requestedStatusPlusOne &- 1)
        validationFailures = record.validationFailures
        interruptedRuns = record.interruptedRuns
    }

    public var stored: [UInt8] {
        var record = Stored.TaskRecord()
        record.task = Wire.Task(self)
        record.chainId = chainID
        record.reserved = reserved
        record.runsInFlight = runsInFlight
        record.requestedStatusPlusOne = requestedStatus.map { $0.rawValue + 1 } ?? 0
        record.validationFailures = validationFailures
        record.interruptedRuns = interruptedRuns
        return record.serialized()
    }
}

extension Execution: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.ExecutionRecord(serialized: bytes)
        guard let execution = record.execution else { throw MalformedValue("an execution record without an execution") }
        try self.init(execution, taskID: try TaskID(recorded: record.taskId))
    }

    public var stored: [UInt8] {
        var record = Stored.ExecutionRecord()
        record.execution = Wire.Execution(self)
        record.taskId = taskID.description
        return record.serialized()
    }
}
