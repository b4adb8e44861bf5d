import AVSClient
import AVSModel
import AVSPrimitives
import AVSProto
import AVSWire

/// What an aggregator answered, as lines. `--json` changes only the format: each result is one object on one line, with
/// the names of the protobuf messages.
struct AnswerPrinter {
    var isJSON: Bool

    // MARK: Session

    func session(_ session: Session) -> String {
        guard isJSON else { return "\(session.owner.checksummed)\tuntil \(session.expiresAt.iso8601)" }
        return JSONValue.object([
            "owner": .string(session.owner.checksummed), "expiresAt": .string(session.expiresAt.iso8601),
            "chainId": .string("\(session.chainID)"),
        ]).serialized
    }

    // MARK: Tasks

    func created(_ id: TaskID) -> String { isJSON ? JSONValue.object(["id": .string("\(id)")]).serialized : "\(id)" }

    func row(_ task: AutomationTask) -> String {
        if isJSON { return ProtoJSON.json(Wire.Task(task)).serialized }
        let runs = task.maxExecution == 0 ? "\(task.executionCount)" : "\(task.executionCount)/\(task.maxExecution)"
        return "\(task.id)\t\(task.status.name)\t\(task.trigger.kind)\t\(runs)\t\(Self.plain(task.name))"
    }

    func task(_ task: AutomationTask) -> [String] {
        if isJSON { return [row(task)] }
        let trigger = ProtoJSON.json(Wire.TaskTrigger(task.trigger))
        return [
            "id\t\(task.id)", "name\t\(Self.plain(task.name))", "status\t\(task.status.name)",
            "owner\t\(task.owner.checksummed)", "wallet\t\(task.wallet.checksummed)", "chain\t\(task.chainID)",
            "runs\t\(task.executionCount) of \(task.maxExecution == 0 ? "any number" : "\(task.maxExecution)")",
            "start\t\(task.startAt?.iso8601 ?? "at once")", "expires\t\(task.expiredAt?.iso8601 ?? "never")",
            "last run\t\(task.lastRanAt?.iso8601 ?? "none")", "trigger\t\(trigger.serialized)",
        ] + task.nodes.map { "node\t\(ProtoJSON.json(Wire.TaskNode($0)).serialized)" }
            + task.edges.map { "edge\t\(Self.plain($0.source)) -> \(Self.plain($0.target))" }
    }

    func change(_ change: TaskChange) -> String {
        guard isJSON else { return "\(change.taskID)\t\(Self.plain(change.outcome))" }
        return JSONValue.object([
            "id": .string("\(change.taskID)"), "status": .string(change.outcome), "message": .string(change.message),
            "previousStatus": change.previousStatus.map { .string($0.name) } ?? .null,
        ]).serialized
    }

    // MARK: Executions

    func run(_ run: TriggeredRun) -> [String] {
        if isJSON {
            var wire = Wire.TriggerTaskResp()
            wire.executionId = "\(run.executionID)"
            wire.workflowId = "\(run.taskID)"
            wire.status = Wire.ExecutionStatus(rawValue: run.status.rawValue)
            wire.startAt = run.startAt?.milliseconds
            wire.endAt = run.endAt?.milliseconds
            wire.error = run.error.isEmpty ? nil : run.error
            wire.steps = run.steps.map { Wire.Execution.Step($0) }
            return [ProtoJSON.json(wire).serialized]
        }
        return ["\(run.executionID)\t\(run.status)\t\(Self.plain(run.error))"] + run.steps.map(Self.line)
    }

    func row(_ execution: Execution) -> String {
        if isJSON { return ProtoJSON.json(Wire.Execution(execution)).serialized }
        let start = execution.startAt.iso8601
        return "\(execution.id)\t\(execution.status)\t\(execution.index)\t\(start)\t\(Self.plain(execution.error))"
    }

    func execution(_ execution: Execution) -> [String] {
        isJSON ? [row(execution)] : [row(execution)] + execution.steps.map(Self.line)
    }

    func status(_ status: ExecutionStatus, of id: ExecutionID) -> String {
        isJSON ? JSONValue.object(["id": .string("\(id)"), "status": .string("\(status)")]).serialized : "\(status)"
    }

    private static func line(_ step: Step) -> String {
        let result = step.success ? step.output?.serialized ?? "" : plain(step.error)
        return "  \(plain(step.name))\t\(step.success ? "ok" : "failed")\t\(result)"
    }

    // MARK: Wallets

    func row(_ wallet: SmartWallet) -> String {
        if isJSON { return JSONValue.object(fields(wallet)).serialized }
        return "\(wallet.address.checksummed)\t\(wallet.salt)\t\(wallet.isHidden ? "hidden" : "shown")"
    }

    func wallet(_ summary: WalletSummary) -> [String] {
        let counts = [
            ("total", summary.taskCount), ("enabled", summary.enabledTaskCount),
            ("completed", summary.completedTaskCount), ("failed", summary.failedTaskCount),
            ("disabled", summary.disabledTaskCount), ("canceled", summary.canceledTaskCount),
        ]
        guard isJSON else { return [row(summary.wallet)] + counts.map { "  \($0)\t\($1)" } }
        var object = fields(summary.wallet)
        for (name, count) in counts { object["\(name)TaskCount"] = .string("\(count)") }
        return [JSONValue.object(object).serialized]
    }

    private func fields(_ wallet: SmartWallet) -> [String: JSONValue] {
        [
            "address": .string(wallet.address.checksummed), "salt": .string("\(wallet.salt)"),
            "factory": wallet.factory.map { .string($0.checksummed) } ?? .null, "isHidden": .bool(wallet.isHidden),
        ]
    }

    func nonce(_ nonce: UInt256, of address: Address) -> String {
        guard isJSON else { return "\(nonce)" }
        return JSONValue.object(["address": .string(address.checksummed), "nonce": .string("\(nonce)")]).serialized
    }

    /// A text without what would end its line, or steer a terminal.
    private static func plain(_ text: String) -> String {
        String(text.map { $0.unicodeScalars.contains { $0.properties.generalCategory == .control } ? " " : $0 })
    }
}
