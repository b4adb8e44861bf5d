public import AVSPrimitives

/// The backups of the service's database, as an administrator and the pages for probes see them.
///
/// The engine makes none itself: what does, knows the disk.
public protocol BackupKeeping: Sendable {
    /// Makes a backup, proves it, and removes those that are too many. Cancelling the calling task cancels it: what was
    /// made of it is removed.
    ///
    /// - Returns: the backup, which is proven.
    /// - Throws: ``BackupError``, and what the store throws: no space, locked, closed.
    func create() async throws -> BackupRecord

    /// Oldest first, proven or not.
    func list() async throws -> [BackupRecord]

    /// Proves a backup again: it is restored aside, every row is read, and the invariants are checked.
    ///
    /// - Returns: the backup with what was found, ``BackupRecord/Proof/failed(at:reason:)`` if it is no good.
    /// - Throws: ``BackupError``, and what the store throws.
    func verify(_ id: UInt32) async throws -> BackupRecord

    var state: BackupState { get async }
}

/// One backup.
public struct BackupRecord: Hashable, Sendable {
    /// Whether it would do (BAK-4).
    public enum Proof: Hashable, Sendable {
        /// It was interrupted before it was looked at.
        case none
        /// It was restored, and so many rows were read and keep the rules.
        case proven(at: Timestamp, rows: Int)
        case failed(at: Timestamp, reason: String)
    }

    public var id: UInt32
    public var createdAt: Timestamp
    /// Of the database in it. Backups share files, so that all of them together are smaller than the sum.
    public var bytes: UInt64
    public var files: Int
    /// The last commit that is certainly in it; nil if it was interrupted before that was noted.
    public var commit: UInt64?
    public var proof: Proof

    public init(id: UInt32, createdAt: Timestamp, bytes: UInt64, files: Int, commit: UInt64?, proof: Proof) {
        self.id = id
        self.createdAt = createdAt
        self.bytes = bytes
        self.files = files
        self.commit = commit
        self.proof = proof
    }

    /// Only a proven backup counts.
    public var isProven: Bool { if case .proven = proof { true } else { false } }
}

/// What is known of the backups at a moment.
public struct BackupState: Hashable, Sendable {
    public var isRunning: Bool
    /// When the newest proven backup was made; nil if there is none.
    public var lastProvenAt: Timestamp?
    /// Since the start of the process.
    public var provenCount: Int
    public var failedCount: Int

    public init(isRunning: Bool = false, lastProvenAt: Timestamp? = nil, provenCount: Int = 0, failedCount: Int = 0) {
        self.isRunning = isRunning
        self.lastProvenAt = lastProvenAt
        self.provenCount = provenCount
        self.failedCount = failedCount
    }
}

/// Why there is no backup.
public enum BackupError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One at a time.
    case alreadyRunning
    /// The periodic backup was started before.
    case alreadyStarted
    case notFound(UInt32)
    /// It was made, and is no good.
    case notProven(UInt32, reason: String)
    /// The service ends. What was begun counts for nothing.
    case stopping
    /// Whoever asked for it went away. What was begun is removed.
    case cancelled

    public var description: String {
        switch self {
        case .alreadyRunning: "a backup is being made or verified already"
        case .alreadyStarted: "the periodic backup was started already"
        case .notFound(let id): "there is no backup \(id)"
        case .notProven(let id, let reason): "backup \(id) is not proven: \(reason)"
        case .stopping: "the backup was stopped"
        case .cancelled: "the backup was cancelled"
        }
    }
}
