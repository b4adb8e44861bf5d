public import AVSModel
public import AVSPrimitives

/// What steps and variables show of a node's configuration: raw, templates unresolved.
///
/// - Source: execution-engine.md 2.4.
public enum NodeShape {
    /// As the node's step echoes it.
    public static func config(of node: Node) -> JSONValue {
        shape(of: node.config, sequential: "sequential", parallel: "parallel")
    }

    /// As the node's variable holds it under `input`: only a loop's mode is spelt differently.
    public static func input(of node: Node) -> JSONValue {
        shape(of: node.config, sequential: "EXECUTION_MODE_SEQUENTIAL", parallel: "EXECUTION_MODE_PARALLEL")
    }

    private static func shape(of config: Node.Config, sequential: String, parallel: String) -> JSONValue {
        switch config {
        case .ethTransfer(let node): shape(node)
        case .contractWrite(let node): shape(node)
        case .contractRead(let node): shape(node)
        case .graphQLQuery(let node): shape(node)
        case .restAPI(let node): shape(node)
        case .customCode(let node): shape(node)
        case .balance(let node): shape(node)
        case .filter(let node): ["expression": .string(node.expression), "inputVariable": .string(node.inputVariable)]
        case .branch(let node):
            [
                "conditions": .array(
                    node.conditions.map {
                        ["id": .string($0.id), "type": .string($0.type), "expression": .string($0.expression)]
                    })
            ]
        case .loop(let node):
            [
                "inputVariable": .string(node.inputVariable), "iterVal": .string(node.iterationValue),
                "iterKey": .string(node.iterationKey),
                "iterationTimeout": .number(Double(node.iterationTimeoutSeconds)),
                "executionMode": .string(node.mode == .sequential ? sequential : parallel),
                "runner": runner(node.runner),
            ]
        }
    }

    // MARK: One kind each

    private static func shape(_ node: ETHTransferNode) -> JSONValue {
        ["destination": .string(node.destination), "amount": .string(node.amount)]
    }

    private static func shape(_ node: RestAPINode) -> JSONValue {
        var fields: [String: JSONValue] = [
            "url": .string(node.url), "method": .string(node.method), "body": .string(node.body),
        ]
        if !node.headers.isEmpty { fields["headers"] = .object(node.headers.mapValues(JSONValue.string)) }
        if let options = node.options { fields["options"] = options }
        if !node.idempotencyHeader.isEmpty { fields["idempotencyHeader"] = .string(node.idempotencyHeader) }
        return .object(fields)
    }

    private static func shape(_ node: GraphQLQueryNode) -> JSONValue {
        var fields: [String: JSONValue] = ["url": .string(node.url), "query": .string(node.query)]
        if !node.variables.isEmpty { fields["variables"] = .object(node.variables.mapValues(JSONValue.string)) }
        return .object(fields)
    }

    private static func shape(_ node: CustomCodeNode) -> JSONValue {
        ["lang": .string((node.language ?? .javaScript).wireName), "source": .string(node.source)]
    }

    private static func shape(_ node: ContractReadNode) -> JSONValue {
        [
            "contractAddress": .string(node.contractAddress), "contractAbi": .array(node.contractABI),
            "methodCalls": .array(node.methodCalls.map { methodCall($0, withAppliedFields: true) }),
        ]
    }

    private static func shape(_ node: ContractWriteNode) -> JSONValue {
        var fields: [String: JSONValue] = [
            "contractAddress": .string(node.contractAddress), "contractAbi": .array(node.contractABI),
            "methodCalls": .array(node.methodCalls.map { methodCall($0, withAppliedFields: false) }),
        ]
        if !node.callData.isEmpty { fields["callData"] = .string(node.callData) }
        if let value = node.value { fields["value"] = .string(value) }
        if let limit = node.gasLimit { fields["gasLimit"] = .string(limit) }
        if let isSimulated = node.isSimulated { fields["isSimulated"] = .bool(isSimulated) }
        return .object(fields)
    }

    private static func shape(_ node: BalanceNode) -> JSONValue {
        [
            "address": .string(node.address), "chain": .string(node.chain), "includeSpam": .bool(node.includesSpam),
            "includeZeroBalances": .bool(node.includesZeroBalances),
            "minUsdValue": .number(Double(node.minimumUSDCents) / 100),
            "tokenAddresses": .array(node.tokenAddresses.map(JSONValue.string)),
        ]
    }

    // MARK: Parts

    static func methodCall(_ call: MethodCall, withAppliedFields: Bool) -> JSONValue {
        var fields: [String: JSONValue] = [
            "methodName": .string(call.methodName), "callData": .string(call.callData ?? ""),
        ]
        if !call.parameters.isEmpty { fields["methodParams"] = .array(call.parameters.map(JSONValue.string)) }
        if withAppliedFields, !call.applyToFields.isEmpty {
            fields["applyToFields"] = .array(call.applyToFields.map(JSONValue.string))
        }
        return .object(fields)
    }

    /// `{type, config}`; a runner's configuration omits empty call data.
    private static func runner(_ runner: LoopNode.Runner?) -> JSONValue {
        let named: (type: String, config: JSONValue)
        switch runner {
        case nil: return .null
        case .ethTransfer(let node): named = ("ethTransfer", shape(node))
        case .contractWrite(let node): named = ("contractWrite", withoutEmptyCallData(shape(node)))
        case .contractRead(let node): named = ("contractRead", withoutEmptyCallData(shape(node)))
        case .graphQLQuery(let node): named = ("graphqlDataQuery", shape(node))
        case .restAPI(let node): named = ("restApi", shape(node))
        case .customCode(let node): named = ("customCode", shape(node))
        }
        return ["type": .string(named.type), "config": named.config]
    }

    private static func withoutEmptyCallData(_ shape: JSONValue) -> JSONValue {
        guard var fields = shape.objectValue, let calls = fields["methodCalls"]?.arrayValue else { return shape }
        fields["methodCalls"] = .array(
            calls.map { call in
                guard var members = call.objectValue, members["callData"] == "" else { return call }
                members["callData"] = nil
                return .object(members)
            })
        return .object(fields)
    }
}
