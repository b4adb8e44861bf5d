import AVSStorage
import Dispatch
import Synchronization

/// What the store's callers, its committer and its housekeeper share.
final class StoreCore: Sendable {
    let options: RocksDBOptions
    let intake: Intake
    let readers = ReaderPool()
    private let directory: Directory
    private let directoryIdentity: FileIdentity
    private let databaseID: [UInt8]
    let epoch: UInt64
    /// Signalled by the database when its last user has let go of it.
    private let databaseClosed: DispatchSemaphore
    private let stopHousekeeping = DispatchSemaphore(value: 0)
    private let closeRequested = DispatchSemaphore(value: 0)

    private struct Published {
        /// What reads see; `nil` once the store is closed.
        var snapshot: DatabaseSnapshot?
        var commit: UInt64
    }
    private let published: Mutex<Published>
    /// `nil` once the store is closed: from then on another process may be writing it.
    private let mark: Mutex<CommitMarkFile?>
    private let lock: Mutex<ProcessLock?>
    private let space = Mutex(SpaceMonitor())
    /// When the commit mark was last looked after.
    private let lastMark = Mutex<ContinuousClock.Instant?>(nil)

    private struct End {
        var hasFailed = false
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let end = Mutex(End())

    init(_ opened: consuming StartUp.Opened, _ options: RocksDBOptions, snapshot: DatabaseSnapshot) {
        self.options = options
        intake = Intake(updatesMax: options.intakeUpdatesMax, bytesMax: options.intakeBytesMax)
        directory = opened.directory
        directoryIdentity = opened.directoryIdentity
        databaseID = opened.databaseID
        epoch = opened.epoch
        databaseClosed = opened.databaseClosed
        published = Mutex(Published(snapshot: snapshot, commit: opened.commit))
        mark = Mutex(opened.mark)
        lock = Mutex(opened.lock)
    }

    // MARK: Reading

    var snapshot: DatabaseSnapshot? { published.withLock { $0.snapshot } }
    var commit: UInt64 { published.withLock { $0.commit } }
    var isSpaceLow: Bool { space.withLock { $0.isLow } }

    func publish(_ snapshot: DatabaseSnapshot, commit: UInt64) {
        // The old snapshot is released after the lock: that takes a lock of the library.
        let old = published.withLock { published in
            defer { published = Published(snapshot: snapshot, commit: commit) }
            return published.snapshot
        }
        _ = consume old
    }

    // MARK: Modes

    var hasFailed: Bool { end.withLock { $0.hasFailed } }

    func becomeReadOnly(_ reason: String) {
        guard intake.gate == .open else { return }
        intake.setGate(.readOnly(reason: reason))
        options.onEvent(.becameReadOnly(reason: reason))
    }

    func becomeWritable() {
        guard case .readOnly = intake.gate else { return }
        intake.setGate(.open)
        options.onEvent(.becameWritable)
    }

    /// FAIL-1: takes nothing any more and has the process ended. Reads go on until then.
    func fail(_ fatality: StoreFatality) {
        let isFirst = end.withLock { end in
            defer { end.hasFailed = true }
            return !end.hasFailed
        }
        intake.setGate(.closed)
        if isFirst { options.onFatal(fatality) }
    }

    // MARK: Housekeeping

    /// Runs on a thread of its own until the store is closed, so that nothing here is in the path of an answer.
    func keepHouse() {
        let interval = options.housekeepingInterval
        while stopHousekeeping.wait(timeout: .after(interval)) == .timedOut { houseKeepOnce() }
    }

    /// Commit mark, free space, the directory itself: once a second.
    func houseKeepOnce() {
        guard !hasFailed, let snapshot else { return }
        do throws(StorageError) {
            try checkDirectory()
            try watchSpace()
            if isMarkDue() { try writeMark() }
        } catch {
            // FAIL-7: a directory or a mark that cannot be used any more never gets better by waiting.
            fail(StoreFatality(exitCode: 74, reason: "\(error)"))
        }
        snapshot.database.reportOldSnapshot(to: options.onEvent)
    }

    private func checkDirectory() throws(StorageError) {
        guard try directory.status()?.identity == directoryIdentity else {
            throw .io(call: "stat \(directory.path)", text: "is another directory than at the start")
        }
        let isOurs = try lock.withLock { lock throws(StorageError) -> Bool in
            guard lock != nil else { return true }
            return try lock?.isIntact(in: directory) ?? true
        }
        guard isOurs else { throw .io(call: ProcessLock.fileName, text: "was replaced or changed by somebody else") }
    }

    private func watchSpace() throws(StorageError) {
        let now = options.fileSystemSpace
        let free = try now(directory.path)
        let isBlocked = intake.gate != .open
        let changes = space.withLock { $0.observe(free, isBlocked: isBlocked, at: options.now(), options) }
        for change in changes {
            switch change {
            case .low(let isLow): options.onEvent(.spaceIsLow(isLow, freeBytes: free.freeBytes))
            case .block: becomeReadOnly("disk full")
            case .mayWrite: intake.requestProbe()
            }
        }
    }

    private func isMarkDue() -> Bool {
        let now = options.now()
        return lastMark.withLock { last in
            if let last, now - last < options.commitMarkInterval { return false }
            last = now
            return true
        }
    }

    /// DUR-15: remembers what is durable, if that has changed.
    private func writeMark() throws(StorageError) {
        let now = CommitMark(databaseID: databaseID, epoch: epoch, commit: commit)
        try mark.withLock { file throws(StorageError) in
            guard let last = file?.last, last.isOlder(than: now) else { return }
            try file?.write(now)
        }
    }

    // MARK: Closing

    /// No update is taken from here on; the committer finishes what it has.
    func beginClose() {
        intake.setGate(.closed)
        stopHousekeeping.signal()
        readers.stop()
        closeRequested.signal()
    }

    /// FAIL-1: after a fatal error, reads go on until somebody closes the store or the process is gone.
    func waitForClose() {
        closeRequested.wait()
    }

    func waitUntilClosed() async {
        await withCheckedContinuation { continuation in
            let isFinished = end.withLock { end in
                if !end.isFinished { end.waiters.append(continuation) }
                return end.isFinished
            }
            if isFinished { continuation.resume() }
        }
    }

    /// The committer's last act, after it has let go of the database (OVL-12): mark, readers, database, lock.
    func finish() {
        let sequence = snapshot?.database.sequence ?? 0
        if !hasFailed {
            do throws(StorageError) { try writeMark() } catch {
                fail(StoreFatality(exitCode: 74, reason: "\(error)"))
            }
        }
        let last = published.withLock { published in
            defer { published.snapshot = nil }
            return published.snapshot
        }
        _ = consume last
        let isClosed = databaseClosed.wait(timeout: .after(options.closeTimeout)) == .success
        mark.withLock { $0 = nil }
        // Left open, the database keeps the lock as well, until the process ends.
        if isClosed { lock.withLock { $0 = nil } }
        options.onEvent(isClosed ? .closed(commit: commit, sequence: sequence) : .leftOpen)
        let waiters = end.withLock { end in
            defer { end.waiters = [] }
            end.isFinished = true
            return end.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

extension Database {
    /// KEY-4: reports a snapshot that somebody has held for more than a minute. The one that is published does not
    /// count: without commits it may be of any age.
    fileprivate func reportOldSnapshot(to onEvent: @Sendable (StoreEvent) -> Void) {
        guard let count = number("rocksdb.num-snapshots"), count > 1,
            let made = number("rocksdb.oldest-snapshot-time"), made > 0
        else { return }
        let now = UInt64(max(0, wallClockSeconds()))
        if now > made, now - made > 60 { onEvent(.snapshotIsOld(seconds: now - made)) }
    }
}
