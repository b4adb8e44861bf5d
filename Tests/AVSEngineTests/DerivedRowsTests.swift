import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Synchronization
import Testing

@testable import AVSEngine

@Suite("Counts and other derived rows")
struct DerivedRowsTests {
    /// An owner with tasks of several statuses, recorded runs, and a promised one.
    private func filled() async throws -> (harness: Harness, tasks: [TaskID]) {
        let harness = Harness()
        var tasks: [TaskID] = []
        for _ in 0..<3 { tasks.append(try await harness.createTask(.manual(ManualTrigger()))) }
        tasks.append(try await harness.createTask { $0.expiredAt = harness.time.now.adding(.seconds(3_600)) })
        try await harness.working { [tasks] harness in
            for id in [tasks[0], tasks[0], tasks[1]] {
                _ = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner, isBlocking: true))
            }
        }
        let next = Harness(store: harness.store, time: harness.time, epoch: 2, seed: 2)
        _ = try await next.engine.executions.recover()
        _ = try await next.engine.setEnabled(false, task: tasks[2], owner: Harness.owner)
        _ = try await next.engine.trigger(TriggerRequest(taskID: tasks[3], owner: Harness.owner))
        return (next, tasks)
    }

    private static let tables = ["task_count:", "execution_count", "execution_day", "expiry:", "promise:", "migration:"]

    private func rows(of harness: Harness) throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for table in Self.tables {
            try harness.store.read { snapshot in
                _ = try snapshot.scan(KeyRange(prefix: Array(table.utf8)), order: .ascending, limit: 1_000) {
                    key, value in
                    found[String(decoding: key, as: UTF8.self)] = table == "migration:" ? [] : value
                    return .next
                }
            }
        }
        return found
    }

    @Test("say what there is, and follow each change")
    func counts() async throws {
        let (harness, tasks) = try await filled()
        let engine = harness.engine
        let wallet = FactoryChain.wallet(of: Harness.owner)
        #expect(try await engine.taskCount(owner: Harness.owner, wallets: nil) == 4)
        #expect(try await engine.taskCount(owner: Harness.stranger, wallets: nil) == 0)
        let byStatus = try await engine.taskCounts(owner: Harness.owner, wallet: wallet)
        #expect(byStatus.enabled == 3 && byStatus[.disabled] == 1)
        #expect(try await engine.executionCount(owner: Harness.owner, tasks: nil) == 3)
        #expect(try await engine.executionCount(owner: Harness.owner, tasks: [tasks[0], tasks[2]]) == 2)
        #expect(try await engine.executionCount(owner: Harness.stranger, tasks: [tasks[0]]) == 0, "D-21")
        _ = try await engine.delete(task: tasks[0], owner: Harness.owner)
        #expect(try await engine.executionCount(owner: Harness.owner, tasks: nil) == 1)
        #expect(try await engine.taskCount(owner: Harness.owner, wallets: [wallet]) == 3)
        #expect(try harness.findings() == [])
    }

    @Test("are given to a database of an older release at its next start, whatever was there of them")
    func fill() async throws {
        let (harness, _) = try await filled()
        let before = try rows(of: harness)
        try await harness.store.update { transaction in
            for table in Self.tables { try transaction.deleteRange(KeyRange(prefix: Array(table.utf8))) }
            try transaction.put(TaskCountKey(owner: Harness.stranger, wallet: .zero, status: .failed), 7)
        }
        let next = Harness(store: harness.store, time: harness.time, epoch: 3, seed: 3)
        _ = try await next.engine.executions.recover()
        #expect(try rows(of: next) == before)
        #expect(try next.findings() == [])
        _ = try await next.engine.executions.recover()
        #expect(try rows(of: next) == before, "once")
    }

    @Test("are filled for many owners and tasks in turns")
    func manyTurns() async throws {
        let harness = Harness()
        let store = harness.store
        for start in stride(from: 0, to: 2_500, by: 500) {
            try await store.update { transaction in
                for number in start..<(start + 500) {
                    let owner = number < 1_200 ? Harness.owner : Harness.stranger
                    let task = AutomationTask(
                        id: TaskID(ULID(value: UInt128(number))), owner: owner, wallet: FactoryChain.wallet(of: owner),
                        name: "", trigger: Trigger(id: "t", name: "t", config: .block(BlockTrigger(interval: 5))),
                        nodes: [], edges: [], inputVariables: [:], chainID: 31_337, executionCount: 1)
                    let record = Execution(
                        id: ExecutionID(ULID(value: UInt128(number))), taskID: task.id, index: 0,
                        startAt: Timestamp(seconds: 1),
                        status: .success)
                    // As an older release wrote them.
                    try transaction.put(TaskKey(status: .enabled, id: task.id), task)
                    try transaction.put(TaskByOwnerKey(owner: owner, wallet: task.wallet, id: task.id), .enabled)
                    try transaction.put(HistoryKey(task.id, record.id), record)
                    try transaction.put(IndexCounterKey(task.id), 1)
                }
            }
        }
        _ = try await harness.engine.executions.recover()
        #expect(try await harness.engine.taskCount(owner: Harness.owner, wallets: nil) == 1_200)
        #expect(try await harness.engine.executionCount(owner: Harness.stranger, tasks: nil) == 1_300)
        let statistics = try await harness.engine.executionStatistics(owner: Harness.owner, tasks: nil, days: 365_000)
        #expect(statistics.total == 1_200 && statistics.succeeded == 1_200)
        #expect(try harness.findings() == [])
    }

    @Test("API-4.10: the sweep completes what has expired and reads nothing else (D-27)")
    func expiry() async throws {
        let harness = Harness()
        let now = harness.time.now
        let soon = try await harness.createTask { $0.expiredAt = now.adding(.seconds(60)) }
        let later = try await harness.createTask { $0.expiredAt = now.adding(.seconds(120)) }
        let off = try await harness.createTask { $0.expiredAt = now.adding(.seconds(60)) }
        let never = try await harness.createTask()
        _ = try await harness.engine.setEnabled(false, task: off, owner: Harness.owner)
        #expect(try harness.keys("expiry:").count == 2)
        harness.time.advance(by: .seconds(60))
        #expect(try await harness.engine.sweep().completedTasks == 1)
        #expect(try harness.task(soon).status == .completed && harness.task(later).status == .enabled)
        #expect(try harness.task(off).status == .disabled && harness.task(never).status == .enabled)
        _ = try await harness.engine.setEnabled(true, task: off, owner: Harness.owner)
        #expect(try await harness.engine.sweep().completedTasks == 1, "switched on again it completes")
        #expect(try harness.task(off).status == .completed)
        #expect(try harness.findings() == [])
    }

    @Test("of promised runs are taken by reports, the oldest first, however many jobs wait")
    func promises() async throws {
        let harness = Harness { ($0.limits.queuedPerTask, $0.limits.queuedPerOwner) = (10_000, 10_000) }
        let id = try await harness.createTask()
        for block in 1...1_100 { _ = try await harness.engine.accept(Harness.report(id, block: block)) }
        let first = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner)).executionID
        let second = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner)).executionID
        for (block, promised) in [(2_000, first), (2_001, second)] {
            guard case .accepted(let execution, _) = try await harness.engine.accept(Harness.report(id, block: block))
            else {
                Issue.record("not accepted")
                return
            }
            #expect(execution == promised, "behind 1,100 runs that have jobs")
        }
        #expect(try harness.keys("promise:") == [])
        _ = try await harness.engine.executions.recover()
        #expect(try harness.findings() == [])
    }
}

@Suite("An operator's stream")
struct OperatorPassTests {
    @Test("is not ended by a pass over more tasks than its limit of changes, but gets them all")
    func manyTasks() async throws {
        let harness = Harness { $0.limits.checksPerStream = 2_200 }
        let count = 5_500
        for start in stride(from: 0, to: count, by: 500) {
            try await harness.store.update { transaction in
                for number in start..<(start + 500) {
                    try transaction.create(
                        AutomationTask(
                            id: TaskID(ULID(value: UInt128(number))), owner: Harness.owner,
                            wallet: FactoryChain.wallet(of: Harness.owner), name: "",
                            trigger: Trigger(id: "t", name: "t", config: .block(BlockTrigger(interval: 5))), nodes: [],
                            edges: [], inputVariables: [:], chainID: 31_337))
                }
            }
        }
        let sent = Mutex<Set<TaskID>>([])
        let capabilities = OperatorCapabilities.all
        let outcome = try await harness.engine.serveOperator(Harness.node, capabilities: capabilities) { message in
            for _ in 0..<5 { await Task.yield() }  // a peer that takes its time
            let isLast = sent.withLock { sent in
                sent.insert(message.taskID)
                return sent.count == count
            }
            if isLast { await harness.engine.operators.close() }
        }
        #expect(outcome == .closed)
        #expect(sent.withLock { $0.count } == count)
    }
}
