public import AVSModel
public import AVSPrimitives
import AVSProto
public import AVSStorage

/// Who runs an execution. A write of a run whose claim is not this one any more must not happen (XO-14).
public struct Claim: Hashable, Sendable {
    /// The start of the process that holds it.
    public var epoch: UInt64
    /// From 1, counted before the work (XO-13).
    public var attempt: UInt32
    public var taskID: TaskID
    public var jobNumber: UInt64
    public var startedAt: Timestamp
    /// When the run is given up.
    public var deadline: Timestamp

    public init(
        epoch: UInt64, attempt: UInt32, taskID: TaskID, jobNumber: UInt64, startedAt: Timestamp, deadline: Timestamp
    ) {
        self.epoch = epoch
        self.attempt = attempt
        self.taskID = taskID
        self.jobNumber = jobNumber
        self.startedAt = startedAt
        self.deadline = deadline
    }
}

extension Claim: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.ClaimRecord(serialized: bytes)
        self.init(
            epoch: record.epoch, attempt: record.attempt, taskID: try TaskID(recorded: record.taskId),
            jobNumber: record.jobId, startedAt: Timestamp(milliseconds: record.startedAt),
            deadline: Timestamp(milliseconds: record.deadline))
    }

    public var stored: [UInt8] {
        var record = Stored.ClaimRecord()
        record.epoch = epoch
        record.attempt = attempt
        record.taskId = taskID.description
        record.jobId = jobNumber
        record.startedAt = startedAt.milliseconds
        record.deadline = deadline.milliseconds
        return record.serialized()
    }
}
