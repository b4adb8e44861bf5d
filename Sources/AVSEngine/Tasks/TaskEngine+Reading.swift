public import AVSModel
public import AVSPrimitives
public import AVSSchema
import AVSStorage
import Logging

/// A run as a caller may see it: its record, or what is known before there is one.
public enum ExecutionView: Hashable, Sendable {
    case record(RecordedExecution)
    case pending(ExecutionID, index: Int64, status: ExecutionStatus)

    public var status: ExecutionStatus {
        switch self {
        case .record(let execution): execution.status
        case .pending(_, _, let status): status
        }
    }
}

// What callers see is read without blocking the event loop that asks, and handed on as it is recorded.
extension TaskEngine {
    /// - Throws: ``EngineError/taskNotFound``, also for another owner's task.
    public func task(_ id: TaskID, owner: Address) async throws -> AutomationTask {
        guard let task = try await store.readWithoutBlocking({ [self] in try ownedTask(id, of: owner, in: $0) }) else {
            throw EngineError.taskNotFound
        }
        return task
    }

    /// - Throws: ``EngineError/taskNotFound``, also for another owner's task.
    public func recordedTask(_ id: TaskID, owner: Address) async throws -> RecordedTask {
        try await store.readWithoutBlocking { try $0.recordedTask(id, of: owner) }
    }

    /// The record of a run of the owner's task; `nil` while there is none, or no longer such a task.
    public func endedExecution(_ id: ExecutionID, of task: TaskID, owner: Address) async throws -> Execution? {
        try await store.readWithoutBlocking { snapshot in
            guard let owned = try snapshot.recordedTask(task), owned.owner == owner else { return nil }
            return try snapshot.value(for: HistoryKey(task, id))
        }
    }

    /// - Throws: ``EngineError/taskNotFound`` when any of the tasks is not the owner's.
    public func checkOwner(of tasks: Set<TaskID>, is owner: Address) async throws {
        try await store.readWithoutBlocking { snapshot in
            for id in tasks { _ = try snapshot.recordedTask(id, of: owner) }
        }
    }

    /// Tasks of some wallets of one owner. The cost follows the page, not the collection.
    public func tasks(owner: Address, wallets: Set<Address>, page: PageRequest) async throws -> Page<RecordedTask> {
        let found = try await store.readWithoutBlocking { snapshot in
            try ReadablePage(page) { limit in
                var keys: [TaskKey] = []
                for wallet in wallets {
                    let rows = Rows<TaskByOwnerKey>(under: owner, wallet)
                    let place = { (id: ULID) in TaskByOwnerKey(owner: owner, wallet: wallet, id: TaskID(id)) }
                    keys += try snapshot.entries(of: rows, page: page, limit: limit, key: place) { key, status in
                        TaskKey(status: Self.status(of: status), id: key.id)
                    }
                }
                return keys.map { (id: $0.id.ulid, key: $0) }
            } row: { key in
                try snapshot.recordedTask(key.id, likely: key.status)
            }
        }
        return logged(found)
    }

    /// What an index entry says; where that cannot be read, what is usual.
    private static func status(of entry: [UInt8]) -> TaskStatus {
        do { return try TaskStatus(stored: entry) } catch { return .enabled }
    }

    /// Records of some tasks of one owner.
    /// - Throws: ``EngineError/taskNotFound`` when any of them is not the owner's.
    public func executions(
        of tasks: Set<TaskID>, owner: Address, page: PageRequest
    ) async throws -> Page<RecordedExecution> {
        let found = try await store.readWithoutBlocking { snapshot in
            for id in tasks { _ = try snapshot.recordedTask(id, of: owner) }
            return try ReadablePage(page) { limit in
                var keys: [HistoryKey] = []
                for id in tasks {
                    let rows = Rows<HistoryKey>(under: id)
                    let place = { (run: ULID) in HistoryKey(id, ExecutionID(run)) }
                    keys += try snapshot.entries(of: rows, page: page, limit: limit, key: place) { key, _ in key }
                }
                return keys.map { (id: $0.run.execution.ulid, key: $0) }
            } row: { key in
                try snapshot.recordedExecution(key)
            }
        }
        return logged(found)
    }

    /// One run of a task.
    /// - Throws: ``EngineError/taskNotFound``, ``EngineError/executionNotFound``.
    public func execution(_ id: ExecutionID, of task: TaskID, owner: Address) async throws -> ExecutionView {
        try await store.readWithoutBlocking { snapshot in
            _ = try snapshot.recordedTask(task, of: owner)
            if let execution = try snapshot.recordedExecution(HistoryKey(task, id)) { return .record(execution) }
            guard let status = try snapshot.value(for: TriggerKey(task, id)) else {
                throw EngineError.executionNotFound
            }
            let index = try snapshot.value(for: PendingKey(task, id))?.index ?? 0
            return .pending(id, index: Int64(clamping: index), status: status)
        }
    }

    /// How many tasks of a wallet are in each status (7.3).
    public func taskCounts(owner: Address, wallet: Address) async throws -> TaskCounts {
        try await taskCounts(Rows<TaskCountKey>(under: owner, wallet))
    }

    /// At most six rows for each wallet, in turns (KEY-4).
    func taskCounts(_ rows: Rows<TaskCountKey>) async throws -> TaskCounts {
        var counts = TaskCounts()
        var rows = rows
        while true {
            let page = try await store.readWithoutBlocking { [rows] in
                try $0.rows(rows, limit: StorageLimits.scanRowsMax)
            }
            for row in page { counts.byStatus[row.key.status, default: 0] += Int(row.value.saneCount) }
            guard let last = page.last, page.count == StorageLimits.scanRowsMax else { return counts }
            rows = rows.after(last.key)
        }
    }

    private func logged<Row>(_ found: ReadablePage<Row>) -> Page<Row> {
        for skipped in found.skipped {
            logger.error(
                "a stored record cannot be read and was left out of a list", metadata: ["reason": "\(skipped)"])
        }
        return found.page
    }
}

/// A page of the rows that can be read. Others are left out and do not count (aggregator-api 2.4).
private struct ReadablePage<Row: Sendable>: Sendable {
    let page: Page<Row>
    let skipped: [StorageError]

    /// - Parameters:
    ///   - keys: the nearest keys to the page's position, at least so many as asked for if there are so many.
    ///   - row: the row of a key; `nil` for one that is gone.
    init<Key>(
        _ request: PageRequest, keys: (_ limit: Int) throws -> [(id: ULID, key: Key)], row: (Key) throws -> Row?
    ) throws {
        var limit = min(request.limit + 1, StorageLimits.scanRowsMax)
        while true {
            let nearest = try keys(limit).sorted { request.isForward ? $0.id > $1.id : $0.id < $1.id }.prefix(limit)
            var rows: [Row] = []
            var skipped: [StorageError] = []
            for (_, key) in nearest {
                do {
                    if let row = try row(key) { rows.append(row) }
                } catch let error as StorageError {
                    guard case .undecodable = error else { throw error }
                    skipped.append(error)
                }
            }
            let missing = request.limit + 1 - rows.count
            guard missing > 0, nearest.count == limit, limit < StorageLimits.scanRowsMax else {
                page = Page(found: rows, for: request)
                self.skipped = skipped
                return
            }
            limit = min(limit + missing, StorageLimits.scanRowsMax)
        }
    }
}

extension PageRequest {
    /// Whether the rows run away from the newest.
    public var isForward: Bool {
        if case .before = position { false } else { true }
    }
}

extension StoreReader where Self: ~Copyable {
    /// The task as its owner sees it.
    /// - Throws: ``EngineError/taskNotFound``, also for another owner's task.
    fileprivate func recordedTask(_ id: TaskID, of owner: Address) throws -> RecordedTask {
        guard let task = try recordedTask(id), task.owner == owner else { throw EngineError.taskNotFound }
        return task
    }

    /// What `entry` makes of each of the `rows` that a page may need, from its position on, and of its value as it is
    /// stored.
    /// - Parameter key: the key of these rows that ends with the given id.
    fileprivate func entries<Key: StoreKey, Entry>(
        of rows: Rows<Key>, page: PageRequest, limit: Int, key: (ULID) -> Key,
        _ entry: (_ key: Key, _ value: [UInt8]) -> Entry
    ) throws -> [Entry] {
        var rows = rows
        switch page.position {
        case .newest: break
        case .after(let id): rows = rows.before(key(id))
        case .before(let id): rows = rows.after(key(id))
        }
        var found: [Entry] = []
        try scan(rows.range, order: page.isForward ? .descending : .ascending, limit: limit) { bytes, value in
            found.append(entry(try Key(bytes: bytes), value))
            return .next
        }
        return found
    }
}
