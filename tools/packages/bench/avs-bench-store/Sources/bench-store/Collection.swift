import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage

/// A row as it is stored.
struct StoredRow: Sendable {
    var key: [UInt8]
    var value: [UInt8]

    init<Key: StoreKey>(_ key: Key, _ value: Key.Value) throws {
        self.key = key.bytes
        self.value = try value.stored
    }
}

/// Many tasks of many owners, every one decided by its number, so that no part has to be kept to make another.
struct Collection: Sendable {
    let tasks: Int
    let owners: Int
    let runs: Int
    let now: Timestamp

    /// Long enough ago that nothing is left of the runs' jobs.
    private static let age = Duration.seconds(100 * 86_400)

    // MARK: Names

    static func address(_ first: UInt8, _ number: Int) -> Address {
        let low = (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
        return Address(bytes: [first] + [UInt8](repeating: 0x5a, count: 11) + low) ?? .zero
    }

    static func owner(_ number: Int) -> Address { address(0xb0, number) }
    static func wallet(_ number: Int) -> Address { address(0xa0, number) }

    /// An id of the moment, whose lower bits the number decides.
    func id(_ number: Int, _ run: Int = 0, after: Duration) -> ULID {
        let moment = now.adding(.zero - Self.age).adding(after)
        var random = Mixer(state: UInt64(number) &* 31 &+ UInt64(run))
        var ids = ULIDGenerator(after: nil)
        return ids.next(at: moment, using: &random)
    }

    // MARK: Tasks

    func status(of number: Int) -> TaskStatus {
        switch number / owners % 10 {
        case 8: .completed
        case 9: .disabled
        default: .enabled
        }
    }

    func task(_ number: Int) -> AutomationTask {
        let owner = number % owners
        let status = status(of: number)
        var task = sample(
            TaskID(id(number, after: .milliseconds(number))), owner: Self.owner(owner), wallet: Self.wallet(owner),
            name: "task \(number)", runs: runs)
        task.status = status
        if status == .completed { (task.maxExecution, task.completedAt) = (Int64(runs), task.lastRanAt) }
        if status == .enabled, number % 5 == 0 { task.expiredAt = now.adding(.seconds(365 * 86_400 + number)) }
        return task
    }

    func sample(_ id: TaskID, owner: Address, wallet: Address, name: String, runs: Int) -> AutomationTask {
        let settings: JSONValue = [
            "name": .string(name), "runner": .string(wallet.checksummed), "id": .string(id.description),
            "owner": .string(owner.checksummed), "startAt": 0, "expiredAt": 0, "maxExecution": 0,
        ]
        let branch = BranchNode(conditions: [
            .init(id: "c1", type: "if", expression: "start.data.amount > 100"), .init(id: "c2", type: "else", expression: ""),
        ])
        return AutomationTask(
            id: id, owner: owner, wallet: wallet, name: name,
            trigger: Trigger(id: "t0", name: "start", config: .manual(ManualTrigger(language: .json))),
            nodes: [Node(id: "n1", name: "check", config: .branch(branch))],
            edges: [Edge(id: "e1", source: "t0", target: "n1")], inputVariables: ["settings": settings], chainID: 31_337,
            executionCount: Int64(runs), lastRanAt: runs == 0 ? nil : now.adding(.zero - Duration.seconds(10 * 86_400)))
    }

    // MARK: Runs

    /// The first five runs of a task are of the last five days, so that statistics have something to tell; further ones
    /// lie before those, over 80 days in all.
    func runID(_ run: Int, number: Int) -> ExecutionID {
        let day = 20 + (75 + run) % 80
        let milliseconds = (number &* 7_919 &+ run &* 104_729) % 86_400_000
        return ExecutionID(id(number, run + 1, after: .seconds(86_400 * day) + .milliseconds(milliseconds)))
    }

    static func status(ofRun run: Int) -> ExecutionStatus { run % 10 == 9 ? .failed : .success }
    static let runLength = Duration.milliseconds(20)

    func counted(_ run: Int, number: Int) -> CountedRun {
        let start = runID(run, number: number).ulid.timestamp
        return CountedRun(startAt: start, endAt: start.adding(Self.runLength), status: Self.status(ofRun: run))
    }

    func execution(_ run: Int, of task: AutomationTask, number: Int) -> Execution {
        let id = runID(run, number: number)
        let start = id.ulid.timestamp
        var random = Mixer(state: UInt64(number) ^ UInt64(run) << 40)
        let digest = (0..<4).map { _ in String(random.next(), radix: 16) }.joined()
        let context: JSONValue = ["chain_id": 31_337, "is_simulated": false, "provider": "chain_rpc"]
        return Execution(
            id: id, taskID: task.id, index: Int64(run), startAt: start, endAt: start.adding(Self.runLength),
            status: Self.status(ofRun: run), error: run % 10 == 9 ? "1 of 2 steps failed: check" : "",
            steps: [
                Step(
                    id: "t0", name: "start", kind: .trigger(.manual), config: ["data": ["amount": .number(Double(run))]],
                    output: ["data": ["amount": .number(Double(number % 1_000)), "reference": .string(digest)]],
                    startAt: start, endAt: start),
                Step(
                    id: "n1", name: "check", kind: .node(.branch), inputs: ["apContext.configVars", "start.data"],
                    config: ["conditions": [["id": "c1", "type": "if", "expression": "start.data.amount > 100"]]],
                    output: ["data": ["conditionId": "n1.c2"]], executionContext: context, startAt: start,
                    endAt: start.adding(.milliseconds(20))),
            ])
    }

    // MARK: Rows

    func rows(_ range: Range<Int>) throws -> [StoredRow] {
        var rows: [StoredRow] = []
        for number in range {
            let task = task(number)
            rows += try self.rows(of: task, runs: runs)
            rows += try Days((0..<runs).map { counted($0, number: number) }).rows { ExecutionDayKey(task.id, day: $0) }
            for run in 0..<runs {
                let execution = execution(run, of: task, number: number)
                rows.append(try StoredRow(HistoryKey(task.id, execution.id), execution))
            }
        }
        return rows
    }

    /// All of a task but the records of its runs.
    func rows(of task: AutomationTask, runs: Int) throws -> [StoredRow] {
        var rows = [
            try StoredRow(TaskKey(status: task.status, id: task.id), task),
            try StoredRow(TaskByOwnerKey(owner: task.owner, wallet: task.wallet, id: task.id), task.status),
        ]
        if let expiry = ExpiryKey(task) { rows.append(try StoredRow(expiry, [])) }
        guard runs > 0 else { return rows }
        rows.append(try StoredRow(IndexCounterKey(task.id), DecimalText(UInt64(runs))))
        rows.append(try StoredRow(ExecutionCountKey(task.id), DecimalText(UInt64(runs))))
        return rows
    }

    func ownerRows(_ range: Range<Int>) throws -> [StoredRow] {
        var rows: [StoredRow] = []
        for owner in range {
            let numbers = stride(from: owner, to: tasks, by: owners)
            var counts: [TaskStatus: UInt64] = [:]
            for number in numbers { counts[status(of: number), default: 0] += 1 }
            let runs = numbers.flatMap { number in (0..<self.runs).map { counted($0, number: number) } }
            rows += try self.rows(ofOwner: owner, counts: counts, runs: runs)
        }
        return rows
    }

    func rows(ofOwner number: Int, counts: [TaskStatus: UInt64], runs: [CountedRun]) throws -> [StoredRow] {
        let (owner, address) = (Self.owner(number), Self.wallet(number))
        let factory = Self.address(0xc0, 0)
        let wallet = SmartWallet(owner: owner, address: address, factory: factory, salt: .zero)
        var rows = [
            try StoredRow(WalletKey(owner: owner, wallet: address), wallet),
            try StoredRow(WalletSaltKey(owner: owner, factory: factory, salt: .zero), address),
        ]
        for (status, count) in counts {
            rows.append(try StoredRow(TaskCountKey(owner: owner, wallet: address, status: status), DecimalText(count)))
        }
        guard !runs.isEmpty else { return rows }
        rows.append(try StoredRow(ExecutionCountOfOwnerKey(owner), DecimalText(UInt64(runs.count))))
        return rows + (try Days(runs).rows { ExecutionDayOfOwnerKey(owner, day: $0) })
    }

    /// Some tasks, spread over all.
    func sample(_ count: Int) -> [AutomationTask] {
        var random = Mixer(state: 1)
        return (0..<min(count, tasks)).map { _ in task(Int.random(in: 0..<tasks, using: &random)) }
    }
}

/// Runs by the day on which they began.
private struct Days {
    private var byNumber: [UInt64: ExecutionDay] = [:]

    init(_ runs: [CountedRun]) {
        for run in runs { byNumber[run.day, default: ExecutionDay()].add(run) }
    }

    func rows<Key: DayKey>(_ key: (UInt64) -> Key) throws -> [StoredRow] {
        try byNumber.map { try StoredRow(key($0.key), $0.value) }
    }
}

/// One owner with many tasks, the first of which has as many runs.
struct Single: Sendable {
    let count: Int
    let number: Int
    let collection: Collection

    init(count: Int, owner number: Int, in collection: Collection) {
        self.count = count
        self.number = number
        self.collection = collection
    }

    var owner: Address { Collection.owner(number) }

    func task(_ place: Int) -> AutomationTask {
        let id = TaskID(collection.id(number, place + 1, after: .milliseconds(place)))
        return collection.sample(
            id, owner: owner, wallet: Collection.wallet(number), name: "task \(place)", runs: place == 0 ? count : 0)
    }

    /// Tasks, and of the first one the runs, with these places.
    func rows(_ range: Range<Int>) throws -> [StoredRow] {
        let first = task(0)
        var rows: [StoredRow] = []
        for place in range {
            rows += try collection.rows(of: task(place), runs: place == 0 ? count : 0)
            let execution = collection.execution(place, of: first, number: number)
            rows.append(try StoredRow(HistoryKey(first.id, execution.id), execution))
        }
        return rows
    }

    func ownerRows() throws -> [StoredRow] {
        let runs = (0..<count).map { collection.counted($0, number: number) }
        let first = task(0).id
        return try collection.rows(ofOwner: number, counts: [.enabled: UInt64(count)], runs: runs)
            + Days(runs).rows { ExecutionDayKey(first, day: $0) }
    }
}

/// Numbers that a number decides.
struct Mixer: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
