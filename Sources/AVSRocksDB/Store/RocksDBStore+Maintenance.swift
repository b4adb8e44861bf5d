public import AVSStorage

/// What an administrator does to a store that no process has open.
extension RocksDBStore {
    /// Who has the database open, in words; `nil` if nobody. Does not open it (BAK-7).
    public static func lockHolder(path: String) throws(StorageError) -> String? {
        try ProcessLock.holder(Directory(path: path))
    }

    /// Gives back the ballast, so that a start on a full disk has space to recover (FAIL-5).
    public static func releaseBallast(path: String) throws(StorageError) {
        try Ballast.release(in: Directory(path: path))
    }

    /// Accepts a database that lacks acknowledged commits, as after a copy was put back on purpose (DUR-16).
    ///
    /// One batch sets a new epoch and holds what `record` writes, usually an audit record. Until that batch is durable
    /// every start is refused as before; from then on the service starts again.
    ///
    /// - Returns: the loss, or `nil` if there was none; then `record` was not called.
    /// - Throws: as ``open(path:creates:options:)``, and what `record` throws: then nothing was accepted.
    public static func acceptRollback(
        path: String, options: RocksDBOptions,
        record: (inout Transaction, RollbackLoss) throws(StorageError) -> Void
    ) throws(StorageError) -> RollbackLoss? {
        try withoutActuallyEscaping(record) { record throws(StorageError) in
            let directory = Directory(path: path)
            let opened = try StartUp(directory: directory, options: options, intent: .acceptRollback(record: record))
                .run()
            return opened.loss
        }
    }
}
