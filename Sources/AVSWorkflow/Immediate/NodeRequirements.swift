public import AVSModel

/// What a node's configuration must hold before the node can run at all.
///
/// - Source: execution-engine.md 6.2, step 3.
public enum NodeRequirements {
    /// - Throws: ``NodeFailure`` 3006 for the first field that is missing.
    public static func check(_ config: Node.Config) throws(NodeFailure) {
        switch config {
        case .ethTransfer(let node): try check(node)
        case .contractWrite(let node): try check(node)
        case .contractRead(let node): try check(node)
        case .graphQLQuery(let node): try check(node)
        case .restAPI(let node): try present(node.url, "url")
        case .customCode(let node): try check(node)
        case .branch(let node): if node.conditions.isEmpty { throw .missing("conditions", BranchNode.lacksConditions) }
        case .filter(let node):
            try present(node.expression, "expression")
            try present(node.inputVariable, "inputVariable")
        case .loop(let node): try check(node)
        case .balance(let node):
            try present(node.address, "address")
            try present(node.chain, "chain")
        }
    }

    private static func present(_ text: String, _ field: String) throws(NodeFailure) {
        guard !text.isEmpty else { throw .missing(field) }
    }

    private static func check(_ node: ETHTransferNode) throws(NodeFailure) {
        // The node's own words: they are the same whether it is refused before it runs or then (5.1).
        guard !node.destination.isEmpty else { throw .missing("destination", ETHTransferNode.lacksDestination) }
        guard !node.amount.isEmpty else { throw .missing("amount", ETHTransferNode.lacksAmount) }
    }

    private static func check(_ node: ContractWriteNode) throws(NodeFailure) {
        try present(node.contractAddress, "contractAddress")
        guard !node.methodCalls.isEmpty || !node.callData.isEmpty else { throw .missing("methodCalls") }
        for call in node.methodCalls where call.methodName.isEmpty && call.callData?.isEmpty != false {
            throw .missing("methodCalls[].methodName")
        }
        let needsABI = node.methodCalls.contains { $0.callData?.isEmpty != false }
        guard !needsABI || !node.contractABI.isEmpty else { throw .missing("contractAbi") }
    }

    private static func check(_ node: ContractReadNode) throws(NodeFailure) {
        try present(node.contractAddress, "contractAddress")
        guard !node.contractABI.isEmpty else { throw .missing("contractAbi") }
        guard !node.methodCalls.isEmpty else { throw .missing("methodCalls") }
        for call in node.methodCalls { try present(call.methodName, "methodCalls[].methodName") }
    }

    private static func check(_ node: GraphQLQueryNode) throws(NodeFailure) {
        try present(node.url, "url")
        try present(node.query, "query")
    }

    private static func check(_ node: CustomCodeNode) throws(NodeFailure) {
        guard node.language != nil else {
            throw NodeFailure(
                code: .missingRequiredField, "language field (lang) is required and cannot be LANG_UNSPECIFIED")
        }
        try present(node.source, "source")
    }

    private static func check(_ node: LoopNode) throws(NodeFailure) {
        try present(node.inputVariable, "inputVariable")
        try present(node.iterationValue, "iterVal")
        switch node.runner {
        case nil: throw .missing("runner")
        case .ethTransfer(let inner): try check(inner)
        case .contractWrite(let inner): try check(inner)
        case .contractRead(let inner): try check(inner)
        case .graphQLQuery(let inner): try check(inner)
        case .restAPI(let inner): try present(inner.url, "url")
        case .customCode(let inner): try check(inner)
        }
    }
}

extension NodeKind {
    /// The kind as configuration maps and messages of immediate runs spell it (execution-engine.md 0.1).
    public var shortName: String {
        switch self {
        case .ethTransfer: "ethTransfer"
        case .contractWrite: "contractWrite"
        case .contractRead: "contractRead"
        case .graphQLQuery: "graphqlQuery"
        case .restAPI: "restApi"
        case .customCode: "customCode"
        case .branch: "branch"
        case .filter: "filter"
        case .loop: "loop"
        case .balance: "balance"
        }
    }
}
