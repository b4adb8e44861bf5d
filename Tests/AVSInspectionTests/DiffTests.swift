import AVSInspection
import AVSStorage
import AVSTesting
import Testing

@Suite("The difference of two databases")
struct DiffTests {
    private func differences(
        _ range: KeyRange, _ first: MemoryStore, _ second: MemoryStore
    ) throws -> (found: [StoreDiff.Difference], diff: StoreDiff) {
        func turn(of store: MemoryStore) -> StoreDiff.Turn {
            { range, limit, body in try store.read { try $0.scan(range, order: .ascending, limit: limit, body) } }
        }
        var diff = StoreDiff(range, first: turn(of: first), second: turn(of: second))
        var found: [StoreDiff.Difference] = []
        while let difference = try diff.next() { found.append(difference) }
        return (found, diff)
    }

    private func store(_ rows: [[UInt8]: [UInt8]]) async throws -> MemoryStore {
        let store = MemoryStore()
        try await store.update { transaction in
            for (key, value) in rows { try transaction.put(key, value) }
        }
        return store
    }

    @Test("is that of two dictionaries, over several turns", arguments: [1, 2, 3, 4] as [UInt64])
    func model(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var rows: [[[UInt8]: [UInt8]]] = [[:], [:]]
        for _ in 0..<4_000 {
            let key = Array("k\(Int.random(in: 0..<5_000, using: &random))".utf8)
            let value = [UInt8.random(in: 0...3, using: &random)]
            switch Int.random(in: 0..<4, using: &random) {
            case 0: rows[0][key] = value
            case 1: rows[1][key] = value
            default: (rows[0][key], rows[1][key]) = (value, value)
            }
        }
        let range = KeyRange(prefix: Array("k".utf8))
        let expected = Set(rows[0].keys).union(rows[1].keys).sorted { $0.lexicographicallyPrecedes($1) }
            .compactMap { key -> StoreDiff.Difference? in
                switch (rows[0][key], rows[1][key]) {
                case (_, nil): .onlyFirst(key: key)
                case (nil, _): .onlySecond(key: key)
                case (let one, let two): one == two ? nil : .changed(key: key)
                }
            }
        let (found, diff) = try differences(range, try await store(rows[0]), try await store(rows[1]))
        let isRight = found == expected
        #expect(isRight)
        #expect(diff.same + diff.changed + diff.onlyFirst == rows[0].count)
        #expect(diff.same + diff.changed + diff.onlySecond == rows[1].count)
    }

    @Test("goes on behind a turn that has nothing to compare, and behind rows of megabytes")
    func turns() async throws {
        var own: [[UInt8]: [UInt8]] = [:]
        for row in 0..<2_500 { own[Array("\(StoreMeta.table.prefix)rollback:\(10_000 + row)".utf8)] = [] }
        var large: [[UInt8]: [UInt8]] = [:]
        for row in 0..<3 { large[[0x7a, UInt8(row)]] = [UInt8](repeating: 1, count: 1 << 20) }
        let (found, diff) = try differences(
            .all, try await store(own.merging(large) { $1 }), try await store(large))
        #expect(found.isEmpty && diff.isEmpty && diff.same == 3)
    }
}
