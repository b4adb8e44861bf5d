public import AVSEthereum
public import AVSModel
public import AVSPrimitives

/// The world of a run: everything outside of it, behind protocols.
public struct WorkflowEnvironment: Sendable {
    /// The task's chain; nil if none is configured, then nodes that need it fail.
    public var chain: (any ChainClient)?
    public var http: any HTTPClient
    public var time: any TimeSource
    public var scripts: any ScriptRunner
    public var services: WorkflowServices
    /// Which wallet acts; nil in runs that have none, such as those of triggers.
    public var wallet: ActingWallet?
    public var limits = RunLimits()
    /// For nodes that say nothing of it themselves (`effects.blind_after_restart`).
    public var afterUnknownOutcome = Node.UnknownOutcome.fail
    /// The run, set by it; what it does outside carries its name.
    var execution: ExecutionID?

    public init(
        chain: (any ChainClient)?, http: any HTTPClient, time: any TimeSource,
        scripts: any ScriptRunner = SimpleScriptRunner(), services: WorkflowServices = WorkflowServices()
    ) {
        self.chain = chain
        self.http = http
        self.time = time
        self.scripts = scripts
        self.services = services
    }
}

/// What one run may come to, whatever its task asks for.
///
/// - Source: reliability-security 4.2, whose defaults these are.
public struct RunLimits: Hashable, Sendable {
    /// A loop over more fails.
    public var loopElements = 10_000
    /// Of one run, with its trigger's; a run that would need more ends with ERROR.
    public var steps = 10_000
    /// Of one step, as JSON. A larger output fails its step.
    public var stepOutputBytes = 1 << 20

    public init() {}
}

/// The services of others that nodes use in the name of this server.
public struct WorkflowServices: Sendable {
    /// The server's own secrets, name to value: keys of services. A user's secret never stands in for one of them.
    public var secrets: [String: String]
    /// Of the service that knows balances and prices, up to its version.
    public var balanceURL = standardBalanceURL
    /// This server's chains, for what is asked of other chains than the run's own.
    public var chains: [UInt64: any ChainClient]

    public static let standardBalanceURL = "https://deep-index.moralis.io/api/v2.2"

    public init(secrets: [String: String] = [:], chains: [UInt64: any ChainClient] = [:]) {
        self.secrets = secrets
        self.chains = chains
    }
}

/// What a node has while it runs.
struct NodeContext: Sendable {
    var environment: WorkflowEnvironment
    var variables: [String: JSONValue]
    /// The run so far, for nodes that tell of it.
    var report: RunReport?
    /// Which of a loop's iterations this is; nil outside of loops.
    var iteration: Int?
    /// The node that the edge of a branch's condition leads to.
    var target: @Sendable (_ condition: String) -> Node? = { _ in nil }

    /// What names the work of one node in one run, and in one iteration: the same however often it is done (XO-3). 32
    /// hexadecimal digits.
    func effectKey(of node: Node) -> String {
        let parts: JSONValue = [
            .string(environment.execution?.description ?? ""), .string(node.id),
            iteration.map { JSONValue.number(Double($0)) } ?? JSONValue.null,
        ]
        return Hex.encode(Keccak256.hash(parts.serializedBytes).bytes.prefix(16))
    }

    var templates: TemplateResolver { TemplateResolver(variables: variables, scripts: environment.scripts) }

    /// The live value of a path or expression, written with or without braces: where nodes take lists from.
    ///
    /// - Returns: as a script would answer; a failure for what may not be evaluated.
    func value(of text: String) async -> ScriptResult {
        var expression = text.trimmingBlanks()
        if expression.hasPrefix("{{"), expression.hasSuffix("}}"), expression.utf8.count >= 4 {
            expression = String(expression.dropFirst(2).dropLast(2)).trimmingBlanks()
        }
        switch MarkerExpression(expression) {
        case .deleted, .forbidden, .hyphenated:
            return .failure(.thrown("SyntaxError: no expression that may be evaluated"))
        case .path(let path, let script):
            return await environment.scripts.evaluate(path, elseScript: script, variables: variables)
        case .script(let script): return await environment.scripts.evaluate(script, variables: variables)
        }
    }
}

/// What a node's work came to, before it becomes a step.
struct NodeOutcome: Hashable, Sendable {
    /// Nil if nothing was produced.
    var output: JSONValue?
    var metadata: JSONValue?
    /// The node failed although it may have produced something.
    var failure: NodeFailure?
    /// What the node's variable holds, where it is not the output.
    var data: JSONValue?
    /// Of a branch: the condition whose edges are taken.
    var selectedCondition: String?
    /// Of nodes that sent transactions.
    var gas: GasUse?
    /// Of nodes that write: the contract, as its template came out.
    var contract: Address?
    /// `is_simulated` and `provider`, where they are not those of a node that only reads.
    var executionContext: [String: JSONValue]?
}
