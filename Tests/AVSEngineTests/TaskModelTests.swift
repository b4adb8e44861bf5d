import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Foundation
import Testing

@testable import AVSEngine

/// The seeds of random walks: each is the argument of its test, so a failure names it. `AVS_MODEL_SEED` replaces them.
enum ModelSeeds {
    static let all: [UInt64] =
        ProcessInfo.processInfo.environment["AVS_MODEL_SEED"].flatMap { UInt64($0) }.map { [$0] } ?? [1, 2, 3, 4]
    static let stepsEach = 25_000
}

/// What a task is by aggregator-api 5: written from the tables there, not from the engine.
private struct TaskModel {
    let owner: Address
    let isBlock: Bool
    let limit: Int64
    let expiredAt: Timestamp?
    var status = TaskStatus.enabled
    var count: Int64 = 0
    var inFlight: Int64 = 0
    var records: Int64 = 0
    /// Promised runs that no job has, oldest first.
    var promised: [ExecutionID] = []
    /// Accepted runs that wait, oldest first.
    var queue: [ExecutionID] = []
    var seenBlocks: Set<Int> = []

    var reserved: Int64 { Int64(promised.count + queue.count) }
    var isSpent: Bool { limit > 0 && count >= limit }
    var isExhausted: Bool { limit > 0 && count + reserved >= limit }

    func isExpired(_ now: Timestamp) -> Bool { expiredAt.map { now >= $0 } ?? false }

    mutating func leave(to status: TaskStatus) {
        self.status = status
        records += Int64(promised.count)  // each with a record that says why it does not run (DEFECT-49)
        promised = []
    }
}

/// One random walk: the engine and the model side by side. Runs are begun and ended one by one, by the same updates as
/// the worker's, so that every order of events can come.
private struct TaskWalk {
    static let owners = [Harness.owner, Harness.stranger]
    static let tasksMax = 8

    var random: SeededGenerator
    let time = ManualTime()
    let harness: Harness
    let book: RunBook
    var tasks: [TaskID: TaskModel] = [:]
    var runs: [ClaimedRun] = []
    var deleted: [TaskID] = []

    init(seed: UInt64, store: any KeyValueStore) {
        random = SeededGenerator(seed: seed)
        harness = Harness(store: store, time: time, seed: seed) { $0.times.runningGrace = .zero }
        let configuration = harness.engine.configuration
        book = RunBook(
            limits: configuration.limits, times: configuration.times, epoch: 1, rates: configuration.fees,
            tellsOutside: false)
    }

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    mutating func step() async throws {
        let choice = below(100)
        guard let id = tasks.keys.sorted().randomElement(using: &random), choice >= 8 else { return try await create() }
        switch choice {
        case 8..<20: try await switchTask(id, on: true)
        case 20..<30: try await switchTask(id, on: false)
        case 30..<33: try await cancel(id)
        case 33..<38: try await delete(id)
        case 38..<52: try await trigger(id)
        case 52..<68: try await report(id)
        case 68..<80: try await begin(id)
        case 80..<92: try await end()
        case 92..<95: try await touchForeign(id)
        case 95..<98: time.advance(by: .seconds(below(600)))
        default: try await sweep()
        }
        try compare(id)
    }

    // MARK: Changes by owners

    private mutating func create() async throws {
        guard tasks.count < Self.tasksMax else { return }
        let owner = Self.owners[below(2)]
        let model = TaskModel(
            owner: owner, isBlock: below(2) == 0, limit: Int64(below(4)),
            expiredAt: below(3) == 0 ? time.now.adding(.seconds(1 + below(3_000))) : nil)
        let trigger = model.isBlock ? Trigger.Config.block(BlockTrigger(interval: 5)) : .manual(ManualTrigger())
        let id = try await harness.createTask(trigger) {
            ($0.owner, $0.wallet) = (owner, FactoryChain.wallet(of: owner))
            ($0.maxExecution, $0.expiredAt) = (model.limit, model.expiredAt)
        }
        tasks[id] = model
    }

    private mutating func switchTask(_ id: TaskID, on: Bool) async throws {
        guard let model = tasks[id] else { return }
        let change = try await harness.engine.setEnabled(on, task: id, owner: model.owner)
        #expect(change.previous == model.status)
        switch (model.status, on) {
        case (.enabled, true), (.running, true), (.disabled, false): #expect(change.success)
        case (.disabled, true):
            #expect(change.success)
            tasks[id]?.status = .enabled
        case (.enabled, false):
            #expect(change.success)
            tasks[id]?.leave(to: .disabled)
        case (.running, false), (.completed, _), (.failed, _), (.canceled, _): #expect(!change.success)
        }
    }

    private mutating func cancel(_ id: TaskID) async throws {
        guard let model = tasks[id] else { return }
        let change = try await harness.engine.cancel(task: id, owner: model.owner)
        switch model.status {
        case .enabled, .disabled:
            #expect(change.success && change.status == "cancelled")
            tasks[id]?.leave(to: .canceled)
        case .canceled: #expect(!change.success && change.status == "already_cancelled")
        case .running, .completed, .failed: #expect(!change.success && change.status == "cannot_cancel")
        }
    }

    private mutating func delete(_ id: TaskID) async throws {
        guard let model = tasks[id] else { return }
        let change = try await harness.engine.delete(task: id, owner: model.owner)
        guard model.status != .running else { return #expect(change.status == "cannot_delete") }
        #expect(change.success && change.status == "deleted")
        tasks[id] = nil
        deleted = deleted.suffix(5) + [id]
    }

    /// Another owner's task, and one that is gone, are not there: the answers do not tell which.
    private mutating func touchForeign(_ id: TaskID) async throws {
        guard let model = tasks[id] else { return }
        let stranger = model.owner == Harness.owner ? Harness.stranger : Harness.owner
        let gone = deleted.randomElement(using: &random) ?? TaskID(.zero)
        for (task, owner) in [(id, stranger), (gone, model.owner)] {
            #expect(try await harness.engine.setEnabled(false, task: task, owner: owner) == .notFound)
            #expect(try await harness.engine.delete(task: task, owner: owner) == .notFound)
            let request = TriggerRequest(taskID: task, owner: owner)
            await #expect(throws: EngineError.taskNotFound) { _ = try await harness.engine.trigger(request) }
            #expect(try await harness.engine.executionCount(owner: owner, tasks: [task]) == 0)
        }
    }

    // MARK: Triggers

    private mutating func trigger(_ id: TaskID) async throws {
        guard let model = tasks[id] else { return }
        let now = time.now
        let isOpen = model.status == .enabled || model.status == .running
        let isRefused = !isOpen || model.isExhausted || model.isExpired(now)
        do {
            let run = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: model.owner)).executionID
            #expect(!isRefused)
            if model.isBlock { tasks[id]?.promised.append(run) } else { tasks[id]?.queue.append(run) }
        } catch EngineError.notRunnable {
            #expect(isRefused)
        }
    }

    private mutating func report(_ id: TaskID) async throws {
        guard let model = tasks[id], model.isBlock else { return }
        let block = below(40)
        let reporter = below(2) == 0 ? Harness.node : Harness.otherNode
        let answer = try await harness.engine.accept(Harness.report(id, block: block, by: reporter))
        let isOpen = model.status == .enabled || model.status == .running
        if model.seenBlocks.contains(block) {
            #expect(answer.status == "deduplicated")
        } else if model.status == .completed || isOpen, model.isExhausted, model.promised.isEmpty {
            #expect(answer.status == "exhausted")
        } else if !isOpen {
            #expect(answer.status == NotifyAnswer.inactive(model.status).status)
        } else if model.isExpired(time.now) {
            #expect(answer.status == "expired")
            if model.status == .enabled, model.reserved == 0 { tasks[id]?.leave(to: .completed) }
        } else {
            guard case .accepted(let run, let remaining) = answer else {
                Issue.record("\(id) answered \(answer) to block \(block)")
                return
            }
            #expect(model.promised.isEmpty || model.promised.first == run)
            if !model.promised.isEmpty { tasks[id]?.promised.removeFirst() }
            tasks[id]?.queue.append(run)
            tasks[id]?.seenBlocks.insert(block)
            let now = tasks[id] ?? model
            #expect(remaining == (now.limit == 0 ? -1 : now.limit - now.count - now.reserved))
        }
    }

    // MARK: Runs

    /// Begins the oldest waiting run of a task, as the worker does.
    private mutating func begin(_ id: TaskID) async throws {
        guard var model = tasks[id], let run = model.queue.first else { return }
        let now = time.now
        let number = try harness.store.read { try $0.value(for: PendingKey(id, run))?.job ?? 0 }
        let job = WaitingJob(number: number, taskID: id, executionID: run, owner: model.owner)
        model.queue.removeFirst()
        switch try await harness.store.update({ [book] in try book.claim(job, now: now, in: &$0) }) {
        case .gone: Issue.record("job \(number) of \(run) is gone")
        case .ended(let record, _):
            #expect(record.status == .failed)
            #expect(!(model.status == .enabled || model.status == .running) || model.isExpired(now))
            model.records += 1
            // A task that accepts no triggers keeps no promises either.
            if !(model.status == .enabled || model.status == .running) { model.leave(to: model.status) }
        case .run(let claimed):
            #expect((model.status == .enabled || model.status == .running) && !model.isExpired(now))
            (model.status, model.count, model.inFlight) = (.running, model.count + 1, model.inFlight + 1)
            runs.append(claimed)
        }
        tasks[id] = model
    }

    private mutating func end() async throws {
        guard !runs.isEmpty else { return }
        let run = runs.remove(at: below(runs.count))
        let now = time.now
        let record = Execution(
            id: run.job.executionID, taskID: run.task.id, index: Int64(clamping: run.job.index), startAt: now,
            endAt: now, status: below(3) == 0 ? .failed : .success)
        _ = try await harness.store.update { [book] in try book.end(run, record, now: now, in: &$0) }
        guard var model = tasks[run.task.id] else {
            Issue.record("a task with a run in progress was deleted")
            return
        }
        (model.records, model.inFlight) = (model.records + 1, model.inFlight - 1)
        if model.inFlight == 0 {
            if model.isSpent || model.isExpired(now) { model.leave(to: .completed) } else { model.status = .enabled }
        }
        tasks[run.task.id] = model
    }

    private mutating func sweep() async throws {
        let now = time.now
        let due = tasks.filter { $0.value.status == .enabled && $0.value.isExpired(now) }.keys
        #expect(try await harness.engine.sweep().completedTasks == due.count)
        for id in due { tasks[id]?.leave(to: .completed) }
    }

    // MARK: Comparing

    private func compare(_ id: TaskID) throws {
        guard let model = tasks[id] else {
            #expect(try harness.store.read { try $0.task(id) } == nil)
            return
        }
        let task = try harness.task(id)
        let found = (task.status, task.executionCount, task.reserved, task.runsInFlight)
        let expected = (model.status, model.count, model.reserved, model.inFlight)
        #expect(found == expected, "\(id)")
    }

    /// Everything, with what `avsctl store check` says.
    func compareAll() async throws {
        for owner in Self.owners {
            let mine = tasks.values.filter { $0.owner == owner }
            #expect(try await harness.engine.taskCount(owner: owner, wallets: nil) == mine.count)
            let records = mine.reduce(0) { $0 + $1.records }
            #expect(try await harness.engine.executionCount(owner: owner, tasks: nil) == records)
            let byStatus = try await harness.engine.taskCounts(owner: owner, wallet: FactoryChain.wallet(of: owner))
            for status in TaskStatus.allCases { #expect(byStatus[status] == mine.count { $0.status == status }) }
        }
        for id in tasks.keys { try compare(id) }
        #expect(try harness.findings() == [])
    }
}

@Suite("The life of tasks")
struct TaskModelTests {
    @Test("is what a plain model says, through 100,000 random steps", arguments: ModelSeeds.all)
    func model(seed: UInt64) async throws {
        var walk = TaskWalk(seed: seed, store: MemoryStore())
        _ = try await walk.harness.engine.executions.recover()
        for number in 0..<ModelSeeds.stepsEach {
            try await walk.step()
            if number % 2_500 == 0 { try await walk.compareAll() }
        }
        try await walk.compareAll()
    }
}
