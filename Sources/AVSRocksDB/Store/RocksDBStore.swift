public import AVSStorage
import Synchronization

/// The store on disk: one RocksDB database, written by one committer.
///
/// Its promises are those of ``KeyValueStore``; how they are kept is told in section 1 of the reliability rules, whose
/// tags the code carries. Opening proves that nothing acknowledged is missing, or throws (DUR-5).
///
/// Reads run on the calling thread over the state of the last synced commit. Updates queue up for the committer's
/// thread. A second thread looks after the commit mark and free space. Close it with ``close()``; a store that is
/// merely dropped closes itself a little later.
public final class RocksDBStore: KeyValueStore {
    let core: StoreCore

    private init(_ core: StoreCore) {
        self.core = core
    }

    deinit { core.beginClose() }

    /// Opens the database in the directory `path`, which must carry our marker. Blocks for as long as recovery takes.
    ///
    /// - Parameter creates: make a new database instead, in a directory that is empty or does not exist (`--init`).
    /// - Throws: ``StorageError/notFound(path:)``, ``StorageError/unusable(_:)``: wrong directory (exit 78);
    ///   ``StorageError/locked(by:)``, ``StorageError/noSpace(_:)``: later (exit 75); ``StorageError/corrupt(_:)``,
    ///   ``StorageError/rolledBack(_:)``: a person has to decide (exit 65); ``StorageError/io(call:text:)`` (exit 74).
    public static func open(
        path: String, creates: Bool = false, options: RocksDBOptions
    ) throws(StorageError) -> RocksDBStore {
        let directory = Directory(path: path)
        let opened = try StartUp(directory: directory, options: options, intent: creates ? .create : .open).run()
        try Ballast.provide(in: directory, options)
        return try start(opened, options)
    }

    static func start(
        _ opened: consuming StartUp.Opened, _ options: RocksDBOptions
    ) throws(StorageError) -> RocksDBStore {
        let database = opened.database
        let commit = opened.commit
        options.onEvent(.opened(epoch: opened.epoch, commit: commit, sequence: database.sequence))
        let snapshot: DatabaseSnapshot
        do throws(RocksDBFailure) { snapshot = try DatabaseSnapshot(of: database) } catch { throw StorageError(error) }
        let core = StoreCore(opened, options, snapshot: snapshot)
        let store = RocksDBStore(core)
        // The thread's closure is the only one beside the snapshots to hold the database; it hands it to the committer.
        let handover = Mutex<Database?>(database)
        try startStoreThread("avs-committer") {
            commitUntilClosed(core, handover.withLock { $0.take() }, commit)
            core.waitForClose()
            core.finish()
        }
        try startStoreThread("avs-store-house") { core.keepHouse() }
        try core.readers.start()
        return store
    }

    public func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R {
        guard let snapshot = core.snapshot else { throw StorageError.closed }
        return try body(Snapshot(reading: snapshot))
    }

    public func readWithoutBlocking<R: Sendable>(
        _ body: @escaping @Sendable (borrowing Snapshot) throws -> R
    ) async throws -> R {
        guard let snapshot = core.snapshot else { throw StorageError.closed }
        let cached = CachedReads(snapshot)
        let result = Result { try body(Snapshot(reading: cached)) }
        guard cached.hasMissed else { return try result.get() }
        return try await core.readers.run { try body(Snapshot(reading: snapshot)) }
    }

    public func update<R: Sendable>(_ body: @escaping @Sendable (inout Transaction) throws -> R) async throws -> R {
        try await submit(body, isSynced: true)
    }

    public func updateUnsynced<R: Sendable>(
        _ body: @escaping @Sendable (inout Transaction) throws -> R
    ) async throws -> R {
        try await submit(body, isSynced: false)
    }

    public var status: StoreStatus {
        let load = core.intake.load
        let mode: StoreStatus.Mode =
            switch core.intake.gate {
            case .open: .writable
            case .readOnly(let reason): .readOnly(reason: reason)
            case .closed: .closed
            }
        return StoreStatus(
            mode: mode, isSpaceLow: core.isSpaceLow, epoch: core.epoch, commit: core.commit,
            waitingUpdates: load.updates, waitingBytes: load.bytes)
    }

    /// Takes no more updates, finishes those inside, syncs, writes the commit mark, waits for readers, and closes the
    /// database (OVL-12). Returns when all that is done, or ``RocksDBOptions/closeTimeout`` after readers kept it open.
    public func close() async {
        core.beginClose()
        await core.waitUntilClosed()
    }

    private func submit<R: Sendable>(
        _ body: @escaping @Sendable (inout Transaction) throws -> R, isSynced: Bool
    ) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            let job = UpdateJob(isSynced: isSynced, origin: UpdateOrigin.current) { transaction in
                do {
                    let result = try body(&transaction)
                    return UpdateJob.Performed(isKept: true) { failure in
                        if let failure {
                            continuation.resume(throwing: failure)
                        } else {
                            continuation.resume(returning: result)
                        }
                    }
                } catch {
                    return UpdateJob.Performed(isKept: false) { failure in
                        continuation.resume(throwing: failure ?? error)
                    }
                }
            } refuse: { error in
                continuation.resume(throwing: error)
            }
            if let refusal = core.intake.admit(job) { job.refuse(refusal) }
        }
    }
}

/// In a function of its own, so that its reference to the database ends with it.
private func commitUntilClosed(_ core: StoreCore, _ database: Database?, _ commit: UInt64) {
    guard let database else { return }
    var committer = Committer(core, database, commit: commit)
    committer.run()
}
