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
    /// Sets a new epoch, has the caller record the loss, and only then writes a commit mark under which the service
    /// starts again. Interrupted before that, everything is as if it had not begun.
    ///
    /// - Parameter record: writes the audit record. As pure as any update.
    /// - Returns: the loss, or `nil` if there was none; then nothing was recorded.
    public static func acceptRollback(
        path: String, options: RocksDBOptions,
        record: @escaping @Sendable (inout Transaction, RollbackLoss) throws -> Void
    ) async throws -> RollbackLoss? {
        var options = options
        options.housekeepingInterval = .seconds(86_400)  // the mark is written at the end, and not before
        let opened = try StartUp(directory: Directory(path: path), options: options, intent: .acceptRollback).run()
        let loss = opened.loss
        let store = try start(opened, options)
        do {
            if let loss { try await store.update { try record(&$0, loss) } }
        } catch {
            store.core.giveUpMark()
            await store.close()
            throw error
        }
        await store.close()
        return loss
    }
}
