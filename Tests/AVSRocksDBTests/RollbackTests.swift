import AVSStorage
import Foundation
import Testing

@testable import AVSRocksDB

/// DUR-15 and DUR-16: a database that is older than what it once acknowledged.
@Suite("A rolled back store") struct RollbackTests {
    private let directory: TemporaryDirectory
    private let log = StoreLog()

    init() throws { directory = try TemporaryDirectory() }

    private var markPath: String { directory.database + "/AVS-COMMIT-MARK" }

    /// Makes a database with a commit mark ahead of a copy: the copy lacks `newer`, the mark has it.
    private func makeRolledBack() async throws {
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: log.options())
        try await store.put("older", "1")
        let copy = try directory.copyDatabase(to: "copy")
        try await store.put("newer", "1")
        await store.close()
        try FileManager.default.removeItem(atPath: copy + "/AVS-COMMIT-MARK")
        try FileManager.default.copyItem(atPath: markPath, toPath: copy + "/AVS-COMMIT-MARK")
        try FileManager.default.removeItem(atPath: directory.database)
        try FileManager.default.moveItem(atPath: copy, toPath: directory.database)
    }

    private func expectRefusal(_ words: String) throws {
        let error = #expect(throws: StorageError.self) {
            try RocksDBStore.open(path: directory.database, options: log.options())
        }
        guard case .rolledBack(let text) = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(text.contains(words), "\(text)")
    }

    @Test("DUR-15 is refused when an old copy was put back")
    func oldCopy() async throws {
        try await makeRolledBack()
        try expectRefusal("its last commit is 2, not 3")
    }

    @Test("DUR-15 is refused when it is another database")
    func otherDatabase() async throws {
        let other = directory.path("other")
        for path in [directory.database, other] {
            let store = try RocksDBStore.open(path: path, creates: true, options: log.options())
            try await store.put("k", "v")
            await store.close()
        }
        try FileManager.default.removeItem(atPath: markPath)
        try FileManager.default.copyItem(atPath: other + "/AVS-COMMIT-MARK", toPath: markPath)
        try expectRefusal("it is another database")
    }

    @Test("DUR-15 is refused when the database was deleted and only the mark is left")
    func emptied() async throws {
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: log.options())
        try await store.put("k", "v")
        await store.close()
        for file in try FileManager.default.contentsOfDirectory(atPath: directory.database)
        where !file.hasPrefix("AVS-") {
            try FileManager.default.removeItem(atPath: "\(directory.database)/\(file)")
        }
        try expectRefusal("it is empty")
    }

    @Test("DUR-15 is refused without a mark, and with one that is damaged in both slots")
    func noMark() async throws {
        await (try RocksDBStore.open(path: directory.database, creates: true, options: log.options())).close()
        var mark = try Data(contentsOf: URL(filePath: markPath))
        mark[20] ^= 1
        mark[4_096 + 20] ^= 1
        try mark.write(to: URL(filePath: markPath))
        try expectRefusal("is damaged")
        try FileManager.default.removeItem(atPath: markPath)
        try expectRefusal("there is no commit mark")
    }

    @Test("DUR-16 starts again once its loss was accepted and recorded")
    func accepted() async throws {
        try await makeRolledBack()
        let loss = try RocksDBStore.acceptRollback(path: directory.database, options: log.options()) {
            transaction, loss throws(StorageError) in
            try transaction.put(bytes("audit"), bytes("\(loss.found.commit)..\(loss.acknowledged.commit)"))
        }
        #expect(loss?.found.commit == 2)
        #expect(loss?.acknowledged.commit == 3)
        let store = try RocksDBStore.open(path: directory.database, options: log.options())
        #expect(try store.contents() == ["older": "1", "audit": "2..3"])
        #expect(store.status.epoch == 3)
        await store.close()
    }

    @Test("DUR-16 stays refused if recording the loss fails")
    func notRecorded() async throws {
        try await makeRolledBack()
        for _ in 0..<2 {
            #expect(throws: StorageError.misuse("refused")) {
                try RocksDBStore.acceptRollback(path: directory.database, options: log.options()) {
                    _, _ throws(StorageError) in throw StorageError.misuse("refused")
                }
            }
            #expect(throws: StorageError.self) {
                try RocksDBStore.open(path: directory.database, options: log.options())
            }
        }
    }

    @Test("DUR-16 accepts a lost mark, and stays refused until that is recorded")
    func lostMark() async throws {
        await (try RocksDBStore.open(path: directory.database, creates: true, options: log.options())).close()
        try FileManager.default.removeItem(atPath: markPath)
        #expect(throws: StorageError.misuse("refused")) {
            try RocksDBStore.acceptRollback(path: directory.database, options: log.options()) {
                _, _ throws(StorageError) in throw StorageError.misuse("refused")
            }
        }
        #expect(throws: StorageError.self) { try RocksDBStore.open(path: directory.database, options: log.options()) }
        let loss = try RocksDBStore.acceptRollback(path: directory.database, options: log.options()) {
            _, _ throws(StorageError) in
        }
        #expect(loss != nil)
        await (try RocksDBStore.open(path: directory.database, options: log.options())).close()
    }

    @Test("DUR-16 has nothing to record where nothing is missing")
    func nothingLost() async throws {
        await (try RocksDBStore.open(path: directory.database, creates: true, options: log.options())).close()
        let loss = try RocksDBStore.acceptRollback(path: directory.database, options: log.options()) {
            _, _ throws(StorageError) in
            Issue.record("there is no loss")
        }
        #expect(loss == nil)
    }
}

@Suite("The commit mark") struct CommitMarkTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func mark(_ commit: UInt64) -> CommitMark {
        CommitMark(databaseID: [UInt8](repeating: 7, count: 16), epoch: 3, commit: commit)
    }

    @Test("has the published checksum")
    func checksum() {
        #expect(CRC32C.checksum(of: bytes("123456789")) == 0xe306_9283)  // CRC-32/ISCSI, catalogue of Greg Cook
    }

    @Test("reads back, and not with any bit changed or any byte missing")
    func slots() throws {
        let slot = mark(.max).slot
        #expect(CommitMark(slot: slot) == mark(.max))
        for bit in 0..<(slot.count * 8) {
            var damaged = slot
            damaged[bit / 8] ^= 1 << (bit % 8)
            #expect(CommitMark(slot: damaged) == nil)
        }
        for length in slot.indices { #expect(CommitMark(slot: Array(slot.prefix(length))) == nil) }
        #expect(CommitMark(slot: slot + [0]) == nil)
    }

    @Test("survives a torn write of the newest slot")
    func tornWrite() throws {
        let path = directory.path("mark")
        do {
            var file = try CommitMarkFile.create("mark", in: Directory(path: directory.path("")), mark(1))
            for commit in 2...5 as ClosedRange<UInt64> { try file.write(mark(commit)) }
        }
        #expect(try CommitMarkFile.open(path)?.last == mark(5))
        var data = try Data(contentsOf: URL(filePath: path))
        #expect(CommitMark(slot: Array(data[0..<44])) == mark(5))
        data.replaceSubrange(10..<44, with: [UInt8](repeating: 0, count: 34))
        try data.write(to: URL(filePath: path))
        do {
            var file = try CommitMarkFile.open(path)
            #expect(file?.last == mark(4))
            try file?.write(mark(6))  // over the torn slot, not over the good one
        }
        data = try Data(contentsOf: URL(filePath: path))
        #expect(CommitMark(slot: Array(data[0..<44])) == mark(6))
        #expect(CommitMark(slot: Array(data[4_096..<4_140])) == mark(4))
    }

    @Test("is absent until it is made")
    func absent() throws {
        #expect(try CommitMarkFile.open(directory.path("mark"))?.last == nil)
    }
}
