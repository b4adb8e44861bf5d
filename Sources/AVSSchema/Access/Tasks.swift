public import AVSModel
public import AVSStorage

extension StoreReader where Self: ~Copyable {
    /// The task, under whichever status letter it is.
    ///
    /// One point read per letter, the likely ones first: bloom filters answer for the others.
    /// - Throws: ``StorageError/undecodable(key:reason:)`` when the record cannot be read, or contradicts its key (I1).
    public func task(_ id: TaskID) throws(StorageError) -> AutomationTask? {
        guard let (key, record) = try taskRecord(id) else { return nil }
        let task = try decoded(key) { try AutomationTask(stored: record) }
        try check(key, id: task.id, status: task.status)
        return task
    }

    /// As ``task(_:)``, without decoding more of it than who may see it.
    public func recordedTask(_ id: TaskID) throws(StorageError) -> RecordedTask? {
        guard let (key, record) = try taskRecord(id) else { return nil }
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

    private func taskRecord(_ id: TaskID) throws(StorageError) -> (key: TaskKey, record: [UInt8])? {
        for status in [TaskStatus.enabled, .running, .disabled, .completed, .canceled, .failed] {
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
    /// Writes a new task and its index entry.
    public mutating func create(_ task: AutomationTask) throws {
        try put(TaskKey(status: task.status, id: task.id), task)
        try put(TaskByOwnerKey(owner: task.owner, wallet: task.wallet, id: task.id), task.status)
    }

    /// Writes a changed task: its key moves with its status, its index entry follows (D-13, I1).
    public mutating func save(_ task: AutomationTask, replacing old: AutomationTask) throws {
        if task.status != old.status { try delete(TaskKey(status: old.status, id: old.id)) }
        try create(task)
    }

    /// Removes a task and everything that hangs on it but its jobs, which their number alone names (D-22).
    public mutating func remove(_ task: AutomationTask) throws {
        try delete(TaskKey(status: task.status, id: task.id))
        try delete(TaskByOwnerKey(owner: task.owner, wallet: task.wallet, id: task.id))
        try delete(IndexCounterKey(task.id))
        try delete(DedupLowKey(task.id))
        try deleteAll(Rows<TriggerKey>(under: task.id))
        try deleteAll(Rows<PendingKey>(under: task.id))
        try deleteAll(Rows<DedupKey>(under: task.id))
        try deleteAll(Rows<HistoryKey>(under: task.id))
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
