import AVSEthereum
import AVSModel
import AVSPrimitives

/// The contract read node: calls at the latest block, in order, all of them even if one fails.
///
/// - Source: execution-engine.md 5.2.
extension ContractReadNode {
    static let contractABILimitBytes = 1_048_576
    static let contractABIItemLimitBytes = 102_400

    func run(in context: NodeContext, log: inout [String]) async throws(NodeFailure) -> NodeOutcome {
        let reader = try await reader(in: context)
        var calls: [ContractCall] = []
        for call in methodCalls {
            let result = try await reader.perform(call, in: context)
            log.append("\(result.methodName): \(result.error.isEmpty ? "success" : result.error)")
            calls.append(result)
        }
        var data: [String: JSONValue] = [:]
        for call in calls { data[call.methodName] = call.value }
        for call in calls where !call.source.applyToFields.isEmpty {
            call.format(&data, from: calls)
        }
        return NodeOutcome(
            output: .object(data), metadata: .array(calls.map(\.metadata)),
            failure: calls.first { !$0.error.isEmpty }.map { .invalidRequest($0.error, reason: $0.reason) })
    }

    // MARK: Checks, in the order in which clients see them

    private func reader(in context: NodeContext) async throws(NodeFailure) -> ContractReader {
        guard !contractAddress.isEmpty else { throw .missing("contractAddress") }
        guard !contractABI.isEmpty else { throw .missing("contractAbi") }
        let address = try await address(context.templates)
        guard !methodCalls.isEmpty else { throw .missing("methodCalls") }
        try checkABISize()
        let contract: ABIContract
        do throws(ABIError) {
            contract = try ABIContract(entries: contractABI)
        } catch {
            throw NodeFailure(code: .invalidNodeConfig, Self.parseFailure(error))
        }
        return ContractReader(address: address, contract: contract, entries: contractABI)
    }

    private func address(_ templates: TemplateResolver) async throws(NodeFailure) -> Address {
        let rendered = try await templates.render(contractAddress, in: "contractAddress")
        guard rendered.unresolved.isEmpty else {
            let cause = NodeFailure.unresolved(rendered.unresolved, in: "contractAddress")
            throw NodeFailure(code: .invalidAddress, cause.message)
        }
        guard let address = Address(rendered.text) else {
            throw NodeFailure(
                code: .invalidAddress, "invalid contract address: '\(rendered.text.excerpt())' is not a hex address",
                details: ["field": "contractAddress"])
        }
        return address
    }

    private func checkABISize() throws(NodeFailure) {
        var total = 0
        for item in contractABI {
            let size = item.serializedBytes.count
            guard size <= Self.contractABIItemLimitBytes else {
                throw .tooLarge(
                    "contract ABI item", field: "contractAbi", size: size, limit: Self.contractABIItemLimitBytes)
            }
            total += size
        }
        guard total <= Self.contractABILimitBytes else {
            throw .tooLarge("contract ABI", field: "contractAbi", size: total, limit: Self.contractABILimitBytes)
        }
    }

    private static func parseFailure(_ error: ABIError) -> String {
        if case .malformedEntry = error { return error.description }
        return "failed to parse ABI: \(error)"
    }
}
