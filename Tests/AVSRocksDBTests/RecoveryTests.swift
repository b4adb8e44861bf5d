import AVSStorage
import AVSTesting
import Foundation
import Testing

@testable import AVSRocksDB

/// Section 1.7, *on corruption*: what is before the damage can be saved, and what is behind it is counted.
@Suite("A recovery") struct RecoveryTests {
    private let directory: TemporaryDirectory
    private let log = StoreLog()

    init() throws { directory = try TemporaryDirectory() }

    private var copyPath: String { directory.path("crashed.recovery") }

    /// The files of a crash after 100 commits, of which the commit mark knows `marked`, with `damage` done to the log.
    private func crash(marked: Int = 50, _ damage: (inout Data) -> Void) async throws -> String {
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: log.options())
        for index in 1...100 {
            try await store.put("k\(1000 + index)", String(repeating: "v", count: 100))
            if index == marked { store.core.houseKeepOnce() }
        }
        let copy = try directory.copyDatabase(to: "crashed")
        await store.close()
        let url = URL(filePath: "\(copy)/\(try newestLog(copy))")
        var data = try Data(contentsOf: url)
        damage(&data)
        try data.write(to: url)
        return copy
    }

    private func newestLog(_ path: String) throws -> String {
        let names = try FileManager.default.contentsOfDirectory(atPath: path).filter {
            LogTail.number(ofLog: $0) != nil
        }
        return try #require(names.max())
    }

    /// Names and contents of all files but the lock's.
    private func files(_ path: String) throws -> [String: Data] {
        let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0 != "AVS-LOCK" }
        return try Dictionary(
            uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: URL(filePath: "\(path)/\($0)"))) })
    }

    @Test("DUR-14 counts what a flipped bit costs, and changes nothing until that is accepted")
    func flippedBit() async throws {
        let path = try await crash { $0[$0.count / 2] ^= 4 }
        let before = try files(path)
        let recovery = try Recovery(of: path, options: log.options())
        let (last, rows, counted) = (recovery.lastCommit, recovery.rows, recovery.lostCommits)
        let lost = try #require(counted)
        #expect((40...60).contains(last))
        // The first commit made the database; each of the others is one batch of the log.
        #expect(last + lost == 101)
        #expect(rows == Int(last) - 1 + 3)  // and the store's own three
        #expect(FileManager.default.fileExists(atPath: copyPath))
        try recovery.discard()
        #expect(!FileManager.default.fileExists(atPath: copyPath))
        #expect(try files(path) == before)
    }

    @Test("DUR-16 puts the copy in the database's place, with the loss on record, and keeps the damaged one")
    func replaced() async throws {
        let path = try await crash { $0[$0.count / 2] ^= 4 }
        let before = try files(path)
        let recovery = try Recovery(of: path, options: log.options())
        let last = recovery.lastCommit
        let aside = try recovery.replace { transaction, loss throws(StorageError) in
            try transaction.put(bytes("audit"), bytes("\(loss.found.commit)..\(loss.acknowledged.commit)"))
        }
        #expect(aside == directory.path("crashed.damaged-\(last)"))
        #expect(try files(aside) == before)
        #expect(!FileManager.default.fileExists(atPath: copyPath))
        let store = try RocksDBStore.open(path: path, options: log.options())
        let rows = try store.contents()
        #expect(rows.count == Int(last) - 1 + 1 && rows["audit"] == "\(last)..101")
        try await store.put("still", "writable")
        await store.close()
    }

    @Test("DUR-14 saves everything before the damage, wherever it is", arguments: [1, 4, 7, 10, 13, 16, 19])
    func anywhere(twentieth: Int) async throws {
        let path = try await crash(marked: 1) { $0[$0.count * twentieth / 20] ^= 0x10 }
        let error = #expect(throws: StorageError.self) { try RocksDBStore.open(path: path, options: log.options()) }
        guard case .corrupt = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        let recovery = try Recovery(of: path, options: log.options())
        let last = recovery.lastCommit
        #expect(recovery.lostCommits.map { last + $0 <= 101 } ?? true)
        #expect(last >= UInt64(5 * twentieth - 5) && last < 101)
        _ = try recovery.replace { _, _ throws(StorageError) in }
        let store = try RocksDBStore.open(path: path, options: log.options())
        let keys = Set(try store.contents().keys)
        #expect(keys == Set((1..<Int(last)).map { "k\(1000 + $0)" }))
        await store.close()
    }

    @Test("leaves no copy of a database whose table is damaged: only a backup helps there")
    func damagedTable() async throws {
        let path = try await crash { _ in }
        await (try RocksDBStore.open(path: path, options: log.options())).close()  // replays into a table
        let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".sst") }
        for name in names {
            var data = try Data(contentsOf: URL(filePath: "\(path)/\(name)"))
            data[10] ^= 0xff  // the first block of rows
            try data.write(to: URL(filePath: "\(path)/\(name)"))
        }
        let error = #expect(throws: StorageError.self) { _ = try Recovery(of: path, options: log.options()) }
        guard case .corrupt = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!FileManager.default.fileExists(atPath: copyPath))
    }

    @Test("removes what an interrupted recovery left, and nothing that somebody else put there")
    func leftCopy() async throws {
        let path = try await crash { $0[$0.count / 2] ^= 4 }
        try FileManager.default.createDirectory(atPath: copyPath, withIntermediateDirectories: false)
        try Data("mine".utf8).write(to: URL(filePath: copyPath + "/notes"))
        #expect(throws: StorageError.unusable("\(copyPath) is there and no recovery made it; move it away")) {
            _ = try Recovery(of: path, options: log.options())
        }
        #expect(try String(contentsOfFile: copyPath + "/notes", encoding: .utf8) == "mine")
        try Data().write(to: URL(filePath: copyPath + "/" + Recovery.markerName))
        try (try Recovery(of: path, options: log.options())).discard()
        #expect(!FileManager.default.fileExists(atPath: copyPath))
    }

    @Test("does not touch a database that is open, is not there, or has no space for a copy")
    func refused() async throws {
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: log.options())
        let locked = #expect(throws: StorageError.self) {
            _ = try Recovery(of: directory.database, options: log.options())
        }
        guard case .locked = try #require(locked) else {
            Issue.record("\(String(describing: locked))")
            return
        }
        await store.close()
        #expect(throws: StorageError.notFound(path: directory.path("none"))) {
            _ = try Recovery(of: directory.path("none"), options: log.options())
        }
        let full = log.options {
            $0.fileSystemSpace = { _ throws(StorageError) in FileSystemSpace(totalBytes: 1 << 40, freeBytes: 1 << 20) }
        }
        let noSpace = #expect(throws: StorageError.self) { _ = try Recovery(of: directory.database, options: full) }
        guard case .noSpace = try #require(noSpace) else {
            Issue.record("\(String(describing: noSpace))")
            return
        }
        #expect(!FileManager.default.fileExists(atPath: directory.path("db.recovery")))
    }

    @Test("reads the batches of a log, cut at every offset and with random bytes, without a trap", arguments: [7, 8, 9])
    func framing(seed: UInt64) async throws {
        let path = try await crash { _ in }
        let whole = Array(try Data(contentsOf: URL(filePath: "\(path)/\(try newestLog(path))")))
        let sequences = LogBatches.sequences(in: whole)
        #expect(sequences.count == 101 && sequences == sequences.sorted())
        for length in Array(whole.indices.prefix(2_000)) + whole.indices.suffix(200) {
            #expect(sequences.starts(with: LogBatches.sequences(in: Array(whole[..<length]))))
        }
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            var damaged = whole
            for _ in 0..<20 {
                damaged[Int.random(in: damaged.indices, using: &random)] = .random(in: 0...255, using: &random)
            }
            #expect(LogBatches.sequences(in: damaged).count <= damaged.count / 15)
        }
    }
}
