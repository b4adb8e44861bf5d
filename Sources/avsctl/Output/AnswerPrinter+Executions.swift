import AVSClient
import AVSModel
import AVSPrimitives
import AVSProto
import AVSWire

extension AnswerPrinter {
    var executions: ListPrinter<Execution> {
        ListPrinter(isJSON: isJSON, "EXECUTION", "STATUS", "NUMBER", "STARTED", "TOOK", "ERROR") { run in
            let took = Self.span(run.startAt, run.endAt)
            let start = run.startAt.iso8601
            return ["\(run.id)", "\(run.status)", "\(run.index)", start, took, Self.plain(run.error)]
        } json: {
            ProtoJSON.json(Wire.Execution($0))
        }
    }

    /// A run and, under it, its steps.
    func execution(_ run: Execution) -> [String] {
        isJSON ? [ProtoJSON.json(Wire.Execution(run)).serialized] : head(run) + steps(run.steps)
    }

    /// A run and, under it, its steps as a tree.
    ///
    /// - Parameter edges: of the run's task.
    func tree(_ run: Execution, edges: [Edge]) -> [String] {
        isJSON ? execution(run) : head(run) + [""] + ExecutionTree(run.steps, edges: edges).lines
    }

    private func head(_ run: Execution) -> [String] {
        let facts = [
            ("execution", "\(run.id)"), ("status", "\(run.status)"), ("number", "\(run.index)"),
            ("started", run.startAt.iso8601), ("took", Self.span(run.startAt, run.endAt)),
            ("fee", "\(run.fees.execution) USD"),
        ]
        let share: (String, String)? = run.fees.value.flatMap { share in
            share.tier == .none ? nil : ("share", "\(share.percentage) % of the value moved")
        }
        let gas = run.costs.map { ("gas of \(Self.plain($0.nodeID))", "\($0.wei) wei for \($0.gas) units") }
        let error = run.error.isEmpty ? [] : [("error", Self.plain(run.error))]
        return self.facts(facts + [share].compactMap(\.self) + gas + error, .null)
    }

    /// A run that was just started, and its steps if it was waited for.
    func run(_ run: TriggeredRun) -> [String] {
        if isJSON { return [ProtoJSON.json(Wire.TriggerTaskResp(run)).serialized] }
        let error = run.error.isEmpty ? "" : " \(Self.plain(run.error))"
        return ["\(run.executionID) \(run.status)\(error)"] + steps(run.steps)
    }

    func status(_ status: ExecutionStatus, of id: ExecutionID) -> String {
        isJSON ? JSONValue.object(["id": .string("\(id)"), "status": .string("\(status)")]).serialized : "\(status)"
    }

    private func steps(_ steps: [Step]) -> [String] {
        var table = ListPrinter<Step>(isJSON: false, "STEP", "KIND", "STATE", "TOOK", "RESULT") { step in
            let result = step.success ? step.output?.serialized ?? "" : Self.plain(step.error)
            let kind = step.kind.wireName.split(separator: "_").dropFirst(2).joined(separator: " ").lowercased()
            let state = step.success ? "ok" : "failed"
            return [Self.plain(step.name), kind, state, Self.span(step.startAt, step.endAt), result]
        } json: {
            ProtoJSON.json(Wire.Execution.Step($0))
        }
        let lines = table.lines(steps)
        return lines.isEmpty ? [] : [""] + lines
    }

    private static func span(_ start: Timestamp, _ end: Timestamp?) -> String {
        guard let end else { return "" }
        return "\(end.milliseconds.subtractingReportingOverflow(start.milliseconds).partialValue) ms"
    }
}

extension Wire.TriggerTaskResp {
    fileprivate init(_ run: TriggeredRun) {
        self.init()
        executionId = "\(run.executionID)"
        workflowId = "\(run.taskID)"
        status = Wire.ExecutionStatus(rawValue: run.status.rawValue)
        startAt = run.startAt?.milliseconds
        endAt = run.endAt?.milliseconds
        error = run.error.isEmpty ? nil : run.error
        steps = run.steps.map { Wire.Execution.Step($0) }
    }
}
