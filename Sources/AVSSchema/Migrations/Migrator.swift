public import AVSPrimitives
public import AVSStorage

/// Brings a database to the shape that this release writes, before anything else reads it.
///
/// - Source: aggregator-api 4.11, reliability-security 1.7 step 4 and D1.
public struct Migrator: Sendable {
    /// One migration that was run.
    public struct Report: Hashable, Sendable {
        public var name: MigrationName
        public var records: UInt64
    }

    private let store: any KeyValueStore
    private let migrations: [Migration]
    private let version: UInt64
    private let time: any TimeSource

    /// - Parameters:
    ///   - migrations: in the order in which they run.
    ///   - version: the schema once they are done.
    public init(
        store: any KeyValueStore, migrations: [Migration], version: UInt64 = SchemaVersion.current,
        time: any TimeSource
    ) {
        self.store = store
        self.migrations = migrations
        self.version = version
        self.time = time
    }

    /// Runs what has not been run.
    ///
    /// - Parameter backup: called before the first change, and not again by a start that goes on with what an earlier
    ///   one has begun: that backup is of the database as it was.
    /// - Throws: ``StorageError/unusable(_:)`` for a schema that is newer than ours; what `backup` throws, and then
    ///   nothing has changed; what a migration throws, and then those before it are done.
    public func run(backup: (_ pending: [MigrationName]) async throws -> Void) async throws -> [Report] {
        let found = try await store.readWithoutBlocking { [migrations, version] in
            try State(migrations.map(\.name), version: version, in: $0)
        }
        if found.isNew {
            try await adopt()
            return []
        }
        if !found.pending.isEmpty, !found.isBegun { try await backup(found.pending) }
        var reports: [Report] = []
        for migration in migrations where found.pending.contains(migration.name) {
            reports.append(Report(name: migration.name, records: try await run(migration)))
        }
        if found.version != version { try await raiseVersion() }
        return reports
    }

    /// A new database has the newest shape from the beginning.
    private func adopt() async throws {
        let now = time.now
        try await store.update { [migrations, version] transaction in
            for migration in migrations {
                try transaction.put(MigrationKey(migration.name), MigrationMark(records: 0, doneAt: now))
            }
            try transaction.put(SchemaVersion.key, BigEndianNumber(version).stored)
        }
    }

    private func raiseVersion() async throws {
        try await store.update { [version] in try $0.put(SchemaVersion.key, BigEndianNumber(version).stored) }
    }

    private func run(_ migration: Migration) async throws -> UInt64 {
        switch migration.work {
        case .turns(let turn): try await run(turn, of: migration.name)
        case .whole(let whole): try await run(whole, of: migration.name)
        }
    }

    private func run(
        _ turn: @escaping @Sendable ([UInt8]?, inout Transaction) throws -> Migration.Turn, of name: MigrationName
    ) async throws -> UInt64 {
        while true {
            let now = time.now
            let done = try await store.update { [version] transaction -> UInt64? in
                let progress = try transaction.value(for: MigrationProgressKey(name))
                let turn = try turn(progress?.last, &transaction)
                let records = (progress?.records ?? 0) + UInt64(max(0, turn.changed))
                if let last = turn.last {
                    try transaction.begin(name, MigrationProgress(records: records, last: last), version: version)
                    return nil
                }
                try transaction.end(name, MigrationMark(records: records, doneAt: now), version: version)
                return records
            }
            try Failpoint.hit(.migrationAfterBatch)
            if let done { return done }
        }
    }

    private func run(
        _ whole: @Sendable (any KeyValueStore) async throws -> Int, of name: MigrationName
    ) async throws -> UInt64 {
        try await store.update { [version] transaction in
            try transaction.begin(name, MigrationProgress(records: 0, last: []), version: version)
        }
        try Failpoint.hit(.migrationAfterBatch)
        let records = UInt64(max(0, try await whole(store)))
        let now = time.now
        try await store.update { [version] transaction in
            try transaction.end(name, MigrationMark(records: records, doneAt: now), version: version)
        }
        try Failpoint.hit(.migrationAfterBatch)
        return records
    }

    /// What is to be done to a database.
    private struct State: Sendable {
        let version: UInt64?
        let pending: [MigrationName]
        /// A migration was interrupted.
        let isBegun: Bool
        /// There are no rows but the store's own.
        let isNew: Bool

        init(_ names: [MigrationName], version known: UInt64, in snapshot: borrowing Snapshot) throws {
            try SchemaVersion.check(snapshot, known: known)
            version = try SchemaVersion.stored(in: snapshot)
            var pending: [MigrationName] = []
            for name in names where try !snapshot.contains(MigrationKey(name)) { pending.append(name) }
            self.pending = pending
            isBegun = try !snapshot.isEmpty(Rows<MigrationProgressKey>.all.range)
            let own = KeyRange(prefix: Array(StoreMeta.table.prefix.utf8))
            isNew =
                try version == nil && snapshot.isEmpty(KeyRange(from: [], upTo: own.lower))
                && snapshot.isEmpty(KeyRange(from: own.upper, upTo: KeyRange.end))
        }
    }
}

extension StoreReader where Self: ~Copyable {
    fileprivate func isEmpty(_ range: KeyRange) throws -> Bool {
        var isEmpty = true
        try scan(range, order: .ascending, limit: 1) { _, _ in
            isEmpty = false
            return .stop
        }
        return isEmpty
    }
}

// What is known of a migration is written with what it changes. From the first changed row on, a release that does not
// know the new shape must keep away.
extension Transaction {
    fileprivate mutating func begin(_ name: MigrationName, _ progress: MigrationProgress, version: UInt64) throws {
        try put(SchemaVersion.key, BigEndianNumber(version).stored)
        try put(MigrationProgressKey(name), progress)
    }

    fileprivate mutating func end(_ name: MigrationName, _ mark: MigrationMark, version: UInt64) throws {
        try put(SchemaVersion.key, BigEndianNumber(version).stored)
        try delete(MigrationProgressKey(name))
        try put(MigrationKey(name), mark)
    }
}
