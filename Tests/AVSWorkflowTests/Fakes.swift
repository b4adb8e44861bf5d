import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSTesting
import Synchronization

@testable import AVSWorkflow

/// A server that answers as it is told and remembers what it was asked.
final class FakeServer: HTTPClient {
    private let answer: @Sendable (HTTPRequest) async throws -> HTTPResponse
    private let received = Mutex<[HTTPRequest]>([])

    init(_ answer: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse) { self.answer = answer }

    /// Answers everything with one response.
    convenience init(status: Int = 200, headers: [HTTPRequest.Header] = [], body: String = "") {
        self.init { _ in HTTPResponse(status: status, headers: headers, body: Array(body.utf8)) }
    }

    var requests: [HTTPRequest] { received.withLock { $0 } }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        received.withLock { $0.append(request) }
        return try await answer(request)
    }
}

/// A chain that answers `eth_call` by calldata and `eth_getCode` with a byte, and remembers the calls.
final class FakeChain: ChainClient {
    let chainID: UInt64 = 11_155_111
    private let answers: [String: Result<[UInt8], ChainError>]
    private let code: [UInt8]
    private let received = Mutex<[JSONValue]>([])

    /// - Parameter answers: from the selector or whole calldata, as `0x…`, to what the call returns.
    init(answers: [String: Result<[UInt8], ChainError>] = [:], code: [UInt8] = [0x60]) {
        self.answers = answers
        self.code = code
    }

    var calls: [JSONValue] { received.withLock { $0 } }

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        switch method {
        case "eth_getCode": return .string(Hex.encode0x(code))
        case "eth_call":
            let call = parameters.first ?? .null
            received.withLock { $0.append(call) }
            let data = call["data"]?.stringValue ?? ""
            let answer = answers[data] ?? answers[String(data.prefix(10))] ?? .success([])
            return .string(Hex.encode0x(try answer.get()))
        default: throw .malformedAnswer(method: method, reason: "not in this test")
        }
    }
}

/// 32 bytes, big-endian.
func word(_ number: UInt64) -> [UInt8] { UInt256(number).bigEndian }

enum Sample {
    static let owner = Address("0x1111111111111111111111111111111111111111") ?? .zero
    static let wallet = Address("0xd8da6bf26964af9d7eed9e03e53415d37aa96045") ?? .zero
    static let contract = "0x694AA1769357215DE4FAC081bf1f309aDC325306"
    static let id = "01jg2fe5mfvmahjkd7a5sbzt0q"

    static let settings: JSONValue = ["name": "test", "runner": .string(wallet.checksummed), "chain_id": 11_155_111]

    static func environment(
        http: any HTTPClient = FakeServer(), chain: (any ChainClient)? = FakeChain(),
        time: any TimeSource = ManualTime(), scripts: any ScriptRunner = SimpleScriptRunner()
    ) -> WorkflowEnvironment {
        WorkflowEnvironment(chain: chain, http: http, time: time, scripts: scripts)
    }

    static func task(
        trigger: Trigger = Sample.trigger(["env": "prod"]), nodes: [Node], edges: String,
        input: [String: JSONValue] = [:]
    ) -> AutomationTask {
        var variables = input
        variables["settings"] = variables["settings"] ?? settings
        return AutomationTask(
            id: TaskID(id) ?? TaskID(ULID(value: 0)), owner: owner, wallet: wallet, name: "test", trigger: trigger,
            nodes: nodes, edges: Sample.edges(edges), inputVariables: variables, chainID: 11_155_111,
            status: .running, executionCount: 3)
    }

    static func trigger(
        _ data: JSONValue?, headers: [String: String] = [:], pathParameters: [String: String] = [:]
    ) -> Trigger {
        Trigger(
            id: "T", name: "t",
            config: .manual(
                ManualTrigger(data: data, headers: headers, pathParameters: pathParameters, language: .json)))
    }

    /// `T>a a>b`.
    static func edges(_ text: String) -> [Edge] {
        text.split(separator: " ").enumerated().map { index, pair in
            let ends = pair.split(separator: ">").map(String.init)
            return Edge(id: "e\(index)", source: ends[0], target: ends[1])
        }
    }

    /// A REST node that gets `url`.
    static func rest(_ id: String, url: String = "https://example.org/") -> Node {
        Node(id: id, name: id, config: .restAPI(RestAPINode(url: url, method: "GET")))
    }

    static func branch(_ id: String, _ conditions: (String, String, String)...) -> Node {
        Node(
            id: id, name: id,
            config: .branch(BranchNode(conditions: conditions.map { .init(id: $0, type: $1, expression: $2) })))
    }

    /// Runs one node by itself.
    static func run(
        _ node: Node, variables: [String: JSONValue] = [:], in environment: WorkflowEnvironment = environment(),
        secrets: [String: String] = [:], target: @escaping @Sendable (String) -> Node? = { _ in nil }
    ) async -> FinishedNode {
        var all = RunVariables(secrets: secrets, input: variables)
        all.begin(node)
        return await NodeExecution(
            node: node, inputs: all.inputs(of: node),
            context: NodeContext(
                environment: environment, variables: all.values,
                report: RunReport(of: node, variables: variables, chainID: 11_155_111, at: environment.time.now),
                target: target),
            builder: StepBuilder(chainID: 11_155_111, redaction: Redaction(secrets: secrets))
        ).run()
    }
}

extension AutomationTask {
    /// Runs the task's graph with fakes.
    func run(
        _ environment: WorkflowEnvironment = Sample.environment(), trigger output: JSONValue? = nil,
        input: [String: JSONValue] = [:], secrets: [String: String] = [:], salt: UInt256? = nil
    ) async -> RunOutcome {
        await WorkflowRun(
            task: self, executionID: ExecutionID(Sample.id) ?? ExecutionID(ULID(value: 0)),
            trigger: TriggerOutput(kind: trigger.kind, data: output), input: input, secrets: secrets,
            walletSalt: salt
        ).run(in: environment)
    }
}

extension RunOutcome {
    func step(_ name: String) -> Step? { steps.first { $0.name == name } }
}

/// Answers functions over elements as it is told and remembers what it was asked; expressions are simple ones.
final class FakeFunctions: ScriptRunner {
    private let answer: @Sendable (_ function: ScriptFunction, _ arguments: [JSONValue]) -> ScriptResult
    private let received = Mutex<[ScriptFunction]>([])

    init(_ answer: @escaping @Sendable (ScriptFunction, [JSONValue]) -> ScriptResult) { self.answer = answer }

    var functions: [ScriptFunction] { received.withLock { $0 } }

    func evaluate(_ expressions: [String], variables: [String: JSONValue]) async -> [ScriptResult] {
        await SimpleScriptRunner().evaluate(expressions, variables: variables)
    }

    /// A syntax error is the whole call's.
    func call(
        _ function: ScriptFunction, with arguments: [[JSONValue]], variables: [String: JSONValue]
    ) async -> Result<[ScriptResult], ScriptError> {
        received.withLock { $0.append(function) }
        let results = arguments.map { answer(function, $0) }
        for case .failure(.thrown(let text)) in results where text.hasPrefix("SyntaxError") {
            return .failure(.thrown(text))
        }
        return .success(results)
    }
}
