import AVSStorage
import AVSTesting
import Dispatch
import Synchronization
import Testing

@testable import AVSRocksDB

/// Runs updates so that they meet in one commit: a first one holds the committer until the others are inside.
enum Grouped {
    static func run<R: Sendable>(
        on store: RocksDBStore, _ add: (inout ThrowingTaskGroup<R, any Error>) -> Void
    ) async throws -> [R] {
        let gate = DispatchSemaphore(value: 0)
        let (held, isHeld) = AsyncStream.makeStream(of: Void.self)
        // Ends when the gate is opened below.
        let holder = Task {
            try await store.update { _ in
                isHeld.yield()
                gate.wait()
            }
        }
        for await _ in held { break }
        return try await withThrowingTaskGroup(of: R.self) { group in
            var before = -1
            add(&group)
            // Opened when no further update comes in.
            while store.status.waitingUpdates != before || before == 0 {
                before = store.status.waitingUpdates
                for _ in 0..<100 { await Task.yield() }
            }
            gate.signal()
            try await holder.value
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}

/// An update that notes its place in the order and all rows that it sees, and then changes something, or throws.
private struct Program: Sendable {
    enum Change: CaseIterable { case none, delete, deleteBelow, put }
    struct Seen: Sendable { var position: Int, rows: [String] }
    struct Refused: Error { var seen: Seen }

    let number: Int
    let key: String
    let change: Change

    init(number: Int, _ random: inout SeededGenerator) {
        self.number = number
        key = "k\(Int.random(in: 0..<6, using: &random))"
        change = Change.allCases.randomElement(using: &random) ?? .none
    }

    var rank: Int { change == .none ? 0 : 1 }

    func run(_ transaction: inout Transaction) throws -> Seen {
        let position = try transaction.get(bytes("n")).map { try DecimalText(stored: $0).value } ?? 0
        var rows: [String] = []
        try transaction.scan(KeyRange(prefix: bytes("k")), order: .ascending, limit: 100) { key, value in
            rows.append(String(decoding: key + bytes("=") + value, as: UTF8.self))
            return .next
        }
        let seen = Seen(position: Int(position), rows: rows)
        switch change {
        case .none: throw Refused(seen: seen)
        case .delete: try transaction.delete(bytes(key))
        case .deleteBelow: try transaction.deleteRange(KeyRange(from: bytes("k0"), upTo: bytes(key)))
        case .put: try transaction.put(bytes(key), bytes("\(number)"))
        }
        try transaction.put(bytes("n"), DecimalText(position + 1).stored)
        return seen
    }

    func apply(to model: inout [String: String]) {
        switch change {
        case .none: break
        case .delete: model[key] = nil
        case .deleteBelow: model = model.filter { $0.key >= key }
        case .put: model[key] = "\(number)"
        }
    }
}

@Suite("The committer") struct CommitterTests {
    private let directory: TemporaryDirectory
    private let log = StoreLog()

    init() throws { directory = try TemporaryDirectory() }

    private func open(_ change: (inout RocksDBOptions) -> Void = { _ in }) throws -> RocksDBStore {
        try RocksDBStore.open(path: directory.database, creates: true, options: log.options(change))
    }

    @Test("DUR-7 commits what has queued up as one batch")
    func oneBatch() async throws {
        let store = try open()
        _ = try await Grouped.run(on: store) { group in
            for index in 0..<50 { group.addTask { try await store.put("k\(index)", "v") } }
        }
        #expect(store.status.commit == 2)
        #expect(try store.contents().count == 50)
        await store.close()
    }

    @Test("DUR-8 makes several batches of what is too much for one, and splits no update")
    func splitsGroups() async throws {
        let store = try open()
        _ = try await Grouped.run(on: store) { group in
            for index in 0..<5 {
                group.addTask {
                    let value = [UInt8](repeating: UInt8(index), count: 1_000_000)
                    try await store.update { for part in 0..<2 { try $0.put(bytes("k\(index):\(part)"), value) } }
                }
            }
        }
        #expect(store.status.commit == 1 + 3)  // two updates of 2 MB fit into 4 MiB
        #expect(
            try store.read { snapshot in
                var count = 0
                try snapshot.scan(KeyRange(prefix: bytes("k")), order: .ascending, limit: 20) { _, _ in
                    count += 1
                    return .next
                }
                return count
            } == 10)
        await store.close()
    }

    @Test("DUR-7 gives each update of a batch what those before it left", arguments: Array(1...10) as [UInt64])
    func serializable(seed: UInt64) async throws {
        let store = try open()
        var random = SeededGenerator(seed: seed)
        let programs = (0..<60).map { Program(number: $0, &random) }
        let seen = try await Grouped.run(on: store) { group in
            for program in programs {
                group.addTask {
                    do {
                        return (program, try await store.update { try program.run(&$0) })
                    } catch let refused as Program.Refused {
                        return (program, refused.seen)
                    }
                }
            }
        }
        // Replayed in the order that they saw, a plain dictionary shows the same to each. Those that throw change
        // nothing, so they come before the one with the same place in the order.
        var model: [String: String] = [:]
        var position = 0
        for (program, seen) in seen.sorted(by: { ($0.1.position, $0.0.rank) < ($1.1.position, $1.0.rank) }) {
            #expect(seen.position == position)
            #expect(seen.rows == model.map { "\($0)=\($1)" }.sorted())
            if program.change != .none { position += 1 }
            program.apply(to: &model)
        }
        await store.close()
    }

    @Test("DUR-10 makes unsynced updates durable by itself after a while")
    func unsyncedAge() async throws {
        let store = try open { $0.unsyncedAgeMax = .zero }
        try await store.updateUnsynced { try $0.put(bytes("a"), bytes("1")) }
        while try store.get("a") == nil { await Task.yield() }
        await store.close()
    }

    @Test("DUR-15 OVL-12 finishes everything at close: waiting updates, the last sync, the mark")
    func close() async throws {
        let store = try open()
        _ = try await Grouped.run(on: store) { group in
            group.addTask { try await store.put("a", "1") }
            group.addTask { try await store.updateUnsynced { try $0.put(bytes("b"), bytes("2")) } }
        }
        await store.close()
        await #expect(throws: StorageError.closed) { try await store.put("c", "3") }
        #expect(throws: StorageError.closed) { try store.get("a") }
        await store.close()  // once more is no harm
        let again = try RocksDBStore.open(path: directory.database, options: log.options())
        #expect(try again.contents() == ["a": "1", "b": "2"])
        await again.close()
        let mark = try CommitMarkFile.open(directory.database + "/AVS-COMMIT-MARK")?.last
        #expect(mark?.commit == again.status.commit)
    }

    @Test("RDB-2 leaves the database open rather than closing it under a reader")
    func readerAtClose() async throws {
        let store = try open { $0.closeTimeout = .zero }
        try await store.put("a", "1")
        let mayEnd = DispatchSemaphore(value: 0)
        let (reading, isReading) = AsyncStream.makeStream(of: [UInt8]?.self)
        try startStoreThread("reader") {
            do {
                try store.read { snapshot in
                    isReading.yield(nil)
                    mayEnd.wait()
                    isReading.yield(try snapshot.get(bytes("a")))
                }
            } catch {
                Issue.record(error)
            }
            isReading.finish()
        }
        var steps = reading.makeAsyncIterator()
        _ = await steps.next()
        await store.close()
        #expect(log.events.last == .leftOpen)
        #expect(throws: StorageError.self) { try RocksDBStore.open(path: directory.database, options: log.options()) }
        mayEnd.signal()
        #expect(await steps.next() == bytes("1"))
    }
}

/// Section 4.3, *committer intake*.
@Suite("The intake") struct IntakeTests {
    private func job(_ workClass: WorkClass, bytes: Int = 0) -> UpdateJob {
        UpdateJob(isSynced: true, origin: UpdateOrigin(workClass, requestBytes: bytes)) { _ in
            UpdateJob.Performed(isKept: true) { _ in }
        } refuse: { _ in
        }
    }

    private func admitted(_ intake: Intake, _ workClass: WorkClass, bytes: Int = 0) -> Int {
        var count = 0
        while count < 10_000, intake.admit(job(workClass, bytes: bytes)) == nil { count += 1 }
        return count
    }

    @Test(
        "OVL-4 is full at 50 % for new work, at 80 % for changes, at 100 % for reports",
        arguments: [
            (.trial, 500), (.create, 500), (.read, 500), (.change, 800), (.report, 1_000), (.control, 1_000),
        ] as [(WorkClass, Int)])
    func shares(workClass: WorkClass, count: Int) {
        #expect(admitted(Intake(updatesMax: 1_000, bytesMax: 1 << 20), workClass) == count)
        #expect(admitted(Intake(updatesMax: 10_000, bytesMax: 1_000), workClass, bytes: 10) == count / 10)
    }

    @Test("OVL-4 takes reports while everything less urgent is refused")
    func sheds() {
        let intake = Intake(updatesMax: 100, bytesMax: 1 << 20)
        #expect(admitted(intake, .create) == 50)
        #expect(admitted(intake, .change) == 30)
        #expect(admitted(intake, .report) == 20)
        #expect(intake.admit(job(.control)) != nil)
        #expect(intake.load.updates == 100)
    }

    @Test("OVL-4 keeps a quarter of each commit for either kind, and the order within one")
    func quarters() {
        let intake = Intake(updatesMax: 1_000, bytesMax: 1 << 20)
        for number in 0..<200 { _ = intake.admit(job(.create, bytes: number)) }
        for number in 0..<90 { _ = intake.admit(job(.report, bytes: number)) }
        func take() -> (reports: [Int], creates: [Int]) {
            let jobs = intake.take(updatesMax: 100, timeout: .zero).jobs
            return (
                jobs.filter { $0.origin.workClass == .report }.map(\.origin.requestBytes),
                jobs.filter { $0.origin.workClass == .create }.map(\.origin.requestBytes)
            )
        }
        #expect(take() == (Array(0..<75), Array(0..<25)))
        #expect(take() == (Array(75..<90), Array(25..<100)))
        #expect(take() == ([], Array(100..<200)))
        #expect(intake.load == (0, 0))
    }

    @Test("OVL-1 says how many wait and what the limit is")
    func words() throws {
        let intake = Intake(updatesMax: 3, bytesMax: 100)
        _ = intake.admit(job(.create))
        let error = try #require(intake.admit(job(.create)))
        #expect("\(error)" == "storage is overloaded: 1 updates are waiting, limit 1")
        let larger = try #require(intake.admit(job(.change, bytes: 90)))
        #expect("\(larger)" == "storage is overloaded: 0 bytes of updates are waiting, limit 80")
        #expect(intake.admit(job(.control, bytes: .max)) != nil)
    }

    @Test("DUR-13 takes only urgent work while the disk cannot keep up")
    func stalled() {
        let intake = Intake(updatesMax: 100, bytesMax: 100)
        intake.setStalled(true)
        #expect(intake.admit(job(.create)) != nil)
        #expect(intake.admit(job(.change)) == nil)
        intake.setStalled(false)
        #expect(intake.admit(job(.create)) == nil)
    }

    @Test("gives out what is inside after it was closed, and takes nothing more")
    func closed() {
        let intake = Intake(updatesMax: 10, bytesMax: 100)
        _ = intake.admit(job(.create))
        intake.setGate(.closed)
        intake.setGate(.open)  // closed is for good
        #expect(intake.admit(job(.control)) == .closed)
        #expect(intake.take(updatesMax: 10, timeout: nil).jobs.count == 1)
        #expect(intake.take(updatesMax: 10, timeout: nil).isLast)
    }
}
