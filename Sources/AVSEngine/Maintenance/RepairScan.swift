import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import Logging

/// What the scan at start found about one run, task or job.
struct RepairFinding: Hashable, Sendable, CustomStringConvertible {
    enum Action: String, Sendable {
        /// What was left over from a run that is recorded, or whose task is gone, was deleted.
        case forgotten = "left-overs deleted"
        /// A promised run had lost its mark that it is awaited.
        case restored = "mark restored"
        /// A promised run that nothing would ever carry out got its record.
        case closed = "closed with a record"
        /// A task counted runs in progress that nobody claims.
        case recounted = "runs recounted"
        /// The row cannot be read. It stays as it is, and what it stands for does nothing.
        case left = "left as it is"
    }

    /// The invariant of reliability-security 2.7.
    var rule: String
    var subject: String
    var action: Action

    var description: String { "\(rule): \(subject): \(action.rawValue)" }
}

/// The scan of live state at start: runs that are awaited or promised, tasks that are running, jobs that wait or run,
/// each against point reads of what it refers to.
///
/// It reads in pages without holding a snapshot, and puts each finding right in one update that looks again first. So
/// doing it twice changes nothing, and a crash in the middle is repaired by the next start (D2).
/// - Source: reliability-security 1.7 step 5, 2.7.
struct RepairScan: Sendable {
    private static let rowsPerPage = 1_000

    let store: any KeyValueStore
    /// For the records that are written here.
    let rates: FeeRates
    let logger: Logger

    /// - Returns: how many rows were put right. Those and the ones that cannot be read are logged.
    func run(now: Timestamp) async throws -> Int {
        var repaired = try await each(Rows<TriggerKey>.all) { try await repair($0.run, now: now) }
        repaired += try await each(Rows<PendingKey>.all) { try await repair($0.run, now: now) }
        for state in [JobState.waiting, .running] {
            repaired += try await each(JobKey.rows(state)) { try await repair($0) }
        }
        repaired += try await each(Rows<ClaimKey>.all) { try await repair($0) }
        return repaired
            + (try await each(Rows<TaskKey>(under: TaskStatus.running)) { try await recount($0.id, now: now) })
    }

    /// Calls `repair` with each key, and counts what it did.
    private func each<Key: StoreKey>(
        _ rows: Rows<Key>, _ repair: (Key) async throws -> RepairFinding?
    ) async throws -> Int {
        var repaired = 0
        var range = rows.range
        while true {
            let page = try await store.readWithoutBlocking { [range] in try KeyPage(range, of: $0) }
            for bytes in page.keys {
                do {
                    guard let finding = try await repair(try Key(bytes: bytes)) else { continue }
                    repaired += 1
                    report(finding)
                } catch StorageError.undecodable(let key, let reason) {
                    let subject = "\(StorageError.printable(key)): \(reason)"
                    report(RepairFinding(rule: "readable", subject: subject, action: .left))
                }
            }
            guard let last = page.keys.last else { return repaired }
            range = range.after(last)
        }
    }

    private func report(_ finding: RepairFinding) {
        logger.error("stored state breaks a rule", metadata: ["finding": "\(finding)"])
    }

    private struct KeyPage: Sendable {
        var keys: [[UInt8]] = []

        init(_ range: KeyRange, of snapshot: borrowing Snapshot) throws {
            try snapshot.scan(range, order: .ascending, limit: RepairScan.rowsPerPage) { key, _ in
                keys.append(key)
                return .next
            }
        }
    }

    // MARK: Runs

    private func repair(_ run: RunOfTask, now: Timestamp) async throws -> RepairFinding? {
        guard try await store.readWithoutBlocking({ try RunState(run, in: $0).verdict }) != nil else { return nil }
        return try await store.update { [rates] transaction in
            let state = try RunState(run, in: transaction)
            guard let verdict = state.verdict else { return nil }
            switch verdict {
            case .forget: try transaction.takeBack(state)
            case .restore: try transaction.put(TriggerKey(run.task, run.execution), .pending)
            case .close(let reason): try transaction.close(state, reason, rates, now: now)
            }
            return RepairFinding(rule: verdict.rule, subject: "execution \(run.execution)", action: verdict.action)
        }
    }

    // MARK: Jobs and claims

    private func repair(_ key: some LiveKey) async throws -> RepairFinding? {
        guard try await !store.readWithoutBlocking({ try key.isAlive(in: $0) }) else { return nil }
        return try await store.update { transaction in
            guard try !key.isAlive(in: transaction) else { return nil }
            try transaction.delete(key)
            return RepairFinding(rule: "I7", subject: key.subject, action: .forgotten)
        }
    }

    // MARK: Tasks

    /// A running task whose runs are not claimed by anybody would be running for ever (I7, R6).
    private func recount(_ id: TaskID, now: Timestamp) async throws -> RepairFinding? {
        guard try await store.readWithoutBlocking({ try $0.miscounted(id) }) != nil else { return nil }
        return try await store.update { transaction in
            guard let (old, claims) = try transaction.miscounted(id) else { return nil }
            var task = old
            task.runsInFlight = claims
            if claims == 0 { task.endRun(at: now) }
            try transaction.save(task, replacing: old)
            return RepairFinding(rule: "I7", subject: "task \(id)", action: .recounted)
        }
    }
}

/// A key whose row does something only for as long as what it refers to is there.
private protocol LiveKey: StoreKey {
    var subject: String { get }
    /// Also true when the row is gone since.
    func isAlive(in reader: borrowing some StoreReader & ~Copyable) throws -> Bool
}

/// A job that waits or runs without its task, or whose run is recorded, does nothing any more.
extension JobKey: LiveKey {
    fileprivate var subject: String { "job \(number)" }

    fileprivate func isAlive(in reader: borrowing some StoreReader & ~Copyable) throws -> Bool {
        guard let job = try reader.value(for: self) else { return true }
        return try reader.task(job.taskID) != nil && !reader.contains(HistoryKey(job.taskID, job.executionID))
    }
}

/// A claim of a run that is not promised is nobody's.
extension ClaimKey: LiveKey {
    fileprivate var subject: String { "claim of \(execution)" }

    fileprivate func isAlive(in reader: borrowing some StoreReader & ~Copyable) throws -> Bool {
        guard let claim = try reader.value(for: self) else { return true }
        return try reader.contains(PendingKey(claim.taskID, execution))
    }
}

/// One promised or awaited run, and everything that it refers to.
private struct RunState {
    enum Verdict: Hashable {
        case forget
        case restore
        case close(String)

        var rule: String {
            switch self {
            case .forget, .restore: "I4"
            case .close: "I7"
            }
        }

        var action: RepairFinding.Action {
            switch self {
            case .forget: .forgotten
            case .restore: .restored
            case .close: .closed
            }
        }
    }

    let run: RunOfTask
    let task: AutomationTask?
    let isRecorded: Bool
    let isAwaited: Bool
    let pending: PendingRun?
    let jobState: JobState?
    let claim: Claim?

    init(_ run: RunOfTask, in reader: borrowing some StoreReader & ~Copyable) throws {
        self.run = run
        task = try reader.task(run.task)
        isRecorded = try reader.contains(HistoryKey(run.task, run.execution))
        isAwaited = try reader.contains(TriggerKey(run.task, run.execution))
        pending = try reader.value(for: PendingKey(run.task, run.execution))
        claim = try reader.value(for: ClaimKey(run.execution))
        var found: JobState?
        if let number = pending?.job {
            for state in [JobState.waiting, .running] {
                guard try reader.value(for: JobKey(state, number))?.executionID == run.execution else { continue }
                found = state
            }
        }
        jobState = found
    }

    /// What has to be done; `nil` when all is well, or the run is gone already.
    var verdict: Verdict? {
        guard isAwaited || pending != nil else { return nil }
        if task == nil || isRecorded { return .forget }
        guard let pending else { return .close("its promise is missing") }
        switch (pending.job, jobState) {
        case (nil, _), (_?, .waiting): break
        case (_?, .running):
            // What it did outside cannot be told any more, so it is not begun again.
            guard claim != nil else { return .close("its claim is missing") }
        case (_?, _): return .close("its job is missing")
        }
        return isAwaited ? nil : .restore
    }
}

extension Transaction {
    fileprivate mutating func forget(_ state: RunState) throws {
        try forgetPromise(state.run)
        try delete(ClaimKey(state.run.execution))
        try deleteAll(Rows<JournalKey>(under: state.run.execution))
        if let job = state.pending?.job, let jobState = state.jobState { try delete(JobKey(jobState, job)) }
    }

    /// As ``forget(_:)``, and the task that promised the run gives its promise back.
    fileprivate mutating func takeBack(_ state: RunState) throws {
        try forget(state)
        guard let old = state.task, state.pending != nil, state.claim == nil else { return }
        var task = old
        task.release()
        try save(task, replacing: old)
    }

    /// Ends a run that nothing would carry out with a record, so that whoever waits for it learns of its end (XO-2).
    fileprivate mutating func close(_ state: RunState, _ reason: String, _ rates: FeeRates, now: Timestamp) throws {
        guard let old = state.task else { return }
        var task = old
        if state.claim != nil || state.jobState == .running { task.endRun(at: now) } else { task.release() }
        let index = try state.pending?.index ?? takeIndex(of: task.id)
        let record = Execution(
            id: state.run.execution, taskID: task.id, index: Int64(clamping: index), startAt: now, endAt: now,
            status: .error, error: "lost: \(reason)", fees: rates.fees(of: task.nodes))
        try forget(state)
        try self.record(record, owner: task.owner)
        try save(task, replacing: old)
    }
}

extension StoreReader where Self: ~Copyable {
    /// The task and the number of its runs that are claimed, if it counts another number.
    fileprivate func miscounted(_ id: TaskID) throws -> (AutomationTask, claims: Int64)? {
        guard let task = try task(id), task.status == .running else { return nil }
        var claims: Int64 = 0
        for row in try rows(Rows<PendingKey>(under: id), limit: StorageLimits.scanRowsMax)
        where try contains(ClaimKey(row.key.run.execution)) {
            claims += 1
        }
        return claims == task.runsInFlight ? nil : (task, claims)
    }
}
