import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage

/// One row and what is wrong with it, seen beside the rows that it speaks of. The row itself can be read.
struct RowCheck {
    let key: [UInt8]
    let value: [UInt8]
    private(set) var findings: [StoreFinding] = []

    init(key: [UInt8], value: [UInt8]) {
        self.key = key
        self.value = value
    }

    mutating func found(_ rule: String, _ problem: String) {
        findings.append(StoreFinding(rule: rule, key: key, problem: problem))
    }

    /// - Parameter name: the row's table.
    mutating func check(_ name: TableName, in reader: borrowing some StoreReader & ~Copyable) throws {
        switch name {
        case .wallet: try wallet()
        case .walletBySalt: try walletBySalt(reader)
        case .task: try task(reader)
        case .taskByOwner: try indexEntry(reader)
        case .history: try history(reader)
        case .trigger: try trigger(reader)
        case .pending: try pending(reader)
        case .indexCounter: try belongs(to: IndexCounterKey(bytes: key).task, reader)
        case .job: try job(reader)
        case .claim: try claim(reader)
        case .journal: try journal(reader)
        case .dedup: try dedup(reader)
        case .dedupLow: try belongs(to: DedupLowKey(bytes: key).task, reader)
        case .node: try node()
        case .secret: try secret(reader)
        case .secretOfOwner: try secretOfOwner(reader)
        case .answerCount: try answerCount(reader)
        case .answer: try answer(reader)
        case .taskCount: try taskCount(reader)
        case .executionCount: try executionCount(reader)
        case .executionCountOfOwner: try executionCountOfOwner(reader)
        case .executionDay: try executionDay(reader)
        case .executionDayOfOwner: try executionDayOfOwner(reader)
        case .expiry: try expiry(reader)
        case .promise: try promise(reader)
        case .lane: try lane(reader)
        case .intent, .jobSequence, .migration, .migrationProgress, .outboxNumber: break
        case .outbox: try outbox(reader)
        case .outboxCount: try outboxCount(reader)
        case .apiKey: try apiKey()
        case .audit: try audit(reader)
        case .feeAccount: try feeAccount(reader)
        case .feeRecord: try feeRecord(reader)
        }
    }

    // MARK: Wallets and operators

    private mutating func wallet() throws {
        let key = try WalletKey(bytes: key)
        let wallet = try SmartWallet(stored: value)
        if wallet.owner != key.owner { found("I10", "the record is of owner \(wallet.owner)") }
        if wallet.address != key.wallet { found("I10", "the record is wallet \(wallet.address)") }
    }

    private mutating func walletBySalt(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let key = try WalletSaltKey(bytes: key)
        let address = try Address(stored: value)
        guard let wallet = try reader.value(for: WalletKey(owner: key.owner, wallet: address)) else {
            return found("I10", "there is no wallet \(address) of this owner")
        }
        if wallet.salt != key.salt || wallet.factory != key.factory {
            found("I10", "wallet \(address) is of another factory or salt")
        }
    }

    private mutating func secret(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let key = try SecretKey(bytes: key)
        if case .plain = try StoredSecret(stored: value) { found("KMS-4", "the value is not sealed") }
        guard let organisation = key.scope.organisation else { return }
        let entry = SecretOfOwnerKey(owner: key.owner, organisation: organisation, name: key.name)
        if try !reader.contains(entry) { found("I14", "there is no \(KeyText.text(of: entry.bytes))") }
    }

    private mutating func secretOfOwner(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let entry = try SecretOfOwnerKey(bytes: key)
        let secret = SecretKey(owner: entry.owner, scope: .organisation(entry.organisation), name: entry.name)
        if try !reader.contains(secret) { found("I14", "there is no \(KeyText.text(of: secret.bytes))") }
    }

    private mutating func answer(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let owner = try AnswerKey(bytes: key).owner
        if try !reader.contains(AnswerCountKey(owner)) { found("I14", "the owner's recorded answers are not counted") }
    }

    private mutating func answerCount(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let owner = try AnswerCountKey(bytes: key).owner
        let counted = try DecimalText(stored: value).value
        let answers = try count(Rows<AnswerKey>(under: owner).range, reader) { _ in 1 }
        if answers != counted { found("I14", "the owner has \(answers) recorded answers, counted are \(counted)") }
    }

    private mutating func feeAccount(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let owner = try FeeAccountKey(bytes: key).owner
        let counted = UInt64(clamping: try FeeAccount(stored: value).records)
        let records = try count(Rows<FeeRecordKey>(under: owner).range, reader) { _ in 1 }
        if records != counted { found("I14", "the owner has \(records) fee records, counted are \(counted)") }
    }

    private mutating func feeRecord(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let key = try FeeRecordKey(bytes: key)
        let record = try FeeRecord(stored: value)
        if record.owner != key.owner { found("I10", "the record is of owner \(record.owner)") }
        if record.executionID != key.execution { found("I10", "the record is of execution \(record.executionID)") }
        if try !reader.contains(FeeAccountKey(key.owner)) { found("I14", "the owner has no fee account") }
    }

    /// A wallet's operations come one after another.
    private mutating func lane(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let key = try LaneKey(bytes: key)
        guard let open = try Lane(stored: value).open else { return }
        guard let intent = try reader.value(for: open) else {
            return found("I8", "there is no \(KeyText.text(of: open.bytes))")
        }
        if intent.isFinal { found("I8", "\(KeyText.text(of: open.bytes)) has come to its end") }
        if intent.sender != key.sender || intent.chainID != key.chainID {
            found("I8", "\(KeyText.text(of: open.bytes)) is of another wallet")
        }
    }

    private mutating func node() throws {
        let address = try OperatorInfo(stored: value).address
        if try address != OperatorKey(bytes: key).address { found("I10", "the record is operator \(address)") }
    }

    // MARK: Administration

    private mutating func apiKey() throws {
        let id = try APIKey(stored: value).id
        if try id != APIKeyKey(bytes: key).id { found("I10", "the record is key \(id)") }
    }

    /// Each entry holds the digest of the one before (ADM-1).
    private mutating func audit(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let entry = try RecordedAct(stored: value)
        var previous = Hash32.zero
        try reader.scan(Rows<AuditKey>.all.range.before(key), order: .descending, limit: 1) { key, value in
            previous = SHA256.hash(key + value)
            return .stop
        }
        if entry.previous != previous { found("ADM-1", "the entry before it was changed, removed or added") }
    }

    // MARK: Tasks

    private mutating func task(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let key = try TaskKey(bytes: key)
        let task = try AutomationTask(stored: value)
        if task.id != key.id { found("I1", "the record is task \(task.id)") }
        if task.status != key.status { found("I1", "the record says \(task.status.name)") }
        for other in TaskStatus.allCases where other != key.status {
            guard try reader.contains(TaskKey(status: other, id: key.id)) else { continue }
            found("I1", "the task is under letter \(other.letter) as well")
        }
        let entry = TaskByOwnerKey(owner: task.owner, wallet: task.wallet, id: key.id)
        switch try reader.get(entry.bytes) {
        case nil: found("I1", "there is no \(KeyText.text(of: entry.bytes))")
        case let indexed? where indexed != key.status.stored:
            found("I1", "\(KeyText.text(of: entry.bytes)) says \(KeyText.text(of: indexed))")
        default: break
        }
        let (promised, overflow) = task.executionCount.addingReportingOverflow(task.reserved)
        if task.maxExecution > 0, overflow || promised > task.maxExecution {
            let sum = "\(task.executionCount) runs and \(task.reserved) promised"
            found("I6", "\(sum), allowed are \(task.maxExecution)")
        }
        check(task, against: try RunsOfTask(key.id, in: reader))
        guard try keepsDerivedRows(reader) else { return }
        if let expiry = ExpiryKey(task), try !reader.contains(expiry) {
            found("I1", "there is no \(KeyText.text(of: expiry.bytes))")
        }
    }

    private mutating func check(_ task: AutomationTask, against runs: RunsOfTask) {
        for index in runs.repeatedIndexes { found("I5", "index \(index) is given more than once") }
        for index in runs.indexesBeyond {
            found("I5", "index \(index) was never given: the counter is at \(runs.counter)")
        }
        if runs.started > task.executionCount {
            found("I5", "\(runs.started) recorded runs started, the task counts \(task.executionCount)")
        }
        if runs.promised != task.reserved {
            found("I6", "\(runs.promised) runs are promised, the task counts \(task.reserved)")
        }
        if runs.claimed != task.runsInFlight {
            found("I7", "\(runs.claimed) runs are claimed, the task counts \(task.runsInFlight)")
        }
    }

    private mutating func indexEntry(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let key = try TaskByOwnerKey(bytes: key)
        let status = try TaskStatus(stored: value)
        guard let task = try reader.value(for: TaskKey(status: status, id: key.id)) else {
            return found("I1", "there is no task under letter \(status.letter)")
        }
        if task.owner != key.owner { found("I10", "the task is of owner \(task.owner)") }
        if task.wallet != key.wallet { found("I10", "the task acts for wallet \(task.wallet)") }
        let count = TaskCountKey(owner: key.owner, wallet: key.wallet, status: status)
        if try keepsDerivedRows(reader), try !reader.contains(count) {
            found("I1", "the wallet's tasks are not counted")
        }
    }

    /// Deleting a task deletes everything that hangs on it (D-22).
    mutating func belongs(to task: TaskID, _ reader: borrowing some StoreReader & ~Copyable) throws {
        if try !hasTask(task, reader) { found("I14", "there is no task \(task)") }
    }

    private func hasTask(_ task: TaskID, _ reader: borrowing some StoreReader & ~Copyable) throws -> Bool {
        for status in TaskStatus.allCases where try reader.contains(TaskKey(status: status, id: task)) { return true }
        return false
    }

    // MARK: Runs

    private mutating func history(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let run = try HistoryKey(bytes: key).run
        let execution = try Execution(stored: value)
        if execution.id != run.execution { found("I10", "the record is execution \(execution.id)") }
        if execution.taskID != run.task { found("I10", "the record is of task \(execution.taskID)") }
        try belongs(to: run.task, reader)
        if try keepsDerivedRows(reader), try !reader.contains(ExecutionCountKey(run.task)) {
            found("I5", "the task's recorded runs are not counted")
        }
    }

    private mutating func trigger(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let run = try TriggerKey(bytes: key).run
        if try reader.contains(HistoryKey(run.task, run.execution)) {
            found("I4", "the execution is in the history as well")
        }
        if try !reader.contains(PendingKey(run.task, run.execution)) { found("I7", "the run has no promise") }
        try belongs(to: run.task, reader)
    }

    private mutating func pending(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let run = try PendingKey(bytes: key).run
        let promise = try PendingRun(stored: value)
        if try !reader.contains(TriggerKey(run.task, run.execution)) {
            found("I4", "the run is promised and not awaited")
        }
        guard let number = promise.job else {
            if try keepsDerivedRows(reader), try !reader.contains(PromiseKey(run.task, run.execution)) {
                found("I7", "no job has the run, and no report can find it")
            }
            return
        }
        for state in [JobState.waiting, .running] {
            guard let job = try reader.value(for: JobKey(state, number)) else { continue }
            if job.executionID != run.execution { found("I7", "job \(number) is of execution \(job.executionID)") }
            return
        }
        found("I7", "there is no job \(number) that waits or runs")
    }

    private mutating func job(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let key = try JobKey(bytes: key)
        let job = try Job(stored: value)
        if job.number != key.number { found("I7", "the record is job \(job.number)") }
        guard key.state == .waiting || key.state == .running else { return }
        guard let task = try reader.task(job.taskID) else { return found("I7", "there is no task \(job.taskID)") }
        if job.owner != task.owner { found("I10", "the job is of owner \(job.owner), its task of \(task.owner)") }
        if try !reader.contains(TriggerKey(job.taskID, job.executionID)) {
            found("I7", "execution \(job.executionID) is not awaited")
        }
        if key.state == .running, try !reader.contains(ClaimKey(job.executionID)) {
            found("I7", "nobody claims execution \(job.executionID)")
        }
    }

    /// Only what is being run has a journal.
    private mutating func journal(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let execution = try JournalKey(bytes: key).execution
        if try !reader.contains(ClaimKey(execution)) { found("I7", "nobody claims execution \(execution)") }
    }

    private mutating func claim(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let execution = try ClaimKey(bytes: key).execution
        let claim = try Claim(stored: value)
        var isThere = false
        for state in [JobState.waiting, .running] {
            isThere = try isThere || reader.value(for: JobKey(state, claim.jobNumber))?.executionID == execution
        }
        if !isThere { found("I7", "there is no job \(claim.jobNumber) of this execution that waits or runs") }
        if let epoch = try reader.get(StoreMeta.epoch), case let now = try BigEndianNumber(stored: epoch).value,
            claim.epoch > now
        {
            found("I11", "the claim is of epoch \(claim.epoch), the database is at \(now)")
        }
    }

    private mutating func dedup(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let key = try DedupKey(bytes: key)
        let record = try Dedup(stored: value)
        if IdentityDigest(sha256: SHA256.hash(Array(record.identity.utf8)).bytes) != key.identity {
            found("I3", "the digest of '\(record.identity.prefix(80))' is another")
        }
        if let execution = record.executionID {
            let isAwaited = try reader.contains(TriggerKey(key.task, execution))
            let isRecorded = try reader.contains(HistoryKey(key.task, execution))
            if !isAwaited, !isRecorded { found("I2", "execution \(execution) is neither awaited nor recorded") }
        }
        try belongs(to: key.task, reader)
    }
}

/// The runs of one task, counted. Rows that cannot be read are left out: they are findings where they stand.
struct RunsOfTask {
    private(set) var repeatedIndexes: [UInt64] = []
    private(set) var indexesBeyond: [UInt64] = []
    /// Indexes given away.
    let counter: UInt64
    /// Recorded runs that have a step.
    private(set) var started: Int64 = 0
    /// Accepted runs that have not begun.
    private(set) var promised: Int64 = 0
    private(set) var claimed: Int64 = 0
    private var seen: Set<UInt64> = []

    init(_ id: TaskID, in reader: borrowing some StoreReader & ~Copyable) throws {
        counter = try reader.value(for: IndexCounterKey(id))?.value ?? 0
        var history = Rows<HistoryKey>(under: id)
        while let last = try addHistory(history, reader) { history = history.after(last) }
        var pending = Rows<PendingKey>(under: id)
        while let last = try addPromises(pending, reader) { pending = pending.after(last) }
    }

    /// - Returns: the last row of this turn; nil at the end.
    private mutating func addHistory(
        _ rows: Rows<HistoryKey>, _ reader: borrowing some StoreReader & ~Copyable
    ) throws -> HistoryKey? {
        var runs: [(index: UInt64, isStarted: Bool)] = []
        var last: HistoryKey?
        try reader.scan(rows, limit: 1_000, undecodable: { _ in .next }) { key, execution in
            runs.append((UInt64(clamping: execution.index), !execution.steps.isEmpty))
            last = key
            return .next
        }
        for run in runs {
            note(run.index)
            started += run.isStarted ? 1 : 0
        }
        return last
    }

    private mutating func addPromises(
        _ rows: Rows<PendingKey>, _ reader: borrowing some StoreReader & ~Copyable
    ) throws -> PendingKey? {
        var promises: [(key: PendingKey, index: UInt64)] = []
        try reader.scan(rows, limit: 1_000, undecodable: { _ in .next }) { key, promise in
            promises.append((key, promise.index))
            return .next
        }
        for promise in promises {
            note(promise.index)
            if try reader.contains(ClaimKey(promise.key.run.execution)) { claimed += 1 } else { promised += 1 }
        }
        return promises.last?.key
    }

    private mutating func note(_ index: UInt64) {
        if !seen.insert(index).inserted { repeatedIndexes.append(index) }
        if index >= counter { indexesBeyond.append(index) }
    }
}
