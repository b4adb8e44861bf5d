import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSSchema
import AVSStorage
import AVSTesting
import AVSWire
import Testing

@testable import AVSServer

@Suite("An answer made of stored bytes")
struct SplicingTests {
    /// A database with 30 tasks and 30 runs of the first that a seed decides.
    private static func filled(
        _ seed: UInt64, shows: Bool = true
    ) async throws -> (harness: ServerHarness, tasks: [AutomationTask], runs: [Execution]) {
        let harness = try ServerHarness(showsCanceledAsDisabled: shows)
        try await harness.registerWallet()
        var random = SeededGenerator(seed: seed)
        let tasks = (0..<30).map { _ in random.task(owner: ServerHarness.owner, wallet: ServerHarness.wallet) }
        let runs = (0..<30).map { _ in random.execution(of: tasks[0].id) }
        try await harness.store.update { transaction in
            for task in tasks { try transaction.create(task) }
            for run in runs { try transaction.put(HistoryKey(run.taskID, run.id), run) }
        }
        return (harness, tasks.sorted { $0.id > $1.id }, runs.sorted { $0.id > $1.id })
    }

    private static func shown(_ task: AutomationTask, masks: Bool) -> Wire.Task {
        var wire = Wire.Task(task)
        if masks, task.status == .canceled { wire.status = .disabled }
        return wire
    }

    @Test(
        "of one task has the bytes of the task, decoded and encoded", arguments: 0..<20 as Range<UInt64>, [true, false])
    func task(seed: UInt64, masks: Bool) async throws {
        let (harness, tasks, _) = try await Self.filled(seed, shows: masks)
        for task in tasks {
            let answer = try await harness.call(Wire.AggregatorMethods.getTask) { $0.id = task.id.description }
            #expect(answer.bytes == Self.shown(task, masks: masks).serialized())
        }
    }

    @Test("of a list has the bytes of the list, decoded and encoded", arguments: 0..<20 as Range<UInt64>)
    func tasks(seed: UInt64) async throws {
        let (harness, tasks, _) = try await Self.filled(seed)
        for (nodes, edges, limit) in [(false, false, 50), (true, false, 7), (false, true, 7), (true, true, 30)] {
            let answer = try await harness.call(Wire.AggregatorMethods.listTasks) {
                $0.smartWalletAddress = [ServerHarness.wallet.checksummed]
                $0.includeNodes = nodes
                $0.includeEdges = edges
                $0.limit = Int64(limit)
            }
            let items = tasks.prefix(limit).map { task in
                var task = task
                if !nodes { task.nodes = [] }
                if !edges { task.edges = [] }
                task.inputVariables = [:]
                return Self.shown(task, masks: true)
            }
            let page = Page(rows: items, hasPrevious: false, hasNext: limit < tasks.count)
            let expected = Wire.ListTasksResp.with {
                $0.items = items
                $0.pageInfo = Wire.PageInfo(page) { ULID(anyCase: $0.id) ?? .zero }
            }
            #expect(answer.bytes == expected.serialized())
        }
    }

    @Test("of runs has the bytes of the runs, decoded and encoded", arguments: 0..<20 as Range<UInt64>)
    func executions(seed: UInt64) async throws {
        let (harness, _, runs) = try await Self.filled(seed)
        for run in runs {
            let one = try await harness.call(Wire.AggregatorMethods.getExecution) {
                $0.taskId = run.taskID.description
                $0.executionId = run.id.description
            }
            #expect(one.bytes == Wire.Execution(run).serialized())
            let status = try await harness.call(Wire.AggregatorMethods.getExecutionStatus) {
                $0.taskId = run.taskID.description
                $0.executionId = run.id.description
            }
            #expect(status.message.status.rawValue == run.status.rawValue)
        }
        let list = try await harness.call(Wire.AggregatorMethods.listExecutions) {
            $0.taskIds = [runs[0].taskID.description]
            $0.limit = 9
        }
        let items = runs.prefix(9).map { Wire.Execution($0) }
        let page = Page(rows: items, hasPrevious: false, hasNext: true)
        let expected = Wire.ListExecutionsResp.with {
            $0.items = items
            $0.pageInfo = Wire.PageInfo(page) { ULID(anyCase: $0.id) ?? .zero }
        }
        #expect(list.bytes == expected.serialized())
    }

    @Test("is not given to a stranger", arguments: [Wire.AggregatorMethods.getExecution])
    func stranger(method: ProtoMethod<Wire.ExecutionReq, Wire.Execution>) async throws {
        let (harness, tasks, runs) = try await Self.filled(1)
        await #expect(throws: EngineError.taskNotFound) {
            _ = try await harness.call(method, as: ServerHarness.stranger) {
                $0.taskId = runs[0].taskID.description
                $0.executionId = runs[0].id.description
            }
        }
        await #expect(throws: EngineError.taskNotFound) {
            _ = try await harness.call(Wire.AggregatorMethods.getTask, as: ServerHarness.stranger) {
                $0.id = tasks[0].id.description
            }
        }
    }

    @Test("leaves records out that cannot be read, which do not count towards the limit (2.4)")
    func unreadable() async throws {
        let (harness, tasks, runs) = try await Self.filled(2)
        try await harness.store.update { transaction in
            for task in tasks[1...4] { try transaction.put(TaskKey(status: task.status, id: task.id).bytes, [0xff]) }
            for run in runs[1...4] { try transaction.put(HistoryKey(run.taskID, run.id).bytes, [0xff]) }
        }
        let listed = try await harness.call(Wire.AggregatorMethods.listTasks) {
            $0.smartWalletAddress = [ServerHarness.wallet.checksummed]
            $0.limit = 3
        }
        #expect(listed.message.items.map(\.id) == [tasks[0], tasks[5], tasks[6]].map(\.id.description))
        #expect(listed.message.pageInfo?.hasNextPage == true)
        guard !tasks[1...4].contains(where: { $0.id == runs[0].taskID }) else { return }
        let found = try await harness.call(Wire.AggregatorMethods.listExecutions) {
            $0.taskIds = [runs[0].taskID.description]
            $0.limit = 3
        }
        #expect(found.message.items.map(\.id) == [runs[0], runs[5], runs[6]].map(\.id.description))
    }

    @Test("that cannot be read is DATA_LOSS, not bytes that no client can read")
    func damaged() async throws {
        let (harness, tasks, runs) = try await Self.filled(3)
        try await harness.store.update { try $0.put(HistoryKey(runs[0].taskID, runs[0].id).bytes, [0xff]) }
        let error = await #expect(throws: StorageError.self) {
            _ = try await harness.call(Wire.AggregatorMethods.getExecution) {
                $0.taskId = runs[0].taskID.description
                $0.executionId = runs[0].id.description
            }
        }
        #expect(error.map { RPCStatus(answering: $0).code } == .dataLoss)
        #expect(tasks.count == 30)
    }
}
