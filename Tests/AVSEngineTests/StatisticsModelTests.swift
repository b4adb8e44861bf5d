import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Testing

@testable import AVSEngine

/// Random runs of random tasks, recorded, recorded again and deleted, beside a plain list of them.
private struct StatisticsWalk {
    private struct Run {
        var index: UInt64
        var startAt: Timestamp
        var endAt: Timestamp?
        var status: ExecutionStatus
    }

    /// Whose row a day is.
    private enum Whose: Hashable {
        case task(TaskID)
        case owner(Address)
    }

    private struct Day: Hashable {
        var whose: Whose
        var number: Int64
    }

    static let owners = [Harness.owner, Harness.stranger]
    static let dayLength: Int64 = 86_400_000

    private var random: SeededGenerator
    let harness: Harness
    private var owners: [TaskID: Address] = [:]
    private var runs: [TaskID: [ExecutionID: Run]] = [:]
    /// Days that had more moments than a row knows, and have not been empty since.
    private var rounded: Set<Day> = []
    private var ids = ULIDGenerator(after: nil)

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        harness = Harness(seed: seed)
    }

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
    private mutating func id() -> ULID { ids.next(at: harness.time.now, using: &random) }
    private mutating func someTask() -> TaskID? { owners.keys.sorted().randomElement(using: &random) }

    // MARK: Steps

    mutating func step() async throws {
        switch below(20) {
        case 0: try await create()
        case 1 where below(4) == 0: try await delete()
        case 2, 3: try await recordAgain()
        case 4, 5, 6, 7: try await ask()
        default: try await record()
        }
    }

    private mutating func create() async throws {
        guard owners.count < 12 else { return }
        let owner = Self.owners[below(2)]
        let task = AutomationTask(
            id: TaskID(id()), owner: owner, wallet: FactoryChain.wallet(of: owner), name: "",
            trigger: Trigger(id: "t", name: "t", config: .manual(ManualTrigger())), nodes: [], edges: [],
            inputVariables: [:], chainID: 31_337)
        try await harness.store.update { try $0.create(task) }
        (owners[task.id], runs[task.id]) = (owner, [:])
    }

    private mutating func delete() async throws {
        guard let task = someTask(), let owner = owners[task] else { return }
        let change = try await harness.engine.delete(task: task, owner: owner)
        #expect(change.success)
        (owners[task], runs[task]) = (nil, nil)
        note()
    }

    private mutating func record() async throws {
        guard let task = someTask() else { return }
        try await write(ExecutionID(id()), of: task)
    }

    private mutating func recordAgain() async throws {
        guard let task = someTask(), let known = runs[task]?.keys.sorted().randomElement(using: &random) else { return }
        try await write(known, of: task)
    }

    /// Most runs began on a few days, and many of those at few moments: so some rows fill and others do not.
    private mutating func write(_ id: ExecutionID, of task: TaskID) async throws {
        guard let owner = owners[task] else { return }
        let day = below(3) == 0 ? below(40) : below(3)
        let moment = below(2) == 0 ? below(Int(Self.dayLength)) : 3_600_000 * below(24)
        let now = harness.time.now.milliseconds
        let startAt = Timestamp(milliseconds: now - Int64(day) * Self.dayLength - Int64(moment))
        let endAt: Timestamp? = below(10) == 0 ? nil : startAt.adding(.milliseconds(below(5_000) - 100))
        let status = ExecutionStatus.allCases[below(ExecutionStatus.allCases.count)]
        let known = runs[task]?[id]?.index
        let index = try await harness.store.update { transaction in
            let index = try known ?? transaction.takeIndex(of: task)
            let record = Execution(
                id: id, taskID: task, index: Int64(index), startAt: startAt, endAt: endAt, status: status)
            try transaction.record(record, owner: owner)
            return index
        }
        runs[task]?[id] = Run(index: index, startAt: startAt, endAt: endAt, status: status)
        note()
    }

    // MARK: The model

    private func starts() -> [Day: Set<Int64>] {
        var found: [Day: Set<Int64>] = [:]
        for (task, runs) in runs {
            for run in runs.values {
                let number = run.startAt.milliseconds / Self.dayLength
                found[Day(whose: .task(task), number: number), default: []].insert(run.startAt.milliseconds)
                guard let owner = owners[task] else { continue }
                found[Day(whose: .owner(owner), number: number), default: []].insert(run.startAt.milliseconds)
            }
        }
        return found
    }

    private mutating func note() {
        let starts = starts()
        rounded = rounded.filter { starts[$0] != nil }
        rounded.formUnion(starts.filter { $0.value.count > ExecutionDay.exactSlotsMax }.keys)
    }

    private mutating func ask() async throws {
        let owner = Self.owners[below(2)]
        var tasks: Set<TaskID>?
        let known = owners.keys.sorted()
        if below(2) == 0 { tasks = Set(known.filter { _ in below(3) == 0 }) }
        let days = Int64(1 + below(45))
        let found = try await harness.engine.executionStatistics(owner: owner, tasks: tasks, days: days)
        var expected = RunTally()
        for (task, runs) in runs where owners[task] == owner && tasks?.contains(task) != false {
            let first = beginning(days, tasks == nil ? .owner(owner) : .task(task))
            for run in runs.values where run.startAt.milliseconds >= first {
                expected.total += 1
                if run.status == .success { expected.succeeded += 1 }
                if let endAt = run.endAt, endAt > run.startAt {
                    expected.milliseconds += UInt64(endAt.milliseconds - run.startAt.milliseconds)
                }
            }
        }
        #expect(found == ExecutionStatistics(expected), "\(days) days of \(owner), \(tasks?.count ?? -1) tasks")
        #expect(found.failed == found.total - found.succeeded)
    }

    /// Of a day whose runs are known by the quarter of an hour, the whole quarter counts.
    private func beginning(_ days: Int64, _ whose: Whose) -> Int64 {
        let first = harness.time.now.milliseconds - days * Self.dayLength
        return rounded.contains(Day(whose: whose, number: first / Self.dayLength)) ? first / 900_000 * 900_000 : first
    }

    /// What a database of an older release is given is what it would have had.
    mutating func fillAnew() async throws {
        try await harness.store.update { transaction in
            guard let name = DerivedRows.daysMigration else { return }
            try transaction.delete(MigrationKey(name))
            try transaction.put(
                ExecutionDayOfOwnerKey(Harness.owner, day: 1), ExecutionDay(stored: Array("1,7 7 7 7".utf8)))
        }
        _ = try await harness.engine.executions.recover()
        rounded = []
        note()
    }
}

@Suite("Statistics of recorded runs")
struct StatisticsModelTests {
    @Test(
        "are what counting all records says, through 3,000 random steps and a fill from nothing",
        arguments: ModelSeeds.all)
    func model(seed: UInt64) async throws {
        var walk = StatisticsWalk(seed: seed)
        walk.harness.time.advance(by: .seconds(100 * 86_400))
        for number in 1...3_000 {
            try await walk.step()
            if number % 1_000 == 500 { try await walk.fillAnew() }
            if number % 1_000 == 0 { #expect(try walk.harness.findings() == []) }
        }
    }

    @Test("of a foreign or unknown task count nothing (D-21)")
    func foreign() async throws {
        let harness = Harness()
        let id = try await harness.createTask(.manual(ManualTrigger()))
        try await harness.working { harness in
            _ = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner, isBlocking: true))
        }
        let unknown = TaskID(ULID(value: 7))
        for (owner, tasks, total) in [
            (Harness.owner, nil, 1), (Harness.owner, [id, unknown], 1), (Harness.owner, [unknown], 0),
            (Harness.stranger, [id], 0), (Harness.stranger, nil, 0), (Harness.owner, [], 0),
        ] as [(Address, Set<TaskID>?, Int64)] {
            let found = try await harness.engine.executionStatistics(owner: owner, tasks: tasks, days: 7)
            #expect(found.total == total)
        }
    }
}
