public import AVSModel
import AVSPrimitives
public import AVSProto

extension Node {
    /// A node as a client sent it. Its kind is that of the part that is set; the `type` field is not looked at.
    ///
    /// A part without a configuration is taken as an empty one: what it lacks is the run's to refuse.
    /// - Throws: ``InvalidArgument`` when no part is set.
    public init(_ wire: Wire.TaskNode) throws(InvalidArgument) {
        guard let part = wire.taskType else {
            let text = "Invalid task argument: node '\(wire.id.prefix(64))' has no configuration"
            throw InvalidArgument(.invalidNodeConfig, text)
        }
        self.init(
            id: wire.id, name: wire.name, config: Config(part), retry: wire.retry.map { NodeRetry($0) },
            afterUnknownOutcome: UnknownOutcome(rawValue: wire.afterUnknownOutcome.rawValue))
    }
}

extension NodeRetry {
    /// Reasons that we do not know are none: the service asks for no more attempts than a client meant.
    fileprivate init(_ wire: Wire.RetryPolicy) {
        self.init(
            attempts: wire.maxAttempts, firstBackoffMilliseconds: wire.initialBackoffMs,
            longestBackoffMilliseconds: wire.maxBackoffMs,
            reasons: Set(wire.retryOn.compactMap { Reason(rawValue: $0.rawValue) }))
    }
}

extension Edge {
    public init(_ wire: Wire.TaskEdge) { self.init(id: wire.id, source: wire.source, target: wire.target) }
}

extension Wire.TaskEdge {
    public init(_ edge: Edge) {
        self.init()
        id = edge.id
        source = edge.source
        target = edge.target
    }
}

extension Node.Config {
    fileprivate init(_ part: Wire.TaskNode.OneOf_TaskType) {
        switch part {
        case .ethTransfer(let wire): self = .ethTransfer(ETHTransferNode(wire))
        case .contractWrite(let wire): self = .contractWrite(ContractWriteNode(wire))
        case .contractRead(let wire): self = .contractRead(ContractReadNode(wire))
        case .graphqlQuery(let wire): self = .graphQLQuery(GraphQLQueryNode(wire))
        case .restApi(let wire): self = .restAPI(RestAPINode(wire))
        case .branch(let wire): self = .branch(BranchNode(wire))
        case .filter(let wire):
            let config = wire.config ?? .init()
            self = .filter(FilterNode(expression: config.expression, inputVariable: config.inputVariable))
        case .loop(let wire): self = .loop(LoopNode(wire))
        case .customCode(let wire): self = .customCode(CustomCodeNode(wire))
        case .balance(let wire): self = .balance(BalanceNode(wire))
        }
    }
}

extension ETHTransferNode {
    fileprivate init(_ wire: Wire.ETHTransferNode) {
        let config = wire.config ?? .init()
        self.init(destination: config.destination, amount: config.amount)
    }
}

extension ContractWriteNode {
    fileprivate init(_ wire: Wire.ContractWriteNode) {
        let config = wire.config ?? .init()
        self.init(
            contractAddress: config.contractAddress, callData: config.callData, contractABI: config.contractAbi,
            methodCalls: config.methodCalls.map {
                MethodCall(
                    methodName: $0.methodName, callData: $0.callData, parameters: $0.methodParams,
                    applyToFields: $0.applyToFields)
            },
            isSimulated: config.isSimulated, value: config.value, gasLimit: config.gasLimit)
    }
}

extension ContractReadNode {
    fileprivate init(_ wire: Wire.ContractReadNode) {
        let config = wire.config ?? .init()
        self.init(
            contractAddress: config.contractAddress, contractABI: config.contractAbi,
            methodCalls: config.methodCalls.map {
                MethodCall(
                    methodName: $0.methodName, callData: $0.callData, parameters: $0.methodParams,
                    applyToFields: $0.applyToFields)
            })
    }
}

extension GraphQLQueryNode {
    fileprivate init(_ wire: Wire.GraphQLQueryNode) {
        let config = wire.config ?? .init()
        self.init(url: config.url, query: config.query, variables: config.variables)
    }
}

extension RestAPINode {
    fileprivate init(_ wire: Wire.RestAPINode) {
        let config = wire.config ?? .init()
        self.init(
            url: config.url, headers: config.headers, body: config.body, method: config.method, options: config.options,
            idempotencyHeader: config.idempotencyHeader)
    }
}

extension CustomCodeNode {
    fileprivate init(_ wire: Wire.CustomCodeNode) {
        let config = wire.config ?? .init()
        self.init(language: Language(rawValue: config.lang.rawValue), source: config.source)
    }
}

extension BranchNode {
    fileprivate init(_ wire: Wire.BranchNode) {
        let conditions = wire.config?.conditions ?? []
        self.init(conditions: conditions.map { Condition(id: $0.id, type: $0.type, expression: $0.expression) })
    }
}

extension BalanceNode {
    fileprivate init(_ wire: Wire.BalanceNode) {
        let config = wire.config ?? .init()
        self.init(
            address: config.address, chain: config.chain, includesSpam: config.includeSpam,
            includesZeroBalances: config.includeZeroBalances, minimumUSDCents: config.minUsdValueCents,
            tokenAddresses: config.tokenAddresses)
    }
}

extension LoopNode {
    fileprivate init(_ wire: Wire.LoopNode) {
        let config = wire.config ?? .init()
        self.init(
            inputVariable: config.inputVariable, iterationValue: config.iterVal, iterationKey: config.iterKey,
            mode: Mode(rawValue: config.executionMode.rawValue) ?? .sequential,
            iterationTimeoutSeconds: config.iterationTimeout, runner: wire.runner.map(Runner.init))
    }
}

extension LoopNode.Runner {
    fileprivate init(_ part: Wire.LoopNode.OneOf_Runner) {
        switch part {
        case .ethTransfer(let wire): self = .ethTransfer(ETHTransferNode(wire))
        case .contractWrite(let wire): self = .contractWrite(ContractWriteNode(wire))
        case .contractRead(let wire): self = .contractRead(ContractReadNode(wire))
        case .graphqlDataQuery(let wire): self = .graphQLQuery(GraphQLQueryNode(wire))
        case .restApi(let wire): self = .restAPI(RestAPINode(wire))
        case .customCode(let wire): self = .customCode(CustomCodeNode(wire))
        }
    }
}
