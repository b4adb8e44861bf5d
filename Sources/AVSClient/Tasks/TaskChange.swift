public import AVSModel
public import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire

/// A change of a task that the aggregator made, or found already made.
public struct TaskChange: Hashable, Sendable {
    /// The task that was changed.
    public var taskID: TaskID
    /// The aggregator's word for it: enabled, disabled, cancelled, deleted.
    public var outcome: String
    /// For people.
    public var message: String
    /// nil when the aggregator named none that this release knows.
    public var previousStatus: TaskStatus?
    /// When it was made; nil when the aggregator did not say.
    public var changedAt: Timestamp?

    public init(
        taskID: TaskID, outcome: String, message: String, previousStatus: TaskStatus? = nil, changedAt: Timestamp? = nil
    ) {
        self.taskID = taskID
        self.outcome = outcome
        self.message = message
        self.previousStatus = previousStatus
        self.changedAt = changedAt
    }
}

/// What the three answers to a change have in common.
struct ChangeAnswer {
    var success: Bool
    var outcome: String
    var message: String
    var previousStatus: String
    var changedAt: Int64

    init(_ wire: Wire.SetTaskEnabledResp) {
        (success, outcome, message) = (wire.success, wire.status, wire.message)
        (previousStatus, changedAt) = (wire.previousStatus, wire.updatedAt)
    }

    init(_ wire: Wire.CancelTaskResp) {
        (success, outcome, message) = (wire.success, wire.status, wire.message)
        (previousStatus, changedAt) = (wire.previousStatus, wire.cancelledAt)
    }

    init(_ wire: Wire.DeleteTaskResp) {
        (success, outcome, message) = (wire.success, wire.status, wire.message)
        (previousStatus, changedAt) = (wire.previousStatus, wire.deletedAt)
    }

    /// - Throws: for a change that was refused. The call itself was OK (2.2), so the code is ours: NOT_FOUND, INTERNAL
    ///   for the outcome `error` without a status that explains it, else FAILED_PRECONDITION.
    func change(of id: TaskID, trailers: Metadata) throws(AggregatorError) -> TaskChange {
        let previous = TaskStatus.allCases.first { $0.name == previousStatus }
        guard !success else {
            return TaskChange(
                taskID: id, outcome: outcome, message: message, previousStatus: previous,
                changedAt: Timestamp(wire: changedAt))
        }
        var details = AggregatorError.Details(
            .failedPrecondition, message, errorNumber: trailers.errorNumber, metadata: trailers)
        switch outcome {
        case "not_found":
            details.code = .notFound
            details.errorNumber = details.errorNumber ?? ErrorCode.taskNotFound.rawValue
            throw .notFound(details)
        case "error" where previous == nil:
            details.code = .internal
            throw .other(details)
        default: throw .refused(reason: outcome, details)
        }
    }
}
