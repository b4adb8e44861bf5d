import AVSRocksDB
import AVSStorage
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
                group.addTask {
                    for index in 0..<200 {
                        try await store.update { transaction in
                            try transaction.put(bytes("a"), bytes("\(index)"))
                            try transaction.put(bytes("b"), bytes("\(index)"))
                        }
                    }
                }
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
                #expect(
                    try snapshot.scan(range.after(bytes("k9")), order: .ascending, limit: 1) { _, _ in .next }
                        == .exhausted)
                for limit in [0, -1, StorageLimits.scanRowsMax + 1] {
                    #expect(throws: StorageError.self) {
                        try snapshot.scan(range, order: .ascending, limit: limit) { _, _ in .next }
                    }
                }
                #expect(throws: Stop.self) {
                    try snapshot.scan(range, order: .ascending, limit: 5) { _, _ in throw Stop() }
                }
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
