import AVSEngine
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Testing

@Suite("The scan at start")
struct RepairTests {
    /// An engine whose task has one promised block run, one accepted run that waits, and one that was being carried out
    /// when its process died.
    private struct State {
        var harness: Harness
        var task: TaskID
        var promised: ExecutionID
        var waiting: ExecutionID
        var interrupted: ExecutionID
    }

    private func state() async throws -> State {
        let store = MemoryStore()
        let harness = Harness(store: store)
        let id = try await harness.createTask()
        guard case .accepted(let interrupted, _) = try await harness.engine.accept(Harness.report(id, block: 1)) else {
            throw EngineError.executionNotFound
        }
        guard case .accepted(let waiting, _) = try await harness.engine.accept(Harness.report(id, block: 2)) else {
            throw EngineError.executionNotFound
        }
        let promised = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner)).executionID
        try await Harness.process(1, over: store, harness.time, ending: .death)
        return State(
            harness: harness, task: id, promised: promised, waiting: waiting, interrupted: interrupted)
    }

    /// The next start over the same store: what it repaired, and a second start right after it.
    private func restart(_ state: State, isClean: Bool = true) async throws -> (next: Harness, repaired: Int) {
        let next = Harness(store: state.harness.store, time: state.harness.time, epoch: 2, seed: 2)
        let repaired = try await next.engine.executions.recover().repaired
        let again = Harness(store: state.harness.store, time: state.harness.time, epoch: 3, seed: 3)
        #expect(try await again.engine.executions.recover().repaired == 0, "doing it twice changes nothing (D2)")
        if isClean { #expect(try next.findings() == [], "what avsctl store check says of it") }
        return (next, repaired)
    }

    @Test("finds nothing after an ordinary crash")
    func ordinary() async throws {
        let (next, repaired) = try await restart(state())
        #expect(repaired == 0)
        #expect(try next.keys("trigger:").count == 3)
    }

    @Test("I4: forgets what is awaited although it is recorded")
    func recorded() async throws {
        let state = try await state()
        let record = Execution(
            id: state.waiting, taskID: state.task, index: 1, startAt: state.harness.time.now, status: .success)
        try await state.harness.store.update { try $0.record(record, owner: Harness.owner) }
        let (next, repaired) = try await restart(state)
        #expect(repaired == 1)
        #expect(try next.executions(state.task) == [record])
        #expect(try next.keys("q:default:q:").count == 1, "the interrupted run goes on")
    }

    @Test("I4: restores the mark of a promised run")
    func mark() async throws {
        let state = try await state()
        try await state.harness.store.update { try $0.delete(TriggerKey(state.task, state.promised)) }
        let (next, repaired) = try await restart(state)
        #expect(repaired == 1)
        #expect(try next.keys("trigger:").count == 3)
    }

    @Test("I7: a run whose job is lost ends with a record, and its promise is given back (XO-2)")
    func lostJob() async throws {
        let state = try await state()
        try await state.harness.store.update { transaction in
            for row in try transaction.rows(JobKey.rows(.waiting), limit: 10) { try transaction.delete(row.key) }
        }
        let before = try state.harness.task(state.task)
        let (next, repaired) = try await restart(state)
        #expect(repaired == 1)
        let records = try next.executions(state.task)
        #expect(records.map(\.id) == [state.waiting])
        #expect(records[0].status == .error && records[0].error == "lost: its job is missing" && records[0].index == 1)
        #expect(try next.task(state.task).reserved == before.reserved - 1)
    }

    @Test("I7: a run that nobody claims any more is not begun again, and its task is not running for ever")
    func lostClaim() async throws {
        let state = try await state()
        try await state.harness.store.update { try $0.delete(ClaimKey(state.interrupted)) }
        let (next, repaired) = try await restart(state)
        #expect(repaired == 1)
        #expect(try next.executions(state.task).map(\.error) == ["lost: its claim is missing"])
        let task = try next.task(state.task)
        #expect(task.status == .enabled && task.runsInFlight == 0 && task.executionCount == 1)
    }

    @Test("I7: what is left of a task that is gone is deleted")
    func goneTask() async throws {
        let state = try await state()
        try await state.harness.store.update { transaction in
            guard let task = try transaction.task(state.task) else { return }
            try transaction.delete(TaskKey(status: task.status, id: task.id))
        }
        let (next, repaired) = try await restart(state, isClean: false)  // its index entry and history are not live
        #expect(repaired == 3)
        for prefix in ["trigger:", "pending:", "claim:", "q:default:q:", "q:default:p:"] {
            #expect(try next.keys(prefix) == [])
        }
    }

    @Test("I7: a task that counts runs which nobody claims goes on")
    func miscounted() async throws {
        let harness = Harness()
        let id = try await harness.createTask()
        try await harness.store.update { transaction in
            guard let old = try transaction.task(id) else { return }
            var task = old
            task.beginRun(at: Timestamp(seconds: 1))
            try transaction.save(task, replacing: old)
        }
        let next = Harness(store: harness.store, time: harness.time, epoch: 2, seed: 2)
        #expect(try await next.engine.executions.recover().repaired == 1)
        #expect(try next.task(id).status == .enabled)
    }

    @Test("leaves a row that cannot be read as it is, and goes on with the others")
    func unreadable() async throws {
        let state = try await state()
        let key = PendingKey(state.task, state.promised)
        try await state.harness.store.update { transaction in
            try transaction.put(key.bytes, [0xff])
            try transaction.delete(TriggerKey(state.task, state.waiting))
        }
        let (next, repaired) = try await restart(state, isClean: false)
        #expect(repaired == 1)
        #expect(try next.store.read { try $0.get(key.bytes) } == [0xff])
    }

    @Test("goes through pages: thousands of left-overs, each put right once")
    func pages() async throws {
        let harness = Harness()
        var random = SeededGenerator(seed: 1)
        let ids = (0..<2_500).map { _ in ExecutionID(random.ulid()) }
        let task = TaskID(random.ulid())
        try await harness.store.update { transaction in
            for id in ids { try transaction.put(TriggerKey(task, id), .pending) }
        }
        #expect(try await harness.engine.executions.recover().repaired == 2_500)
        #expect(try harness.keys("trigger:") == [])
    }
}

@Suite("A run's wallet")
struct RunWalletTests {
    private static let stranger = Address("0x00000000000000000000000000000000000000ff") ?? .zero

    /// Makes the task act for a wallet that is not its owner's: the wallet was its owner's when the task was made.
    private func take(_ wallet: Address, for id: TaskID, _ harness: Harness) async throws {
        try await harness.store.update { transaction in
            guard let old = try transaction.task(id) else { return }
            var task = old
            task.wallet = wallet
            try transaction.remove(old)
            try transaction.create(task)
        }
    }

    private func run(_ id: TaskID, _ harness: Harness) async throws -> Execution? {
        let request = TriggerRequest(taskID: id, owner: Harness.owner, isBlocking: true)
        return try await harness.engine.trigger(request).execution
    }

    @Test(
        "EE-X14: has to be the owner's, or the run fails with a record and no node runs (5.3 row 7)",
        arguments: [
            (stranger, "task smart wallet address does not belong to owner"),
            (Address.zero, "invalid or missing task smart wallet address for deployed run"),
        ])
    func notOwned(wallet: Address, error: String) async throws {
        let harness = Harness()
        try await harness.working { harness in
            let id = try await harness.createTask(.manual(ManualTrigger()))
            try await take(wallet, for: id, harness)
            let execution = try #require(try await run(id, harness))
            #expect(execution.status == .failed && execution.error == error && execution.steps.isEmpty)
            #expect(try harness.task(id).executionCount == 1, "the run is counted all the same (5.3 row 4)")
            #expect(harness.runner.started.isEmpty)
        }
    }

    @Test("may be any that the default factory derives from a salt the owner may use")
    func salts() async throws {
        let harness = Harness { $0.limits.walletsPerOwner = 3 }
        try await harness.working { harness in
            let id = try await harness.createTask(.manual(ManualTrigger()))
            for (salt, isAllowed) in [(2, true), (3, false)] as [(UInt64, Bool)] {
                try await take(FactoryChain.wallet(of: Harness.owner, salt: UInt256(salt)), for: id, harness)
                #expect(try await run(id, harness)?.status == (isAllowed ? .success : .failed))
            }
        }
    }

    @Test(
        "5.6: ten runs in a row that fail for it switch the task off and tell the operators; one that passes starts anew"
    )
    func disabling() async throws {
        let harness = Harness()
        try await harness.working { harness in
            let id = try await harness.createTask(.manual(ManualTrigger()))
            let owned = FactoryChain.wallet(of: Harness.owner)
            try await take(Self.stranger, for: id, harness)
            for _ in 0..<9 { _ = try await run(id, harness) }
            #expect(try harness.task(id).status == .enabled)
            #expect(try harness.task(id).validationFailures == 9)
            try await take(owned, for: id, harness)
            _ = try await run(id, harness)
            #expect(try harness.task(id).validationFailures == 0)
            try await take(Self.stranger, for: id, harness)
            for _ in 0..<10 { _ = try await run(id, harness) }
            #expect(try harness.task(id).status == .disabled)
            await #expect(throws: EngineError.notRunnable(.status(.disabled))) { _ = try await run(id, harness) }
        }
    }
}
