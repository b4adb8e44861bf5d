import AVSStorage
import Testing

private struct RowKey: StoreKey {
    typealias Value = [UInt8]
    static let table = Table(prefix: "r:")
    var group: UInt64
    var index: UInt64

    func encode(into key: inout KeyEncoder) {
        key.append(group)
        key.append(index)
    }

    init(decoding key: inout KeyDecoder) throws(StorageError) {
        group = try key.read()
        index = try key.read()
    }

    init(_ group: UInt64, _ index: UInt64) {
        self.group = group
        self.index = index
    }
}

@Suite("Removing all rows of a kind") struct DeleteAllTests {
    /// What is left of three groups, and whether the middle one went as a range.
    private func deletion(
        rows: UInt64, valueBytes: Int
    ) async throws -> (left: [UInt64], writes: Int, ranges: Int) {
        let store = MemoryStore()
        try await store.update { transaction in
            for group in 1...3 as ClosedRange<UInt64> {
                for index in 0..<rows {
                    try transaction.put(RowKey(group, index), [UInt8](repeating: 1, count: valueBytes))
                }
            }
        }
        let (writes, ranges) = try await store.update { transaction in
            // One that only this update wrote goes as well, and one that it writes afterwards stays.
            try transaction.put(RowKey(2, rows), [])
            try transaction.deleteAll(Rows<RowKey>(under: UInt64(2)))
            let changes = transaction.changes
            try transaction.put(RowKey(2, 7_777), [])
            return (changes.count - changes.deletedRanges.count, changes.deletedRanges.count)
        }
        let keys = try store.read { try $0.rows(Rows<RowKey>.all, limit: 10_000).map(\.key) }
        #expect(keys.filter { $0.group == 2 }.map(\.index) == [7_777])
        return ([1, 3].map { group in UInt64(keys.count { $0.group == group }) }, writes, ranges)
    }

    @Test(
        "few small rows go one by one: a range would leave a mark that every later read has to pass",
        arguments: [0, 1, 4, 255] as [UInt64])
    func few(rows: UInt64) async throws {
        let found = try await deletion(rows: rows, valueBytes: 100)
        #expect(found == (left: [rows, rows], writes: Int(rows) + 1, ranges: 0))
    }

    @Test(
        "many rows, and large ones, go as a range",
        arguments: [(300, 100), (256, 10), (3, 200_000), (100, 3_000)] as [(UInt64, Int)])
    func many(rows: UInt64, valueBytes: Int) async throws {
        let found = try await deletion(rows: rows, valueBytes: valueBytes)
        #expect(found == (left: [rows, rows], writes: 0, ranges: 1))
    }
}
