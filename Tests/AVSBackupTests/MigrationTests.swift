import AVSBackup
import AVSEngine
import AVSModel
import AVSPrimitives
import AVSRocksDB
import AVSSchema
import AVSStorage
import AVSTesting
import Foundation
import Testing

/// Renames the next three operators.
private func rename(to word: String, after: [UInt8]?, _ transaction: inout Transaction) throws -> Migration.Turn {
    var keys: [[UInt8]] = []
    let all = Rows<OperatorKey>.all.range
    let end = try transaction.scan(after.map { all.after($0) } ?? all, order: .ascending, limit: 3) { key, _ in
        keys.append(key)
        return .next
    }
    for key in keys {
        guard var node = try transaction.value(for: OperatorKey(bytes: key)) else { continue }
        node.name += word
        try transaction.put(OperatorKey(node.address), node)
    }
    return Migration.Turn(changed: keys.count, last: end == .limitReached ? keys.last : nil)
}

/// Renames every operator.
private func renaming(_ name: String, to word: String) throws -> Migration {
    Migration(try #require(MigrationName(name))) { try rename(to: word, after: $0, &$1) }
}

/// Ends a run as a kill would: what is durable stays.
private struct Killed: Error {}

@Suite("Migrations") struct MigrationTests {
    private let store = MemoryStore()
    private let time = ManualTime()

    private func fill(_ count: UInt8 = 10) async throws {
        try await store.update { transaction in
            for number in 1...count {
                try transaction.put(OperatorKey(Bench.node(number).address), Bench.node(number))
            }
        }
    }

    private func names() throws -> [String] {
        try store.read { try $0.rows(Rows<OperatorKey>.all, limit: 100).map(\.value.name) }
    }

    private func migrator(_ migrations: [Migration], version: UInt64 = 1) -> Migrator {
        Migrator(store: store, migrations: migrations, version: version, time: time)
    }

    @Test(
        "API-10.8.10: run once, with count and time, are skipped the second time; a new one runs later; backup before")
    func once() async throws {
        try await fill()
        let first = try renaming("20260101-120000-first", to: "!")
        var backups: [[String]] = []
        var reports = try await migrator([first]).run { pending in
            backups.append(pending.map(\.description))
            let untouched = try names().allSatisfy { !$0.hasSuffix("!") }
            #expect(untouched, "before the first change")
        }
        #expect(reports.map(\.name) == [first.name] && reports.map(\.records) == [10])
        #expect(try names().allSatisfy { $0.hasSuffix("!") && !$0.hasSuffix("!!") })
        let mark = try store.read { try $0.value(for: MigrationKey(first.name)) }
        #expect(mark == MigrationMark(records: 10, doneAt: time.now))
        #expect(try store.read { try $0.get(MigrationKey(first.name).bytes) }
            == Array("records=10,ts=\(time.now.milliseconds)".utf8))

        reports = try await migrator([first]).run { _ in Issue.record("nothing is pending") }
        #expect(reports.isEmpty)
        let second = try renaming("20260202-120000-second", to: "?")
        reports = try await migrator([first, second], version: 2).run { backups.append($0.map(\.description)) }
        #expect(reports.map(\.name) == [second.name])
        #expect(backups == [["20260101-120000-first"], ["20260202-120000-second"]])
        #expect(try names().allSatisfy { $0.hasSuffix("!?") })
        #expect(try store.read { try SchemaVersion.stored(in: $0) } == 2)
    }

    @Test("are not for a new database, which has the newest shape")
    func new() async throws {
        let first = try renaming("20260101-120000-first", to: "!")
        #expect(try await migrator([first]).run { _ in Issue.record("there is nothing to copy") }.isEmpty)
        try await fill()
        #expect(try await migrator([first]).run { _ in Issue.record("it is done") }.isEmpty)
        #expect(try names().allSatisfy { !$0.hasSuffix("!") })
    }

    @Test("change nothing if there is no backup")
    func withoutBackup() async throws {
        try await fill()
        let first = try renaming("20260101-120000-first", to: "!")
        await #expect(throws: Killed.self) { try await migrator([first]).run { _ in throw Killed() } }
        #expect(try names().allSatisfy { !$0.hasSuffix("!") })
        #expect(try store.read { try SchemaVersion.stored(in: $0) } == nil)
    }

    @Test("P7, D1: go on where they were interrupted, at every turn, and change no row twice", arguments: 0..<5)
    func interrupted(turn: Int) async throws {
        try await fill(13)
        let whole = try renaming("20260101-120000-first", to: "!")
        var turns = 0
        let counter = Counter()
        let cut = Migration(whole.name) { after, transaction in
            // What the batch has changed when it fails is not there afterwards.
            let done = try rename(to: "!", after: after, &transaction)
            if counter.next() == turn { throw Killed() }
            return done
        }
        await #expect(throws: Killed.self) { try await migrator([cut]).run { _ in turns += 1 } }
        #expect(turns == 1)
        let changed = try names().filter { $0.hasSuffix("!") }.count
        #expect(changed == turn * 3)
        let reports = try await migrator([whole]).run { _ in
            #expect(turn == 0, "the backup before the first change is the one that counts")
        }
        #expect(reports.map(\.name) == [whole.name] && reports.map(\.records) == [13])
        #expect(try names().allSatisfy { $0.hasSuffix("!") && !$0.hasSuffix("!!") })
        #expect(try store.read { try $0.rows(Rows<MigrationProgressKey>.all, limit: 1) }.isEmpty)
    }

    @Test("D1: that cannot be cut begin again, without a second copy")
    func whole() async throws {
        try await fill()
        let counter = Counter()
        let name = try #require(MigrationName("20260101-120000-whole"))
        let whole = Migration(name, whole: { store in
            let isFirst = counter.next() == 0
            for number in [1, 2] as [UInt8] {
                try await store.update { transaction in
                    var node = Bench.node(number)
                    node.name = "renamed"
                    try transaction.put(OperatorKey(node.address), node)
                }
                if isFirst { throw Killed() }
            }
            return 2
        })
        await #expect(throws: Killed.self) { try await migrator([whole]).run { _ in } }
        let reports = try await migrator([whole]).run { _ in Issue.record("the copy is from before the first change") }
        #expect(reports.map(\.records) == [2])
        #expect(try names().filter { $0 == "renamed" }.count == 2)
        #expect(try await migrator([whole]).run { _ in }.isEmpty)
    }

    @Test("API-10.8.10: of this release give an older database its counts, after a copy")
    func ofThisRelease() async throws {
        try await fill()
        var copies = 0
        let migrations = TaskEngine.migrations
        let reports = try await migrator(migrations).run { _ in copies += 1 }
        #expect(copies == 1 && reports.map(\.name) == migrations.map(\.name) && !reports.isEmpty)
        #expect(try await migrator(migrations).run { _ in copies += 1 }.isEmpty && copies == 1)
    }

    @Test("P24: a newer schema is refused with what to do, from the first changed row on")
    func newer() async throws {
        try await fill()
        let counter = Counter()
        let cut = Migration(try #require(MigrationName("20260101-120000-first"))) { after, transaction in
            if counter.next() == 1 { throw Killed() }
            return try rename(to: "!", after: after, &transaction)
        }
        await #expect(throws: Killed.self) { try await migrator([cut], version: 7).run { _ in } }
        do {
            _ = try await migrator([], version: 6).run { _ in Issue.record("it must not be touched") }
            Issue.record("it was accepted")
        } catch let error as StorageError {
            #expect(error.exitCode == 78)
            #expect(error.description.contains("has schema 7") && error.description.contains("up to 6"))
        }
    }

    @Test("have names of a date, a time and words", arguments: [
        ("20250405-232000-change-epoch-to-ms", true), ("20250405-232000-", false), ("20250405-23200-x", false),
        ("20250405-232000-X", false), ("20250405-232000-a:b", false), ("2025040-232000-x", false), ("", false),
    ])
    func naming(text: String, isGood: Bool) { #expect((MigrationName(text) != nil) == isGood) }

    @Test("BAK-2: the copy before is whole, has a manifest, and is a database of its own")
    func copy() async throws {
        let bench = try Bench()
        try await bench.add(1)
        let name = try #require(MigrationName("20260101-120000-first"))
        let maker = MigrationBackup(directory: bench.directory)
        let copy = try await maker.make(of: bench.store, before: [name], at: bench.time.now)
        let second = try await maker.make(of: bench.store, before: [name], at: bench.time.now)
        #expect(copy.hasSuffix("/full-backup.db") && second != copy)
        let folder = URL(filePath: copy).deletingLastPathComponent()
        let format = /[0-9]{2}(-[0-9]{2}){4}/
        #expect(folder.lastPathComponent.wholeMatch(of: format) != nil, "\(folder.lastPathComponent)")
        let manifest = try JSONValue(parsing: Array(try Data(contentsOf: folder.appending(path: "manifest.json"))))
        #expect(manifest["commit"]?.stringValue == "\(bench.store.status.commit)")
        #expect(manifest["before"] == [.string("\(name)")])
        let files = try #require(manifest["files"]?.objectValue)
        #expect(Set(files.keys) == Set(try FileManager.default.contentsOfDirectory(atPath: copy)))
        for (name, facts) in files {
            let bytes = Array(try Data(contentsOf: URL(filePath: "\(copy)/\(name)")))
            #expect(facts["sha256"]?.stringValue == digest(bytes) && facts["bytes"]?.stringValue == "\(bytes.count)")
        }
        let inspector = try RocksDBInspector.openReadOnly(path: copy)
        #expect(try inspector.read { try $0.value(for: OperatorKey(Bench.node(1).address)) } == Bench.node(1))
        inspector.close()
        await bench.store.close()
    }
}
