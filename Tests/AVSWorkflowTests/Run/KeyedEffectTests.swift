import AVSModel
import AVSPrimitives
import AVSTesting
import Synchronization
import Testing

@testable import AVSWorkflow

@Suite("A request that the other side recognises by its key (XO-3)")
struct KeyedEffectTests {
    private static let header = "Idempotency-Key"

    private static func post(
        _ id: String = "p", retry: NodeRetry? = nil, choice: Node.UnknownOutcome? = nil, headers: [String: String] = [:]
    ) -> Node {
        Node(
            id: id, name: id,
            config: .restAPI(
                RestAPINode(
                    url: "https://pay", headers: headers, body: "1", method: "POST", idempotencyHeader: header)),
            retry: retry, afterUnknownOutcome: choice)
    }

    private static func loop(_ id: String, inner: RestAPINode) -> Node {
        Node(
            id: id, name: "l",
            config: .loop(
                LoopNode(
                    inputVariable: "{{list}}", iterationValue: "v", iterationKey: "i", mode: .sequential,
                    runner: .restAPI(inner))))
    }

    private static func keys(_ server: FakeServer) -> [String] {
        server.requests.flatMap(\.headers).filter { $0.name == header }.map(\.value)
    }

    private static func run(
        _ task: AutomationTask, _ http: FakeServer, execution: UInt64 = 1, recorded: [NodeRecord] = [],
        recorder: some StepRecorder = NoStepRecorder(), signal: StopSignal = StopSignal(),
        time: any TimeSource = ManualTime()
    ) async -> RunOutcome {
        await WorkflowRun(
            task: task, executionID: ExecutionID(ULID(value: UInt128(execution))),
            trigger: TriggerOutput(kind: .manual, data: nil), recorded: recorded
        ).run(in: Sample.environment(http: http, time: time), recorder: recorder, signal: signal)
    }

    @Test("carries one, which no other step and no other execution has")
    func distinct() async throws {
        let http = FakeServer()
        let task = Sample.task(nodes: [Self.post("p"), Self.post("q")], edges: "T>p p>q")
        _ = await Self.run(task, http)
        _ = await Self.run(task, http, execution: 2)
        let keys = Self.keys(http)
        #expect(keys.count == 4 && Set(keys).count == 4)
        #expect(keys.allSatisfy { $0.utf8.count == 32 && Hex.decode($0) != nil })
        let again = FakeServer()
        _ = await Self.run(task, again)
        #expect(Self.keys(again) == Array(keys.prefix(2)), "and the same one whenever it is sent")
    }

    @Test("B5: is sent again under its key where nobody knows what became of it, and the step tells of it")
    func resumed() async throws {
        let task = Sample.task(nodes: [Self.post(), Sample.rest("z")], edges: "T>p p>z")
        let (first, http) = (Recorder(), FakeServer())
        _ = await Self.run(task, http, recorder: first)
        #expect(first.ids == ["p", "p"] && first.durable == ["p", "p"], "its begin is durable before that (XO-16)")
        let (second, again) = (Recorder(), FakeServer())
        let resumed = await Self.run(task, again, recorded: Array(first.records.prefix(1)), recorder: second)
        #expect(Self.keys(again) == Self.keys(http) && Self.keys(http).count == 1)
        let step = try #require(resumed.step("p"))
        #expect(step.success && step.failedAttempts.map(\.error) == ["outcome unknown after restart"])
        #expect(step.log.contains("sent again under the same key") && step.log.contains(Self.keys(http)[0]))
        #expect(second.ids.first == "p" && second.durable == ["p"], "what became of it is known from now on")
        let third = FakeServer()
        _ = await Self.run(task, third, recorded: first.records)
        #expect(Self.keys(third) == [], "what has ended is not sent again (XO-17)")
    }

    @Test("B5: is not sent again where its node says so, nor once its task is stopped (XO-22)")
    func refused() async throws {
        for isStopped in [true, false] {
            let task = Sample.task(nodes: [Self.post(choice: isStopped ? nil : .fail)], edges: "T>p")
            let first = Recorder()
            _ = await Self.run(task, FakeServer(), recorder: first)
            let (again, signal) = (FakeServer(), StopSignal())
            if isStopped { signal.set() }
            let resumed = await Self.run(task, again, recorded: Array(first.records.prefix(1)), signal: signal)
            #expect(again.requests.isEmpty && resumed.step("p")?.error == "outcome unknown after restart")
        }
    }

    @Test("has one key in all attempts of a retry policy", .timeLimit(.minutes(1)))
    func retried() async throws {
        let http = FakeServer(status: 503)
        let time = ManualTime()
        let task = Sample.task(nodes: [Self.post(retry: NodeRetry(attempts: 3))], edges: "T>p")
        async let outcome = Self.run(task, http, time: time)
        for _ in 0..<2 {
            await time.waitForSleepers(1)
            time.advance(by: .seconds(30))
        }
        #expect(await outcome.step("p")?.failedAttempts.count == 2)
        #expect(Self.keys(http).count == 3 && Set(Self.keys(http)).count == 1)
    }

    @Test("has a key of its own in each iteration of a loop, the same one when the loop runs again")
    func iterations() async throws {
        let inner = RestAPINode(url: "https://pay", body: "{{v}}", method: "POST", idempotencyHeader: Self.header)
        // The second node has the name that the first one's iteration has inside.
        let task = Sample.task(
            nodes: [Self.loop("a", inner: inner), Self.post("a_iter_0")], edges: "T>a a>a_iter_0",
            input: ["list": [10, 20, 10]])
        let (first, http) = (Recorder(), FakeServer())
        let outcome = await Self.run(task, http, recorder: first)
        #expect(outcome.status == .success)
        #expect(Self.keys(http).count == 4 && Set(Self.keys(http)).count == 4)
        #expect(first.ids.first == "a" && first.durable.first == "a")
        let again = FakeServer()
        _ = await Self.run(task, again, recorded: Array(first.records.prefix(1)))
        #expect(Self.keys(again) == Self.keys(http))
        #expect(again.requests.map(\.body) == http.requests.map(\.body))
    }

    @Test("is sent with its key also where it only asks")
    func get() async {
        let config = RestAPINode(url: "https://a", method: "GET", idempotencyHeader: Self.header)
        let node = Node(id: "g", name: "g", config: .restAPI(config))
        let http = FakeServer()
        let step = await Sample.run(node, in: Sample.environment(http: http)).step
        #expect(step.success && Self.keys(http).count == 1)
        #expect(step.config?["idempotencyHeader"] == .string(Self.header))
    }

    static let bad: [(header: String, headers: [String: String])] = [
        ("a b", [:]), ("x:", [:]), ("k\r\nHost", [:]), ("ü", [:]), (String(repeating: "k", count: 65), [:]),
        ("Idempotency-Key", ["idempotency-KEY": "mine"]),
    ]

    @Test("is refused with a header that cannot be, or that its owner sets, too", arguments: bad)
    func names(_ row: (header: String, headers: [String: String])) async throws {
        let config = RestAPINode(url: "https://a", headers: row.headers, method: "POST", idempotencyHeader: row.header)
        let bare = Node(id: "n", name: "n", config: .restAPI(config))
        for node in [bare, Self.loop("n", inner: config)] {
            #expect(node.refusal?.hasPrefix("idempotency header '") == true)
        }
        let isTooLong = row.header.utf8.count > 64
        let http = FakeServer()
        let step = await Sample.run(bare, in: Sample.environment(http: http)).step
        #expect(step.success == isTooLong && http.requests.isEmpty == !isTooLong, "a node that nobody checked first")
    }

    @Test("fails where a template came out as its header: two keys would be none")
    func template() async {
        let http = FakeServer()
        let node = Self.post(headers: ["{{name}}": "mine"])
        #expect(node.refusal == nil)
        let variables: [String: JSONValue] = ["name": "IDEMPOTENCY-key"]
        let step = await Sample.run(node, variables: variables, in: Sample.environment(http: http)).step
        #expect(!step.success && step.error.contains("is one of the headers, too") && http.requests.isEmpty)
    }
}

private final class Recorder: StepRecorder {
    private let written = Mutex<[(record: NodeRecord, isDurable: Bool)]>([])

    func refusal(of record: NodeRecord) async -> NodeFailure? { nil }

    var records: [NodeRecord] { written.withLock { $0.map(\.record) } }
    var ids: [String] { records.map(\.nodeID) }
    var durable: [String] { written.withLock { $0.filter(\.isDurable).map(\.record.nodeID) } }

    func record(_ record: NodeRecord, isDurable: Bool) async throws {
        written.withLock { $0.append((record, isDurable)) }
    }
}
