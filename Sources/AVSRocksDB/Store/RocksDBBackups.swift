import AVSStorage

/// The backups of a store in one directory (BAK-3, BAK-4).
///
/// A backup counts once it is proven: restored into a scratch directory, every row read, invariants checked. The first
/// two are here; the invariants are the schema's. Each method works on a thread of its own.
public struct RocksDBBackups: Sendable {
    /// One backup.
    public struct Backup: Hashable, Sendable {
        /// Rises with each backup.
        public let id: UInt32
        public let createdAtSeconds: Int64
        /// Size of the database in it; the files on disk are shared between backups.
        public let bytes: UInt64
        public let files: Int
    }

    public let directory: String
    private let bytesPerSecond: UInt64

    /// - Parameters:
    ///   - directory: as secret as the database (BAK-5); made with mode 0700 if it is not there.
    ///   - bytesPerSecond: keeps the disk usable for commits meanwhile. 0 for no limit.
    public init(directory: String, bytesPerSecond: UInt64 = 0) {
        self.directory = directory
        self.bytesPerSecond = bytesPerSecond
    }

    /// Makes a backup of everything that is durable now, and maybe of a little more.
    ///
    /// - Throws: ``StorageError/noSpace(_:)`` below the hard mark of free space; ``StorageError/io(call:text:)``.
    public func create(of store: RocksDBStore) async throws -> Backup {
        guard let database = store.core.snapshot?.database else { throw StorageError.closed }
        let options = store.core.options
        return try await onThread("avs-backup") {
            try requireSpace(options)
            return try withEngine { engine throws(RocksDBFailure) in
                try engine.create(of: database)
                guard let backup = engine.backups.last else {
                    throw RocksDBFailure(call: "rocksdb_backup_engine_get_backup_info", text: "lists no backup")
                }
                return backup
            }
        }
    }

    /// Oldest first.
    public func list() async throws -> [Backup] {
        try await onThread("avs-backup") { try withEngine { engine in engine.backups } }
    }

    /// Removes all but the last `count`.
    public func purge(keeping count: Int) async throws {
        try await onThread("avs-backup") {
            try withEngine { engine throws(RocksDBFailure) in try engine.purge(keeping: UInt32(clamping: count)) }
        }
    }

    /// Restores a backup into a directory that is empty or not there. The library checks every file's checksum.
    ///
    /// The restored database is older than what was acknowledged, so a service starts on it only after
    /// ``RocksDBStore/acceptRollback(path:options:record:)``.
    ///
    /// - Throws: ``StorageError/corrupt(_:)`` if a file of the backup is damaged.
    public func restore(_ id: UInt32, to path: String) async throws {
        try await onThread("avs-backup") {
            let target = Directory(path: path)
            if try target.status() == nil { try target.create() }
            guard try target.entries().isEmpty else { throw StorageError.unusable("\(path) is not empty") }
            try target.makePrivate()
            try withEngine { engine throws(RocksDBFailure) in try engine.restore(id, to: path) }
            try StartUp.writeMarker(in: target)
        }
    }

    /// Restores a backup into a scratch directory, reads every row, lets `check` look at it, and removes it again.
    ///
    /// - Parameter scratch: a path where nothing is.
    /// - Parameter check: the invariants; throws if one does not hold.
    public func prove(
        _ id: UInt32, scratch: String, check: @escaping @Sendable (RocksDBInspector) throws -> Void
    ) async throws {
        guard try Directory(path: scratch).status() == nil else { throw StorageError.unusable("\(scratch) exists") }
        let proof: Result<Void, any Error>
        do {
            try await restore(id, to: scratch)
            proof = .success(try await onThread("avs-backup") { try Self.read(scratch, check) })
        } catch {
            proof = .failure(error)
        }
        try Directory(path: scratch).removeWithFiles()
        try proof.get()
    }

    private static func read(_ path: String, _ check: (RocksDBInspector) throws -> Void) throws {
        let inspector = try RocksDBInspector.openReadOnly(path: path)
        defer { inspector.close() }
        _ = try inspector.verifyEveryRow()
        try check(inspector)
    }

    private func requireSpace(_ options: RocksDBOptions) throws(StorageError) {
        let target = Directory(path: directory)
        if try target.status() == nil { try target.create() }
        let query = options.fileSystemSpace
        let space = try query(directory)
        let hard = SpaceMarks(totalBytes: space.totalBytes, options).hard
        guard space.freeBytes >= hard else {
            throw .noSpace("\(space.freeBytes) bytes are free where the backup goes, at least \(hard) are wanted")
        }
    }

    private func withEngine<R>(_ body: (inout BackupEngine) throws(RocksDBFailure) -> R) throws(StorageError) -> R {
        do throws(RocksDBFailure) {
            var engine = try BackupEngine(directory, bytesPerSecond: bytesPerSecond)
            return try body(&engine)
        } catch {
            throw StorageError(error)
        }
    }
}

extension RocksDBStore {
    /// Makes a copy of the database at a path where nothing is, in seconds, without stopping (BAK-1, BAK-2): before a
    /// migration, or for an administrator. It holds everything that is durable now, and its entries are durable.
    ///
    /// - Returns: the last commit in the copy.
    public func checkpoint(to path: String) async throws -> UInt64 {
        guard let database = core.snapshot?.database else { throw StorageError.closed }
        return try await onThread("avs-checkpoint") {
            do throws(RocksDBFailure) { try database.checkpoint(to: path) } catch { throw StorageError(error) }
            let copy = Directory(path: path)
            try copy.makePrivate()
            try copy.sync()
            let inspector = try RocksDBInspector.openReadOnly(path: path)
            defer { inspector.close() }
            return try inspector.report().commit
        }
    }
}
