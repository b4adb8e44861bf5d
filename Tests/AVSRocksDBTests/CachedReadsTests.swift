import AVSStorage
import AVSTesting
import Synchronization
import Testing

@testable import AVSRocksDB

@Suite("A read that must not block") struct CachedReadsTests {
    @Test("is made at once from memory, and elsewhere if the disk is needed", arguments: [false, true])
    func elsewhere(scans: Bool) async throws {
        let directory = try TemporaryDirectory()
        let log = StoreLog()
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: log.options())
        for index in 0..<20 {
            try await store.update {
                try $0.put(bytes("k\(100 + index)"), [UInt8](repeating: UInt8(index), count: 10_000))
            }
        }
        let runs = Mutex(0)
        let body: @Sendable (borrowing Snapshot) throws -> [UInt8]? = { snapshot in
            runs.withLock { $0 += 1 }
            guard scans else { return try snapshot.get(bytes("k110")) }
            var last: [UInt8]?
            try snapshot.scan(KeyRange(prefix: bytes("k")), order: .descending, limit: 100) { _, value in
                last = value
                return .next
            }
            return last
        }
        let expected = [UInt8](repeating: scans ? 0 : 10, count: 10_000)
        #expect(try await store.readWithoutBlocking(body) == expected)
        // The key is in the memtable; a scan is never made from memory.
        #expect(runs.withLock { $0 } == (scans ? 2 : 1))
        runs.withLock { $0 = 1 }
        await store.close()

        // Recovery has made a table of it, of which nothing but the index is in the cache.
        let again = try RocksDBStore.open(path: directory.database, options: log.options())
        #expect(try await again.readWithoutBlocking(body) == expected)
        #expect(runs.withLock { $0 } == 3)
        #expect(try await again.readWithoutBlocking(body) == expected)
        #expect(runs.withLock { $0 } == (scans ? 5 : 4))
        await again.close()
        await #expect(throws: StorageError.closed) { try await again.readWithoutBlocking(body) }
    }

    @Test(
        "finds every row right after a start, whatever was deleted by ranges and whatever is in the cache",
        arguments: 0..<6 as Range<UInt64>)
    func afterStart(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let directory = try TemporaryDirectory()
        var options = StoreLog().options()
        (options.writeBufferBytes, options.blockCacheBytes) = (64 << 10, 8 << 20)
        var store = try RocksDBStore.open(path: directory.database, creates: true, options: options)
        var there: [String: Int] = [:]
        for round in 0..<60 {
            // Tasks of a hundred rows come and go; each start leaves another table.
            let task = Int.random(in: 0..<10, using: &random)
            let isDeleted = Int.random(in: 0..<3, using: &random) == 0
            try await store.update { transaction in
                if isDeleted { return try transaction.deleteRange(KeyRange(prefix: bytes("h\(task):"))) }
                for row in 0..<100 {
                    try transaction.put(bytes("h\(task):\(1_000 + row)"), [UInt8](repeating: UInt8(round), count: 300))
                }
            }
            there["h\(task):"] = isDeleted ? 0 : 100
            guard round % 6 == 5 else { continue }
            await store.close()
            store = try RocksDBStore.open(path: directory.database, options: options)
            for (prefix, count) in there.shuffled(using: &random) {
                let found = try await store.readWithoutBlocking { snapshot in
                    var found = 0
                    let end = ScanOrder.descending
                    try snapshot.scan(KeyRange(prefix: bytes(prefix)), order: end, limit: 1_000) { _, _ in
                        found += 1
                        return .next
                    }
                    return found
                }
                #expect(found == count, "\(prefix) after round \(round)")
            }
        }
        await store.close()
    }

    @Test("throws what the body throws")
    func throwing() async throws {
        struct Stop: Error {}
        try await StoreKind.rocksDB.withStore { store in
            _ = await #expect(throws: Stop.self) { try await store.readWithoutBlocking { _ in throw Stop() } }
        }
    }
}
