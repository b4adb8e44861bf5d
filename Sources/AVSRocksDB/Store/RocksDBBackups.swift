public import AVSStorage

/// The backups of a store in one directory (BAK-3, BAK-4).
///
/// A backup counts once it is proven: restored into a scratch directory, every row read, invariants checked. The first
/// two are here; the invariants are the schema's. Each method works on a thread of its own. Whoever changes something
/// holds the ``lock()`` meanwhile.
///
/// In the directory, beside the library's own `meta`, `private` and `shared_checksum`:
///
///     AVS-LOCK         who is changing something
///     AVS-BACKUP-<id>  what is known of a backup, in its owner's words
///     AVS-PROOF        a backup that is being proven
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

    static let notePrefix = "AVS-BACKUP-"
    static let scratchName = "AVS-PROOF"
    /// What a restore leaves free: the log of the start that follows needs it (FAIL-5).
    private static let spareBytes: UInt64 = 64 << 20

    public let directory: String
    private let bytesPerSecond: UInt64
    private let space: @Sendable (_ directory: String) throws(StorageError) -> FileSystemSpace

    /// - Parameters:
    ///   - directory: as secret as the database (BAK-5); made with mode 0700 when something is put there.
    ///   - bytesPerSecond: keeps the disk usable for commits meanwhile. 0 for no limit.
    ///   - space: of the file system of a directory; the default asks `statvfs`.
    public init(
        directory: String, bytesPerSecond: UInt64 = 0,
        space: @escaping @Sendable (_ directory: String) throws(StorageError) -> FileSystemSpace = {
            directory throws(StorageError) in try FileSystemSpace(of: directory)
        }
    ) {
        self.directory = directory
        self.bytesPerSecond = bytesPerSecond
        self.space = space
    }

    private var folder: Directory { Directory(path: directory) }
    private var scratch: String { folder.file(Self.scratchName) }

    /// Whether there are backups, or were once. Without the directory a list is empty.
    public var isThere: Bool {
        get throws(StorageError) { try Directory(path: folder.file("meta")).status()?.isDirectory == true }
    }

    /// Makes the directory if it is not there, and sees to it that nobody else changes anything in it.
    ///
    /// - Throws: ``StorageError/unusable(_:)`` for a directory of somebody else, or that lets others in (BAK-5);
    ///   ``StorageError/locked(by:)``.
    public func lock() throws(StorageError) -> BackupsLock {
        if try folder.status() == nil { try folder.create() }
        guard let status = try folder.status(), status.isDirectory else {
            throw .unusable("\(directory) is no directory")
        }
        guard status.owner == effectiveUserID() else {
            throw .unusable("\(directory) belongs to user \(status.owner), we are \(effectiveUserID())")
        }
        if status.mode & 0o077 != 0 {
            guard try folder.entries().isEmpty else {
                let mode = String(status.mode, radix: 8)
                throw .unusable("\(directory) has mode \(mode), which lets others in; it must be 700")
            }
            try folder.makePrivate()
        }
        return BackupsLock(try ProcessLock(folder))
    }

    /// Makes a backup of everything that is durable now, and maybe of a little more.
    ///
    /// It cannot be stopped; whatever a killed process leaves of it is no backup, and goes with the next removal.
    /// - Throws: ``StorageError/noSpace(_:)`` where the database would not fit above the hard mark of free space;
    ///   ``StorageError/io(call:text:)``.
    public func create(of store: RocksDBStore) async throws -> Backup {
        guard let database = store.core.snapshot?.database else { throw StorageError.closed }
        let options = store.core.options
        let report = try store.report()
        return try await onThread("avs-backup") {
            let space = try options.fileSystemSpace(directory)
            try require(
                SpaceMarks(totalBytes: space.totalBytes, options).hard + report.tableBytes + report.memtableBytes,
                of: space)
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
        try await onThread("avs-backup") { try isThere ? try withEngine { engine in engine.backups } : [] }
    }

    /// Removes these backups, and the files that no other one shares.
    public func remove(_ ids: [UInt32]) async throws {
        try await onThread("avs-backup") {
            // A backup is there for as long as its list of files is. The library's own removal knows the oldest only.
            let lists = Directory(path: folder.file("meta"))
            for id in ids {
                try lists.remove("\(id)")
                try folder.remove(Self.notePrefix + "\(id)")
            }
            try lists.sync()
            try folder.sync()
            // Keeps all that is left, and collects the files that nobody lists.
            try withEngine { engine throws(RocksDBFailure) in try engine.purge(keeping: .max) }
        }
    }

    /// Restores a backup into a directory that is empty or not there. The library checks every file's checksum.
    ///
    /// The restored database is older than what was acknowledged, so a service starts on it only after
    /// ``RocksDBStore/acceptRollback(path:options:record:)``.
    ///
    /// - Throws: ``StorageError/notFound(path:)`` if there is no such backup; ``StorageError/corrupt(_:)`` if one of
    ///   its files is damaged; ``StorageError/noSpace(_:)``; ``StorageError/unusable(_:)`` for a directory with
    ///   something in it.
    public func restore(_ id: UInt32, to path: String) async throws {
        try await onThread("avs-backup") {
            guard try isThere, let backup = try withEngine({ engine in engine.backups.first { $0.id == id } }) else {
                throw StorageError.notFound(path: "\(directory), backup \(id)")
            }
            let target = Directory(path: path)
            let isNew = try target.status() == nil
            if isNew { try target.create() }
            guard try target.entries().isEmpty else { throw StorageError.unusable("\(path) is not empty") }
            do {
                try require(backup.bytes + Self.spareBytes, of: try space(path))
                try target.makePrivate()
                try withEngine { engine throws(RocksDBFailure) in try engine.restore(id, to: path) }
                try StartUp.writeMarker(in: target)
            } catch {
                // Half a database must not look like one.
                if isNew { try target.removeWithFiles() } else { try target.removeFiles() }
                throw error
            }
        }
    }

    /// Restores a backup into a scratch directory, reads every row, lets `check` look at it, and removes it again.
    ///
    /// What an interrupted proof left is removed first.
    /// - Parameter check: the invariants; throws if one does not hold.
    public func prove<Result: Sendable>(
        _ id: UInt32, check: @escaping @Sendable (RocksDBInspector) throws -> Result
    ) async throws -> Result {
        let left = Directory(path: scratch)
        if try left.status() != nil { try left.removeWithFiles() }
        let proof: Swift.Result<Result, any Error>
        do {
            try await restore(id, to: scratch)
            proof = .success(try await onThread("avs-backup") { try Self.read(scratch, check) })
        } catch {
            proof = .failure(error)
        }
        if try left.status() != nil { try left.removeWithFiles() }
        return try proof.get()
    }

    private static func read<Result>(_ path: String, _ check: (RocksDBInspector) throws -> Result) throws -> Result {
        let inspector = try RocksDBInspector.openReadOnly(path: path)
        defer { inspector.close() }
        return try check(inspector)
    }

    private func require(_ bytes: UInt64, of space: FileSystemSpace) throws(StorageError) {
        guard space.freeBytes >= bytes else {
            throw .noSpace("\(space.freeBytes) bytes are free where the copy goes, at least \(bytes) are wanted")
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

/// As long as it lives, no other process changes anything among the backups.
public final class BackupsLock: Sendable {
    private let lock: ProcessLock

    init(_ lock: consuming ProcessLock) { self.lock = lock }
}

extension RocksDBBackups {
    /// What was noted of a backup; nil if nothing was, because it was interrupted or is another's.
    public func note(of id: UInt32) throws(StorageError) -> [UInt8]? {
        let name = Self.notePrefix + "\(id)"
        guard try isThere, try folder.entries().contains(name) else { return nil }
        let file = try File(folder.file(name), .read)
        return try file.read(min(try file.size(), Self.noteBytesMax), at: 0)
    }

    /// Notes something beside a backup, whole or not at all. Durable when it returns.
    public func setNote(_ note: [UInt8], of id: UInt32) throws(StorageError) {
        let name = Self.notePrefix + "\(id)"
        let file = try File(folder.file(name + ".new"), .create)
        try file.write(note, at: 0)
        try file.sync()
        try folder.rename(name + ".new", to: name)
        try folder.sync()
    }

    private static var noteBytesMax: Int { 1 << 20 }
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
