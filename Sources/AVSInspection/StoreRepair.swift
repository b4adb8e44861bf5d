import AVSModel
import AVSPrimitives
import AVSSchema
public import AVSStorage

/// What would put one row right that a check found.
///
/// Only what follows from the other rows is ever proposed: an index entry, a counter, what is left over of something
/// that is gone. What a person has to decide (which of two records is true, what an unreadable row meant) is left, and
/// so is what the aggregator puts right by itself at its next start: runs without a job or a claim.
/// - Source: reliability-security 2.7, aggregator-api 4.8.
public struct RepairStep: Hashable, Sendable {
    public enum Change: Hashable, Sendable {
        case put(key: [UInt8], value: [UInt8])
        case delete(key: [UInt8])

        public var key: [UInt8] { switch self { case .put(let key, _), .delete(let key): key } }
    }

    /// The row that was found.
    public var key: [UInt8]
    /// In words.
    public var purpose: String
    public var changes: [Change]

    /// The step for a row with a finding; nil when there is none to propose, or the row is well by now.
    public init?(for key: [UInt8], in reader: borrowing some StoreReader & ~Copyable) throws {
        guard let table = StoredTable.table(of: key), let name = TableName(rawValue: table.prefix),
            let value = try reader.get(key), table.problem(key: key, value: value) == nil
        else { return nil }
        var plan = RepairPlan(key: key)
        do {
            try plan.repair(name, value, in: reader)
        } catch StorageError.undecodable {
            return nil  // it speaks of a row that nobody can read
        }
        guard !plan.changes.isEmpty else { return nil }
        self.key = key
        purpose = plan.purposes.joined(separator: ", ")
        changes = plan.changes
    }
}

extension Transaction {
    /// Makes the changes of a step, if they are still what the rows ask for.
    ///
    /// - Returns: whether anything was changed.
    public mutating func apply(_ step: RepairStep) throws -> Bool {
        guard try RepairStep(for: step.key, in: self) == step else { return false }
        for change in step.changes {
            switch change {
            case .put(let key, let value): try put(key, value)
            case .delete(let key): try delete(key)
            }
        }
        return true
    }
}

private struct RepairPlan {
    let key: [UInt8]
    private(set) var purposes: [String] = []
    private(set) var changes: [RepairStep.Change] = []

    init(key: [UInt8]) { self.key = key }

    private mutating func add(_ purpose: String, _ changes: RepairStep.Change...) {
        purposes.append(purpose)
        self.changes += changes
    }

    mutating func repair(
        _ name: TableName, _ value: [UInt8], in reader: borrowing some StoreReader & ~Copyable
    ) throws {
        switch name {
        case .task: try task(value, reader)
        case .taskByOwner: try indexEntry(value, reader)
        case .history: try ofTask(HistoryKey(bytes: key).run.task, isCounted: true, reader)
        case .trigger: try ofTask(TriggerKey(bytes: key).run.task, reader)
        case .pending: try ofTask(PendingKey(bytes: key).run.task, reader)
        case .indexCounter: try ofTask(IndexCounterKey(bytes: key).task, reader)
        case .dedup: try ofTask(DedupKey(bytes: key).task, reader)
        case .dedupLow: try ofTask(DedupLowKey(bytes: key).task, reader)
        case .taskCount, .executionCount, .executionCountOfOwner, .executionDay, .executionDayOfOwner, .expiry,
            .promise:
            try recount(reader)
        case .job: try job(value, reader)
        case .claim: try claim(value, reader)
        case .walletBySalt:
            let entry = try WalletSaltKey(bytes: key)
            let wallet = WalletKey(owner: entry.owner, wallet: try Address(stored: value))
            if try !reader.contains(wallet) { add("delete the entry of a wallet that is gone", .delete(key: key)) }
        case .secret, .secretOfOwner: try secret(name, reader)
        case .answer: try answers(of: AnswerKey(bytes: key).owner, reader)
        case .answerCount: try answers(of: AnswerCountKey(bytes: key).owner, reader)
        default: break
        }
    }

    // MARK: Tasks

    private mutating func task(_ value: [UInt8], _ reader: borrowing some StoreReader & ~Copyable) throws {
        let key = try TaskKey(bytes: key)
        var task = try AutomationTask(stored: value)
        let entry = TaskByOwnerKey(owner: task.owner, wallet: task.wallet, id: key.id)
        var letters: [TaskStatus] = []
        for status in TaskStatus.allCases where try reader.contains(TaskKey(status: status, id: key.id)) {
            letters.append(status)
        }
        guard letters.count == 1 else { return try chooseLetter(key, entry, reader) }
        guard task.id == key.id, task.status == key.status else { return }
        if try reader.get(entry.bytes) != key.status.stored {
            add("point the owner's index at it", .put(key: entry.bytes, value: key.status.stored))
        }
        let runs = try RunsOfTask(key.id, in: reader)
        if let last = runs.indexesBeyond.max() {
            add(
                "raise its counter of indexes",
                .put(key: IndexCounterKey(key.id).bytes, value: DecimalText(last &+ 1).stored))
        }
        if runs.promised != task.reserved {
            task.reserved = runs.promised
            add("count its promised runs", .put(key: key.bytes, value: task.stored))
        }
        if let expiry = ExpiryKey(task), try !reader.contains(expiry) { try recount(reader) }
    }

    /// Of several records the one stays that says the same as its letter and as the owner's index.
    private mutating func chooseLetter(
        _ key: TaskKey, _ entry: TaskByOwnerKey, _ reader: borrowing some StoreReader & ~Copyable
    ) throws {
        guard let status = try reader.value(for: entry), status != key.status,
            let other = try reader.value(for: TaskKey(status: status, id: key.id)), other.status == status,
            other.id == key.id
        else { return }
        add("delete it: the index and the record under letter \(status.letter) agree", .delete(key: key.bytes))
    }

    private mutating func indexEntry(_ value: [UInt8], _ reader: borrowing some StoreReader & ~Copyable) throws {
        let entry = try TaskByOwnerKey(bytes: key)
        guard let task = try reader.task(entry.id), task.owner == entry.owner, task.wallet == entry.wallet else {
            return add("delete the entry of a task that is gone, or another's", .delete(key: key))
        }
        guard value == task.status.stored else {
            return add("let it say \(task.status.name)", .put(key: key, value: task.status.stored))
        }
        try recount(reader)
    }

    /// - Parameter isCounted: whether a finding about a task that is there can only be a count.
    private mutating func ofTask(
        _ task: TaskID, isCounted: Bool = false, _ reader: borrowing some StoreReader & ~Copyable
    ) throws {
        for status in TaskStatus.allCases where try reader.contains(TaskKey(status: status, id: task)) {
            if isCounted { try recount(reader) }
            return
        }
        add("delete what is left of task \(task)", .delete(key: key))
    }

    /// Without the marks the next start counts everything anew, after a copy.
    private mutating func recount(_ reader: borrowing some StoreReader & ~Copyable) throws {
        var marks: [RepairStep.Change] = []
        for name in [DerivedRows.migration, DerivedRows.daysMigration] {
            if let name, try reader.contains(MigrationKey(name)) {
                marks.append(.delete(key: MigrationKey(name).bytes))
            }
        }
        guard !marks.isEmpty else { return }
        purposes.append("let the aggregator's next start count everything anew")
        changes += marks
    }

    // MARK: Runs

    private mutating func job(_ value: [UInt8], _ reader: borrowing some StoreReader & ~Copyable) throws {
        let state = try JobKey(bytes: key).state
        guard state == .waiting || state == .running, try reader.task(Job(stored: value).taskID) == nil else { return }
        add("delete the job of a task that is gone", .delete(key: key))
    }

    private mutating func claim(_ value: [UInt8], _ reader: borrowing some StoreReader & ~Copyable) throws {
        let execution = try ClaimKey(bytes: key).execution
        let claim = try Claim(stored: value)
        for state in [JobState.waiting, .running] {
            if try reader.value(for: JobKey(state, claim.jobNumber))?.executionID == execution { return }
        }
        // A run that is promised all the same gets its record from the aggregator.
        if try reader.contains(PendingKey(claim.taskID, execution)) { return }
        add("delete a claim of nothing", .delete(key: key))
    }

    // MARK: Secrets and answers

    private mutating func secret(_ name: TableName, _ reader: borrowing some StoreReader & ~Copyable) throws {
        if name == .secretOfOwner {
            let entry = try SecretOfOwnerKey(bytes: key)
            let secret = SecretKey(owner: entry.owner, scope: .organisation(entry.organisation), name: entry.name)
            if try !reader.contains(secret) { add("delete the entry of a secret that is gone", .delete(key: key)) }
            return
        }
        let secret = try SecretKey(bytes: key)
        guard let organisation = secret.scope.organisation else { return }
        let entry = SecretOfOwnerKey(owner: secret.owner, organisation: organisation, name: secret.name)
        if try !reader.contains(entry) { add("enter it for its owner", .put(key: entry.bytes, value: [])) }
    }

    private mutating func answers(of owner: Address, _ reader: borrowing some StoreReader & ~Copyable) throws {
        let place = AnswerCountKey(owner).bytes
        let answers = try RowCheck(key: key, value: []).count(Rows<AnswerKey>(under: owner).range, reader) { _ in 1 }
        let right: [UInt8]? = answers == 0 ? nil : DecimalText(answers).stored
        guard try reader.get(place) != right else { return }
        if let right {
            add("count the owner's recorded answers", .put(key: place, value: right))
        } else {
            add("delete the count of no answers", .delete(key: place))
        }
    }
}
