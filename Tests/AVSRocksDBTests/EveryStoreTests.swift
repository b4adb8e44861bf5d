import AVSRocksDB
import AVSStorage
import AVSTesting
import Testing

private struct Stop: Error {}

/// What ``KeyValueStore`` promises, for each implementation.
@Suite("Every store") struct EveryStoreTests {
    @Test("DUR-1 shows a change to every read that begins after its answer", arguments: StoreKind.allCases)
    func readsOwnWrites(kind: StoreKind) async throws {
        try await kind.withStore { store in
            for index in 0..<50 {
                try await store.put("key", "\(index)")
                #expect(try store.get("key") == "\(index)")
            }
        }
    }

    @Test("DUR-2 keeps nothing of an update that throws", arguments: StoreKind.allCases)
    func throwingUpdate(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.put("a", "1")
            await #expect(throws: Stop.self) {
                try await store.update { transaction in
                    try transaction.put(bytes("a"), bytes("2"))
                    try transaction.put(bytes("b"), bytes("2"))
                    try transaction.deleteRange(.all)
                    throw Stop()
                }
            }
            #expect(try store.contents() == ["a": "1"])
        }
    }

    @Test("DUR-6 keeps a snapshot as it was while others write", arguments: StoreKind.allCases)
    func snapshots(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.put("a", "1")
            // The body of a read cannot wait, so the write is made on another thread of execution.
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for index in 0..<200 { try await store.update { transaction in
                    try transaction.put(bytes("a"), bytes("\(index)"))
                    try transaction.put(bytes("b"), bytes("\(index)"))
                } } }
                for _ in 0..<200 {
                    let (first, again, other) = try store.read { snapshot in
                        (try snapshot.get(bytes("a")), try snapshot.get(bytes("a")), try snapshot.get(bytes("b")))
                    }
                    #expect(first == again)
                    #expect(other == nil || other == first)
                    await Task.yield()
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("DUR-7 runs updates one after another: no increment is lost", arguments: StoreKind.allCases)
    func serializable(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let seen = try await withThrowingTaskGroup(of: UInt64.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        let body: @Sendable (inout Transaction) throws -> UInt64 = { transaction in
                            let before = try transaction.get(bytes("n")).map { try DecimalText(stored: $0).value } ?? 0
                            try transaction.put(bytes("n"), DecimalText(before + 1).stored)
                            return before
                        }
                        return try await index % 3 == 0 ? store.updateUnsynced(body) : store.update(body)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(seen.sorted() == Array(0..<200))
            try await store.update { _ in }
            #expect(try store.get("n") == "200")
        }
    }

    @Test("DUR-10 does not show unsynced changes before something is synced", arguments: StoreKind.allCases)
    func unsynced(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.updateUnsynced { try $0.put(bytes("a"), bytes("1")) }
            #expect(try store.get("a") == nil)
            // Reads only, and still waits for what it has seen.
            #expect(try await store.update { try $0.get(bytes("a")) } == bytes("1"))
            #expect(try store.get("a") == "1")
        }
    }

    @Test("DUR-8 refuses an update over the bound and changes nothing", arguments: StoreKind.allCases)
    func tooLarge(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let half = [UInt8](repeating: 1, count: StorageLimits.updateBytesMax / 2)
            await #expect(throws: StorageError.self) {
                try await store.update { transaction in
                    try transaction.put(bytes("a"), half)
                    try transaction.put(bytes("b"), half)
                }
            }
            await #expect(throws: StorageError.tooLarge(bytes: 1_025, limit: 1_024)) {
                try await store.update { try $0.put([UInt8](repeating: 0x61, count: 1_025), []) }
            }
            #expect(try store.contents().isEmpty)
            try await store.update { try $0.put([UInt8](repeating: 0x61, count: 1_024), half) }
        }
    }

    @Test("holds keys and values of any bytes, values of any length from none", arguments: StoreKind.allCases)
    func anyBytes(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let keys: [[UInt8]] = [[0], [0, 0], [0xff], [0xff, 0xff], [0x61, 0, 0x62]]
            try await store.update { transaction in for key in keys { try transaction.put(key, []) } }
            let found = try store.read { snapshot in
                var found: [[UInt8]] = []
                try snapshot.scan(.all, order: .ascending, limit: 100) { key, value in
                    if !key.starts(with: bytes("meta:")) {
                        found.append(key)
                        #expect(value == [])
                    }
                    return .next
                }
                return found
            }
            #expect(found == [[0], [0, 0], [0x61, 0, 0x62], [0xff], [0xff, 0xff]])
            #expect(try store.read { try $0.get([0xfe]) } == nil)
        }
    }

    @Test("KEY-4 scans up to the limit and says why it ended", arguments: StoreKind.allCases)
    func limits(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.update { for index in 0..<10 { try $0.put(bytes("k\(index)"), []) } }
            try store.read { snapshot throws in
                let range = KeyRange(prefix: bytes("k"))
                #expect(try snapshot.scan(range, order: .ascending, limit: 3) { _, _ in .next } == .limitReached)
                #expect(try snapshot.scan(range, order: .descending, limit: 11) { _, _ in .next } == .exhausted)
                #expect(try snapshot.scan(range, order: .ascending, limit: 11) { _, _ in .stop } == .stopped)
                #expect(try snapshot.scan(range.after(bytes("k9")), order: .ascending, limit: 1) { _, _ in .next } == .exhausted)
                for limit in [0, -1, StorageLimits.scanRowsMax + 1] {
                    #expect(throws: StorageError.self) {
                        try snapshot.scan(range, order: .ascending, limit: limit) { _, _ in .next }
                    }
                }
                #expect(throws: Stop.self) { try snapshot.scan(range, order: .ascending, limit: 5) { _, _ in throw Stop() } }
            }
        }
    }

    @Test("KEY-2 goes on from a cursor between two keys, both ways", arguments: StoreKind.allCases)
    func cursors(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.update { transaction in
                for key in ["a:1", "t:a:10", "t:a:30", "t:b:20", "u:1"] { try transaction.put(bytes(key), []) }
            }
            let range = KeyRange(prefix: bytes("t:a:"))
            func keys(_ range: KeyRange, _ order: ScanOrder) throws -> [String] {
                try store.read { snapshot in
                    var keys: [String] = []
                    try snapshot.scan(range, order: order, limit: 10) { key, _ in
                        keys.append(String(decoding: key, as: UTF8.self))
                        return .next
                    }
                    return keys
                }
            }
            #expect(try keys(range, .ascending) == ["t:a:10", "t:a:30"])
            #expect(try keys(range, .descending) == ["t:a:30", "t:a:10"])
            #expect(try keys(range.after(bytes("t:a:20")), .ascending) == ["t:a:30"])
            #expect(try keys(range.before(bytes("t:a:20")), .descending) == ["t:a:10"])
            #expect(try keys(range.after(bytes("t:a:10")), .ascending) == ["t:a:30"])
            #expect(try keys(range.before(bytes("t:a:10")), .descending) == [])
            #expect(try keys(range.after(bytes("t:a:10")).before(bytes("t:a:30")), .ascending) == [])
        }
    }
}

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
        case put([UInt8], [UInt8]), delete([UInt8]), deleteRange(KeyRange)
        case get([UInt8]), scan(KeyRange, ScanOrder, Int)
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
        default: .scan(range(&random), Bool.random(using: &random) ? .ascending : .descending, Int.random(in: 1...12, using: &random))
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
