import AVSStorage

/// The one writer (DUR-7, DUR-12): runs updates one after another over the state that those before them left, commits
/// what has queued up as one batch with one fsync, publishes the new state, and then answers.
///
/// It lives on a thread of its own, which is the only one to touch it.
struct Committer {
    private let database: Database
    private let core: StoreCore
    private let options: RocksDBOptions
    private var commit: UInt64
    /// When the oldest update was written that is not durable yet.
    private var unsyncedSince: ContinuousClock.Instant?
    /// A write failed for want of space: nothing is written until a probe succeeds (FAIL-2).
    private var isBlocked = false

    init(_ core: StoreCore, _ database: Database, commit: UInt64) {
        self.core = core
        self.database = database
        self.commit = commit
        options = core.options
    }

    /// What goes into one batch, and who waits for it.
    private struct Group {
        var changes = ChangeSet()
        var isSynced = false
        var answers: [@Sendable (StorageError?) -> Void] = []

        func answerAll(_ failure: StorageError?) {
            for answer in answers { answer(failure) }
        }
    }

    /// Works until the intake is closed and empty, or a fatal error ends it.
    mutating func run() {
        while !core.hasFailed {
            let work = core.intake.take(updatesMax: options.batchUpdatesMax, timeout: timeUntilSync)
            if work.isProbe { probe() }
            process(work.jobs)
            if let left = timeUntilSync, left <= .zero { syncNow() }
            if work.isLast {
                if unsyncedSince != nil, !isBlocked { syncNow() }
                break
            }
        }
        for job in core.intake.removeAll() { job.refuse(.closed) }
    }

    /// Until the unsynced updates must be durable (DUR-10); `nil` if there are none.
    private var timeUntilSync: Duration? {
        guard let unsyncedSince, !isBlocked else { return nil }
        return options.unsyncedAgeMax - unsyncedSince.duration(to: options.now())
    }

    /// Runs the jobs and commits them, in one batch unless together they change too much.
    private mutating func process(_ jobs: [UpdateJob]) {
        var group = Group()
        for job in jobs {
            if let refusal {
                job.refuse(refusal)
                continue
            }
            var view = ChangedView(changes: group.changes, base: database)
            var transaction = Transaction(over: view, limitBytes: options.batchBytesMax)
            let performed = job.perform(&transaction)
            let changes = transaction.finish()
            view.changes = ChangeSet()  // gives up the last copy, so that the group grows in place
            if performed.isKept {
                let (total, overflow) = group.changes.byteCount.addingReportingOverflow(changes.byteCount)
                if overflow || total > options.batchBytesMax {
                    // What this job has seen is exactly what is committed now, so it need not run again.
                    write(group)
                    group = Group()
                    if let refusal {
                        performed.answer(refusal)
                        continue
                    }
                }
                group.changes.append(changes)
            }
            group.isSynced = group.isSynced || job.isSynced
            group.answers.append(performed.answer)
        }
        write(group)
    }

    /// Why a job that is already inside is not run.
    private var refusal: StorageError? {
        if core.hasFailed { return .closed }
        if case .readOnly(let reason) = core.intake.gate { return .readOnly(reason) }
        return nil
    }

    /// Makes one group durable, or at least written, and answers it.
    private mutating func write(_ group: Group) {
        do {
            if !group.changes.isEmpty {
                try commitBatch(group.changes, isSynced: group.isSynced)
            } else if group.isSynced, unsyncedSince != nil {
                // Nothing to write, but what these updates have read must be durable before they say so.
                try syncLog()
            }
            group.answerAll(nil)
        } catch {
            // FAIL-1: whether the batch is there after a restart is unknown. Nobody is told that it failed, and nobody
            // is told anything before the store has stopped taking updates.
            handle(error)
            group.answerAll(.outcomeUnknown("\(error)"))
        }
    }

    private mutating func commitBatch(_ changes: ChangeSet, isSynced: Bool) throws {
        var batch = WriteBatch()
        batch.add(changes)
        batch.put(StoreMeta.commit, BigEndianNumber(commit + 1).stored)
        try Failpoint.hit(.committerBeforeWrite)
        if let text = options.injectedWriteFailure(commit + 1) {
            throw RocksDBFailure(call: "rocksdb_write", text: text)
        }
        try writeWithoutHurry(batch, isSynced: isSynced)
        commit += 1
        if isSynced {
            try Failpoint.hit(.committerAfterSync)
            try publish()
        } else {
            unsyncedSince = unsyncedSince ?? options.now()
        }
    }

    /// DUR-13: a writer that the library wants to slow down says so first, so that less is taken in, and then waits.
    private func writeWithoutHurry(_ batch: borrowing WriteBatch, isSynced: Bool) throws {
        #if Failpoints
            if isSynced, Failpoint.isArmed(.committerAfterWriteBeforeSync) {
                // The library writes and syncs in one call; a test that wants to stop between them gets two.
                try database.write(batch, isSynced: false, mayStall: true)
                try Failpoint.hit(.committerAfterWriteBeforeSync)
                return try database.syncLog()
            }
        #endif
        do throws(RocksDBFailure) {
            try database.write(batch, isSynced: isSynced, mayStall: false)
        } catch where error.kind == .incomplete {
            core.intake.setStalled(true)
            options.onEvent(.writesStalled)
            defer { core.intake.setStalled(false) }
            try database.write(batch, isSynced: isSynced, mayStall: true)
        }
    }

    private mutating func syncLog() throws {
        try database.syncLog()
        try publish()
    }

    private mutating func syncNow() {
        do { try syncLog() } catch { handle(error) }
    }

    /// DUR-6: everything up to here is durable, so reads may see it. Before any answer.
    private mutating func publish() throws {
        unsyncedSince = nil
        core.publish(try DatabaseSnapshot(of: database), commit: commit)
    }

    /// FAIL-2: one write to see whether the disk takes them again.
    private mutating func probe() {
        do {
            try commitBatch(ChangeSet(), isSynced: true)
            isBlocked = false
            core.becomeWritable()
        } catch {
            handle(error)
        }
    }

    /// What a failed write means for the store (1.5).
    private mutating func handle(_ error: any Error) {
        switch (error as? RocksDBFailure)?.kind {
        case .noSpace:
            isBlocked = true
            core.becomeReadOnly("disk full")
        case .corruption:
            core.fail(StoreFatality(exitCode: 65, reason: "\(error)"))
        case .incomplete, .locked, .busy, .timedOut, .invalidArgument, .notSupported, .io, .unknown, nil:
            core.fail(StoreFatality(exitCode: 74, reason: "\(error)"))
        }
    }
}
