public import AVSEngine
public import AVSPrimitives
import AVSRocksDB
import AVSStorage

/// The backups in a directory, with what is known of each. For the service that makes them, and for a tool that has
/// nothing but the files.
///
/// A backup holds everything of the database, sealed secrets included, and none of the keys that open them (KMS-2):
/// those are kept, and backed up, elsewhere.
public struct BackupArchive: Sendable {
    private let files: RocksDBBackups
    private var stop: WorkStop

    /// - Parameter bytesPerSecond: keeps the disk usable for commits meanwhile. 0 for no limit.
    public init(directory: String, bytesPerSecond: UInt64 = 0) {
        self.init(files: RocksDBBackups(directory: directory, bytesPerSecond: bytesPerSecond), stop: WorkStop())
    }

    init(files: RocksDBBackups, stop: WorkStop) {
        self.files = files
        self.stop = stop
    }

    public var directory: String { files.directory }

    /// Whether the directory holds backups, or has held some.
    public var isThere: Bool { get throws { try files.isThere } }

    /// Oldest first.
    public func list() async throws -> [BackupRecord] {
        try await files.list().map { BackupRecord($0, try note(of: $0.id)) }
    }

    /// Proves a backup (again), and notes the outcome beside it.
    ///
    /// - Throws: ``BackupError/notFound(_:)``, ``BackupError/stopping``; `StorageError.locked` while another process
    ///   works in the directory, `StorageError.noSpace` where the copy does not fit.
    public func verify(_ id: UInt32, at now: Timestamp) async throws -> BackupRecord {
        let lock = try files.lock()
        defer { withExtendedLifetime(lock) {} }
        return try await prove(id, at: now)
    }

    /// Puts a backup into a directory that is empty or not there, and checks what was restored.
    ///
    /// - Returns: the backup, with what the check found.
    /// - Throws: ``BackupError/notFound(_:)``; `StorageError.unusable` for a directory with something in it,
    ///   `StorageError.corrupt` for a damaged backup, `StorageError.noSpace`.
    public func restore(_ id: UInt32, to path: String, at now: Timestamp) async throws -> BackupRecord {
        guard !(path + "/").hasPrefix(directory + "/") else {
            throw StorageError.unusable("\(path) is among the backups")
        }
        var record = try await record(id)
        try await files.restore(id, to: path)
        let copy = try RocksDBInspector.openReadOnly(path: path)
        defer { copy.close() }
        do {
            record.proof = .proven(at: now, rows: try BackupProof(expected: note(of: id), stop: stop).rows(of: copy))
        } catch let refusal as BackupProof.Refusal {
            record.proof = .failed(at: now, reason: refusal.reason)
        }
        return record
    }

    // MARK: For the service

    /// This archive for one piece of work, which `work` ends.
    func stopped(by work: StopFlag) -> BackupArchive {
        BackupArchive(files: files, stop: WorkStop(service: stop.service, work: work))
    }

    /// Makes a backup, proves it, and removes what is too much.
    ///
    /// The library's copy cannot be interrupted; between it and each part of the proof the work can end. What was
    /// copied for somebody who went away is removed; at the end of the process it is left, as a crash would leave it.
    /// - Throws: ``BackupError/stopping``, ``BackupError/cancelled``, and what the store throws.
    func create(of store: RocksDBStore, keeping count: Int, at now: Timestamp) async throws -> BackupRecord {
        let lock = try files.lock()
        defer { withExtendedLifetime(lock) {} }
        try stop.check()
        let before = try store.report()
        let commit = store.status.commit
        let backup = try await files.create(of: store)
        let note = BackupNote(createdAt: now, commit: commit, epoch: before.epoch, databaseID: before.databaseID)
        do {
            try stop.check()
            try files.setNote(note.bytes, of: backup.id)
            let record = try await prove(backup.id, at: now)
            try await files.remove(Self.superfluous(try await list(), keeping: count))
            return record
        } catch BackupError.cancelled {
            try await files.remove([backup.id])
            throw BackupError.cancelled
        }
    }

    /// The proven ones beyond the newest `count`, and all that are not proven but the newest of those: it may be all
    /// that is left of a bad day.
    static func superfluous(_ records: [BackupRecord], keeping count: Int) -> [UInt32] {
        let old = records.filter(\.isProven).dropLast(count)
        let unproven = records.filter { !$0.isProven }.dropLast()
        return (old + unproven).map(\.id)
    }

    private func prove(_ id: UInt32, at now: Timestamp) async throws -> BackupRecord {
        var record = try await record(id)
        var note = try note(of: id)
        do {
            let proof = BackupProof(expected: note, stop: stop)
            let rows = try await files.prove(id) { try proof.rows(of: $0) }
            record.proof = .proven(at: now, rows: rows)
        } catch let refusal as BackupProof.Refusal {
            record.proof = .failed(at: now, reason: refusal.reason)
        } catch StorageError.corrupt(let text) {
            record.proof = .failed(at: now, reason: text)
        }
        if note != nil {
            note?.proof = record.proof
            if let bytes = note?.bytes { try files.setNote(bytes, of: id) }
        }
        return record
    }

    private func record(_ id: UInt32) async throws -> BackupRecord {
        guard let backup = try await files.list().first(where: { $0.id == id }) else { throw BackupError.notFound(id) }
        return BackupRecord(backup, try note(of: id))
    }

    private func note(of id: UInt32) throws -> BackupNote? { try files.note(of: id).flatMap { BackupNote(bytes: $0) } }
}

extension BackupRecord {
    init(_ backup: RocksDBBackups.Backup, _ note: BackupNote?) {
        self.init(
            id: backup.id, createdAt: note?.createdAt ?? Timestamp(seconds: backup.createdAtSeconds),
            bytes: backup.bytes,
            files: backup.files, commit: note?.commit, proof: note?.proof ?? .none)
    }
}
