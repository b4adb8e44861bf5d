public import AVSEthereum
import AVSModel
public import AVSPrimitives

/// The world of a run: everything outside of it, behind protocols.
public struct WorkflowEnvironment: Sendable {
    /// The task's chain; nil if none is configured, then nodes that need it fail.
    public var chain: (any ChainClient)?
    public var http: any HTTPClient
    public var time: any TimeSource
    public var scripts: any ScriptRunner

    public init(
        chain: (any ChainClient)?, http: any HTTPClient, time: any TimeSource,
        scripts: any ScriptRunner = SimpleScriptRunner()
    ) {
        self.chain = chain
        self.http = http
        self.time = time
        self.scripts = scripts
    }
}

/// What a node has while it runs.
struct NodeContext: Sendable {
    var environment: WorkflowEnvironment
    var variables: [String: JSONValue]
    /// The node that the edge of a branch's condition leads to.
    var target: @Sendable (_ condition: String) -> Node? = { _ in nil }

    var templates: TemplateResolver { TemplateResolver(variables: variables, scripts: environment.scripts) }
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
}
