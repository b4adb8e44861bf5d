public import AVSModel
public import AVSStorage

extension StoreReader where Self: ~Copyable {
    /// The task, under whichever status letter it is.
    ///
    /// One point read per letter, the likely ones first: bloom filters answer for the others.
    /// - Throws: ``StorageError/undecodable(key:reason:)`` when the record cannot be read, or contradicts its key (I1).
    public func task(_ id: TaskID) throws(StorageError) -> AutomationTask? {
        for status in [TaskStatus.enabled, .running, .disabled, .completed, .canceled, .failed] {
            let key = TaskKey(status: status, id: id)
            guard let task = try value(for: key) else { continue }
            guard task.status == status, task.id == id else {
                throw .undecodable(key: key.bytes, reason: "the record is task \(task.id), \(task.status.name)")
            }
            return task
        }
        return nil
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
