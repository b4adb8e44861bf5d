public import AVSPrimitives

/// The kinds of node; raw values are the numbers on the wire.
public enum NodeKind: Int32, Sendable, Hashable, CaseIterable {
    case ethTransfer = 1
    case contractWrite = 2
    case contractRead = 3
    case graphQLQuery = 4
    case restAPI = 5
    case customCode = 6
    case branch = 7
    case filter = 8
    case loop = 9
    case balance = 10

    /// The enum's name on the wire, as steps carry it: `NODE_TYPE_REST_API`.
    public var wireName: String {
        switch self {
        case .ethTransfer: "NODE_TYPE_ETH_TRANSFER"
        case .contractWrite: "NODE_TYPE_CONTRACT_WRITE"
        case .contractRead: "NODE_TYPE_CONTRACT_READ"
        case .graphQLQuery: "NODE_TYPE_GRAPHQL_QUERY"
        case .restAPI: "NODE_TYPE_REST_API"
        case .customCode: "NODE_TYPE_CUSTOM_CODE"
        case .branch: "NODE_TYPE_BRANCH"
        case .filter: "NODE_TYPE_FILTER"
        case .loop: "NODE_TYPE_LOOP"
        case .balance: "NODE_TYPE_BALANCE"
        }
    }
}

/// One vertex of a task's graph: something to do with the values that are there so far.
public struct Node: Hashable, Sendable {
    public var id: String
    /// An identifier: later nodes see the output under it.
    public var name: String
    public var config: Config
    /// Whether it runs again when it fails; nil lets it run once.
    public var retry: NodeRetry?
    /// What becomes of it when nobody knows whether its effect came about; nil leaves that to the service.
    public var afterUnknownOutcome: UnknownOutcome?

    public init(
        id: String, name: String, config: Config, retry: NodeRetry? = nil, afterUnknownOutcome: UnknownOutcome? = nil
    ) {
        self.id = id
        self.name = name
        self.config = config
        self.retry = retry
        self.afterUnknownOutcome = afterUnknownOutcome
    }

    /// For an effect that nobody can look up, and that was under way when the process ended (XO-3); raw values are the
    /// numbers on the wire.
    public enum UnknownOutcome: Int32, Sendable, Hashable, CaseIterable {
        /// The step fails: the effect comes about once at most.
        case fail = 1
        /// The node runs again: the effect comes about once at least.
        case retry = 2
    }

    /// Why it cannot be as it says; nil if it can.
    public var refusal: String? {
        if afterUnknownOutcome == .retry, config.actsOnChain {
            return "a node that sends transactions is looked up after a restart and cannot choose to be tried again"
        }
        return config.idempotencyRefusal ?? retry?.refusal(for: config)
    }

    public var kind: NodeKind { config.kind }

    public enum Config: Hashable, Sendable {
        case ethTransfer(ETHTransferNode)
        case contractWrite(ContractWriteNode)
        case contractRead(ContractReadNode)
        case graphQLQuery(GraphQLQueryNode)
        case restAPI(RestAPINode)
        case customCode(CustomCodeNode)
        case branch(BranchNode)
        case filter(FilterNode)
        case loop(LoopNode)
        case balance(BalanceNode)

        public var kind: NodeKind {
            switch self {
            case .ethTransfer: .ethTransfer
            case .contractWrite: .contractWrite
            case .contractRead: .contractRead
            case .graphQLQuery: .graphQLQuery
            case .restAPI: .restAPI
            case .customCode: .customCode
            case .branch: .branch
            case .filter: .filter
            case .loop: .loop
            case .balance: .balance
            }
        }
    }
}

/// An arrow of the graph. `source` is the trigger's id, a node's id, or `<branch node id>.<condition id>`.
public struct Edge: Hashable, Sendable {
    public var id: String
    public var source: String
    public var target: String

    public init(id: String, source: String, target: String) {
        self.id = id
        self.source = source
        self.target = target
    }
}

/// Sends the chain's own token from the task's wallet. `amount` is wei as text, a template, or `MAX`.
public struct ETHTransferNode: Hashable, Sendable {
    public var destination: String
    public var amount: String

    public init(destination: String, amount: String) {
        self.destination = destination
        self.amount = amount
    }
}

/// Calls methods of a contract in order, by user operations of the task's wallet.
public struct ContractWriteNode: Hashable, Sendable {
    public var contractAddress: String
    /// The single-call form of older clients; empty when unused.
    public var callData: String
    public var contractABI: [JSONValue]
    public var methodCalls: [MethodCall]
    /// `nil` leaves the choice to the entry point: real in task runs, simulated in immediate runs.
    public var isSimulated: Bool?
    public var value: String?
    public var gasLimit: String?

    public init(
        contractAddress: String, callData: String = "", contractABI: [JSONValue] = [], methodCalls: [MethodCall] = [],
        isSimulated: Bool? = nil, value: String? = nil, gasLimit: String? = nil
    ) {
        self.contractAddress = contractAddress
        self.callData = callData
        self.contractABI = contractABI
        self.methodCalls = methodCalls
        self.isSimulated = isSimulated
        self.value = value
        self.gasLimit = gasLimit
    }
}

/// Asks methods of a contract in order, at the latest block.
public struct ContractReadNode: Hashable, Sendable {
    public var contractAddress: String
    public var contractABI: [JSONValue]
    public var methodCalls: [MethodCall]

    public init(contractAddress: String, contractABI: [JSONValue], methodCalls: [MethodCall]) {
        self.contractAddress = contractAddress
        self.contractABI = contractABI
        self.methodCalls = methodCalls
    }
}

public struct GraphQLQueryNode: Hashable, Sendable {
    public var url: String
    public var query: String
    public var variables: [String: String]

    public init(url: String, query: String, variables: [String: String] = [:]) {
        self.url = url
        self.query = query
        self.variables = variables
    }
}

public struct RestAPINode: Hashable, Sendable {
    public var url: String
    public var headers: [String: String]
    public var body: String
    public var method: String
    /// Free-form options of the service, such as `{"summarize": true}`.
    public var options: JSONValue?
    /// The header with the key by which the other side recognises a repeated request (XO-3, *keyed effect*); empty is
    /// none.
    public var idempotencyHeader: String

    public init(
        url: String, headers: [String: String] = [:], body: String = "", method: String, options: JSONValue? = nil,
        idempotencyHeader: String = ""
    ) {
        self.url = url
        self.headers = headers
        self.body = body
        self.method = method
        self.options = options
        self.idempotencyHeader = idempotencyHeader
    }

    /// Whether the text can name a header.
    ///
    /// - Source: RFC 9110 section 5.6.2, *token*.
    public static func isHeaderName(_ text: some StringProtocol) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}

extension Node.Config {
    /// Why its header for a key cannot be; nil if it can.
    fileprivate var idempotencyRefusal: String? {
        switch self {
        case .restAPI(let node): node.idempotencyRefusal
        case .loop(let loop): if case .restAPI(let node) = loop.runner { node.idempotencyRefusal } else { nil }
        default: nil
        }
    }
}

extension RestAPINode {
    fileprivate var idempotencyRefusal: String? {
        guard !idempotencyHeader.isEmpty else { return nil }
        guard idempotencyHeader.utf8.count <= 64, Self.isHeaderName(idempotencyHeader) else {
            return "idempotency header '\(idempotencyHeader.prefix(80))' is no header name of at most 64 characters"
        }
        guard !headers.keys.contains(where: { $0.lowercased() == idempotencyHeader.lowercased() }) else {
            return "idempotency header '\(idempotencyHeader)' is one of the headers, too: the service chooses its value"
        }
        return nil
    }
}

public struct CustomCodeNode: Hashable, Sendable {
    /// `nil` is the wire's `LANG_UNSPECIFIED`, which a run refuses.
    public var language: Language?
    public var source: String

    public init(language: Language?, source: String) {
        self.language = language
        self.source = source
    }
}

/// Chooses which of its conditions' edges are taken: the first that holds.
public struct BranchNode: Hashable, Sendable {
    public struct Condition: Hashable, Sendable {
        public var id: String
        /// `if` or `else`.
        public var type: String
        public var expression: String

        public init(id: String, type: String, expression: String) {
            self.id = id
            self.type = type
            self.expression = expression
        }
    }

    public var conditions: [Condition]

    public init(conditions: [Condition]) { self.conditions = conditions }
}

public struct FilterNode: Hashable, Sendable {
    public var expression: String
    /// The template of the list to filter.
    public var inputVariable: String

    public init(expression: String, inputVariable: String) {
        self.expression = expression
        self.inputVariable = inputVariable
    }
}

/// Runs one inner node for each element of a list.
public struct LoopNode: Hashable, Sendable {
    public enum Mode: Int32, Sendable, Hashable, CaseIterable {
        case sequential = 0
        case parallel = 1
    }

    public enum Runner: Hashable, Sendable {
        case ethTransfer(ETHTransferNode)
        case contractWrite(ContractWriteNode)
        case contractRead(ContractReadNode)
        case graphQLQuery(GraphQLQueryNode)
        case restAPI(RestAPINode)
        case customCode(CustomCodeNode)
    }

    /// The template of the list to walk.
    public var inputVariable: String
    public var iterationValue: String
    public var iterationKey: String
    public var mode: Mode
    /// Seconds for one iteration; 0 means 30.
    public var iterationTimeoutSeconds: UInt32
    /// `nil` when the client sent none; a run refuses that.
    public var runner: Runner?

    public init(
        inputVariable: String, iterationValue: String, iterationKey: String, mode: Mode,
        iterationTimeoutSeconds: UInt32 = 0, runner: Runner?
    ) {
        self.inputVariable = inputVariable
        self.iterationValue = iterationValue
        self.iterationKey = iterationKey
        self.mode = mode
        self.iterationTimeoutSeconds = iterationTimeoutSeconds
        self.runner = runner
    }
}

public struct BalanceNode: Hashable, Sendable {
    public var address: String
    /// Name, short name or id of the chain, as text.
    public var chain: String
    public var includesSpam: Bool
    public var includesZeroBalances: Bool
    public var minimumUSDCents: Int64
    public var tokenAddresses: [String]

    public init(
        address: String, chain: String, includesSpam: Bool = false, includesZeroBalances: Bool = false,
        minimumUSDCents: Int64 = 0, tokenAddresses: [String] = []
    ) {
        self.address = address
        self.chain = chain
        self.includesSpam = includesSpam
        self.includesZeroBalances = includesZeroBalances
        self.minimumUSDCents = minimumUSDCents
        self.tokenAddresses = tokenAddresses
    }
}
