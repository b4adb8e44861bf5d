public import AVSEngine
public import AVSPrimitives
public import AVSRocksDB
public import Logging

/// Makes the backups of a running service: on demand, and periodically (D-28). One at a time.
public actor BackupService: BackupKeeping {
    public struct Settings: Hashable, Sendable {
        /// As secret as the database, and not on its disk if it is to outlive it (BAK-5).
        public var directory: String
        /// How many proven backups stay (BAK-4).
        public var keptCount = 7
        /// Between two periodic backups.
        public var interval = Duration.seconds(24 * 3_600)
        /// 0 for no limit.
        public var bytesPerSecond: UInt64 = 0

        public init(directory: String) { self.directory = directory }
    }

    private let store: RocksDBStore
    private let settings: Settings
    private let archive: BackupArchive
    private let stop = StopFlag()
    private let time: any TimeSource
    private let logger: Logger

    private var isWorking = false
    private var isPeriodic = false
    private var provenCount = 0
    private var failedCount = 0
    /// Those who wait for the work to end.
    private var waiters: [CheckedContinuation<Void, Never>] = []
    /// When the periodic backup was last tried by this process.
    private var lastAttempt: Timestamp?
    /// Nil before the directory was looked at.
    private var known: Known?

    private struct Known {
        var lastProvenAt: Timestamp?
    }

    /// - Parameter store: open for as long as this works; see ``stopWorking(within:)``.
    public init(store: RocksDBStore, settings: Settings, time: any TimeSource, logger: Logger) {
        self.store = store
        self.settings = settings
        self.time = time
        self.logger = logger
        archive = BackupArchive(
            files: RocksDBBackups(directory: settings.directory, bytesPerSecond: settings.bytesPerSecond),
            stop: WorkStop(service: stop))
    }

    // MARK: On demand

    public func create() async throws -> BackupRecord {
        try begin()
        defer { end() }
        let now = time.now
        do {
            let record = try await untilCancelled { [store, settings] in
                try await $0.create(of: store, keeping: settings.keptCount, at: now)
            }
            guard case .failed(_, let reason) = record.proof else {
                provenCount += 1
                known = Known(lastProvenAt: record.createdAt)
                logger.info("backup proven", metadata: record.metadata)
                return record
            }
            throw BackupError.notProven(record.id, reason: reason)
        } catch {
            switch error {
            case BackupError.stopping: throw error
            case BackupError.cancelled:
                logger.info("a backup was cancelled and what there was of it is removed")
                throw error
            default: failedCount += 1
            }
            logger.error("backup failed", metadata: ["error": "\(error)", "directory": "\(settings.directory)"])
            throw error
        }
    }

    public func list() async throws -> [BackupRecord] { try await archive.list() }

    public func verify(_ id: UInt32) async throws -> BackupRecord {
        try begin()
        defer { end() }
        let now = time.now
        let record = try await untilCancelled { try await $0.verify(id, at: now) }
        known = nil  // it may have been the newest proven one until now
        return record
    }

    public var state: BackupState {
        get async {
            let lastProvenAt: Timestamp?
            // A page for probes is no place to fail.
            do { lastProvenAt = try await lastProven() } catch { lastProvenAt = nil }
            return BackupState(
                isRunning: isWorking, lastProvenAt: lastProvenAt, provenCount: provenCount, failedCount: failedCount)
        }
    }

    private func lastProven() async throws -> Timestamp? {
        if let known { return known.lastProvenAt }
        let newest = try await archive.list().last(where: \.isProven)?.createdAt
        known = Known(lastProvenAt: newest)
        return newest
    }

    /// Has the work end early when the calling task is cancelled.
    private func untilCancelled(
        _ body: @Sendable (BackupArchive) async throws -> BackupRecord
    ) async throws -> BackupRecord {
        let flag = StopFlag()
        return try await withTaskCancellationHandler {
            try await body(archive.stopped(by: flag))
        } onCancel: {
            flag.set()
        }
    }

    private func begin() throws {
        if stop.isSet { throw BackupError.stopping }
        guard !isWorking else { throw BackupError.alreadyRunning }
        isWorking = true
    }

    private func end() {
        isWorking = false
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    // MARK: The end

    /// Takes no more work, has a proof under way given up, and waits for what cannot be interrupted. To be called
    /// before the store is closed.
    ///
    /// - Returns: false if the work goes on after `limit`: then the process may only end at once, which harms nothing.
    public func stopWorking(within limit: Duration) async -> Bool {
        stop.set()
        guard isWorking else { return true }
        let deadline = time.monotonic + limit
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.waitForEnd() }
            group.addTask { [time] in
                do { try await time.sleep(until: deadline) } catch { return true }  // the work ended first
                await self.giveUpWaiting()
                return false
            }
            let isDone = await group.next() ?? true
            group.cancelAll()
            return isDone
        }
    }

    private func waitForEnd() async -> Bool {
        guard isWorking else { return true }
        await withCheckedContinuation { waiters.append($0) }
        return !isWorking
    }

    private func giveUpWaiting() {
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    // MARK: Periodically

    /// Between two looks at whether a backup is due.
    private static let tick = Duration.seconds(20)
    /// A failed backup is tried again after so long, or after the interval if that is shorter.
    private static let retry = Duration.seconds(600)

    /// Makes a backup each interval until cancelled; the first at once where there is none, else an interval after the
    /// newest. Does not wait for one under way: that is ``stopWorking(within:)``'s.
    ///
    /// - Throws: ``BackupError/alreadyStarted``; `CancellationError`.
    public func runPeriodically() async throws {
        guard !isPeriodic else { throw BackupError.alreadyStarted }
        isPeriodic = true
        defer { isPeriodic = false }
        while true {
            try Task.checkCancellation()
            await workIfDue()
            try await time.sleep(until: time.monotonic + min(Self.tick, settings.interval))
        }
    }

    private func workIfDue() async {
        let now = time.now
        do {
            guard try await isDue(now) else { return }
        } catch {
            lastAttempt = now
            failedCount += 1
            return logger.error("backups cannot be listed", metadata: ["error": "\(error)"])
        }
        lastAttempt = now
        // Ends with the backup; `stopWorking` waits for it. The loop must be able to end before.
        Task {
            do { _ = try await self.create() } catch BackupError.alreadyRunning {} catch {
                // Logged and counted where it failed.
            }
            await self.warnOfAge()
        }
    }

    /// A clock that was set back must not put the next backup off for longer than an interval.
    private func isDue(_ now: Timestamp) async throws -> Bool {
        guard !isWorking, !stop.isSet else { return false }
        if let lastAttempt, case let waited = now.duration(since: lastAttempt), waited >= .zero,
            waited < min(Self.retry, settings.interval)
        {
            return false
        }
        guard let last = try await lastProven() else { return true }
        let age = now.duration(since: last)
        return age >= settings.interval || age < .zero
    }

    /// The alert of BAK-4: nobody reads a list of backups on a good day.
    private func warnOfAge() async {
        guard !stop.isSet else { return }
        let now = time.now
        do {
            let last = try await lastProven()
            if let last, now.duration(since: last) <= settings.interval + settings.interval { return }
            let age = last.map { "\(now.duration(since: $0).components.seconds) s" } ?? "there is none"
            logger.error("no recent backup is proven", metadata: ["age": "\(age)"])
        } catch {
            logger.error("backups cannot be listed", metadata: ["error": "\(error)"])
        }
    }
}

extension BackupRecord {
    fileprivate var metadata: Logger.Metadata {
        var fields: Logger.Metadata = [
            "backup": "\(id)", "bytes": "\(bytes)", "commit": "\(commit.map { "\($0)" } ?? "unknown")",
        ]
        if case .proven(_, let rows) = proof { fields["rows"] = "\(rows)" }
        return fields
    }
}
