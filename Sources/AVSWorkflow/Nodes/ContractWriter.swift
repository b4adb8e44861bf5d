import AVSEthereum
import AVSModel
import AVSPrimitives

/// A contract that is written to.
struct ContractWriter: Sendable {
    let nodeID: String
    let address: Address
    /// Nil where the ABI cannot be read: then only given call data can be sent.
    let contract: ABIContract?
    /// The ABI as the node has it, for the report.
    let entries: [JSONValue]
    /// Wei that go with each call.
    let value: UInt256
    let gasLimit: UInt256?
    let isSimulated: Bool

    /// Why a call came to nothing.
    private struct CallError: Error {
        var text: String
    }

    /// What goes wrong is the call's result.
    ///
    /// - Parameter index: of the call in its node: with the node's id it names the effect.
    func perform(
        _ name: String, parameters: [String], callData: String?, index: Int, in context: NodeContext
    ) async -> ContractWrite {
        var result = ContractWrite(methodName: name)
        result.entry = entry(ofMethod: name, parameterCount: parameters.count)
        do throws(CallError) {
            let data = try encode(name, parameters: parameters, callData: callData)
            if let function = contract?.function(selector: data) {
                if name.isEmpty || name == "unknown" { result.methodName = function.name }
                result.function = function
                result.entry = function.entry(in: entries, mutability: "nonpayable")
            } else if name.isEmpty {
                result.methodName = "unknown"
            }
            if let reason = WriteCheck.refusal(
                of: data, function: result.function, target: address, isSimulated: isSimulated)
            {
                throw CallError(text: reason)
            }
            let call = SmartAccount.Call(target: address, value: value, data: data)
            if isSimulated {
                try await attempt(call, index: index, in: context, &result)
            } else {
                try await send(call, index: index, in: context, &result)
            }
        } catch {
            result.error = error.text
        }
        return result
    }

    /// Of a call that fails too, as far as the name tells which method is meant.
    private func entry(ofMethod name: String, parameterCount: Int) -> JSONValue? {
        do throws(ABIError) {
            let function = try contract?.function(named: name, parameterCount: parameterCount)
            return function?.entry(in: entries, mutability: "nonpayable")
        } catch {
            return nil
        }
    }

    private func encode(_ name: String, parameters: [String], callData: String?) throws(CallError) -> [UInt8] {
        if parameters.isEmpty, let callData, !callData.isEmpty {
            guard let data = Hex.decode(callData) else {
                throw CallError(text: "callData '\(callData.excerpt())' is not hex")
            }
            return data
        }
        guard let contract else {
            throw CallError(text: "method '\(name.excerpt())' needs a contract ABI that can be read")
        }
        do throws(ABIError) {
            return try contract.encodeCall(name, parameters: parameters)
        } catch {
            throw CallError(text: error.description)
        }
    }

    // MARK: Trying

    private func attempt(
        _ call: SmartAccount.Call, index: Int, in context: NodeContext, _ result: inout ContractWrite
    ) async throws(CallError) {
        guard let sender = context.actingWallet else {
            throw CallError(text: "aa_sender is not known: a contract write needs settings.runner")
        }
        try checkChainID(context)
        guard let chain = context.environment.chain else { throw CallError(text: "no simulation client is available") }
        let trials = context.environment.wallet?.trials ?? TriedCalls()
        let tried: TriedCall
        var head: Block?
        do throws(ChainError) {
            tried = try await trials.attempt(call, from: sender, on: chain)
            head = try await chain.block(.latest)
        } catch {
            throw CallError(text: "simulation failed: \(error)")
        }
        let seed = Array("\(nodeID)/\(index) \(context.environment.time.now.iso8601)".utf8)
        result.receipt = WriteReceipt(tried, call, from: sender, head: head, seed: seed)
        guard !tried.isReverted else { throw CallError(text: Self.reason(of: tried, contract)) }
        result.events = result.receipt?.events(of: address, contract)
        result.returned = result.function.flatMap { Self.returned(tried.output, by: $0) }
    }

    /// Simulations name their chain (5.3); the spelling is this one only.
    private func checkChainID(_ context: NodeContext) throws(CallError) {
        do throws(InvalidArgument) {
            if try TaskSettings.chainID(context.variables["settings"]?["chain_id"]) != nil { return }
        } catch {}
        throw CallError(text: "settings.chain_id is required for contractWrite")
    }

    private static func reason(of tried: TriedCall, _ contract: ABIContract?) -> String {
        if let reason = RevertReason.text(of: tried.output, contract: contract) {
            return "execution reverted: \(reason)"
        }
        return tried.error.isEmpty ? "execution reverted" : tried.error.excerpt(300)
    }

    private static func returned(_ output: [UInt8], by function: ABIFunction) -> JSONValue? {
        guard !function.outputs.isEmpty, !output.isEmpty else { return nil }
        do throws(ABIError) {
            return function.returnJSON(try function.decodeOutputs(output))
        } catch {
            return nil  // the ABI is the user's; the call succeeded all the same
        }
    }

    // MARK: For real

    private func send(
        _ call: SmartAccount.Call, index: Int, in context: NodeContext, _ result: inout ContractWrite
    ) async throws(CallError) {
        let text = "write \(address.lowercased) \(value) \(gasLimit ?? .zero) \(Hex.encode(call.data))"
        let sent: SentCall
        do throws(NodeFailure) {
            sent = try await context.send(step: "\(nodeID)/\(index)", digest: Keccak256.hash(text.utf8)) {
                WalletCall(call, gasLimit: gasLimit)
            }
        } catch {
            throw CallError(text: error.message)
        }
        switch sent.fate {
        case .waiting: result.receipt = WriteReceipt(pending: sent)
        case .carriedOut(let receipt, let succeeded):
            let shown = WriteReceipt(receipt, operation: sent.userOperation)
            result.receipt = shown
            guard succeeded else {
                throw CallError(
                    text: "UserOp execution failed: the call was reverted (likely balance or contract error)")
            }
            result.events = shown.events(of: address, contract)
        }
    }
}

/// One call of a contract write, done.
struct ContractWrite: Sendable {
    var methodName: String
    var function: ABIFunction?
    /// The method's entry in the ABI.
    var entry: JSONValue?
    var receipt: WriteReceipt?
    var events: JSONValue?
    var returned: JSONValue?
    /// Empty on success.
    var error = ""

    init(methodName: String) { self.methodName = methodName }

    var isSuccess: Bool { error.isEmpty && receipt?.json["status"] != "0x0" }

    /// Events before the return value before the bare fact; nothing of a call that failed.
    var outputValue: JSONValue? {
        guard isSuccess else { return nil }
        return events ?? returned ?? true
    }

    var metadata: JSONValue {
        var fields: [String: JSONValue] = [
            "methodName": .string(methodName), "success": .bool(isSuccess), "error": .string(error),
            "value": returned ?? .null,
        ]
        fields["methodABI"] = entry
        fields["receipt"] = receipt?.json
        fields["blockNumber"] = receipt?.json["blockNumber"]
        return .object(fields)
    }
}

/// What is refused before anything is sent or tried.
///
/// - Source: execution-engine.md 5.3.5, step 1.
enum WriteCheck {
    static func refusal(of data: [UInt8], function: ABIFunction?, target: Address, isSimulated: Bool) -> String? {
        guard data.count >= 4 else { return "call data has \(data.count) bytes, at least 4 are needed" }
        guard !target.isZero else { return "the contract is the zero address" }
        guard !isSimulated, let function else { return nil }
        let values: [ABIValue]
        do throws(ABIError) {
            values = try ABI.decode(Array(data.dropFirst(4)), as: function.inputs.map(\.type))
        } catch {
            return nil  // given call data need not be what the ABI says
        }
        if function.name == "approve", case .address(.zero)? = values.first {
            return "approve to the zero address is refused"
        }
        if function.name.lowercased().contains("exactinput"), amountIn(values, function.inputs) == .zero {
            return "\(function.name) with amountIn 0 is refused"
        }
        return nil
    }

    /// The argument `amountIn`, also inside of a struct.
    private static func amountIn(_ values: [ABIValue], _ parameters: [ABIParameter]) -> UInt256? {
        for (value, parameter) in zip(values, parameters) {
            if parameter.name == "amountIn", case .uint(let amount) = value { return amount }
            if case .tuple(let members) = value, case .tuple(let components) = parameter.type,
                let amount = amountIn(members, components)
            {
                return amount
            }
        }
        return nil
    }
}

extension ABIFunction {
    /// The entry of the ABI that describes the method, as metadata shows it.
    ///
    /// - Parameter mutability: where the ABI does not say.
    func entry(in entries: [JSONValue], mutability: String) -> JSONValue {
        let source = entries.first { entry in
            guard entry["name"]?.stringValue == name else { return false }
            do throws(ABIError) { return try ABIFunction(entry).signature == signature } catch { return false }
        }
        return [
            "name": .string(name), "type": "function", "inputs": source?["inputs"] ?? [],
            "outputs": source?["outputs"] ?? [],
            "stateMutability": .string(stateMutability.isEmpty ? mutability : stateMutability),
        ]
    }

    /// What a write returned: a single output by itself, several by name; bools are bools, integers below 64 bits are
    /// numbers, larger ones decimal texts (execution-engine.md 5.3.3).
    func returnJSON(_ values: [ABIValue]) -> JSONValue {
        let leaves = zip(values, outputs).map { value, output in
            switch (value, output.type) {
            case (.uint(let number), .uint(let bits)) where bits < 64: JSONValue.number(Double(number.uint64 ?? 0))
            default: value.eventJSON(output.type)
            }
        }
        guard leaves.count != 1 else { return leaves[0] }
        let names = outputs.enumerated().map { $1.name.isEmpty ? "output_\($0)" : $1.name }
        return .object(Dictionary(zip(names, leaves)) { first, _ in first })
    }
}
