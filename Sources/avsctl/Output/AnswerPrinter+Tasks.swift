import AVSClient
import AVSModel
import AVSPrimitives
import AVSProto
import AVSWire

extension AnswerPrinter {
    var tasks: ListPrinter<AutomationTask> {
        ListPrinter(isJSON: isJSON, "TASK", "STATUS", "TRIGGER", "RUNS", "NAME") { task in
            let runs = task.maxExecution == 0 ? "\(task.executionCount)" : "\(task.executionCount)/\(task.maxExecution)"
            return ["\(task.id)", task.status.name, "\(task.trigger.kind)", runs, Self.plain(task.name)]
        } json: {
            ProtoJSON.json(Wire.Task($0))
        }
    }

    func created(_ id: TaskID) -> String { isJSON ? JSONValue.object(["id": .string("\(id)")]).serialized : "\(id)" }

    func task(_ task: AutomationTask) -> [String] {
        let trigger = ProtoJSON.json(Wire.TaskTrigger(task.trigger))
        let facts = [
            ("task", "\(task.id)"), ("name", Self.plain(task.name)), ("status", status(of: task)),
            ("owner", task.owner.checksummed), ("wallet", task.wallet.checksummed), ("chain", "\(task.chainID)"),
            ("runs", "\(task.executionCount) of \(task.maxExecution == 0 ? "any number" : "\(task.maxExecution)")"),
            ("start", task.startAt?.iso8601 ?? "at once"), ("expires", task.expiredAt?.iso8601 ?? "never"),
            ("deadline", Self.deadline(of: task)),
            ("last run", task.lastRanAt?.iso8601 ?? "none"), ("trigger", trigger.serialized),
        ]
        let nodes = task.nodes.map { ("node", ProtoJSON.json(Wire.TaskNode($0)).serialized) }
        let edges = task.edges.map { ("edge", "\(Self.plain($0.source)) -> \(Self.plain($0.target))") }
        return self.facts(facts + nodes + edges, ProtoJSON.json(Wire.Task(task)))
    }

    private static func deadline(of task: AutomationTask) -> String {
        guard let deadline = task.executionDeadline else { return "as the aggregator sets it for a run" }
        return "\(deadline.components.seconds) s for a run"
    }

    /// With the service's reason, where it has disabled the task itself.
    private func status(of task: AutomationTask) -> String {
        task.statusReason.isEmpty ? task.status.name : "\(task.status.name): \(Self.plain(task.statusReason))"
    }

    func change(_ change: TaskChange) -> String {
        guard isJSON else { return "\(change.taskID) \(Self.plain(change.outcome))" }
        return JSONValue.object([
            "id": .string("\(change.taskID)"), "status": .string(change.outcome), "message": .string(change.message),
            "previousStatus": change.previousStatus.map { .string($0.name) } ?? .null,
        ]).serialized
    }
}
