import AVSStorage
import AVSTesting
import Testing

/// Random operations against a sorted dictionary.
@Suite("Every store against a model") struct StoreModelTests {
    /// The rows that an update sees, as plainly as possible.
    private struct Model {
        var rows: [[UInt8]: [UInt8]] = [:]

        func scan(_ range: KeyRange, _ order: ScanOrder, _ limit: Int) -> [[UInt8]] {
            let keys = rows.keys.filter(range.contains).sorted { $0.lexicographicallyPrecedes($1) }
            return Array((order == .ascending ? keys : keys.reversed()).prefix(limit))
        }
    }

    private enum Step: Sendable {
        case put([UInt8], [UInt8])
        case delete([UInt8])
        case deleteRange(KeyRange)
        case get([UInt8])
        case scan(KeyRange, ScanOrder, Int)
    }

    /// Short keys over few letters, so that they meet often and share prefixes; the letters lie around the boundaries.
    private static func key(_ random: inout SeededGenerator) -> [UInt8] {
        let letters: [UInt8] = [0x00, 0x3a, 0x61, 0x62, 0xff]
        return (0..<Int.random(in: 1...3, using: &random)).map { _ in letters.randomElement(using: &random) ?? 0 }
    }

    private static func range(_ random: inout SeededGenerator) -> KeyRange {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: KeyRange(prefix: key(&random))
        case 1: KeyRange(prefix: key(&random)).after(key(&random))
        case 2: KeyRange(prefix: key(&random)).before(key(&random))
        case 3: .all
        default: KeyRange(from: key(&random), upTo: key(&random))
        }
    }

    private static func step(_ random: inout SeededGenerator) -> Step {
        switch Int.random(in: 0..<10, using: &random) {
        case 0...3: .put(key(&random), (0..<Int.random(in: 0...3, using: &random)).map { UInt8($0) })
        case 4: .delete(key(&random))
        case 5: .deleteRange(KeyRange(from: key(&random), upTo: key(&random)))
        case 6: .get(key(&random))
        default:
            .scan(
                range(&random), Bool.random(using: &random) ? .ascending : .descending,
                Int.random(in: 1...12, using: &random))
        }
    }

    /// Runs the steps in a transaction and notes what the reads among them found.
    private static func run(_ steps: [Step], _ transaction: inout Transaction) throws -> [[[UInt8]]] {
        var found: [[[UInt8]]] = []
        for step in steps {
            switch step {
            case .put(let key, let value): try transaction.put(key, value)
            case .delete(let key): try transaction.delete(key)
            case .deleteRange(let range): try transaction.deleteRange(range)
            case .get(let key): found.append(try transaction.get(key).map { [$0] } ?? [])
            case .scan(let range, let order, let limit): found.append(try keys(transaction, range, order, limit))
            }
        }
        return found
    }

    private static func keys(
        _ reader: borrowing some StoreReader & ~Copyable, _ range: KeyRange, _ order: ScanOrder, _ limit: Int
    ) throws -> [[UInt8]] {
        var keys: [[UInt8]] = []
        try reader.scan(range, order: order, limit: limit + 3) { key, value in
            guard !key.starts(with: bytes("meta:")) else { return .next }
            keys.append(key)
            return keys.count == limit ? .stop : .next
        }
        return keys
    }

    private static func run(_ steps: [Step], _ model: inout Model) -> [[[UInt8]]] {
        var found: [[[UInt8]]] = []
        for step in steps {
            switch step {
            case .put(let key, let value): model.rows[key] = value
            case .delete(let key): model.rows[key] = nil
            case .deleteRange(let range): for key in model.scan(range, .ascending, .max) { model.rows[key] = nil }
            case .get(let key): found.append(model.rows[key].map { [$0] } ?? [])
            case .scan(let range, let order, let limit): found.append(model.scan(range, order, limit))
            }
        }
        return found
    }

    @Test("P1 finds and leaves what the model does", arguments: StoreKind.allCases, Array(1...30) as [UInt64])
    func differences(kind: StoreKind, seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        try await kind.withStore { store in
            var model = Model()
            for _ in 0..<25 {
                let steps = (0..<Int.random(in: 1...12, using: &random)).map { _ in Self.step(&random) }
                let isSynced = Bool.random(using: &random)
                let fails = Int.random(in: 0..<4, using: &random) == 0
                var changed = model
                let expected = Self.run(steps, &changed)
                let body: @Sendable (inout Transaction) throws -> [[[UInt8]]] = { transaction in
                    let found = try Self.run(steps, &transaction)
                    if fails { throw Found(rows: found) }
                    return found
                }
                do {
                    let found = try await isSynced ? store.update(body) : store.updateUnsynced(body)
                    #expect(found == expected)
                    model = changed
                } catch let found as Found {
                    #expect(found.rows == expected)
                }
            }
            try await store.update { _ in }
            try store.read { snapshot throws in
                #expect(try Self.keys(snapshot, .all, .ascending, 500) == model.scan(.all, .ascending, 500))
                #expect(try Self.keys(snapshot, .all, .descending, 500) == model.scan(.all, .descending, 500))
                for (key, value) in model.rows { #expect(try snapshot.get(key) == value) }
            }
        }
    }

    private struct Found: Error { var rows: [[[UInt8]]] }
}
