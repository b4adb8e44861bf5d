public import AVSModel
import AVSPrimitives
public import AVSProto

extension Wire.TaskNode {
    public init(_ node: Node) {
        self.init()
        id = node.id
        name = node.name
        type = Wire.NodeType(rawValue: node.kind.rawValue)
        taskType = OneOf_TaskType(node.config)
        retry = node.retry.map { Wire.RetryPolicy($0) }
        afterUnknownOutcome = Wire.UnknownOutcome(rawValue: node.afterUnknownOutcome?.rawValue ?? 0)
    }
}

extension Wire.RetryPolicy {
    fileprivate init(_ policy: NodeRetry) {
        self.init()
        maxAttempts = policy.attempts
        initialBackoffMs = policy.firstBackoffMilliseconds
        maxBackoffMs = policy.longestBackoffMilliseconds
        retryOn = policy.reasons.map(\.rawValue).sorted().map { Wire.RetryReason(rawValue: $0) }
    }
}

extension Wire.TaskNode.OneOf_TaskType {
    fileprivate init(_ config: Node.Config) {
        switch config {
        case .ethTransfer(let node): self = .ethTransfer(.init(node))
        case .contractWrite(let node): self = .contractWrite(.init(node))
        case .contractRead(let node): self = .contractRead(.init(node))
        case .graphQLQuery(let node): self = .graphqlQuery(.init(node))
        case .restAPI(let node): self = .restApi(.init(node))
        case .customCode(let node): self = .customCode(.init(node))
        case .branch(let node): self = .branch(.init(node))
        case .filter(let node): self = .filter(.init(node))
        case .loop(let node): self = .loop(.init(node))
        case .balance(let node): self = .balance(.init(node))
        }
    }
}

extension Wire.ETHTransferNode {
    fileprivate init(_ node: ETHTransferNode) {
        self.init()
        var config = Config()
        config.destination = node.destination
        config.amount = node.amount
        self.config = config
    }
}

extension Wire.ContractWriteNode {
    fileprivate init(_ node: ContractWriteNode) {
        self.init()
        var config = Config()
        config.contractAddress = node.contractAddress
        config.callData = node.callData
        config.contractAbi = node.contractABI
        config.isSimulated = node.isSimulated
        config.value = node.value
        config.gasLimit = node.gasLimit
        config.methodCalls = node.methodCalls.map { call in
            var wire = MethodCall()
            wire.callData = call.callData
            wire.methodName = call.methodName
            wire.methodParams = call.parameters
            wire.applyToFields = call.applyToFields
            return wire
        }
        self.config = config
    }
}

extension Wire.ContractReadNode {
    fileprivate init(_ node: ContractReadNode) {
        self.init()
        var config = Config()
        config.contractAddress = node.contractAddress
        config.contractAbi = node.contractABI
        config.methodCalls = node.methodCalls.map { call in
            var wire = MethodCall()
            wire.callData = call.callData
            wire.methodName = call.methodName
            wire.methodParams = call.parameters
            wire.applyToFields = call.applyToFields
            return wire
        }
        self.config = config
    }
}

extension Wire.GraphQLQueryNode {
    fileprivate init(_ node: GraphQLQueryNode) {
        self.init()
        var config = Config()
        config.url = node.url
        config.query = node.query
        config.variables = node.variables
        self.config = config
    }
}

extension Wire.RestAPINode {
    fileprivate init(_ node: RestAPINode) {
        self.init()
        var config = Config()
        config.url = node.url
        config.headers = node.headers
        config.body = node.body
        config.method = node.method
        config.options = node.options
        config.idempotencyHeader = node.idempotencyHeader
        self.config = config
    }
}

extension Wire.CustomCodeNode {
    fileprivate init(_ node: CustomCodeNode) {
        self.init()
        var config = Config()
        config.lang = Wire.Lang(rawValue: node.language?.rawValue ?? 0)
        config.source = node.source
        self.config = config
    }
}

extension Wire.BranchNode {
    fileprivate init(_ node: BranchNode) {
        self.init()
        var config = Config()
        config.conditions = node.conditions.map { condition in
            var wire = Condition()
            wire.id = condition.id
            wire.type = condition.type
            wire.expression = condition.expression
            return wire
        }
        self.config = config
    }
}

extension Wire.FilterNode {
    fileprivate init(_ node: FilterNode) {
        self.init()
        var config = Config()
        config.expression = node.expression
        config.inputVariable = node.inputVariable
        self.config = config
    }
}

extension Wire.LoopNode {
    fileprivate init(_ node: LoopNode) {
        self.init()
        var config = Config()
        config.inputVariable = node.inputVariable
        config.iterVal = node.iterationValue
        config.iterKey = node.iterationKey
        config.executionMode = Wire.ExecutionMode(rawValue: node.mode.rawValue)
        config.iterationTimeout = node.iterationTimeoutSeconds
        self.config = config
        runner = node.runner.map(OneOf_Runner.init)
    }
}

extension Wire.LoopNode.OneOf_Runner {
    fileprivate init(_ runner: LoopNode.Runner) {
        switch runner {
        case .ethTransfer(let node): self = .ethTransfer(.init(node))
        case .contractWrite(let node): self = .contractWrite(.init(node))
        case .contractRead(let node): self = .contractRead(.init(node))
        case .graphQLQuery(let node): self = .graphqlDataQuery(.init(node))
        case .restAPI(let node): self = .restApi(.init(node))
        case .customCode(let node): self = .customCode(.init(node))
        }
    }
}

extension Wire.BalanceNode {
    fileprivate init(_ node: BalanceNode) {
        self.init()
        var config = Config()
        config.address = node.address
        config.chain = node.chain
        config.includeSpam = node.includesSpam
        config.includeZeroBalances = node.includesZeroBalances
        config.minUsdValueCents = node.minimumUSDCents
        config.tokenAddresses = node.tokenAddresses
        self.config = config
    }
}
