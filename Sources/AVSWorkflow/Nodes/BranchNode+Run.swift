import AVSModel
import AVSPrimitives

/// The branch node: the first condition that holds decides which edges are taken.
///
/// A condition that cannot be evaluated does not hold; the step succeeds all the same.
///
/// - Source: execution-engine.md 5.7.
extension BranchNode {
    static let lacksConditions = "there is no condition to evaluate"

    func run(
        as node: Node, in context: NodeContext, log: inout [String]
    ) async throws(NodeFailure) -> NodeOutcome {
        guard let first = conditions.first else { throw NodeFailure(Self.lacksConditions) }
        guard first.type == "if" else {
            throw NodeFailure("the first condition must be of type 'if', not '\(first.type.excerpt())'")
        }
        var evaluations: [JSONValue] = []
        for (index, condition) in conditions.enumerated() {
            let evaluation = try await Evaluation(of: condition, at: index, in: context)
            evaluations.append(evaluation.report)
            log += evaluation.log
            guard evaluation.result else { continue }
            return selected(condition, evaluation.label, as: node, in: context, evaluations, log: &log)
        }
        log.append("No branch condition evaluated to true.")
        return NodeOutcome(
            metadata: ["conditionEvaluations": .array(evaluations)], data: ["condition_results": []])
    }

    private func selected(
        _ condition: Condition, _ label: String, as node: Node, in context: NodeContext, _ evaluations: [JSONValue],
        log: inout [String]
    ) -> NodeOutcome {
        let target = context.target(condition.id)
        log.append("")
        let led = target.map { "led to node '\($0.name)'" } ?? "no next node"
        log.append("BranchNode '\(node.name)' resolved to \(label) condition -> \(led)")
        let result: JSONValue = [
            "id": .string(condition.id), "result": true, "next_node_id": .string(target?.id ?? ""),
        ]
        return NodeOutcome(
            output: ["conditionId": .string("\(node.id).\(condition.id)")],
            metadata: ["conditionEvaluations": .array(evaluations)], data: ["condition_results": [result]],
            selectedCondition: condition.id)
    }
}

extension BranchNode {
    /// One condition, looked at.
    struct Evaluation: Sendable {
        var label: String
        var result: Bool
        var log: [String]
        /// The entry in `metadata.conditionEvaluations`.
        var report: JSONValue

        init(of condition: Condition, at index: Int, in context: NodeContext) async throws(NodeFailure) {
            if condition.type == "else" {
                label = "Else"
                result = true
                log = []
                report = Self.report(condition, index, label: label, result: true, processed: "", operands: nil)
                return
            }
            label = index == 0 ? "If" : "ElseIf"
            let verdict = try await Verdict(of: condition.expression, in: context)
            result = verdict.outcome == .boolean(true)
            log = verdict.log(label: label)
            report = Self.report(
                condition, index, label: label, result: result, processed: verdict.processed,
                operands: verdict.comparison)
        }

        private static func report(
            _ condition: Condition, _ index: Int, label: String, result: Bool, processed: String,
            operands: EvaluatedComparison?
        ) -> JSONValue {
            [
                "index": .number(Double(index)), "id": .string(condition.id), "type": .string(condition.type),
                "label": .string(label), "expression": .string(condition.expression), "evaluated": true,
                "result": .bool(result), "taken": .bool(result), "processedExpr": .string(processed),
                "variableValues": operands?.json ?? .null,
            ]
        }
    }
}
