import AVSModel
import AVSPrimitives

/// Makes steps: the parts that all kinds of node have in common (execution-engine.md 5, head).
struct StepBuilder: Sendable {
    /// The log is for people; more than this is cut.
    static let logLimitBytes = 65_536

    let chainID: UInt64
    let redaction: Redaction
    /// ``RunLimits/stepOutputBytes``.
    var outputLimitBytes = RunLimits().stepOutputBytes

    /// The trigger's step in a real run: it has happened, so it succeeded.
    func triggerStep(of trigger: Trigger, output: JSONValue?, at now: Timestamp) -> Step {
        Step(
            id: trigger.id, name: trigger.name, kind: .trigger(trigger.kind),
            log: "Trigger: \(trigger.name) executed successfully", config: TriggerShape.config(of: trigger),
            output: output?.withoutNonFiniteNumbers, startAt: now, endAt: now)
    }

    /// The trigger's step in a simulation (execution-engine.md 6.3, step 6): failed where conditions on a simulated
    /// event do not hold, and then with how each of them came out. Its times are those of the trial.
    func step(
        of trial: TriggerTrial.Outcome, task: AutomationTask, output: JSONValue?, from startAt: Timestamp,
        to endAt: Timestamp
    ) -> Step {
        var step = triggerStep(of: task.trigger, output: output, at: startAt)
        step.endAt = endAt
        step.log = "Simulated trigger: \(task.trigger.name) executed successfully"
        if let failure = trial.failure {
            step.success = false
            step.error = failure.message
            step.errorCode = failure.code
            step.log = "Simulated trigger: \(task.trigger.name) conditions not met"
            step.metadata = trial.metadata
        }
        step.inputs = task.inputVariables.keys.sorted()
        step.executionContext = [
            "is_simulated": true, "provider": "tenderly", "chain_id": .number(Double(chainID)),
        ]
        return step
    }

    /// The step of a node that came to its end, and the outcome as it may be passed on: without an output that is too
    /// large.
    func step(
        of node: Node, _ outcome: NodeOutcome, log: [String], inputs: [String], startAt: Timestamp, endAt: Timestamp
    ) -> (step: Step, outcome: NodeOutcome) {
        var outcome = outcome
        outcome.output = outcome.output?.withoutNonFiniteNumbers
        outcome.data = outcome.data?.withoutNonFiniteNumbers
        if let size = outcome.output?.serializedBytes.count, size > outputLimitBytes {
            outcome.output = nil
            outcome.data = nil
            outcome.failure = .outputTooLarge(size, limit: outputLimitBytes)
        }
        let text = (["Executing '\(node.name)' (\(node.id.lowercased()))"] + log).joined(separator: "\n")
        let step = Step(
            id: node.id, name: node.name, kind: .node(node.kind), success: outcome.failure == nil,
            error: outcome.failure.map { redaction.redact($0.message) } ?? "",
            errorCode: outcome.failure?.code ?? .unspecified, log: Self.cut(redaction.redact(text)), inputs: inputs,
            config: NodeShape.config(of: node), output: outcome.output,
            metadata: outcome.metadata?.withoutNonFiniteNumbers, executionContext: executionContext(of: outcome),
            gasUsed: outcome.gas.map { "\($0.used)" } ?? "", gasPrice: outcome.gas.map { "\($0.price)" } ?? "",
            totalGasCost: outcome.gas.map { "\($0.totalCost)" } ?? "", startAt: startAt, endAt: endAt)
        return (step, outcome)
    }

    /// The same node with what it produced left out, because of `failure`.
    func failing(_ finished: FinishedNode, _ failure: NodeFailure) -> FinishedNode {
        var step = finished.step
        step.success = false
        step.error = failure.message
        step.errorCode = failure.code
        step.output = nil
        step.metadata = nil
        return FinishedNode(step: step)
    }

    /// Reads of the chain and everything that is not on it: nothing is simulated. Nodes that write set their own.
    private func executionContext(of outcome: NodeOutcome) -> JSONValue {
        var fields = outcome.executionContext ?? ["is_simulated": false, "provider": "chain_rpc"]
        fields["chain_id"] = .number(Double(chainID))
        return .object(fields)
    }

    private static func cut(_ log: String) -> String {
        guard log.utf8.count > logLimitBytes else { return log }
        return String(decoding: log.utf8.prefix(logLimitBytes), as: UTF8.self) + "…"
    }
}

extension NodeFailure {
    /// Of a step that produced more than may be kept.
    ///
    /// - Parameter place: what is too small for it, for people; a step's own output when empty.
    public static func outputTooLarge(_ size: Int, limit: Int, place: String = "") -> NodeFailure {
        NodeFailure(
            code: .invalidRequest, "output too large: \(size) bytes (max: \(limit) bytes\(place))",
            details: ["field": "output", "size": .number(Double(size)), "maxSize": .number(Double(limit))])
    }
}

extension JSONValue {
    /// What protobuf's `Value` and JSON can carry: NaN and infinities become 0 (execution-engine.md 0.3).
    var withoutNonFiniteNumbers: JSONValue { hasNonFiniteNumber ? replacingNonFiniteNumbers : self }

    private var hasNonFiniteNumber: Bool {
        switch self {
        case .number(let number): !number.isFinite
        case .array(let elements): elements.contains(where: \.hasNonFiniteNumber)
        case .object(let members): members.values.contains(where: \.hasNonFiniteNumber)
        case .null, .bool, .string: false
        }
    }

    private var replacingNonFiniteNumbers: JSONValue {
        switch self {
        case .number(let number): number.isFinite ? self : 0
        case .array(let elements): .array(elements.map(\.replacingNonFiniteNumbers))
        case .object(let members): .object(members.mapValues(\.replacingNonFiniteNumbers))
        case .null, .bool, .string: self
        }
    }
}
