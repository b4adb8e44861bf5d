public import AVSStorage
import Synchronization

/// Reads a database without ever writing to it: beside a running server, or of one that does not start (BAK-6, BAK-7).
///
/// It needs no marker and takes no lock, so it opens backups as well. It proves nothing: the commit mark is the
/// store's business.
public final class RocksDBInspector: Sendable {
    private let database: Mutex<Database?>
    private let path: String

    private init(_ database: Database, _ path: String) {
        self.database = Mutex(database)
        self.path = path
    }

    /// A frozen view of the files as they are now.
    ///
    /// - Parameter skipsDamage: show what there is before the first damage of the log, instead of refusing.
    /// - Throws: ``StorageError/notFound(path:)``, ``StorageError/corrupt(_:)``, ``StorageError/io(call:text:)``.
    public static func openReadOnly(
        path: String, skipsDamage: Bool = false
    ) throws(StorageError) -> RocksDBInspector {
        try open(path, .readOnly, skipsDamage ? .pointInTime : .tolerateTail)
    }

    /// A view that follows a running server: ``catchUp()`` shows what it has written since.
    ///
    /// - Parameter ownDirectory: where the library keeps its own log of this opening; made if it is not there.
    public static func openFollowing(
        path: String, ownDirectory: String
    ) throws(StorageError) -> RocksDBInspector {
        let own = Directory(path: ownDirectory)
        if try own.status() == nil { try own.create() }
        return try open(path, .secondary(directory: ownDirectory), .tolerateTail)
    }

    private static func open(
        _ path: String, _ mode: Database.Mode, _ recovery: DatabaseSettings.Recovery
    ) throws(StorageError) -> RocksDBInspector {
        let directory = Directory(path: path)
        guard try directory.status()?.isDirectory == true, try directory.entries().contains("CURRENT") else {
            throw .notFound(path: path)
        }
        var options = RocksDBOptions { _ in }
        options.blockCacheBytes = 16 << 20
        do throws(RocksDBFailure) {
            let settings = try DatabaseSettings(options, recovery: recovery)
            return RocksDBInspector(try Database.open(path, mode, settings), path)
        } catch {
            throw StorageError(error)
        }
    }

    /// Reads. Each get and each scan of a following inspector sees what it has caught up with at that moment.
    ///
    /// - Throws: what `body` throws, or ``StorageError/closed``.
    public func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R {
        try body(Snapshot(reading: open))
    }

    public func report() throws(StorageError) -> StoreReport {
        try StoreReport(open)
    }

    /// What the commit mark beside the database says was acknowledged and is not there (DUR-15); nil if nothing is.
    /// A start is refused for the same reasons.
    public func loss() throws(StorageError) -> RollbackLoss? {
        let found = try StoredIdentity(try open)
        let mark: CommitMark?
        do throws(StorageError) {
            mark = try CommitMarkFile.open(Directory(path: path).file(StartUp.markName))?.last
        } catch .rolledBack {
            mark = nil
        }
        guard let mark else {
            let unknown = CommitMark(databaseID: found.mark.databaseID, epoch: found.epoch, commit: .max)
            return RollbackLoss(found: found.mark, acknowledged: unknown, differences: ["there is no commit mark"])
        }
        let differences = StartUp.differences(found, mark)
        return differences.isEmpty ? nil : RollbackLoss(found: found.mark, acknowledged: mark, differences: differences)
    }

    /// Shows a following inspector what the server has written since.
    ///
    /// - Throws: ``StorageError/io(call:text:)``, also of an inspector that does not follow.
    public func catchUp() throws(StorageError) {
        let database = try open
        do throws(RocksDBFailure) { try database.catchUpWithPrimary() } catch { throw StorageError(error) }
    }

    /// Reads every row once, with its checksum, and returns how many there are (BAK-4).
    ///
    /// - Throws: ``StorageError/corrupt(_:)`` at the first block that is not what was written.
    public func verifyEveryRow() throws -> Int {
        let database = try open
        var count = 0
        try database.scan(.all, order: .ascending, rowsExpected: .max) { _, _ in
            count += 1
            return .next
        }
        return count
    }

    /// Ends it once the reads that are under way have ended.
    public func close() {
        database.withLock { $0 = nil }
    }

    private var open: Database {
        get throws(StorageError) {
            guard let database = database.withLock({ $0 }) else { throw .closed }
            return database
        }
    }
}
