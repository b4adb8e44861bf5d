import AVSEngine
import AVSRocksDB
import AVSSchema
import AVSStorage
import AVSTesting
import Glibc

/// Gives a database the shape of an older release, or migrates one and is killed on the way.
///
///     migration-crasher age DIRECTORY                 takes from it what the migrations of this release add
///     migration-crasher migrate DIRECTORY [COUNT]     runs them; SIGKILL once COUNT updates are durable
///
/// Prints how many updates it made.
@main struct MigrationCrasher {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3 else { exit(64) }
        let store = try open(arguments[2])
        switch (arguments[1], arguments.count) {
        case ("age", 3): try await age(store)
        case ("migrate", 3): try await migrate(store, updatesMax: nil)
        case ("migrate", 4):
            guard let count = Int(arguments[3]) else { exit(64) }
            try await migrate(store, updatesMax: count)
        default: exit(64)
        }
        await store.close()
    }

    private static func open(_ path: String) throws -> RocksDBStore {
        var options = RocksDBOptions(onFatal: { exit($0.exitCode) })
        options.ballastBytes = 0
        options.blockCacheBytes = 4 << 20
        (options.softMark, options.hardMark) = (SpaceMark(percent: 0, bytes: 0), SpaceMark(percent: 0, bytes: 0))
        return try RocksDBStore.open(path: path, options: options)
    }

    /// What no release before the first migration wrote: derived rows, marks, the version of the schema.
    private static func age(_ store: RocksDBStore) async throws {
        try await store.update { transaction in
            for table in [
                Table.taskCount, .executionCount, .executionCountOfOwner, .executionDay, .executionDayOfOwner, .expiry,
                .promise, .migration, .migrationProgress,
            ] {
                try transaction.deleteRange(KeyRange(prefix: Array(table.prefix.utf8)))
            }
            try transaction.delete(Array("meta:schema".utf8))
        }
    }

    private static func migrate(_ store: RocksDBStore, updatesMax: Int?) async throws {
        let counted = CountedUpdates(base: store, updatesMax: updatesMax)
        // Time stands still, so that the marks of two migrations are the same.
        _ = try await Migrator(store: counted, migrations: TaskEngine.migrations, time: ManualTime()).run { _ in }
        print(counted.count)
    }
}
