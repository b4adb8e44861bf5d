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
    /// Of the attempts so far, those that their process gave back before its orderly end. The others were interrupted
    /// by its death, or still are under way.
    public var givenBack: UInt32

    public init(
        epoch: UInt64, attempt: UInt32, taskID: TaskID, jobNumber: UInt64, startedAt: Timestamp, deadline: Timestamp,
        givenBack: UInt32 = 0
    ) {
        self.epoch = epoch
        self.attempt = attempt
        self.taskID = taskID
        self.jobNumber = jobNumber
        self.startedAt = startedAt
        self.deadline = deadline
        self.givenBack = givenBack
    }

    /// Attempts that ended with the death of their process (XO-20), of a claim whose process is not there any more.
    public var deaths: UInt32 { attempt >= givenBack ? attempt - givenBack : 0 }
}

extension Claim: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.ClaimRecord(serialized: bytes)
        self.init(
            epoch: record.epoch, attempt: record.attempt, taskID: try TaskID(recorded: record.taskId),
            jobNumber: record.jobId, startedAt: Timestamp(milliseconds: record.startedAt),
            deadline: Timestamp(milliseconds: record.deadline), givenBack: record.givenBack)
    }

    public var stored: [UInt8] {
        var record = Stored.ClaimRecord()
        record.epoch = epoch
        record.attempt = attempt
        record.taskId = taskID.description
        record.jobId = jobNumber
        record.startedAt = startedAt.milliseconds
        record.deadline = deadline.milliseconds
        record.givenBack = givenBack
        return record.serialized()
    }
}
