import AVSModel
import AVSPrimitives
import AVSSchema

extension OutboxMessage {
    /// A run came to its end.
    static func ended(_ execution: Execution, of task: AutomationTask, at now: Timestamp) -> OutboxMessage {
        OutboxMessage(
            type: "execution.ended", id: "\(execution.id)", task: task, isUrgent: false, now: now,
            [
                "executionId": .string("\(execution.id)"), "status": .string(name(of: execution.status)),
                "error": .string(execution.error),
            ])
    }

    /// The service itself disabled a task.
    /// - Parameter cause: the run that was the last straw.
    static func disabled(_ task: AutomationTask, by cause: ExecutionID, at now: Timestamp) -> OutboxMessage {
        OutboxMessage(
            type: "task.disabled", id: "\(cause)", task: task, isUrgent: true, now: now,
            ["reason": .string(task.statusReason)])
    }

    private static func name(of status: ExecutionStatus) -> String {
        switch status {
        case .pending: "pending"
        case .success: "success"
        case .failed: "failed"
        case .error: "error"
        }
    }

    /// - Parameter id: with the type it names the event: made of what happened, so that an update that runs again makes
    ///   the same.
    private init(
        type: String, id: String, task: AutomationTask, isUrgent: Bool, now: Timestamp, _ fields: [String: JSONValue]
    ) {
        let eventID = "\(type)/\(id)"
        let common: [String: JSONValue] = [
            "id": .string(eventID), "type": .string(type), "taskId": .string("\(task.id)"),
            "taskName": .string(task.name), "owner": .string(task.owner.checksummed),
            "occurredAt": .string(now.iso8601),
        ]
        self.init(eventID: eventID, payload: common.merging(fields) { $1 }, isUrgent: isUrgent, createdAt: now)
    }
}
