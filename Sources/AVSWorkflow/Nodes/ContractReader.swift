import AVSEthereum
import AVSModel
import AVSPrimitives

/// A contract that is asked.
struct ContractReader: Sendable {
    let address: Address
    let contract: ABIContract
    /// The ABI as the node has it, for the report.
    let entries: [JSONValue]

    /// What goes wrong with the contract or the chain is the call's result.
    ///
    /// - Throws: ``NodeFailure`` for a template without a value; it ends the node.
    func perform(_ call: MethodCall, in context: NodeContext) async throws(NodeFailure) -> ContractCall {
        let name = try await context.templates.resolve(call.methodName, in: "method '\(call.methodName.excerpt())'")
        var parameters: [String] = []
        for parameter in call.parameters {
            parameters.append(try await context.templates.resolve(parameter, in: "method '\(name.excerpt())'"))
        }
        var result = ContractCall(source: call, methodName: name)
        // A call that fails has its method too, as far as the name tells which.
        result.entry = entry(ofMethod: name, parameterCount: parameters.count)
        do throws(CallError) {
            let (function, data) = try prepare(call, name: name, parameters: parameters)
            if name.isEmpty { result.methodName = function.name }
            result.function = function
            result.entry = function.entry(in: entries, mutability: "view")
            result.outputs = try await ask(function, data, in: context)
        } catch {
            result.error = error.text
            result.reason = error.reason
        }
        return result
    }

    private func entry(ofMethod name: String, parameterCount: Int) -> JSONValue? {
        do throws(ABIError) {
            let function = try contract.function(named: name, parameterCount: parameterCount)
            return function.entry(in: entries, mutability: "view")
        } catch {
            return nil
        }
    }

    /// Why a call has no result.
    private struct CallError: Error {
        var text: String
        var reason: NodeRetry.Reason?
    }

    // MARK: Before the call

    private func prepare(
        _ call: MethodCall, name: String, parameters: [String]
    ) throws(CallError) -> (ABIFunction, [UInt8]) {
        if parameters.isEmpty, let text = call.callData, !text.isEmpty { return try given(text, name: name) }
        do throws(ABIError) {
            let data = try contract.encodeCall(name, parameters: parameters)
            guard let function = contract.function(selector: data) else { throw .unknownMethod(name) }
            return (function, data)
        } catch {
            throw CallError(text: error.description)
        }
    }

    /// Call data as the task gives it: its selector must be the named method's.
    private func given(_ text: String, name: String) throws(CallError) -> (ABIFunction, [UInt8]) {
        guard let data = Hex.decode(text), data.count >= 4 else {
            throw CallError(text: "callData '\(text.excerpt())' is not the hex of at least 4 bytes")
        }
        guard let function = contract.function(selector: data) else {
            let selector = Hex.encode0x(Array(data.prefix(4)))
            throw CallError(text: "method name mismatch: callData selects \(selector), which the contract ABI lacks")
        }
        guard name.isEmpty || function.name == name || function.signature == name else {
            throw CallError(
                text: "method name mismatch: callData selects '\(function.name.excerpt())', not '\(name.excerpt())'")
        }
        return (function, data)
    }

    // MARK: The call

    private func ask(
        _ function: ABIFunction, _ data: [UInt8], in context: NodeContext
    ) async throws(CallError) -> [ABIValue] {
        guard let chain = context.environment.chain else { throw CallError(text: "no chain is configured") }
        let sender = context.variables["aa_sender"]?.stringValue.flatMap { Address($0) }
        let answer: [UInt8]
        do throws(ChainError) {
            answer = try await chain.call(to: address, data: data, from: sender)
        } catch {
            throw CallError(text: "contract call failed: \(error)", reason: NodeRetry.Reason(error))
        }
        guard !answer.isEmpty else { throw await emptyAnswer(of: function, chain) }
        do throws(ABIError) {
            return try function.decodeOutputs(answer)
        } catch {
            throw CallError(text: "answer of '\(function.name.excerpt())' does not fit the contract ABI: \(error)")
        }
    }

    /// A call to an address without a contract succeeds and returns nothing: the user is told which it was.
    private func emptyAnswer(of function: ABIFunction, _ chain: any ChainClient) async -> CallError {
        do throws(ChainError) {
            if try await chain.code(at: address).isEmpty {
                return CallError(text: "no contract code at address \(address.checksummed)")
            }
            return CallError(
                text: "contract call returned no data: \(address.checksummed) may lack '\(function.name.excerpt())'")
        } catch {
            return CallError(text: "contract call returned no data, and its code could not be read: \(error)")
        }
    }
}

/// One call of a contract read, done.
struct ContractCall: Sendable {
    let source: MethodCall
    /// With templates resolved.
    var methodName: String
    var function: ABIFunction?
    /// The method's entry in the ABI.
    var entry: JSONValue?
    var outputs: [ABIValue]?
    /// Empty on success.
    var error = ""
    var reason: NodeRetry.Reason?

    init(source: MethodCall, methodName: String) {
        self.source = source
        self.methodName = methodName
    }

    /// A single output by itself, several as an object; null if the call failed.
    var value: JSONValue {
        guard let function, let outputs else { return .null }
        return function.outputJSON(outputs)
    }

    var metadata: JSONValue {
        var fields: [String: JSONValue] = [
            "methodName": .string(methodName), "success": .bool(error.isEmpty), "error": .string(error), "value": value,
        ]
        fields["methodABI"] = entry
        return .object(fields)
    }

    // MARK: Decimals

    /// Formats the fields named in `applyToFields` with this call's answer as the number of decimals.
    ///
    /// An entry is `method.field`, or `method` for a method with a single output; one that names nothing is ignored.
    func format(_ data: inout [String: JSONValue], from calls: [ContractCall]) {
        guard let decimals = outputs?.first?.integer.flatMap({ Int($0.description) }) else { return }
        for entry in source.applyToFields {
            for call in calls where call.error.isEmpty && data[call.methodName] != nil {
                if entry == call.methodName, call.outputs?.count == 1, let text = call.text(of: nil, decimals) {
                    data[call.methodName] = .string(text)
                } else if entry.hasPrefix("\(call.methodName).") {
                    let field = String(entry.dropFirst(call.methodName.count + 1))
                    guard case .object(var fields) = data[call.methodName], fields[field] != nil,
                        let text = call.text(of: field, decimals)
                    else { continue }
                    fields[field] = .string(text)
                    data[call.methodName] = .object(fields)
                }
            }
        }
    }

    /// The formatted output, or field of the outputs or of a single tuple; nil if it is no whole number.
    private func text(of field: String?, _ decimals: Int) -> String? {
        guard let function, let outputs else { return nil }
        var values = outputs
        var parameters = function.outputs
        if let first = values.first, values.count == 1 {
            guard field != nil else { return first.integer.map { TokenAmount.text($0, decimals: decimals) } }
            guard case .tuple(let members) = first, case .tuple(let components) = parameters.first?.type else {
                return nil
            }
            (values, parameters) = (members, components)
        }
        for (index, (value, parameter)) in zip(values, parameters).enumerated() {
            let name = parameter.name.isEmpty ? "output_\(index)" : parameter.name
            if name == field { return value.integer.map { TokenAmount.text($0, decimals: decimals) } }
        }
        return nil
    }
}
