import Synchronization

/// A store in memory with the semantics of the one on disk: for tests, and the base of the simulated faulty store.
///
/// As on disk, ``updateUnsynced(_:)`` is not visible to reads until something is synced. There is no timer in here:
/// a test says ``sync()`` where the disk store would after 200 ms.
public final class MemoryStore: KeyValueStore {
    /// The state that the next update sees. Its lock is held while an update runs, so updates are serial.
    private let latest: Mutex<SortedMap<[UInt8]>>
    /// The state that reads see. Never held while anything of the caller's runs.
    private let durable: Mutex<SortedMap<[UInt8]>>
    private let repeatsBodies: Bool
    private let limitBytes: Int

    /// - Parameters:
    ///   - repeatsBodies: run every body twice and keep the second result: shows a body that is not pure.
    ///   - limitBytes: how much one update may change.
    public convenience init(repeatsBodies: Bool = false, limitBytes: Int = StorageLimits.updateBytesMax) {
        self.init(state: SortedMap(), repeatsBodies, limitBytes)
    }

    private init(state: SortedMap<[UInt8]>, _ repeatsBodies: Bool, _ limitBytes: Int) {
        latest = Mutex(state)
        durable = Mutex(state)
        self.repeatsBodies = repeatsBodies
        self.limitBytes = limitBytes
    }

    public func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R {
        let state = durable.withLock { $0 }
        return try body(Snapshot(reading: MemoryState(rows: state)))
    }

    public func update<R: Sendable>(_ body: @escaping @Sendable (inout Transaction) throws -> R) async throws -> R {
        try run(body, synced: true)
    }

    public func updateUnsynced<R: Sendable>(
        _ body: @escaping @Sendable (inout Transaction) throws -> R
    ) async throws -> R {
        try run(body, synced: false)
    }

    /// Makes every unsynced update durable and visible.
    public func sync() {
        latest.withLock { state in durable.withLock { $0 = state } }
    }

    /// The store as a restart would find it after a crash: a new one with the durable state, without the unsynced.
    public func restarted() -> MemoryStore {
        MemoryStore(state: durable.withLock { $0 }, repeatsBodies, limitBytes)
    }

    private func run<R: Sendable>(_ body: (inout Transaction) throws -> R, synced: Bool) throws -> R {
        try latest.withLock { state in
            let base = MemoryState(rows: state)
            if repeatsBodies {
                var rehearsal = Transaction(over: base, limitBytes: limitBytes)
                _ = try body(&rehearsal)
            }
            var transaction = Transaction(over: base, limitBytes: limitBytes)
            let result = try body(&transaction)
            state.apply(transaction.finish())
            if synced { durable.withLock { $0 = state } }
            return result
        }
    }
}

/// One state of a ``MemoryStore``.
private struct MemoryState: ReadBackend {
    let rows: SortedMap<[UInt8]>

    func get(_ key: [UInt8]) throws(StorageError) -> [UInt8]? { rows[key] }

    func scan(
        _ range: KeyRange, order: ScanOrder, rowsExpected: Int,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws {
        var cursor = rows.cursor(in: range, order: order)
        while let (key, value) = cursor.next() {
            if try body(key, value) == .stop { return }
        }
    }
}

extension SortedMap<[UInt8]> {
    fileprivate mutating func apply(_ changes: ChangeSet) {
        for range in changes.deletedRanges { _ = removeAll(in: range) }
        changes.forEachEntry { key, value in
            if let value { updateValue(value, for: key) } else { removeValue(for: key) }
        }
    }
}
