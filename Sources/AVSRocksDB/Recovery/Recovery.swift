public import AVSStorage

/// What can be saved of a database whose log is damaged: section 1.7, *on corruption*.
///
/// Everything happens in a copy beside the database, and the database stays as it is until ``replace(record:)``. While
/// it lives, nobody else can open the database.
///
///     DATABASE.recovery        the copy: everything before the damage
///     DATABASE.damaged-<n>     after the replacement: the database as it was; n is its last whole commit
public final class Recovery: Sendable {
    /// Holds the copy apart from a database that somebody put there.
    static let markerName = "AVS-RECOVERY"

    /// The last commit that is whole. The first one that is lost is the next.
    public let lastCommit: UInt64
    /// How many commits are lost: those that can still be told apart in the log behind the damage, and at least what
    /// the commit mark knows of. `nil` if neither says anything: at least one.
    public let lostCommits: UInt64?
    /// How many rows are left; each was read.
    public let rows: Int
    /// Where the copy is.
    public var copyPath: String { copy.path }

    private let database: Directory
    private let copy: Directory
    private let lock: ProcessLock
    private let options: RocksDBOptions

    /// Copies the database at `path` and opens the copy up to the damage.
    ///
    /// Table files are shared with the copy where the file system can do that: they never change. Takes about the space
    /// of the log twice. A copy that an interrupted recovery left is removed first.
    ///
    /// - Throws: ``StorageError/notFound(path:)``; ``StorageError/locked(by:)``; ``StorageError/noSpace(_:)``;
    ///   ``StorageError/corrupt(_:)`` if a table or the list of tables is damaged: then only a backup helps;
    ///   ``StorageError/unusable(_:)`` if something else is where the copy goes. No copy is left then.
    public init(of path: String, options: RocksDBOptions) throws {
        let database = Directory(path: path)
        guard try database.status()?.isDirectory == true, try database.entries().contains("CURRENT") else {
            throw StorageError.notFound(path: path)
        }
        let lock = try ProcessLock(database)
        let copy = database.sibling(".recovery")
        try Self.removeCopy(copy)
        do {
            let saved = try Self.salvage(database, into: copy, options)
            (lastCommit, lostCommits, rows) = (saved.identity.commit, saved.lostCommits, saved.rows)
        } catch {
            try Self.removeCopy(copy)
            throw error
        }
        self.database = database
        self.copy = copy
        self.lock = lock
        self.options = options
    }

    /// Leaves everything as it was.
    public func discard() throws(StorageError) {
        try Self.removeCopy(copy)
    }

    /// Puts the copy in the place of the database, with the loss on record (DUR-16) and under a new epoch.
    ///
    /// A process that is killed between the two renames leaves no database at its path: a start finds nothing there,
    /// and the copy only has to be given its name.
    /// - Parameter record: writes into the copy, in the batch that accepts the loss.
    /// - Returns: where the damaged database is now.
    /// - Throws: ``StorageError/io(call:text:)`` if the folders cannot be renamed, as a mount point cannot: the
    ///   database stays where it is, and the copy stays as well, ready to start from.
    public func replace(
        record: (inout Transaction, RollbackLoss) throws(StorageError) -> Void
    ) throws(StorageError) -> String {
        let aside = database.sibling(".damaged-\(lastCommit)")
        guard try aside.status() == nil else { throw .unusable("\(aside.path) is there already") }
        try noteLoss()
        _ = try RocksDBStore.acceptRollback(path: copy.path, options: options, record: record)
        try copy.remove(Self.markerName)
        try copy.sync()
        try database.move(to: aside)
        do throws(StorageError) {
            try copy.move(to: database)
        } catch {
            try aside.move(to: database)
            throw error
        }
        return aside.path
    }

    /// What is lost may be more than the commit mark knows, and has to be accepted all the same.
    private func noteLoss() throws(StorageError) {
        let path = copy.file(StartUp.markName)
        var marks: CommitMarkFile
        do throws(StorageError) {
            guard let found = try CommitMarkFile.open(path) else { return }
            marks = found
        } catch .rolledBack {
            return  // a damaged mark: whoever accepts is told that nobody knows
        }
        guard var mark = marks.last else { return }
        let (lost, isBeyondAll) = lastCommit.addingReportingOverflow(lostCommits ?? 1)
        mark.commit = isBeyondAll ? .max : max(mark.commit, lost)
        try marks.write(mark)
    }
}

extension Recovery {
    private typealias Saved = (identity: StoredIdentity, lostCommits: UInt64?, rows: Int)

    private static func salvage(
        _ database: Directory, into copy: Directory, _ options: RocksDBOptions
    ) throws -> Saved {
        try requireSpace(for: database, options)
        try copy.create()
        _ = try File(copy.file(markerName), .create)
        for name in try database.entries() where isPartOfDatabase(name) {
            if name.hasSuffix(".sst") {
                try database.link(name, into: copy)
            } else {
                try database.copy(name, into: copy)
            }
        }
        try copy.sync()
        let (identity, sequence) = try open(copy, options)
        let inspector = try RocksDBInspector.openReadOnly(path: copy.path)
        defer { inspector.close() }
        let rows = try inspector.verifyEveryRow()
        return (identity, try lost(from: database, after: identity, sequence), rows)
    }

    /// Recovers everything before the damage, once: from here on the copy is a database like any other.
    private static func open(
        _ copy: Directory, _ options: RocksDBOptions
    ) throws(StorageError) -> (StoredIdentity, sequence: UInt64) {
        let opened: Database
        do throws(RocksDBFailure) {
            let settings = try DatabaseSettings(options, recovery: .pointInTime)
            opened = try Database.open(copy.path, .readWrite(create: false), settings)
        } catch {
            throw StorageError(error)
        }
        return (try StoredIdentity(opened), opened.sequence)
    }

    /// A commit is one batch.
    private static func lost(
        from database: Directory, after found: StoredIdentity, _ sequence: UInt64
    ) throws(StorageError) -> UInt64? {
        var batches: UInt64 = 0
        for name in try database.entries() where LogTail.number(ofLog: name) != nil {
            let log = try File(database.file(name), .read)
            let sequences = LogBatches.sequences(in: try log.read(try log.size(), at: 0))
            batches += UInt64(sequences.count { $0 > sequence })
        }
        let acknowledged = try acknowledgedCommit(database)
        let known = acknowledged > found.commit ? acknowledged - found.commit : 0
        let lost = max(batches, known)
        return lost > 0 ? lost : nil
    }

    /// By the commit mark; 0 where it is missing or damaged.
    private static func acknowledgedCommit(_ database: Directory) throws(StorageError) -> UInt64 {
        do throws(StorageError) {
            return try CommitMarkFile.open(database.file(StartUp.markName))?.last?.commit ?? 0
        } catch .rolledBack {
            return 0
        }
    }

    private static func requireSpace(for database: Directory, _ options: RocksDBOptions) throws(StorageError) {
        let space = options.fileSystemSpace
        let free = try space(database.path).freeBytes
        let needed = 3 * (try LogTail.totalBytes(in: database)) + 64 << 20
        guard free >= needed else {
            throw .noSpace("\(free) bytes are free and a copy of the log that is recovered needs \(needed)")
        }
    }

    /// The library's own files and the commit mark; not locks, the ballast, logs that were set aside, or its own notes.
    private static func isPartOfDatabase(_ name: String) -> Bool {
        if name.hasPrefix("AVS-") { return name == StartUp.markerName || name == StartUp.markName }
        return name != "LOCK" && !name.hasPrefix("LOG") && name != "lost+found"
    }

    /// Removes a copy that a recovery made, and nothing else.
    private static func removeCopy(_ copy: Directory) throws(StorageError) {
        guard try copy.status() != nil else { return }
        guard try copy.entries().contains(markerName) else {
            throw .unusable("\(copy.path) is there and no recovery made it; move it away")
        }
        try copy.removeWithFiles()
    }
}
