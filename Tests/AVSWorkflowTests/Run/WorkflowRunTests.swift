import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSTesting
import Synchronization
import Testing

@testable import AVSWorkflow

/// Answers 200 but for paths that begin with `/fail`.
private func server() -> FakeServer {
    FakeServer { request in
        HTTPResponse(status: request.url.contains("/fail") ? 500 : 200, body: Array(#"{"ok":true}"#.utf8))
    }
}

private func failing(_ id: String) -> Node { Sample.rest(id, url: "https://example.org/fail") }

@Suite("A run")
struct WorkflowRunTests {
    @Test("EE-W6 goes through a chain in order and succeeds")
    func chain() async {
        let task = Sample.task(nodes: ["a", "b", "c"].map { Sample.rest($0) }, edges: "T>a a>b b>c")
        let outcome = await task.run(Sample.environment(http: server()))
        #expect(outcome.steps.map(\.id) == ["T", "a", "b", "c"])
        #expect(!outcome.steps.map(\.success).contains(false))
        #expect(outcome.status == .success && outcome.error.isEmpty && outcome.stop == nil)
    }

    @Test("EE-W7 shows the trigger first, then the fan-out in any order")
    func fanOut() async {
        let task = Sample.task(nodes: ["a", "b", "c"].map { Sample.rest($0) }, edges: "T>a T>b T>c")
        let outcome = await task.run(Sample.environment(http: server()))
        #expect(outcome.steps.first?.id == "T")
        #expect(Set(outcome.steps.map(\.id)) == ["T", "a", "b", "c"])
    }

    @Test("EE-W8 runs the end of a diamond once, last")
    func diamond() async {
        let task = Sample.task(nodes: ["a", "b", "c"].map { Sample.rest($0) }, edges: "T>a T>b a>c b>c")
        let outcome = await task.run(Sample.environment(http: server()))
        #expect(outcome.steps.count == 4 && outcome.steps.last?.id == "c")
    }

    @Test("EE-W9 EE-NB13 leaves no trace of the arm that was not taken", arguments: [(true, 6), (false, 4)])
    func arms(holds: Bool, count: Int) async {
        let nodes = [Sample.rest("a"), Sample.branch("b", ("if", "if", "t.data.go"), ("else", "else", ""))]
        let task = Sample.task(
            trigger: Sample.trigger(["go": .bool(holds)]), nodes: nodes + ["x", "y", "z", "e"].map { Sample.rest($0) },
            edges: "T>a a>b b.if>x x>y y>z b.else>e")
        let outcome = await task.run(Sample.environment(http: server()))
        #expect(outcome.steps.count == count)
        #expect(outcome.status == .success)
        #expect((outcome.step("e") == nil) == holds)
        #expect(outcome.step("b")?.log.contains("led to node '\(holds ? "x" : "e")'") == true)
    }

    @Test("EE-W13 EE-W14 goes on after failures and counts them with the trigger")
    func failures() async {
        let one = Sample.task(nodes: [failing("f"), Sample.rest("b")], edges: "T>f f>b")
        let outcome = await one.run(Sample.environment(http: server()))
        #expect(outcome.status == .failed)
        #expect(outcome.error == "1 of 3 steps failed: f")
        #expect(outcome.step("b")?.success == true)
        let two = Sample.task(nodes: [failing("f1"), failing("f2")], edges: "T>f1 f1>f2")
        #expect(await two.run(Sample.environment(http: server())).error == "2 of 3 steps failed: f1, f2")
    }

    @Test(
        "EE-W4 EE-W5 EE-W15 ends with ERROR and no steps if its graph cannot be planned",
        arguments: [
            ("T>a a>zzz", "target node 'zzz' in edge 'e1' not in TaskNodes"),
            ("T>a zzz>a", "source node 'zzz' in edge 'e1' not in TaskNodes"),
            ("a>b", "trigger 'T' has no outgoing edges"), ("T>a a>b b>a", "nodes form a cycle: a -> b -> a"),
        ])
    func compileErrors(edges: String, text: String) async {
        let task = Sample.task(nodes: [Sample.rest("a"), Sample.rest("b")], edges: edges)
        let outcome = await task.run()
        #expect(outcome.status == .error)
        #expect(outcome.error == "VM execution error: \(text) (step analysis: no execution steps found)")
        #expect(outcome.steps.isEmpty)
    }

    @Test("EE-W16 runs twenty nodes, at most sixteen at a time")
    func parallel() async {
        let gate = Gate(expecting: 16)
        let http = FakeServer { _ in
            await gate.enter()
            return HTTPResponse(status: 200)
        }
        let ids = (0..<20).map { "n\($0)" }
        let task = Sample.task(
            nodes: ids.map { Sample.rest($0) }, edges: ids.map { "T>\($0)" }.joined(separator: " "))
        let outcome = await task.run(Sample.environment(http: http))
        #expect(outcome.steps.count == 21 && outcome.status == .success)
        #expect(gate.most == 16)
    }

    @Test("of a task without nodes is its trigger's step")
    func empty() async {
        let outcome = await Sample.task(nodes: [], edges: "").run()
        #expect(outcome.steps.map(\.id) == ["T"] && outcome.status == .success)
    }

    @Test(
        "fails a node whose configuration lacks something by the field's name",
        arguments: [
            (.customCode(CustomCodeNode(language: .javaScript, source: "")), "source"),
            (.contractWrite(ContractWriteNode(contractAddress: "")), "contractAddress"),
            (.contractWrite(ContractWriteNode(contractAddress: Sample.contract)), "methodCalls"),
            (
                .loop(
                    LoopNode(
                        inputVariable: "{{a}}", iterationValue: "v", iterationKey: "", mode: .parallel, runner: nil)),
                "runner"
            ),
        ] as [(Node.Config, String)])
    func incomplete(config: Node.Config, field: String) async {
        let finished = await Sample.run(Node(id: "N", name: "n", config: config))
        #expect(finished.step.error == "\(field) is required" && finished.step.errorCode == .missingRequiredField)
    }
}

/// Holds everyone up until so many are inside, then lets all pass; remembers how many were inside at once.
private final class Gate: Sendable {
    private struct State {
        var inside = 0
        var most = 0
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())
    private let expected: Int

    init(expecting expected: Int) { self.expected = expected }

    var most: Int { state.withLock { $0.most } }

    func enter() async {
        await withCheckedContinuation { continuation in
            let released = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                state.inside += 1
                state.most = max(state.most, state.inside)
                if state.inside == expected { state.isOpen = true }
                state.waiting.append(continuation)
                guard state.isOpen else { return [] }
                defer { state.waiting = [] }
                return state.waiting
            }
            for waiter in released { waiter.resume() }
        }
        state.withLock { $0.inside -= 1 }
    }
}

@Suite("A run that does not come to its own end")
struct StoppedRunTests {
    private func run(
        _ task: AutomationTask, _ environment: WorkflowEnvironment, recorded: [NodeRecord] = [],
        deadline: ContinuousClock.Instant? = nil, recorder: some StepRecorder = NoStepRecorder(),
        signal: StopSignal = StopSignal()
    ) async -> RunOutcome {
        await WorkflowRun(
            task: task, executionID: ExecutionID(ULID(value: 1)), trigger: TriggerOutput(kind: .manual, data: nil),
            recorded: recorded, deadline: deadline
        ).run(in: environment, recorder: recorder, signal: signal)
    }

    private let chain = Sample.task(nodes: [Sample.rest("a"), Sample.rest("b")], edges: "T>a a>b")

    @Test("XO-22 starts no further node once its task is stopped")
    func stopped() async {
        let signal = StopSignal()
        let http = FakeServer { _ in
            signal.set()
            return HTTPResponse(status: 200)
        }
        let outcome = await run(chain, Sample.environment(http: http), signal: signal)
        #expect(outcome.steps.map(\.id) == ["T", "a"])
        #expect(outcome.stop == .stopped)
        #expect(outcome.status == .error)
        #expect(
            outcome.error
                == "VM execution error: cancelled: the task was cancelled or deleted before all of its nodes had run")
    }

    @Test("limits.steps_per_execution: begins no more nodes than a run may have steps, and ends with ERROR")
    func tooManySteps() async {
        var environment = Sample.environment()
        environment.limits.steps = 2
        let outcome = await run(chain, environment)
        #expect(outcome.steps.map(\.id) == ["T", "a"])
        #expect(outcome.status == .error && outcome.error == "VM execution error: the execution has more than 2 steps")
        environment.limits.steps = 3
        #expect(await run(chain, environment).status == .success)
    }

    @Test("limits.step_output_size: fails the step whose output is larger, by a byte")
    func tooLargeOutput() async {
        var environment = Sample.environment(http: FakeServer { _ in
            HTTPResponse(status: 200, body: Array("\"\(String(repeating: "x", count: 5_000))\"".utf8))
        })
        let whole = await run(chain, environment)
        #expect(whole.status == .success)
        let size = whole.steps[1].output?.serializedBytes.count ?? 0
        environment.limits.stepOutputBytes = size
        #expect(await run(chain, environment).status == .success)
        environment.limits.stepOutputBytes = size - 1
        let outcome = await run(chain, environment)
        #expect(outcome.steps[1].error == "output too large: \(size) bytes (max: \(size - 1) bytes)")
        #expect(outcome.status == .failed && outcome.steps[1].output == nil)
    }

    @Test("limits.journal_size: fails the step that the recorder has no room for, and goes on without what it produced")
    func noRoom() async {
        let recorder = Recorder(withoutRoomFor: "a")
        let outcome = await run(chain, Sample.environment(), recorder: recorder)
        #expect(outcome.steps.map(\.success) == [true, false, true] && outcome.stop == nil)
        #expect(outcome.steps[1].error.hasPrefix("output too large: 9 bytes") && outcome.steps[1].output == nil)
        #expect(
            recorder.records.first?.finished?.step == outcome.steps[1] && recorder.records.first?.finished?.data == nil)
    }

    @Test("a stop after the last node changes nothing")
    func stoppedLate() async {
        let task = Sample.task(nodes: [Sample.rest("a")], edges: "T>a")
        let signal = StopSignal()
        let http = FakeServer { _ in
            signal.set()
            return HTTPResponse(status: 200)
        }
        let outcome = await run(task, Sample.environment(http: http), signal: signal)
        #expect(outcome.status == .success && outcome.stop == nil)
    }

    @Test("XO-22 OVL-11 cancels what runs when its task is stopped, and says of an effect that it is not undone")
    func cutShort() async {
        let time = ManualTime()
        let signal = StopSignal()
        let http = FakeServer { _ in
            try await time.sleep(until: time.monotonic + .seconds(3600))
            return HTTPResponse(status: 200)
        }
        let post = Node(id: "p", name: "p", config: .restAPI(RestAPINode(url: "https://pay", method: "POST")))
        let task = Sample.task(nodes: [Sample.rest("g"), post, Sample.rest("z")], edges: "T>g T>p g>z")
        async let outcome = run(task, Sample.environment(http: http, time: time), signal: signal)
        await time.waitForSleepers(2)  // both servers
        signal.set()
        let ended = await outcome
        #expect(ended.stop == .stopped)
        #expect(Set(ended.steps.map(\.id)) == ["T", "g", "p"])
        let undone = "; the node was stopped in the middle: what it had sent by then is not undone"
        #expect(ended.step("p")?.error.hasSuffix(undone) == true)
        #expect(ended.step("g")?.error.hasSuffix(undone) == false && ended.step("g")?.success == false)
    }

    @Test("C1 shows what was recorded before the task was stopped, and runs nothing more")
    func stoppedBeforeRestart() async {
        let first = Recorder()
        _ = await run(chain, Sample.environment(http: FakeServer()), recorder: first)
        let again = FakeServer()
        let signal = StopSignal()
        signal.set()
        let resumed = await run(chain, Sample.environment(http: again), recorded: first.records, signal: signal)
        #expect(resumed.stop == .stopped && resumed.status == .error)
        #expect(resumed.steps.map(\.id) == ["T", "a"])
        #expect(again.requests.isEmpty)
    }

    @Test("XO-21 cancels what runs at its deadline and keeps the finished steps")
    func deadline() async {
        let time = ManualTime()
        let http = FakeServer { request in
            if request.url.contains("slow") { try await time.sleep(until: time.monotonic + .seconds(3600)) }
            return HTTPResponse(status: 200)
        }
        let task = Sample.task(
            nodes: [Sample.rest("a"), Sample.rest("s", url: "https://slow"), Sample.rest("z")], edges: "T>a a>s s>z")
        async let outcome = run(
            task, Sample.environment(http: http, time: time), deadline: time.monotonic + .seconds(900))
        await time.waitForSleepers(2)  // the deadline and the slow server
        time.advance(by: .seconds(901))
        let ended = await outcome
        #expect(ended.steps.map(\.id) == ["T", "a", "s"])
        #expect(ended.stop == .deadline)
        #expect(ended.status == .error)
        #expect(
            ended.error.hasPrefix("VM execution error: the execution deadline was exceeded (step analysis: 1 of 3 "))
    }

    @Test("B3 an interrupted node is not recorded as failed")
    func interrupted() async {
        let time = ManualTime()
        let recorder = Recorder()
        let http = FakeServer { request in
            if request.url.contains("slow") { try await time.sleep(until: time.monotonic + .seconds(3600)) }
            return HTTPResponse(status: 200)
        }
        let task = Sample.task(
            nodes: [Sample.rest("a"), Sample.rest("s", url: "https://slow")], edges: "T>a a>s")
        let environment = Sample.environment(http: http, time: time)
        let outcome = await withTaskGroup(of: RunOutcome?.self) { group in
            group.addTask { await run(task, environment, recorder: recorder) }
            await time.waitForSleepers(1)
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(outcome?.stop == .interrupted)
        #expect(recorder.ids == ["a"])
    }

    @Test("XO-14 ends when its recorder refuses a step")
    func recorderRefuses() async {
        let outcome = await run(chain, Sample.environment(http: server()), recorder: Recorder(refusing: "a"))
        #expect(outcome.stop == .recorder("claim lost"))
        #expect(outcome.steps.map(\.id) == ["T", "a"])
    }

    @Test("XO-15 XO-17 takes recorded nodes as they are and goes on behind them")
    func resumed() async {
        let nodes = [
            Sample.rest("a"), Sample.branch("b", ("c1", "if", "a.data.n > 1")),
            Sample.rest("x", url: "https://x/{{a.data.n}}"),
        ]
        let task = Sample.task(nodes: nodes, edges: "T>a a>b b.c1>x")
        let first = Recorder()
        let whole = await run(
            task, Sample.environment(http: FakeServer(body: #"{"n":7}"#)), recorder: first)
        #expect(whole.steps.map(\.id) == ["T", "a", "b", "x"])
        #expect(first.ids == ["a", "b"], "the last node is recorded with the run's end")
        #expect(first.durable == [])
        for kept in 0...2 {
            let http = FakeServer(body: #"{"n":7}"#)
            let second = Recorder()
            let journal = Array(first.records.prefix(kept))
            let resumed = await run(task, Sample.environment(http: http), recorded: journal, recorder: second)
            #expect(resumed.steps.map(\.id) == ["T", "a", "b", "x"])
            #expect(http.requests.map(\.url) == (kept == 0 ? ["https://example.org/"] : []) + ["https://x/7"])
            #expect(second.ids == Array(["a", "b"].dropFirst(kept)))
            #expect(resumed.steps.map(\.output) == whole.steps.map(\.output))
        }
    }

    @Test("XO-17 shows recorded steps in the order in which they ended")
    func order() async {
        let task = Sample.task(nodes: ["a", "b", "c", "d"].map { Sample.rest($0) }, edges: "T>a T>b T>c a>d b>d c>d")
        let first = Recorder()
        _ = await run(task, Sample.environment(http: server()), recorder: first)
        for journal in [first.records, first.records.reversed()] {
            let resumed = await run(task, Sample.environment(http: server()), recorded: journal)
            #expect(resumed.steps.map(\.id) == ["T"] + journal.map(\.nodeID) + ["d"])
        }
    }

    @Test("XO-17 ends with a mismatch when what leads to a recorded node is something else")
    func mismatch() async throws {
        let task = Sample.task(nodes: [Sample.rest("a"), Sample.rest("b"), Sample.rest("c")], edges: "T>a a>b b>c")
        let first = Recorder()
        _ = await run(task, Sample.environment(http: FakeServer(body: "1")), recorder: first)
        var changes: [(String, AutomationTask, [NodeRecord])] = []
        var other = task
        other.nodes[1] = Sample.rest("b", url: "https://elsewhere")
        changes.append(("b", other, first.records))
        other = task
        other.inputVariables["more"] = 1
        changes.append(("a", other, first.records))
        var journal = first.records
        journal[0].finished?.data = "2"
        changes.append(("b", task, journal))
        for (node, task, journal) in changes {
            let http = FakeServer()
            let resumed = await run(task, Sample.environment(http: http), recorded: journal)
            #expect(resumed.stop == .mismatch(node))
            #expect(resumed.status == .error)
            #expect(resumed.error.hasPrefix("VM execution error: journal mismatch at \(node)"))
            #expect(http.requests.isEmpty, "nothing runs in a run that is not the recorded one")
        }
    }

    @Test("XO-3 B5 fails a blind effect that was begun and whose end was not recorded, and does not try it again")
    func blindEffect() async throws {
        let post = Node(id: "p", name: "p", config: .restAPI(RestAPINode(url: "https://pay", method: "POST")))
        let task = Sample.task(nodes: [Sample.rest("a"), post, Sample.rest("z")], edges: "T>a a>p p>z")
        let first = Recorder()
        let http = FakeServer()
        _ = await run(task, Sample.environment(http: http), recorder: first)
        #expect(first.ids == ["a", "p", "p"])
        #expect(first.durable == ["p", "p"], "both the beginning and the end of a blind effect survive a crash")
        let begun = Array(first.records.prefix(2))
        #expect(begun.last?.finished == nil)
        let again = FakeServer()
        let second = Recorder()
        let resumed = await run(task, Sample.environment(http: again), recorded: begun, recorder: second)
        #expect(resumed.step("p")?.error == "outcome unknown after restart")
        #expect(resumed.status == .failed)
        #expect(again.requests.map(\.url) == ["https://example.org/"], "only the node behind it runs")
        #expect(second.ids == ["p"], "what became of it is known from now on")
    }

    @Test(
        "XO-3 B5 tries a blind effect again if the node chooses so, else as the service does; the step tells of it",
        arguments: [
            (nil, .fail, 0), (.fail, .fail, 0), (.retry, .fail, 1), (nil, .retry, 1), (.fail, .retry, 0),
        ] as [(Node.UnknownOutcome?, Node.UnknownOutcome, Int)])
    func retriedEffect(choice: Node.UnknownOutcome?, standard: Node.UnknownOutcome, sent: Int) async throws {
        let post = Node(
            id: "p", name: "p", config: .restAPI(RestAPINode(url: "https://pay", method: "POST")),
            afterUnknownOutcome: choice)
        let task = Sample.task(nodes: [post, Sample.rest("z")], edges: "T>p p>z")
        let first = Recorder()
        _ = await run(task, Sample.environment(http: FakeServer()), recorder: first)
        let begun = Array(first.records.prefix(1))
        #expect(begun.map(\.nodeID) == ["p"] && begun[0].finished == nil)
        let again = FakeServer()
        var environment = Sample.environment(http: again)
        environment.afterUnknownOutcome = standard
        let second = Recorder()
        let resumed = await run(task, environment, recorded: begun, recorder: second)
        #expect(again.requests.filter { $0.url == "https://pay" }.count == sent)
        let step = try #require(resumed.step("p"))
        #expect(step.success == (sent == 1))
        #expect(step.failedAttempts.map(\.error) == (sent == 1 ? ["outcome unknown after restart"] : []))
        #expect(second.ids.first == "p" && second.durable.first == "p", "what became of it is known from now on")
    }

    @Test("XO-22 does not try a blind effect again once its task is stopped")
    func notRetriedWhenStopped() async {
        let post = Node(
            id: "p", name: "p", config: .restAPI(RestAPINode(url: "https://pay", method: "POST")),
            afterUnknownOutcome: .retry)
        let task = Sample.task(nodes: [post], edges: "T>p")
        let first = Recorder()
        _ = await run(task, Sample.environment(http: FakeServer()), recorder: first)
        let again = FakeServer()
        let signal = StopSignal()
        signal.set()
        let resumed = await run(
            task, Sample.environment(http: again), recorded: Array(first.records.prefix(1)), signal: signal)
        #expect(again.requests.isEmpty && resumed.step("p")?.error == "outcome unknown after restart")
    }

    @Test("XO-16 does not begin a blind effect that cannot be recorded")
    func unrecordedEffect() async {
        let post = Node(id: "p", name: "p", config: .restAPI(RestAPINode(url: "https://pay", method: "POST")))
        let http = FakeServer()
        let outcome = await run(
            Sample.task(nodes: [post], edges: "T>p"), Sample.environment(http: http), recorder: Recorder(refusing: "p"))
        #expect(outcome.stop == .recorder("claim lost"))
        #expect(http.requests.isEmpty)
    }

    @Test(
        "XO-3 knows the class of each node",
        arguments: [
            (.restAPI(RestAPINode(url: "u", method: "get")), .read),
            (.restAPI(RestAPINode(url: "u", method: "")), .read),
            (.restAPI(RestAPINode(url: "u", method: "PUT")), .blind),
            (.restAPI(RestAPINode(url: "u", method: "delete")), .blind),
            (.restAPI(RestAPINode(url: "u", method: "post", idempotencyHeader: "K")), .keyed),
            (.restAPI(RestAPINode(url: "u", method: "get", idempotencyHeader: "K")), .read),
            (.graphQLQuery(GraphQLQueryNode(url: "u", query: "{ a }")), .read),
            (.graphQLQuery(GraphQLQueryNode(url: "u", query: "mutation { a }")), .blind),
            (.graphQLQuery(GraphQLQueryNode(url: "u", query: "{{ q }}")), .blind),
            (.customCode(CustomCodeNode(language: .javaScript, source: "1")), .pure),
            (.filter(FilterNode(expression: "true", inputVariable: "{{a}}")), .pure),
            (.balance(BalanceNode(address: "0x1", chain: "1")), .read),
            (.ethTransfer(ETHTransferNode(destination: "0x1", amount: "1")), .identifiable),
            (.contractWrite(ContractWriteNode(contractAddress: "0x1")), .identifiable),
            (Self.loop(.restAPI(RestAPINode(url: "u", method: "POST"))), .blind),
            (Self.loop(.restAPI(RestAPINode(url: "u", method: "PUT", idempotencyHeader: "K"))), .keyed),
            (Self.loop(.ethTransfer(ETHTransferNode(destination: "0x1", amount: "1"))), .identifiable),
            (Self.loop(.customCode(CustomCodeNode(language: .javaScript, source: "1"))), .pure),
            (Self.loop(nil), .pure),
        ] as [(Node.Config, EffectClass)])
    func classes(config: Node.Config, effect: EffectClass) { #expect(config.effect == effect) }

    private static func loop(_ runner: LoopNode.Runner?) -> Node.Config {
        .loop(LoopNode(inputVariable: "{{a}}", iterationValue: "v", iterationKey: "", mode: .parallel, runner: runner))
    }
}

private final class Recorder: StepRecorder {
    private let written = Mutex<[(record: NodeRecord, isDurable: Bool)]>([])
    private let refused: String?
    private let withoutRoom: String?

    init(refusing refused: String? = nil, withoutRoomFor withoutRoom: String? = nil) {
        (self.refused, self.withoutRoom) = (refused, withoutRoom)
    }

    func refusal(of record: NodeRecord) async -> NodeFailure? {
        record.nodeID == withoutRoom ? .outputTooLarge(9, limit: 8, place: " of the journal") : nil
    }

    var records: [NodeRecord] { written.withLock { $0.map(\.record) } }
    var ids: [String] { records.map(\.nodeID) }
    var durable: [String] { written.withLock { $0.filter(\.isDurable).map(\.record.nodeID) } }

    func record(_ record: NodeRecord, isDurable: Bool) async throws {
        if record.nodeID == refused { throw HTTPTransportError("claim lost") }
        written.withLock { $0.append((record, isDurable)) }
    }
}

@Suite("The status of a run")
struct StatusTests {
    private func step(_ name: String, success: Bool, error: String = "") -> Step {
        let now = Timestamp(milliseconds: 0)
        return Step(
            id: "id-\(name)", name: name, kind: .node(.restAPI), success: success, error: error, startAt: now,
            endAt: now)
    }

    @Test("EE-X1 follows from its steps, without partial success")
    func table() {
        let good = step("a", success: true)
        #expect(RunVerdict(steps: [good, good]).status == .success)
        #expect(RunVerdict(steps: []).error == "no execution steps found")
        #expect(RunVerdict(steps: []).status == .failed)
        let mixed = RunVerdict(steps: [
            good, step("b", success: false, error: "x"), step("", success: false, error: "y"),
        ])
        #expect(mixed.status == .failed)
        #expect(mixed.error == "2 of 3 steps failed: b, id-")
        // Q36: a failure without a text counts.
        #expect(RunVerdict(steps: [good, step("c", success: false)]).error == "1 of 2 steps failed: c")
        #expect(RunVerdict(error: "e", steps: [good]).error == "VM execution error: e")
        #expect(
            RunVerdict(error: "e", steps: []).error == "VM execution error: e (step analysis: no execution steps found)"
        )
    }
}
