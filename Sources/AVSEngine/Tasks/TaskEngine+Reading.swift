public import AVSModel
public import AVSPrimitives
import AVSSchema
import AVSStorage
import Logging

/// A run as a caller may see it: its record, or what is known before there is one.
public enum ExecutionView: Hashable, Sendable {
    case record(Execution)
    case pending(ExecutionID, index: Int64, status: ExecutionStatus)

    public var status: ExecutionStatus {
        switch self {
        case .record(let execution): execution.status
        case .pending(_, _, let status): status
        }
    }
}

extension TaskEngine {
    /// - Throws: ``EngineError/taskNotFound``, also for another owner's task.
    public func task(_ id: TaskID, owner: Address) throws -> AutomationTask {
        guard let task = try store.read({ try ownedTask(id, of: owner, in: $0) }) else {
            throw EngineError.taskNotFound
        }
        return task
    }

    /// Tasks of some wallets of one owner. The cost follows the page, not the collection.
    public func tasks(owner: Address, wallets: Set<Address>, page: PageRequest) throws -> Page<AutomationTask> {
        try store.read { snapshot in
            var found: [TaskByOwnerKey] = []
            for wallet in wallets {
                let rows = Rows<TaskByOwnerKey>(under: owner, wallet)
                found += try snapshot.keys(of: rows, page: page) { TaskByOwnerKey(owner: owner, wallet: wallet, id: TaskID($0)) }
            }
            let ids = newestOrNearest(found.map { $0.id }, page: page)
            var tasks: [AutomationTask] = []
            for id in ids {
                do {
                    if let task = try snapshot.task(id) { tasks.append(task) }
                } catch StorageError.undecodable(let key, let reason) {
                    skipped(key, reason)
                }
            }
            return Page(found: tasks, for: page)
        }
    }

    /// Records of some tasks of one owner.
    /// - Throws: ``EngineError/taskNotFound`` when any of them is not the owner's.
    public func executions(of tasks: Set<TaskID>, owner: Address, page: PageRequest) throws -> Page<Execution> {
        try store.read { snapshot in
            var found: [HistoryKey] = []
            for id in tasks {
                guard try ownedTask(id, of: owner, in: snapshot) != nil else { throw EngineError.taskNotFound }
                let rows = Rows<HistoryKey>(under: id)
                found += try snapshot.keys(of: rows, page: page) { HistoryKey(id, ExecutionID($0)) }
            }
            let isForward = page.isForward
            let ordered = found.sorted { left, right in
                isForward ? left.run.execution > right.run.execution : left.run.execution < right.run.execution
            }
            var executions: [Execution] = []
            for key in ordered.prefix(page.limit + 1) {
                do {
                    if let execution = try snapshot.value(for: key) { executions.append(execution) }
                } catch StorageError.undecodable(let key, let reason) {
                    skipped(key, reason)
                }
            }
            return Page(found: executions, for: page)
        }
    }

    /// One run of a task.
    /// - Throws: ``EngineError/taskNotFound``, ``EngineError/executionNotFound``, ``EngineError/corrupted(what:)``.
    public func execution(_ id: ExecutionID, of task: TaskID, owner: Address) throws -> ExecutionView {
        try store.read { snapshot in
            guard try ownedTask(task, of: owner, in: snapshot) != nil else { throw EngineError.taskNotFound }
            if let execution = try snapshot.value(for: HistoryKey(task, id)) { return .record(execution) }
            guard let status = try snapshot.value(for: TriggerKey(task, id)) else { throw EngineError.executionNotFound }
            let index = try snapshot.value(for: PendingKey(task, id))?.index ?? 0
            return .pending(id, index: Int64(clamping: index), status: status)
        }
    }

    /// How many tasks of a wallet are in each status, from the index alone (7.3).
    public func taskCounts(owner: Address, wallet: Address) throws -> TaskCounts {
        try store.read { snapshot in
            var counts = TaskCounts()
            var rows = Rows<TaskByOwnerKey>(under: owner, wallet)
            while true {
                let page = try snapshot.rows(rows, limit: StorageLimits.scanRowsMax)
                for row in page { counts.count(row.value) }
                guard let last = page.last, page.count == StorageLimits.scanRowsMax else { return counts }
                rows = rows.after(last.key)
            }
        }
    }

    private func newestOrNearest(_ ids: [TaskID], page: PageRequest) -> [TaskID] {
        let sorted = page.isForward ? ids.sorted(by: >) : ids.sorted()
        return Array(sorted.prefix(page.limit + 1))
    }

    private func skipped(_ key: [UInt8], _ reason: String) {
        logger.error("a stored record cannot be read and was left out of a list", metadata: [
            "key": "\(StorageError.printable(key))", "reason": "\(reason)",
        ])
    }
}

extension PageRequest {
    /// Whether the rows run away from the newest.
    public var isForward: Bool {
        if case .before = position { false } else { true }
    }
}

extension StoreReader where Self: ~Copyable {
    /// The keys of `rows` that a page may need: one more than its limit, from its position on.
    /// - Parameter key: the key of these rows that ends with the given id.
    fileprivate func keys<Key: StoreKey>(
        of rows: Rows<Key>, page: PageRequest, key: (ULID) -> Key
    ) throws -> [Key] {
        var rows = rows
        switch page.position {
        case .newest: break
        case .after(let id): rows = rows.before(key(id))
        case .before(let id): rows = rows.after(key(id))
        }
        var found: [Key] = []
        try scan(rows.range, order: page.isForward ? .descending : .ascending, limit: page.limit + 1) { bytes, _ in
            found.append(try Key(bytes: bytes))
            return .next
        }
        return found
    }
}
