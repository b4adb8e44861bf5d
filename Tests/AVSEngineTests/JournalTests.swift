import AVSEngine
import AVSInspection
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import AVSWorkflow
import Testing

@Suite("The journal of a run")
struct JournalTests {
    private static func record(_ id: String, output: JSONValue? = nil, isFinished: Bool = true) -> NodeRecord {
        let now = Timestamp(milliseconds: 5)
        let step = Step(
            id: id, name: "node \(id)", kind: .node(.restAPI), log: "log", inputs: ["a.data"], config: ["url": "u"],
            output: output, startAt: now, endAt: now.adding(.seconds(1)))
        return NodeRecord(
            nodeID: id, inputDigest: Keccak256.hash(id.utf8),
            finished: isFinished ? FinishedNode(step: step, data: output, selectedCondition: id == "b" ? "" : nil) : nil
        )
    }

    private static let three: [(record: NodeRecord, isDurable: Bool)] = [
        (record("a", output: ["n": 1, "list": [.null, 2.5]]), false), (record("p", isFinished: false), true),
        (record("b", output: .null), false), (record("c"), false), (record("p", output: "sent"), true),
        (record("z"), false),
    ]

    /// A run in the middle of its graph, whose process then dies.
    private func dieInARun(
        _ store: MemoryStore, time: ManualTime, _ records: [(record: NodeRecord, isDurable: Bool)] = three
    ) async throws -> TaskID {
        let harness = Harness(store: store, time: time)
        let id = try await harness.createTask()
        _ = try await harness.engine.accept(Harness.report(id, block: 10))
        try await Harness.process(1, over: store, time, ending: .death, records: records)
        return id
    }

    @Test("XO-15 XO-17 XO-24: the next process hears what was durable, in order, and when the run began")
    func resumed() async throws {
        let store = MemoryStore()
        let time = ManualTime()
        let began = time.now
        let task = try await dieInARun(store, time: time)
        time.advance(by: .seconds(60))
        let next = Harness(store: store.restarted(), time: time, epoch: 2)
        #expect(try next.findings() == [])
        _ = try await next.working { harness in await harness.runner.waitForStarted(1) }
        let request = try #require(next.runner.started.first)
        let (a, p, b, c) = (Self.three[0].record, Self.three[4].record, Self.three[2].record, Self.three[3].record)
        #expect(request.recorded == [a, p, b, c], "z came after the last sync and is lost; p ended where it began")
        #expect(request.startedAt == began)
        let execution = try #require(try next.executions(task).first)
        #expect(execution.startAt == began && execution.status == .success)
        #expect(try next.executions(task).count == 1)
        #expect(try next.store.read { try $0.rows(Rows<JournalKey>.all, limit: 10).count } == 0, "it goes with the run")
        #expect(try next.findings() == [])
    }

    @Test("a first attempt has nothing to take up")
    func first() async throws {
        let harness = Harness()
        let id = try await harness.createTask()
        try await harness.working { harness in
            _ = try await harness.engine.accept(Harness.report(id, block: 10))
            await harness.runner.waitForStarted(1)
        }
        #expect(harness.runner.started.map(\.recorded) == [[]])
    }

    @Test("XO-14: a run that has lost its claim writes nothing more")
    func lostClaim() async throws {
        let store = MemoryStore()
        let harness = Harness(store: store)
        let id = try await harness.createTask()
        harness.runner.hold()
        try await harness.working { harness in
            _ = try await harness.engine.accept(Harness.report(id, block: 10))
            await harness.runner.waitForStarted(1)
            // Another process takes the run over.
            try await store.update { transaction in
                for row in try transaction.rows(Rows<ClaimKey>.all, limit: 10) {
                    var claim = row.value
                    claim.epoch += 1
                    try transaction.put(row.key, claim)
                }
            }
            harness.runner.letGo()
        }
        #expect(try harness.executions(id) == [], "the end is the other's as well")
    }

    @Test("XO-14: a step of a run that has lost its claim is not recorded")
    func lostStep() async throws {
        let store = MemoryStore()
        let harness = Harness(store: store)
        let id = try await harness.createTask()
        harness.runner.hold()
        harness.runner.write([(Self.record("a"), true)], isAfterHold: true)
        try await harness.working { harness in
            _ = try await harness.engine.accept(Harness.report(id, block: 10))
            await harness.runner.waitForStarted(1)
            try await store.update { transaction in
                for row in try transaction.rows(Rows<ClaimKey>.all, limit: 10) { try transaction.delete(row.key) }
            }
            harness.runner.letGo()
        }
        #expect(harness.runner.refusals.map { "\($0)".contains("LostClaim") } == [true])
        #expect(try store.read { try $0.rows(Rows<JournalKey>.all, limit: 10).count } == 0)
    }

    /// How a run ends that records these.
    private func end(
        _ records: [NodeRecord], _ change: (inout EngineLimits) -> Void = { _ in }
    ) async throws -> (Harness, Execution) {
        let harness = Harness { change(&$0.limits) }
        harness.runner.write(records.map { ($0, false) })
        let id = try await harness.createTask()
        try await harness.working { harness in
            _ = try await harness.engine.accept(Harness.report(id, block: 10))
            await harness.runner.waitForStarted(1)
        }
        #expect(try harness.store.read { try $0.rows(Rows<JournalKey>.all, limit: 100).count } == 0)
        return (harness, try #require(try harness.executions(id).first))
    }

    @Test("limits.journal_size: a step that does not fit fails, a smaller one after it does not, and the run goes on")
    func full() async throws {
        let large = JSONValue.string(String(repeating: "x", count: 1_000_000))
        let records = (0..<10).map { Self.record("n\($0)", output: large) } + [Self.record("small", output: 1)]
        let (harness, execution) = try await end(records)
        #expect(execution.status == .success)
        let failures = harness.runner.failures
        #expect(failures.count == 2, "each is there twice, as the step's output and as its data: eight fit")
        for failure in failures {
            #expect(failure.message.hasPrefix("output too large: 2000"), "\(failure.message)")
            #expect(failure.message.hasSuffix("left of the journal's 16777216)"), "\(failure.message)")
        }
        let smaller = try await end([records[0]]) { $0.journalBytes = 1 << 20 }
        #expect(smaller.0.runner.failures.count == 1)
    }

    @Test("limits.journal_size: an output that no update takes fails its step, whatever the journal may hold")
    func entry() async throws {
        let ones = JSONValue.array(Array(repeating: 1, count: 300_000))  // 600 kB as JSON, 3.3 MB in a record
        let (harness, execution) = try await end([Self.record("n", output: ones), Self.record("small", output: 1)])
        #expect(execution.status == .success && harness.runner.failures.count == 1)
        #expect(harness.runner.failures.first?.message.contains("in one entry of the journal") == true)
    }

    @Test(
        "limits.journal_size: a journal in which not even the begin of a node fits ends the run and says what is allowed"
    )
    func stuffed() async throws {
        let (harness, execution) = try await end([Self.record("n", isFinished: false)]) { $0.journalBytes = 30 }
        #expect(execution.status == .error && execution.error.contains("may have 30 bytes"))
        #expect(harness.runner.refusals.count == 1)
    }

    @Test("limits.execution_record_size: a record is cut until it fits one message and one update with its task")
    func recordSize() async throws {
        let large = JSONValue.string(String(repeating: "x", count: 1 << 20))
        let steps = (0..<6).compactMap { Self.record("n\($0)", output: large).finished?.step }
        let harness = Harness()
        harness.runner.end(with: steps)
        // The task alone takes more of the update than the record leaves of it.
        let id = try await harness.createTask {
            $0.inputVariables["text"] = .string(String(repeating: "y", count: 1 << 20))
        }
        let answer = try await harness.working { harness in
            try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner, isBlocking: true))
        }
        let execution = try #require(try harness.executions(id).first)
        #expect(answer.execution == execution, "the caller gets what is recorded")
        let size = execution.stored.count
        #expect(execution.steps.count == 6 && size < 3 << 20 && size > 1 << 20, "\(size)")
        #expect(execution.steps.filter { $0.output?["truncated"] == true }.count == 4)
    }

    @Test("XO-2: a run whose journal cannot be read ends with a record that says so")
    func unreadable() async throws {
        let store = MemoryStore()
        let time = ManualTime()
        let task = try await dieInARun(store, time: time)
        let damaged = store.restarted()
        try await damaged.update { transaction in
            for row in try transaction.rows(Rows<JournalKey>.all, limit: 1) {
                try transaction.put(row.key.bytes, [0xff, 0xff])
            }
        }
        let next = Harness(store: damaged, time: time, epoch: 2, seed: 2)
        let other = try await next.createTask()
        try await next.working { harness in
            // The interrupted run is taken up before what comes after it.
            _ = try await harness.engine.accept(Harness.report(other, block: 20))
            await harness.runner.waitForStarted(1)
        }
        #expect(next.runner.started.map(\.task.id) == [other])
        let execution = try #require(try next.executions(task).first)
        #expect(execution.error == "what the interrupted run did cannot be read")
        #expect(execution.status == .error)
    }

    @Test("a journal without a claim is found by the check")
    func orphan() async throws {
        let harness = Harness()
        let execution = ExecutionID(ULID(value: 7))
        try await harness.store.update { transaction in
            let index = try #require(KeyIndex(0))
            try transaction.put(JournalKey(execution, index), JournalEntry(nodeID: "a", inputDigest: .zero))
        }
        #expect(try harness.findings().map(\.rule) == ["I7"])
    }
}
