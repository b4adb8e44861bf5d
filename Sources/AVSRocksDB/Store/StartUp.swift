import AVSStorage
import Dispatch

/// The way from a directory to an open database that is proven to be whole: section 1.7, steps 1 to 3.
///
/// In the directory, beside the library's own files:
///
///     AVS-STORE        marker: this directory is meant to hold a database of ours
///     AVS-LOCK         who has it open
///     AVS-COMMIT-MARK  what was acknowledged (DUR-15)
///     AVS-BALLAST      space to give back in need (FAIL-5)
///     AVS-SAVED-…      logs as they were before their tail was cut (DUR-14a)
struct StartUp {
    static let markerName = "AVS-STORE"
    static let markName = "AVS-COMMIT-MARK"
    static let ballastName = "AVS-BALLAST"
    static let savedPrefix = "AVS-SAVED-"

    /// What a start is asked to do.
    enum Intent {
        /// Open what is there.
        case open
        /// Make a database where none is.
        case create
        /// DUR-16: open what is there even though acknowledged commits are missing from it, and record that.
        case acceptRollback(record: (inout Transaction, RollbackLoss) throws(StorageError) -> Void)
    }

    /// An open, proven database. The epoch is raised, and durable.
    struct Opened: ~Copyable {
        // The order matters to whoever drops it: the database is closed before the lock is given back.
        let database: Database
        let lock: ProcessLock
        let directory: Directory
        let directoryIdentity: FileIdentity
        let databaseClosed: DispatchSemaphore
        let databaseID: [UInt8]
        let epoch: UInt64
        let commit: UInt64
        let mark: CommitMarkFile
        /// What the mark had and the database has not, if that was accepted.
        let loss: RollbackLoss?
    }

    let directory: Directory
    let options: RocksDBOptions
    let intent: Intent

    private var creates: Bool { if case .create = intent { true } else { false } }
    private var acceptsRollback: Bool { if case .acceptRollback = intent { true } else { false } }

    func run() throws(StorageError) -> Opened {
        let identity = try checkDirectory()
        let lock = try ProcessLock(directory)
        try checkSpace()
        let isNew = try checkMarker(try directory.entries())
        let closed = DispatchSemaphore(value: 0)
        let database = try openDatabase(isNew: isNew, closed: closed)
        try checkOptions()
        return try prove(database, lock, identity, closed)
    }

    // MARK: Preflight

    private func checkDirectory() throws(StorageError) -> FileIdentity {
        if creates, try directory.status() == nil { try directory.create() }
        guard let status = try directory.status(), status.isDirectory else { throw .notFound(path: directory.path) }
        guard status.owner == effectiveUserID() else {
            throw .unusable("\(directory.path) belongs to user \(status.owner), we are \(effectiveUserID())")
        }
        if status.mode & 0o077 != 0 {
            guard creates, try directory.entries().isEmpty else {
                let mode = String(status.mode, radix: 8)
                throw .unusable("\(directory.path) has mode \(mode), which lets others in; it must be 700")
            }
            try directory.makePrivate()
        }
        return status.identity
    }

    /// FAIL-5, *start-up*: recovery rewrites the log as a table, and the library aborts if that does not fit.
    private func checkSpace() throws(StorageError) {
        let logBytes = try LogTail.totalBytes(in: directory)
        let needed = 2 * logBytes + 64 << 20
        let space = options.fileSystemSpace
        let free = try space(directory.path).freeBytes
        guard free >= needed else {
            throw .noSpace(
                "\(free) bytes are free and recovery of \(logBytes) bytes of log needs \(needed); "
                    + "delete \(Self.ballastName) or other files")
        }
    }

    /// Whether a database is to be made. Never by accident: an unmounted volume looks like an empty directory (FAIL-7).
    private func checkMarker(_ entries: [String]) throws(StorageError) -> Bool {
        let hasDatabase = entries.contains("CURRENT")
        let others = entries.filter { !$0.hasPrefix("AVS-") && $0 != "lost+found" }
        if entries.contains(Self.markerName) {
            guard !creates || !hasDatabase else {
                throw .unusable("\(directory.path) holds a database already; start without init")
            }
            if hasDatabase { return false }
            for name in others where try !isRemnant(name) {
                throw .rolledBack("\(directory.path) has \(name) of a database, but no CURRENT")
            }
            return true
        }
        guard creates else { throw .notFound(path: directory.path) }
        guard others.isEmpty else {
            throw .unusable("\(directory.path) is not empty: \(others.prefix(3).joined(separator: ", "))")
        }
        try Self.writeMarker(in: directory)
        return true
    }

    /// Whether a file can be left over from the making of a database that was interrupted before anything was stored.
    private func isRemnant(_ name: String) throws(StorageError) -> Bool {
        if name == "LOCK" || name == "IDENTITY" || name.hasPrefix("LOG") || name.hasSuffix(".dbtmp") { return true }
        if name.hasPrefix("MANIFEST-") || name.hasPrefix("OPTIONS-") { return true }
        guard LogTail.number(ofLog: name) != nil else { return false }
        return try directory.size(of: name) == 0
    }

    static func writeMarker(in directory: Directory) throws(StorageError) {
        let temporary = markerName + ".new"
        let text = Array(
            "AVS aggregator database, layout 1. Do not delete: without it the service refuses to start.\n".utf8)
        let file = try File(directory.file(temporary), .create)
        try file.write(text, at: 0)
        try file.sync()
        try directory.rename(temporary, to: markerName)
        try directory.sync()
    }

    // MARK: Opening

    private func openDatabase(isNew: Bool, closed: DispatchSemaphore) throws(StorageError) -> Database {
        do throws(RocksDBFailure) {
            return try openOnce(create: isNew, closed)
        } catch where error.kind == .corruption {
            guard let tail = try LogTail.cutZeros(in: directory) else { throw StorageError(error) }
            do throws(RocksDBFailure) {
                let database = try openOnce(create: false, closed)
                options.onEvent(.cutLogTail(file: tail.file, bytes: tail.bytesCut, saved: tail.saved))
                return database
            } catch let second {
                try tail.putBack(in: directory)
                throw StorageError(second)
            }
        } catch {
            throw StorageError(error)
        }
    }

    private func openOnce(create: Bool, _ closed: DispatchSemaphore) throws(RocksDBFailure) -> Database {
        let settings = try DatabaseSettings(options)
        return try Database.open(directory.path, .readWrite(create: create), settings) { closed.signal() }
    }

    /// RDB-3: what the database runs with must be what we asked for.
    private func checkOptions() throws(StorageError) {
        let files = try directory.entries().filter { $0.hasPrefix("OPTIONS-") && !$0.hasSuffix(".dbtmp") }
        guard let name = files.max(by: { $0.count == $1.count ? $0 < $1 : $0.count < $1.count }) else {
            throw .unusable("the library wrote no option file")
        }
        let file = try File(directory.file(name), .read)
        let text = String(decoding: try file.read(try file.size(), at: 0), as: UTF8.self)
        let missing = DatabaseSettings.missingLines(in: text, options)
        guard missing.isEmpty else {
            throw .unusable("the library does not run with \(missing.joined(separator: ", "))")
        }
    }

    // MARK: Proving

    /// Compares the database with its commit mark (DUR-15), and raises the epoch (DUR-11).
    private func prove(
        _ database: Database, _ lock: consuming ProcessLock, _ identity: FileIdentity, _ closed: DispatchSemaphore
    ) throws(StorageError) -> Opened {
        let found = try StoredIdentity(database)
        var mark = try openMark(found)
        let loss = try compare(found, mark.last)
        let epoch = max(found.epoch, mark.last?.epoch ?? 0) + 1
        let now = CommitMark(
            databaseID: found.databaseID ?? mark.last?.databaseID ?? [], epoch: epoch, commit: found.commit + 1)
        try raiseEpoch(now, isNew: found.databaseID == nil, try changes(for: loss, database), database)
        try mark.write(now)
        return Opened(
            database: database, lock: lock, directory: directory, directoryIdentity: identity, databaseClosed: closed,
            databaseID: now.databaseID, epoch: epoch, commit: now.commit, mark: mark, loss: loss)
    }

    private func openMark(_ found: StoredIdentity) throws(StorageError) -> CommitMarkFile {
        do throws(StorageError) {
            if let there = try CommitMarkFile.open(directory.file(Self.markName)) { return there }
        } catch {
            guard acceptsRollback else { throw error }
        }
        let first: CommitMark
        if found.isEmpty {
            // A new database: its id is in the mark before it is in the database, so a crash between the two is no
            // loss.
            first = CommitMark(databaseID: Self.newDatabaseID(), epoch: 0, commit: 0)
        } else if acceptsRollback {
            // Nobody knows what was acknowledged. Until the caller has recorded that, this mark refuses every start.
            first = CommitMark(databaseID: found.mark.databaseID, epoch: found.epoch, commit: .max)
        } else {
            throw .rolledBack("there is no commit mark at \(directory.file(Self.markName))")
        }
        return try CommitMarkFile.create(Self.markName, in: directory, first)
    }

    private func compare(_ found: StoredIdentity, _ mark: CommitMark?) throws(StorageError) -> RollbackLoss? {
        guard let mark else { throw .rolledBack("the commit mark is empty") }
        let differences = Self.differences(found, mark)
        guard !differences.isEmpty else { return nil }
        guard acceptsRollback else {
            throw .rolledBack("by the commit mark of \(directory.path), \(differences.joined(separator: ", and "))")
        }
        return RollbackLoss(found: found.mark, acknowledged: mark, differences: differences)
    }

    static func differences(_ found: StoredIdentity, _ mark: CommitMark) -> [String] {
        var differences: [String] = []
        if let id = found.databaseID {
            if id != mark.databaseID { differences.append("it is another database") }
        } else if mark.commit > 0 {
            differences.append("it is empty")
        }
        if found.commit < mark.commit { differences.append("its last commit is \(found.commit), not \(mark.commit)") }
        if found.epoch < mark.epoch { differences.append("its epoch is \(found.epoch), not \(mark.epoch)") }
        return differences
    }

    /// What the caller records about a loss. It is part of the batch that raises the epoch: that batch's commit number
    /// could already satisfy the mark, so before it the start is refused, and with it the loss is on record.
    private func changes(for loss: RollbackLoss?, _ database: Database) throws(StorageError) -> ChangeSet {
        guard let loss, case .acceptRollback(let record) = intent else { return ChangeSet() }
        var transaction = Transaction(over: database)
        try record(&transaction, loss)
        return transaction.finish()
    }

    /// Synced before the first other write of this start.
    private func raiseEpoch(
        _ now: CommitMark, isNew: Bool, _ changes: ChangeSet, _ database: Database
    ) throws(StorageError) {
        var batch = WriteBatch()
        batch.add(changes)
        batch.put(StoreMeta.epoch, BigEndianNumber(now.epoch).stored)
        batch.put(StoreMeta.commit, BigEndianNumber(now.commit).stored)
        if isNew { batch.put(StoreMeta.databaseID, now.databaseID) }
        do throws(RocksDBFailure) {
            try database.write(batch, isSynced: true, mayStall: true)
        } catch {
            throw .outcomeUnknown("\(error)")
        }
        do throws(FailpointReached) { try Failpoint.hit(.recoveryAfterEpoch) } catch {
            throw .io(call: "start", text: "\(error)")
        }
    }

    private static func newDatabaseID() -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        return BigEndianNumber(random.next()).stored + BigEndianNumber(random.next()).stored
    }
}
