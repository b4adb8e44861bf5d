public import AVSModel
public import AVSPrimitives
public import AVSStorage

extension StoreReader where Self: ~Copyable {
    /// The task, under whichever status letter it is.
    ///
    /// One point read per letter, the likely ones first: bloom filters answer for the others.
    /// - Throws: ``StorageError/undecodable(key:reason:)`` when the record cannot be read, or contradicts its key (I1).
    public func task(_ id: TaskID) throws(StorageError) -> AutomationTask? {
        guard let (key, record) = try taskRecord(id, likely: .enabled) else { return nil }
        let task = try decoded(key) { try AutomationTask(stored: record) }
        try check(key, id: task.id, status: task.status)
        return task
    }

    /// As ``task(_:)``, without decoding more of it than who may see it.
    ///
    /// - Parameter likely: the status under which it is looked for first: its index entry knows it, so that a page of
    ///   tasks costs one point read for each.
    public func recordedTask(
        _ id: TaskID, likely: TaskStatus = .enabled
    ) throws(StorageError) -> RecordedTask? {
        guard let (key, record) = try taskRecord(id, likely: likely) else { return nil }
        let task = try decoded(key) { try RecordedTask(stored: record) }
        try check(key, id: task.id, status: task.status)
        return task
    }

    /// The record of a run, without decoding more of it than its status.
    public func recordedExecution(_ key: HistoryKey) throws(StorageError) -> RecordedExecution? {
        guard let record = try get(key.bytes) else { return nil }
        let execution = try decoded(key) { try RecordedExecution(stored: record) }
        guard execution.id == key.run.execution else {
            throw .undecodable(key: key.bytes, reason: "the record is execution \(execution.id)")
        }
        return execution
    }

    private func taskRecord(
        _ id: TaskID, likely: TaskStatus
    ) throws(StorageError) -> (key: TaskKey, record: [UInt8])? {
        let others = [TaskStatus.enabled, .running, .disabled, .completed, .canceled, .failed].filter { $0 != likely }
        for status in [likely] + others {
            let key = TaskKey(status: status, id: id)
            if let record = try get(key.bytes) { return (key, record) }
        }
        return nil
    }

    private func check(_ key: TaskKey, id: TaskID, status: TaskStatus) throws(StorageError) {
        guard status == key.status, id == key.id else {
            throw .undecodable(key: key.bytes, reason: "the record is task \(id), \(status.name)")
        }
    }

    private func decoded<Value>(_ key: some StoreKey, _ decode: () throws -> Value) throws(StorageError) -> Value {
        do { return try decode() } catch { throw .undecodable(key: key.bytes, reason: "\(error)") }
    }
}

extension Transaction {
    /// Writes a new task and its index entries, and counts it.
    public mutating func create(_ task: AutomationTask) throws {
        try write(task)
        try countUp(TaskCountKey(task))
        if let expiry = ExpiryKey(task) { try put(expiry, []) }
    }

    /// Writes a changed task: its key moves with its status, its index entries and counts follow (D-13, I1).
    public mutating func save(_ task: AutomationTask, replacing old: AutomationTask) throws {
        if task.status != old.status {
            try delete(TaskKey(status: old.status, id: old.id))
            try countDown(TaskCountKey(old))
            try countUp(TaskCountKey(task))
        }
        let (before, after) = (ExpiryKey(old), ExpiryKey(task))
        if before != after {
            if let before { try delete(before) }
            if let after { try put(after, []) }
        }
        try write(task)
    }

    private mutating func write(_ task: AutomationTask) throws {
        try put(TaskKey(status: task.status, id: task.id), task)
        try put(TaskByOwnerKey(owner: task.owner, wallet: task.wallet, id: task.id), task.status)
    }

    /// Removes a task and everything that hangs on it but its jobs, which their number alone names (D-22).
    public mutating func remove(_ task: AutomationTask) throws {
        try delete(TaskKey(status: task.status, id: task.id))
        try delete(TaskByOwnerKey(owner: task.owner, wallet: task.wallet, id: task.id))
        try countDown(TaskCountKey(task))
        if let expiry = ExpiryKey(task) { try delete(expiry) }
        try countDown(ExecutionCountOfOwnerKey(task.owner), by: try value(for: ExecutionCountKey(task.id))?.value ?? 0)
        try delete(ExecutionCountKey(task.id))
        try delete(IndexCounterKey(task.id))
        try delete(DedupLowKey(task.id))
        try deleteAll(Rows<TriggerKey>(under: task.id))
        try deleteAll(Rows<PendingKey>(under: task.id))
        try deleteAll(Rows<PromiseKey>(under: task.id))
        try deleteAll(Rows<DedupKey>(under: task.id))
        try deleteAll(Rows<HistoryKey>(under: task.id))
        try removeDays(of: task.id, owner: task.owner)
    }

    /// Records the end of a run, counts it, and enters it into the statistics of its day.
    public mutating func record(_ execution: Execution, owner: Address) throws {
        let key = HistoryKey(execution.taskID, execution.id)
        if let old = try get(key.bytes) {
            if let old = CountedRun(record: old) {
                try changeDays(of: old, task: execution.taskID, owner: owner) { $0.remove($1) }
            }
        } else {
            try countUp(ExecutionCountKey(execution.taskID))
            try countUp(ExecutionCountOfOwnerKey(owner))
        }
        try changeDays(of: CountedRun(execution), task: execution.taskID, owner: owner) { $0.add($1) }
        try put(key, execution)
    }

    /// Notes a run that its owner was promised and that no job has yet.
    public mutating func promise(_ run: RunOfTask, index: UInt64) throws {
        try put(TriggerKey(run.task, run.execution), .pending)
        try put(PendingKey(run.task, run.execution), PendingRun(index: index, job: nil))
        try put(PromiseKey(run.task, run.execution), [])
    }

    /// Nobody awaits the run any more.
    public mutating func forgetPromise(_ run: RunOfTask) throws {
        try delete(TriggerKey(run.task, run.execution))
        try delete(PendingKey(run.task, run.execution))
        try delete(PromiseKey(run.task, run.execution))
    }

    private mutating func countUp<Key: StoreKey>(_ key: Key) throws where Key.Value == DecimalText {
        let count = try value(for: key)?.value ?? 0
        try put(key, DecimalText(count &+ 1))
    }

    /// A count of none has no row. One that is too small already is the store check's to find.
    private mutating func countDown<Key: StoreKey>(_ key: Key, by amount: UInt64 = 1) throws
    where Key.Value == DecimalText {
        guard amount > 0 else { return }
        let count = try value(for: key)?.value ?? 0
        if count > amount { try put(key, DecimalText(count - amount)) } else { try delete(key) }
    }

    /// Gives away the task's next run index (I5).
    public mutating func takeIndex(of task: TaskID) throws -> UInt64 {
        let given = try value(for: IndexCounterKey(task))?.value ?? 0
        try put(IndexCounterKey(task), DecimalText(given + 1))
        return given
    }

    /// Gives away the next job number; the first is 1.
    public mutating func takeJobNumber() throws -> UInt64 {
        let number = (try value(for: JobSequenceKey())?.value ?? 0) + 1
        try put(JobSequenceKey(), DecimalText(number))
        return number
    }
}
