import AVSEthereum
import AVSModel
import AVSPrimitives

/// The contract write node: methods one after the other, all of them even if one fails; sent as user operations of the
/// run's wallet, or only tried on the chain as it is.
///
/// - Source: execution-engine.md 5.3.
extension ContractWriteNode {
    func run(
        as node: Node, in context: NodeContext, log: inout [String]
    ) async throws(NodeFailure) -> NodeOutcome {
        let isSimulated = isSimulated ?? context.environment.wallet?.isSimulated ?? true
        let shown: [String: JSONValue] = [
            "is_simulated": .bool(isSimulated), "provider": isSimulated ? "tenderly" : "bundler",
        ]
        do throws(NodeFailure) {
            var outcome = try await perform(as: node, in: context, isSimulated: isSimulated, log: &log)
            outcome.executionContext = shown
            return outcome
        } catch {
            log.append("Error: \(error.message)")
            return NodeOutcome(failure: error, executionContext: shown)
        }
    }

    private func perform(
        as node: Node, in context: NodeContext, isSimulated: Bool, log: inout [String]
    ) async throws(NodeFailure) -> NodeOutcome {
        let writer = try await writer(node, in: context, isSimulated: isSimulated, log: &log)
        // All templates before the first effect: what cannot be resolved leaves nothing half done.
        var asked: [(name: String, parameters: [String], callData: String?)] = []
        for call in calls {
            let name = try await context.templates.resolve(call.methodName, in: "method '\(call.methodName.excerpt())'")
            var parameters: [String] = []
            for parameter in call.parameters {
                parameters.append(try await context.templates.resolve(parameter, in: "method '\(name.excerpt())'"))
            }
            asked.append((name, parameters, call.callData))
        }
        var results: [ContractWrite] = []
        for (index, call) in asked.enumerated() {
            let result = await writer.perform(
                call.name, parameters: call.parameters, callData: call.callData, index: index, in: context)
            log.append("\(result.methodName): \(result.error.isEmpty ? "success" : result.error)")
            results.append(result)
        }
        var outcome = Self.outcome(of: results)
        outcome.contract = writer.address
        return outcome
    }

    private static func outcome(of results: [ContractWrite]) -> NodeOutcome {
        var data: [String: JSONValue] = [:]
        for result in results {
            if let value = result.outputValue { data[result.methodName] = value }
        }
        let failed = results.first { !$0.isSuccess }
        return NodeOutcome(
            output: .object(data), metadata: .array(results.map(\.metadata)),
            failure: failed.map { .invalidRequest($0.error.isEmpty ? "contract write failed" : $0.error) },
            gas: GasUse.total(of: results.compactMap { $0.receipt?.gas }))
    }

    // MARK: Checks

    /// The single-call form of older clients is one call without a name.
    private var calls: [MethodCall] {
        guard methodCalls.isEmpty, !callData.isEmpty else { return methodCalls }
        return [MethodCall(methodName: "", callData: callData)]
    }

    private func writer(
        _ node: Node, in context: NodeContext, isSimulated: Bool, log: inout [String]
    ) async throws(NodeFailure) -> ContractWriter {
        // An address without a value for its template is none: the templates' own error is not told.
        let text = try await context.templates.render(contractAddress, in: "contractAddress").text
        guard !text.isEmpty else { throw .missing("contractAddress") }
        guard let address = Address(text) else {
            throw NodeFailure(
                code: .invalidAddress, "invalid contract address: '\(text.excerpt())' is not a hex address",
                details: ["field": "contractAddress"])
        }
        guard !calls.isEmpty else { throw .missing("methodCalls") }
        var contract: ABIContract?
        do throws(ABIError) {
            contract = try ABIContract(entries: contractABI)
        } catch {
            log.append("Warning: the contract ABI cannot be read: \(error)")
        }
        return ContractWriter(
            nodeID: node.id, address: address, contract: contract, entries: contractABI,
            value: try await amount(value, in: context, field: "value") ?? .zero,
            gasLimit: try await amount(gasLimit, in: context, field: "gasLimit"), isSimulated: isSimulated)
    }

    private func amount(
        _ text: String?, in context: NodeContext, field: String
    ) async throws(NodeFailure) -> UInt256? {
        guard let text, !text.isEmpty else { return nil }
        let resolved = try await context.templates.resolve(text, in: field)
        guard let amount = UInt256(decimal: resolved) else {
            throw NodeFailure(
                code: .invalidRequest, "invalid \(field): '\(resolved.excerpt())' is no decimal number",
                details: ["field": .string(field)])
        }
        return amount
    }
}
