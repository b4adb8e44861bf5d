import AVSEngine
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Synchronization
import Testing

/// A store whose commits wait while it is held: the closure of an update has run, and nothing of it is there.
private final class GateStore: KeyValueStore {
    private struct NotCommitted: Error {}

    private struct State {
        /// Updates that still pass; nil for all.
        var left: Int?
        var held: [CheckedContinuation<Void, Never>] = []
        var watching: CheckedContinuation<Void, Never>?
    }

    private let base = MemoryStore()
    private let state = Mutex(State())

    /// After so many more, updates wait.
    func hold(after count: Int = 0) { state.withLock { $0.left = count } }

    func letGo() {
        let held = state.withLock { state in
            state.left = nil
            defer { state.held = [] }
            return state.held
        }
        for update in held { update.resume() }
    }

    /// Returns once an update waits.
    func waitForUpdate() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.held.isEmpty { state.watching = continuation }
                return !state.held.isEmpty
            }
            if isThere { continuation.resume() }
        }
    }

    func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R { try base.read(body) }

    func update<R: Sendable>(_ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R) async throws -> R {
        let passes = state.withLock { state in
            guard let left = state.left else { return true }
            state.left = max(0, left - 1)
            return left > 0
        }
        if !passes {
            do {
                try await base.update { transaction in
                    _ = try body(&transaction)
                    throw NotCommitted()
                }
            } catch is NotCommitted {}
            await wait()
        }
        return try await base.update(body)
    }

    private func wait() async {
        await withCheckedContinuation { continuation in
            let (isHeld, watching) = state.withLock { state in
                guard state.left != nil else { return (false, state.watching) }
                state.held.append(continuation)
                defer { state.watching = nil }
                return (true, state.watching)
            }
            watching?.resume()
            if !isHeld { continuation.resume() }
        }
    }

    func updateUnsynced<R: Sendable>(
        _ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R
    ) async throws -> R { try await update(body) }
}

/// The tasks that an operator was told of.
private final class Heard: Sendable {
    private let ids = Mutex<Set<TaskID>>([])

    var isEmpty: Bool { ids.withLock { $0.isEmpty } }
    func insert(_ id: TaskID) { ids.withLock { _ = $0.insert(id) } }
    func contains(_ id: TaskID) -> Bool { ids.withLock { $0.contains(id) } }
}

@Suite("What follows a commit")
struct ClaimTests {
    /// Lets everything run that can.
    private func settle() async { for _ in 0..<200 { await Task.yield() } }

    @Test("XO-12: no worker and no operator hears of an update before its commit")
    func notices() async throws {
        let gate = GateStore()
        try await Harness(store: gate).working { harness in
            let heard = Heard()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try await harness.engine.serveOperator(Harness.node, capabilities: .all) { message in
                        heard.insert(message.taskID)
                    }
                }
                while await harness.engine.operators.connected.isEmpty { await Task.yield() }

                gate.hold()
                async let creation = harness.createTask()
                await gate.waitForUpdate()
                await settle()
                #expect(heard.isEmpty)
                gate.letGo()
                let id = try await creation
                while !heard.contains(id) { await Task.yield() }

                gate.hold()
                async let answer = harness.engine.accept(Harness.report(id, block: 5))
                await gate.waitForUpdate()
                await settle()
                #expect(harness.runner.started.isEmpty)
                #expect(await harness.engine.executions.load.waiting == 0)
                gate.letGo()
                #expect(try await answer.status == "enabled")
                await harness.runner.waitForStarted(1)
                await harness.engine.operators.close()
                try await group.waitForAll()
            }
        }
    }

    @Test("XO-13: a run is claimed, whole and counted, before its first node runs")
    func claim() async throws {
        let gate = GateStore()
        try await Harness(store: gate).working { harness in
            let id = try await harness.createTask { $0.maxExecution = 2 }
            harness.runner.hold()
            gate.hold(after: 1)  // the intake passes, the claim waits
            let answer = try await harness.engine.accept(Harness.report(id, block: 5))
            await gate.waitForUpdate()
            await settle()
            #expect(harness.runner.started.isEmpty)
            let (claims, waiting) = (try harness.keys("claim:"), try harness.keys("q:default:q:"))
            #expect(claims == [] && waiting.count == 1)
            let before = try harness.task(id)
            #expect(before.status == .enabled && before.reserved == 1 && before.executionCount == 0)

            gate.letGo()
            await harness.runner.waitForStarted(1)
            let execution = try #require(harness.runner.started.first?.executionID)
            #expect(answer == .accepted(execution, remaining: 1))
            let claim = try #require(try harness.store.read { try $0.value(for: ClaimKey(execution)) })
            #expect(claim.attempt == 1 && claim.epoch == 1 && claim.taskID == id)
            let (left, running) = (try harness.keys("q:default:q:"), try harness.keys("q:default:p:"))
            #expect(left == [] && running.count == 1)
            let during = try harness.task(id)
            #expect(during.status == .running && during.reserved == 0 && during.executionCount == 1)
            harness.runner.letGo()
        }
    }

    @Test("TIM-13 XO-9: a tick during a run waits; those behind it are skipped and counted, once and for good")
    func overlap() async throws {
        try await Harness().working { harness in
            let id = try await harness.createTask(.cron(CronTrigger(schedules: ["* * * * *"])))
            let first = harness.time.now.milliseconds / 60_000
            func tick(_ number: Int64, by node: Address = Harness.node) async throws -> NotifyAnswer {
                let instant = (first + number) * 60_000
                return try await harness.engine.accept(
                    TriggerFired(
                        taskID: id, reporter: node,
                        output: TriggerOutput(kind: .cron, data: ["timestamp": .number(Double(instant))]),
                        requestID: "\(id):\(node):\(instant)"))
            }
            harness.runner.hold()
            #expect(try await tick(0).status == "enabled")
            await harness.runner.waitForStarted(1)
            harness.time.advance(by: .seconds(60))
            #expect(try await tick(1).status == "enabled")
            harness.time.advance(by: .seconds(60))
            let skipped = try await tick(2)
            #expect(skipped == .skipped(remaining: -1) && skipped.keepsWatching)
            #expect(try await tick(2, by: Harness.otherNode).status == "skipped")
            #expect(try await tick(1, by: Harness.otherNode).status == "deduplicated")
            #expect(await harness.engine.executions.skippedTicks == 1, "a tick is skipped once, whoever reports it")

            harness.runner.letGo()
            await harness.runner.waitForStarted(2)
            #expect(harness.runner.started.count == 2)
            while try harness.task(id).status == .running { await Task.yield() }
            // Nothing runs now, and the tick was let go all the same: a report that comes late hears so.
            for node in [Harness.node, Harness.otherNode] {
                #expect(try await tick(2, by: node) == .skipped(remaining: -1))
            }
            #expect(harness.runner.started.count == 2)
            #expect(await harness.engine.executions.load.waiting == 0)
            #expect(await harness.engine.executions.skippedTicks == 1)
            #expect(try harness.findings() == [])
            harness.time.advance(by: .seconds(60))
            #expect(try await tick(3).status == "enabled")
            await harness.runner.waitForStarted(3)
            while try harness.task(id).status == .running { await Task.yield() }
            #expect(try await harness.engine.setEnabled(false, task: id, owner: Harness.owner).success)
            let answer = try await tick(2)
            #expect(answer.status == "deduplicated" && !answer.keepsWatching, "nobody watches a task that is off")
        }
    }
}
