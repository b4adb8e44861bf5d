import AVSStorage
import Foundation
import Testing

@testable import AVSRocksDB

/// Section 1.6: what each kind of damage to the log does. Each test works on the files as a crash leaves them.
@Suite("A damaged store") struct DamageTests {
    private let directory: TemporaryDirectory
    private let log = StoreLog()

    init() throws { directory = try TemporaryDirectory() }

    /// A crash after 100 commits of which the commit mark knows the first `marked`. Returns the copied directory.
    private func crash(marked: Int) async throws -> String {
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: log.options())
        for index in 1...100 {
            try await store.put("k\(1000 + index)", String(repeating: "v", count: 100))
            if index == marked { store.core.houseKeepOnce() }
        }
        let copy = try directory.copyDatabase(to: "crashed")
        await store.close()
        return copy
    }

    private func newestLog(_ path: String) throws -> URL {
        let names = try FileManager.default.contentsOfDirectory(atPath: path).filter {
            LogTail.number(ofLog: $0) != nil
        }
        return URL(filePath: "\(path)/\(try #require(names.max()))")
    }

    private func change(_ path: String, _ body: (inout Data) -> Void) throws {
        let log = try newestLog(path)
        var data = try Data(contentsOf: log)
        body(&data)
        try data.write(to: log)
    }

    private func rows(_ path: String) async throws -> Int {
        let store = try RocksDBStore.open(path: path, options: log.options())
        let count = try store.contents().count
        await store.close()
        return count
    }

    private func refusal(_ path: String) throws -> StorageError {
        try #require(#expect(throws: StorageError.self) { try RocksDBStore.open(path: path, options: log.options()) })
    }

    @Test("DUR-1 has everything after a crash")
    func undamaged() async throws {
        #expect(try await rows(try await crash(marked: 100)) == 100)
    }

    @Test("DUR-14 drops an unfinished last record")
    func cutTail() async throws {
        let path = try await crash(marked: 50)
        try change(path) { $0.removeLast(5) }
        #expect(try await rows(path) == 99)
    }

    @Test("DUR-15 does not drop it if it was acknowledged for certain")
    func cutMarkedTail() async throws {
        let path = try await crash(marked: 100)
        try change(path) { $0.removeLast(5) }
        guard case .rolledBack = try refusal(path) else {
            Issue.record("was not refused as rolled back")
            return
        }
    }

    @Test("DUR-14 refuses a flipped bit, and leaves the files as they were")
    func flippedBit() async throws {
        let path = try await crash(marked: 50)
        try change(path) { $0[$0.count / 2] ^= 4 }
        let before = try Data(contentsOf: try newestLog(path))
        guard case .corrupt(let text) = try refusal(path) else {
            Issue.record("was not refused as corrupt")
            return
        }
        #expect(text.contains("checksum mismatch"))
        #expect(try Data(contentsOf: try newestLog(path)) == before)
    }

    @Test("DUR-14a cuts zeros that a power cut left at the end", arguments: [16, 64, 130, 500])
    func zeroedTail(count: Int) async throws {
        let path = try await crash(marked: 50)
        let original = try Data(contentsOf: try newestLog(path))
        try change(path) { $0.replaceSubrange(($0.count - count)..., with: Data(count: count)) }
        let name = try newestLog(path).lastPathComponent
        let dropped = 100 - (try await rows(path))
        #expect((1...4).contains(dropped))
        let cut = log.events.compactMap {
            if case .cutLogTail(let file, let bytes, let saved) = $0 { (file, bytes, saved) } else { nil }
        }
        #expect(cut.count == 1)
        #expect(cut.first?.0 == name)
        #expect(cut.first?.1 ?? 0 >= count)
        let saved = try Data(contentsOf: URL(filePath: "\(path)/\(cut.first?.2 ?? "")"))
        #expect(saved.count == original.count)
        #expect(saved.dropLast(count) == original.dropLast(count))
    }

    @Test("DUR-14a does not go on if the commit mark says that more was there")
    func zeroedMarkedTail() async throws {
        let path = try await crash(marked: 100)
        try change(path) { $0.replaceSubrange(($0.count - 64)..., with: Data(count: 64)) }
        guard case .rolledBack = try refusal(path) else {
            Issue.record("was not refused as rolled back")
            return
        }
    }

    @Test("DUR-14a puts the log back if cutting zeros does not help")
    func zeroedAndFlipped() async throws {
        let path = try await crash(marked: 50)
        try change(path) {
            $0[$0.count / 2] ^= 4
            $0.replaceSubrange(($0.count - 64)..., with: Data(count: 64))
        }
        let before = try Data(contentsOf: try newestLog(path))
        guard case .corrupt = try refusal(path) else {
            Issue.record("was not refused as corrupt")
            return
        }
        #expect(try Data(contentsOf: try newestLog(path)) == before)
    }

    @Test("DUR-15 notices a log that ends early between two records, which no recovery mode does")
    func cutBetweenRecords() async throws {
        let path = try await crash(marked: 100)
        // Records have the same length here: what one more commit adds is what the last one takes.
        let store = try RocksDBStore.open(path: directory.database, options: log.options())
        try await store.put("k2000", String(repeating: "v", count: 100))
        let one = try Data(contentsOf: try newestLog(directory.database)).count
        try await store.put("k2001", String(repeating: "v", count: 100))
        let two = try Data(contentsOf: try newestLog(directory.database)).count
        await store.close()
        try change(path) { $0.removeLast(10 * (two - one)) }
        guard case .rolledBack(let text) = try refusal(path) else {
            Issue.record("was not refused as rolled back")
            return
        }
        #expect(text.contains("its last commit is 91, not 101"))
    }

    @Test("DUR-15 notices a log that is gone")
    func deletedLog() async throws {
        let path = try await crash(marked: 100)
        try FileManager.default.removeItem(at: try newestLog(path))
        guard case .rolledBack = try refusal(path) else {
            Issue.record("was not refused as rolled back")
            return
        }
    }

    @Test("FAIL-3 FAIL-4 fails a read and a scan over a damaged block, and no other read")
    func damagedTable() async throws {
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: log.options())
        for index in 0..<100 {
            try await store.update { transaction in
                for row in 0..<20 {
                    try transaction.put(bytes("k\(1000 + index):\(row)"), [UInt8](repeating: UInt8(row), count: 200))
                }
            }
        }
        await store.close()
        await (try RocksDBStore.open(path: directory.database, options: log.options())).close()  // replays into a table
        let tables = try FileManager.default.contentsOfDirectory(atPath: directory.database).filter {
            $0.hasSuffix(".sst")
        }
        let largest = try tables.map { URL(filePath: "\(directory.database)/\($0)") }.max {
            try Data(contentsOf: $0).count < Data(contentsOf: $1).count
        }
        let table = try #require(largest)
        var data = try Data(contentsOf: table)
        data[data.count / 3] ^= 0xff
        try data.write(to: table)

        let damaged = try RocksDBStore.open(path: directory.database, options: log.options())
        var failures = 0
        for index in 0..<100 {
            for row in 0..<20 {
                let key = bytes("k\(1000 + index):\(row)")
                do { _ = try damaged.read { try $0.get(key) } } catch StorageError.corrupt { failures += 1 }
            }
        }
        // One block of 2,000 rows: some 20 of them, wherever its ends fall.
        #expect((1...99).contains(failures))
        let error = #expect(throws: StorageError.self) { try damaged.contents() }
        guard case .corrupt = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        try await damaged.put("still", "writable")
        #expect(log.fatalities.isEmpty)
        await damaged.close()
    }
}
