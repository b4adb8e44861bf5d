import AVSStorage
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
        #expect(runs.withLock { $0 } == 1)  // in the memtable
        await store.close()

        // Recovery has made a table of it, of which nothing but the index is in the cache.
        let again = try RocksDBStore.open(path: directory.database, options: log.options())
        #expect(try await again.readWithoutBlocking(body) == expected)
        #expect(runs.withLock { $0 } == 3)
        #expect(try await again.readWithoutBlocking(body) == expected)
        #expect(runs.withLock { $0 } == 4)
        await again.close()
        await #expect(throws: StorageError.closed) { try await again.readWithoutBlocking(body) }
    }

    @Test("throws what the body throws")
    func throwing() async throws {
        struct Stop: Error {}
        try await StoreKind.rocksDB.withStore { store in
            _ = await #expect(throws: Stop.self) { try await store.readWithoutBlocking { _ in throw Stop() } }
        }
    }
}
