import AVSClient
import AVSModel
import AVSPrimitives

extension AnswerPrinter {
    // MARK: Secrets

    var secrets: ListPrinter<SecretEntry> {
        ListPrinter(isJSON: isJSON, "SCOPE", "FOR", "UPDATED", "SECRET") { entry in
            [entry.scope.name, Self.subject(entry.scope), entry.updatedAt.iso8601, "\(entry.name)"]
        } json: { entry in
            [
                "name": .string("\(entry.name)"), "scope": .string(entry.scope.name),
                "workflowId": .string(entry.scope.workflow?.description ?? ""),
                "createdAt": .string(entry.createdAt.iso8601), "updatedAt": .string(entry.updatedAt.iso8601),
            ]
        }
    }

    private static func subject(_ scope: SecretScope) -> String {
        scope.workflow?.description ?? scope.organisation?.description ?? "all tasks"
    }

    func secret(_ name: SecretName, _ scope: SecretScope, _ outcome: String) -> String {
        guard isJSON else { return "\(name) \(outcome)" }
        return JSONValue.object([
            "name": .string("\(name)"), "scope": .string(scope.name), "status": .string(outcome),
        ]).serialized
    }

    // MARK: Counts

    func counts(tasks: Int64, executions: Int64, _ totals: ExecutionTotals, days: Int) -> [String] {
        let mean = "\(Int(exactly: (totals.averageDuration / .milliseconds(1)).rounded()) ?? .max)"
        return facts(
            [
                ("tasks", "\(tasks)"), ("executions", "\(executions)"), ("in the last \(days) days", "\(totals.total)"),
                ("  succeeded", "\(totals.succeeded)"), ("  failed", "\(totals.failed)"), ("  mean time", "\(mean) ms"),
            ],
            [
                "tasks": Self.text(tasks), "executions": Self.text(executions), "days": Self.text(days),
                "total": Self.text(totals.total), "succeeded": Self.text(totals.succeeded),
                "failed": Self.text(totals.failed), "meanMilliseconds": .string(mean),
            ])
    }

    // MARK: Tokens and fees

    func token(_ token: TokenMetadata) -> [String] {
        facts(
            [
                ("token", token.address.checksummed), ("name", Self.plain(token.name)),
                ("symbol", Self.plain(token.symbol)), ("decimals", "\(token.decimals)"), ("source", token.source),
            ],
            [
                "id": .string(token.address.lowercased), "name": .string(token.name), "symbol": .string(token.symbol),
                "decimals": .number(Double(token.decimals)), "source": .string(token.source),
            ])
    }

    func estimate(_ estimate: FeeEstimate) -> [String] {
        let value = estimate.valueFee.map { "\($0.fee) (\(Self.plain($0.reason)))" }
        let nodes = estimate.nodeCosts.map { cost in
            let gas = cost.gasUnits.isEmpty ? "" : ", \(cost.gasUnits) gas"
            return ("\(cost.kind) of \(Self.plain(cost.nodeID))", "\(cost.fee)\(gas)")
        }
        let facts = [
            ("chain", "\(estimate.chainID)"), ("each run", "\(estimate.executionFee)"),
            ("value moved", value ?? "nothing"),
        ]
        let discounts = estimate.discounts.map { ("less", "\($0.fee) (\(Self.plain($0.name)))") }
        let notes = estimate.warnings.map { ("note", Self.plain($0)) }
        return self.facts(facts + nodes + discounts + notes, json(estimate))
    }

    private func json(_ estimate: FeeEstimate) -> JSONValue {
        func fee(_ fee: Fee) -> JSONValue { ["amount": .string(fee.amount), "unit": .string(fee.unit)] }
        return [
            "chainId": Self.text(estimate.chainID), "executionFee": fee(estimate.executionFee),
            "valueFee": estimate.valueFee.map { ["fee": fee($0.fee), "reason": .string($0.reason)] } ?? .null,
            "cogs": .array(
                estimate.nodeCosts.map {
                    [
                        "nodeId": .string($0.nodeID), "costType": .string($0.kind), "fee": fee($0.fee),
                        "gasUnits": .string($0.gasUnits),
                    ]
                }),
            "discounts": .array(estimate.discounts.map { ["discountName": .string($0.name), "discount": fee($0.fee)] }),
            "warnings": .array(estimate.warnings.map { .string($0) }),
        ]
    }
}
