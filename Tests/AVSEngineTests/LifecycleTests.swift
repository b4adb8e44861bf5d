import AVSEngine
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Testing

@Suite("A run")
struct RunLifecycleTests {
    @Test("ends in one record with its promised id and index, and leaves nothing else behind (XO-19, I4)")
    func record() async throws {
        let harness = Harness()
        let id = try await harness.working { harness in
            let id = try await harness.createTask { $0.maxExecution = 1 }
            let run = try await harness.engine.trigger(
                TriggerRequest(taskID: id, owner: Harness.owner, isBlocking: true))
            #expect(run.execution?.status == .success)
            #expect(run.execution?.index == 0)
            #expect(
                try await harness.engine.execution(run.executionID, of: id, owner: Harness.owner).status == .success)
            return id
        }
        #expect(try harness.task(id).status == .completed)
        #expect(try harness.task(id).executionCount == 1)
        for prefix in ["trigger:", "pending:", "claim:", "q:default:q:", "q:default:p:"] {
            #expect(try harness.keys(prefix) == [])
        }
        #expect(try harness.keys("q:default:c:").count == 1)
    }

    @Test("API-10.4.8: stays pending with the same id and index until it ends; the next has the next index")
    func pending() async throws {
        try await Harness().working { harness in
            harness.runner.hold()
            let id = try await harness.createTask(.manual(ManualTrigger()))
            let first = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner))
            let second = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner))
            for _ in 0..<4 {
                let view = try await harness.engine.execution(first.executionID, of: id, owner: Harness.owner)
                #expect(view == .pending(first.executionID, index: 0, status: .pending))
            }
            let other = try await harness.engine.execution(second.executionID, of: id, owner: Harness.owner)
            #expect(other == .pending(second.executionID, index: 1, status: .pending))
            await harness.runner.waitForStarted(1)
            harness.runner.letGo()
            await harness.runner.waitForStarted(2)
        }
    }

    @Test("API-10.4.9: of a block task waits for the next report, which takes its id and index")
    func immediate() async throws {
        try await Harness().working { harness in
            let id = try await harness.createTask { $0.maxExecution = 1 }
            let run = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner))
            let answer = try await harness.engine.accept(Harness.report(id, block: 5))
            #expect(answer == .accepted(run.executionID, remaining: 0))
            await harness.runner.waitForStarted(1)
        }
    }

    @Test("API-10.4.27: ten queued jobs of one task run in order, one after another")
    func order() async throws {
        let harness = Harness()
        let id = try await harness.createTask(.manual(ManualTrigger()))
        var ids: [ExecutionID] = []
        for _ in 0..<10 {
            ids.append(try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner)).executionID)
        }
        let expected = ids
        try await harness.working { harness in
            await harness.runner.waitForStarted(10)
            #expect(harness.runner.started.map(\.executionID) == expected)
        }
        #expect(try harness.executions(id).map(\.index) == Array((0..<10).reversed()))
    }

    @Test("API-10.4.26: interrupted by the end of the process runs again under its id, counted once (B2)")
    func interrupted() async throws {
        let harness = Harness()
        let id = try await harness.createTask { $0.maxExecution = 2 }
        harness.runner.hold()
        let answer = try await harness.engine.accept(Harness.report(id, block: 1))
        let first = Task { await harness.engine.executions.run() }  // ends with the cancellation below
        await harness.runner.waitForStarted(1)
        first.cancel()
        harness.runner.letGo()
        await first.value
        #expect(try harness.task(id).status == .running)

        let next = Harness(store: harness.store, time: harness.time, epoch: 2, seed: 2)
        try await next.working { next in await next.runner.waitForStarted(1) }
        let executions = try next.executions(id)
        #expect(executions.map(\.status) == [.success])
        #expect(answer == .accepted(executions[0].id, remaining: 1))
        #expect(try next.task(id).executionCount == 1)
        #expect(try next.task(id).status == .enabled)
        #expect(try next.keys("claim:") == [])
    }

    @Test("XO-20: that interrupts the process again and again is stopped with a record")
    func poison() async throws {
        let store = MemoryStore()
        let time = ManualTime()
        let harness = Harness(store: store, time: time)
        let id = try await harness.createTask()
        _ = try await harness.engine.accept(Harness.report(id, block: 1))
        for epoch in [2, 3] as [UInt64] { try await Harness.process(epoch, over: store, time, ending: .death) }
        // The third attempt never starts a node: the two before it left no record.
        let last = Harness(store: store, time: time, epoch: 4, seed: 4)
        let probe = try await last.createTask()
        try await last.working { last in
            _ = try await last.engine.accept(Harness.report(probe, block: 1))
            await last.runner.waitForStarted(1)
        }
        #expect(last.runner.started.map(\.task.id) == [probe])
        #expect(try last.executions(id).map(\.status) == [.error])
        #expect(try last.executions(id)[0].error == "stopped after 3 interrupted attempts")
        #expect(try last.task(id).status == .enabled)
    }

    @Test("XO-14: whose claim another holds writes nothing")
    func fenced() async throws {
        let harness = Harness()
        let id = try await harness.createTask()
        harness.runner.hold()
        _ = try await harness.engine.accept(Harness.report(id, block: 1))
        try await harness.working { harness in
            await harness.runner.waitForStarted(1)
            try await harness.store.update { transaction in
                let rows = try transaction.rows(Rows<ClaimKey>.all, limit: 10)
                for row in rows {
                    var claim = row.value
                    claim.epoch += 1
                    try transaction.put(row.key, claim)
                }
            }
            harness.runner.letGo()
        }
        #expect(try harness.executions(id) == [])
        #expect(try harness.task(id).status == .running)
    }

    @Test(
        "XO-21: gets what is left of its deadline, also after an interruption, and never more than its length (TIM-2)")
    func deadline() async throws {
        let harness = Harness()
        _ = try await harness.createTask()
        let id = try await harness.createTask()
        harness.runner.hold()
        _ = try await harness.engine.accept(Harness.report(id, block: 1))
        let worker = Task { await harness.engine.executions.run() }  // ends with the cancellation below
        await harness.runner.waitForStarted(1)
        #expect(harness.runner.started[0].deadline == harness.time.monotonic + .seconds(900))
        worker.cancel()
        harness.runner.letGo()
        await worker.value

        harness.time.jump(by: .seconds(300))
        let next = Harness(store: harness.store, time: harness.time, epoch: 2, seed: 2)
        try await next.working { next in await next.runner.waitForStarted(1) }
        #expect(next.runner.started[0].deadline == harness.time.monotonic + .seconds(600))
    }
}

extension Harness {
    /// The keys that start with `prefix`.
    func keys(_ prefix: String) throws -> [String] {
        try store.read { snapshot in
            var found: [String] = []
            try snapshot.scan(KeyRange(prefix: Array(prefix.utf8)), order: .ascending, limit: 10_000) { key, _ in
                found.append(String(decoding: key, as: UTF8.self))
                return .next
            }
            return found
        }
    }
}
