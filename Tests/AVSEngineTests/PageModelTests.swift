import AVSModel
import AVSPrimitives
import AVSRocksDB
import AVSSchema
import AVSStorage
import AVSTesting
import Foundation
import Testing

@testable import AVSEngine

/// Random lists of random owners, and every kind of position in them: a row's, a deleted row's, another owner's, one
/// that never was.
private struct PageWalk {
    static let owners = [Harness.owner, Harness.stranger]

    var random: SeededGenerator
    var harness: Harness
    /// Ids of tasks by owner and wallet.
    var tasks: [Address: [Address: [ULID]]] = [:]
    /// Ids of runs by task.
    var runs: [TaskID: [ULID]] = [:]
    var everything: [ULID] = []

    init(seed: UInt64, store: any KeyValueStore = MemoryStore()) {
        random = SeededGenerator(seed: seed)
        harness = Harness(store: store, seed: seed)
    }

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    /// Ids close together and far apart, so that neighbours share many characters, or none.
    private mutating func id() -> ULID {
        ULID(value: UInt128(below(4)) << 100 | UInt128(below(2_000)) << UInt128(below(40)))
    }

    mutating func fill() async throws {
        for owner in Self.owners {
            for salt in 0..<3 {
                let wallet = FactoryChain.wallet(of: owner, salt: UInt256(UInt64(salt)))
                var ids: Set<ULID> = []
                for _ in 0..<below(40) { ids.insert(id()) }
                // A task has one owner, whatever its id.
                ids.subtract(everything)
                for id in ids.sorted() { try await create(id, owner: owner, wallet: wallet) }
                tasks[owner, default: [:]][wallet] = ids.sorted(by: >)
            }
        }
    }

    private mutating func create(_ id: ULID, owner: Address, wallet: Address) async throws {
        let task = AutomationTask(
            id: TaskID(id), owner: owner, wallet: wallet, name: "",
            trigger: Trigger(id: "t", name: "t", config: .manual(ManualTrigger())),
            nodes: [], edges: [], inputVariables: [:], chainID: 31_337)
        var ids: Set<ULID> = []
        for _ in 0..<below(8) { ids.insert(self.id()) }
        let mine = ids.sorted(by: >)
        try await harness.store.update { transaction in
            try transaction.create(task)
            for id in mine {
                let record = Execution(
                    id: ExecutionID(id), taskID: task.id, index: 0, startAt: Timestamp(seconds: 1), status: .success)
                try transaction.record(record, owner: owner)
            }
        }
        runs[task.id] = mine
        everything += [id] + mine
    }

    private mutating func position() -> PageRequest.Position {
        let known = everything.randomElement(using: &random) ?? .zero
        let place = below(4) == 0 ? id() : known
        switch below(5) {
        case 0: return .newest
        case 1, 2: return .after(place)
        default: return .before(place)
        }
    }

    mutating func step() async throws {
        let owner = Self.owners[below(2)]
        let request = PageRequest(position: position(), limit: 1 + below(6))
        let mine = tasks[owner] ?? [:]
        if below(2) == 0 {
            let wallets = Set(mine.keys.sorted().filter { _ in below(3) > 0 })
            let page = try await harness.engine.tasks(owner: owner, wallets: wallets, page: request)
            let all = wallets.flatMap { mine[$0] ?? [] }
            #expect(page.rows.allSatisfy { $0.owner == owner })
            expect(page.map(\.id.ulid), is: all, request)
        } else {
            let ids = mine.values.flatMap { $0 }.sorted()
            let some = (0..<(1 + below(3))).compactMap { _ in ids.randomElement(using: &random) }
            let chosen = Set(some.map { TaskID($0) })
            let page = try await harness.engine.executions(of: chosen, owner: owner, page: request)
            expect(page.map(\.id.ulid), is: chosen.flatMap { runs[$0] ?? [] }, request)
        }
    }

    mutating func walk(steps: Int) async throws {
        for number in 0..<steps {
            if number % 500 == 0 { try await walkThrough() }
            try await step()
        }
    }

    /// The same lists, in another store.
    func on(_ store: any KeyValueStore) -> PageWalk {
        var walk = self
        walk.harness = Harness(store: store)
        return walk
    }

    /// Aggregator-api 2.4, by sorting and cutting.
    private func expect(_ page: Page<ULID>, is all: [ULID], _ request: PageRequest) {
        let sorted = all.sorted(by: >)
        let expected: Page<ULID>
        switch request.position {
        case .newest:
            expected = Page(
                rows: Array(sorted.prefix(request.limit)), hasPrevious: false, hasNext: sorted.count > request.limit)
        case .after(let id):
            let older = sorted.filter { $0 < id }
            expected = Page(
                rows: Array(older.prefix(request.limit)), hasPrevious: true, hasNext: older.count > request.limit)
        case .before(let id):
            let newer = sorted.filter { $0 > id }
            expected = Page(
                rows: Array(newer.suffix(request.limit)), hasPrevious: newer.count > request.limit, hasNext: true)
        }
        let isSame = page.rows == expected.rows
        #expect(isSame, "\(request)")
        guard !expected.rows.isEmpty else { return #expect(!page.hasNext && !page.hasPrevious) }
        #expect(page.hasNext == expected.hasNext && page.hasPrevious == expected.hasPrevious, "\(request)")
    }

    /// Page by page through all tasks of an owner, on and back again.
    mutating func walkThrough() async throws {
        let owner = Self.owners[below(2)]
        let mine = tasks[owner] ?? [:]
        let all = mine.values.flatMap { $0 }.sorted(by: >)
        let limit = 1 + below(9)
        var found: [ULID] = []
        var request = PageRequest(limit: limit)
        while true {
            let page = try await harness.engine.tasks(owner: owner, wallets: Set(mine.keys), page: request)
            found += page.rows.map(\.id.ulid)
            guard page.hasNext, let last = page.rows.last else { break }
            request.position = .after(last.id.ulid)
        }
        let isWhole = found == all
        #expect(isWhole)
        guard let oldest = all.last else { return }
        var back: [ULID] = []
        request.position = .before(oldest)
        while true {
            let page = try await harness.engine.tasks(owner: owner, wallets: Set(mine.keys), page: request)
            back = page.rows.map(\.id.ulid) + back
            guard page.hasPrevious, let first = page.rows.first else { break }
            request.position = .before(first.id.ulid)
        }
        let isWholeAgain = back + [oldest] == all
        #expect(isWholeAgain)
    }
}

@Suite("Pages of tasks and executions")
struct PageModelTests {
    @Test("are what sorting and cutting says, through 100,000 random steps", arguments: ModelSeeds.all)
    func model(seed: UInt64) async throws {
        var walk = PageWalk(seed: seed)
        try await walk.fill()
        try await walk.walk(steps: ModelSeeds.stepsEach)
    }

    @Test(
        "are the same on disk, through 4,000 random steps, before and after the database is opened again",
        arguments: ModelSeeds.all)
    func onDisk(seed: UInt64) async throws {
        let folder = NSTemporaryDirectory() + "/avs-page-model-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record(error) } }
        let store = try Self.open(folder + "/db", creates: true)
        var walk = PageWalk(seed: seed, store: store)
        try await walk.fill()
        try await walk.walk(steps: 500)
        await store.close()
        let again = try Self.open(folder + "/db", creates: false)
        var onward = walk.on(again)
        try await onward.walk(steps: 500)
        await again.close()
    }

    private static func open(_ path: String, creates: Bool) throws -> RocksDBStore {
        var options = RocksDBOptions { fatality in Issue.record("\(fatality)") }
        options.ballastBytes = 0
        options.blockCacheBytes = 1 << 20
        (options.softMark, options.hardMark) = (SpaceMark(percent: 0, bytes: 0), SpaceMark(percent: 0, bytes: 0))
        return try RocksDBStore.open(path: path, creates: creates, options: options)
    }

    @Test("of a foreign task's executions are refused as if it were not there")
    func foreign() async throws {
        let harness = Harness()
        let id = try await harness.createTask()
        for owner in [Harness.stranger, Address(bytes: [UInt8](repeating: 7, count: 20)) ?? .zero] {
            await #expect(throws: EngineError.taskNotFound) {
                _ = try await harness.engine.executions(of: [id], owner: owner, page: PageRequest(limit: 1))
            }
        }
    }
}
