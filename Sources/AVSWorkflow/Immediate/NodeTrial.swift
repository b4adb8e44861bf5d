public import AVSModel
public import AVSPrimitives

/// One node, run at once and for itself: nothing is stored, and no other variables are in scope than those given.
///
/// - Source: execution-engine.md 6.2, steps 4 and 5.
public struct NodeTrial: Sendable {
    public var node: Node
    public var input: [String: JSONValue]
    /// Name to value; the server's own ones only.
    public var secrets: [String: String]
    public var chainID: UInt64
    /// Who asked for it.
    public var owner: Address
    /// The wallet of the owner's that acts, for nodes that write.
    public var wallet: RunVariables.Wallet?
    /// Names what the node does on the world outside.
    public var executionID: ExecutionID
    /// When it comes the node is cancelled (XO-21).
    public var deadline: ContinuousClock.Instant?

    public init(
        node: Node, input: [String: JSONValue], secrets: [String: String], chainID: UInt64, owner: Address,
        wallet: RunVariables.Wallet?, executionID: ExecutionID
    ) {
        self.node = node
        self.input = input
        self.secrets = secrets
        self.chainID = chainID
        self.owner = owner
        self.wallet = wallet
        self.executionID = executionID
    }

    /// The step that the node would have been. Cancelling the surrounding task cancels the node.
    public func run(in environment: WorkflowEnvironment) async -> Step {
        var environment = environment
        environment.execution = executionID
        let node = node.taking(input)
        var variables = RunVariables(secrets: secrets, input: input, wallet: wallet)
        variables.begin(node)
        let execution = NodeExecution(
            node: node, inputs: variables.inputs(of: node),
            context: NodeContext(
                environment: environment, variables: variables.values,
                report: RunReport(of: node, variables: input, chainID: chainID, at: environment.time.now)),
            builder: StepBuilder(
                chainID: chainID, redaction: Redaction(secrets: secrets),
                outputLimitBytes: environment.limits.stepOutputBytes))
        guard let deadline else { return await execution.run().step }
        // A node that is cancelled says so in its step.
        let step = await environment.time.run(until: deadline) { await execution.run().step }
        return step ?? execution.unknown().step
    }
}

extension Node {
    /// The node with the `url`, `method`, `body` and `headers` of a request that variables of these names give: texts,
    /// and an object of texts. Only an immediate run takes them: in a task any node of such a name would turn every
    /// request (execution-engine.md 5.5.1, Q8).
    fileprivate func taking(_ input: [String: JSONValue]) -> Node {
        guard case .restAPI(var request) = config else { return self }
        request.url = input["url"]?.stringValue ?? request.url
        request.method = input["method"]?.stringValue ?? request.method
        request.body = input["body"]?.stringValue ?? request.body
        if let members = input["headers"]?.objectValue {
            let texts = members.compactMapValues(\.stringValue)
            if texts.count == members.count { request.headers = texts }
        }
        var node = self
        node.config = .restAPI(request)
        return node
    }
}
