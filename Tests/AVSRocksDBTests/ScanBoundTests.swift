import AVSRocksDB
import AVSStorage
import CRocksDB
import Testing

/// What RocksDB has counted on this thread since it was asked last.
private enum Skipped {
    /// Deleted rows that iterators stepped over while `body` ran, which must not leave the thread.
    static func count(_ body: () throws -> Void) throws -> UInt64 {
        rocksdb_set_perf_level(Int32(rocksdb_enable_count))
        let context = unsafe try #require(rocksdb_perfcontext_create())
        defer { unsafe rocksdb_perfcontext_destroy(context) }
        unsafe rocksdb_perfcontext_reset(context)
        try body()
        return unsafe rocksdb_perfcontext_metric(context, Int32(rocksdb_internal_delete_skipped_count))
    }
}

@Suite("A scan of a range")
struct ScanBoundTests {
    private static let graves = 5_000

    /// Three rows `m:…`, between thousands of deleted ones that nothing has cleared away yet.
    private static func store(_ body: (any KeyValueStore) async throws -> Void) async throws {
        try await StoreKind.rocksDB.withStore { store in
            for step in [true, false] {
                try await store.update { transaction in
                    for prefix in ["l:", "n:"] {
                        for number in 0..<Self.graves {
                            let key = bytes("\(prefix)\(10_000 + number)")
                            if step { try transaction.put(key, [1]) } else { try transaction.delete(key) }
                        }
                    }
                    if step { for number in 1...3 { try transaction.put(bytes("m:\(number)"), [2]) } }
                }
            }
            try await body(store)
        }
    }

    private static func rows(_ store: any KeyValueStore, _ range: KeyRange, _ order: ScanOrder) throws -> [String] {
        try store.read { snapshot in
            var found: [String] = []
            try snapshot.scan(range, order: order, limit: 10_000) { key, _ in
                found.append(String(decoding: key, as: UTF8.self))
                return .next
            }
            return found
        }
    }

    @Test("KEY-3: never looks at what lies beyond it, though that be thousands of deleted rows",
        arguments: [ScanOrder.ascending, .descending])
    func bounds(order: ScanOrder) async throws {
        try await Self.store { store in
            var found: [String] = []
            let skipped = try Skipped.count {
                found = try Self.rows(store, KeyRange(prefix: bytes("m:")), order)
            }
            #expect(found.sorted() == ["m:1", "m:2", "m:3"])
            #expect(skipped == 0)
            // What the bounds spare: the count does count.
            let unbounded = try Skipped.count { found = try Self.rows(store, .all, order) }
            #expect(unbounded >= UInt64(2 * Self.graves))
        }
    }
}
