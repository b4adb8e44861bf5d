import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage

/// Gives a database of an older release the rows that repeat what others say: the counts of tasks and of recorded runs,
/// when tasks expire, and which promised runs have no job.
///
/// Done once, as a migration, before anything else writes. It begins by deleting such rows, so an interrupted one
/// simply starts again.
/// - Source: aggregator-api 4.11.
struct DerivedRowsFill: Sendable {
    private static let rowsPerTurn = 1_000

    let store: any KeyValueStore

    /// - Returns: how many rows were written.
    func fill() async throws -> Int {
        try await store.update { transaction in
            try transaction.deleteAll(Rows<TaskCountKey>.all)
            try transaction.deleteAll(Rows<ExecutionCountKey>.all)
            try transaction.deleteAll(Rows<ExecutionCountOfOwnerKey>.all)
            try transaction.deleteAll(Rows<ExpiryKey>.all)
            try transaction.deleteAll(Rows<PromiseKey>.all)
        }
        return try await fillCounts() + fillExpiries() + fillPromises()
    }

    // MARK: Counts

    /// What was counted of the owner whose index entries are being read.
    private struct OwnerCounts: Sendable {
        let owner: Address
        var tasks: [TaskCountKey: UInt64] = [:]
        var executions: UInt64 = 0
        /// Of each task of the turn.
        var executionsByTask: [TaskID: UInt64] = [:]

        /// - Parameter isWhole: whether no further entry of the owner comes.
        /// - Returns: how many rows were written.
        func write(isWhole: Bool, _ transaction: inout Transaction) throws -> Int {
            var rows = 0
            for (id, count) in executionsByTask where count > 0 {
                try transaction.put(ExecutionCountKey(id), DecimalText(count))
                rows += 1
            }
            guard isWhole else { return rows }
            for (key, count) in tasks { try transaction.put(key, DecimalText(count)) }
            guard executions > 0 else { return rows + tasks.count }
            try transaction.put(ExecutionCountOfOwnerKey(owner), DecimalText(executions))
            return rows + tasks.count + 1
        }
    }

    private func fillCounts() async throws -> Int {
        var written = 0
        var counts: OwnerCounts?
        var rows = Rows<TaskByOwnerKey>.all
        while true {
            let page = try await store.readWithoutBlocking { [rows] in try $0.rows(rows, limit: Self.rowsPerTurn) }
            for (key, status) in page {
                if let done = counts, done.owner != key.owner {
                    written += try await write(done, isWhole: true)
                    counts = nil
                }
                var current = counts ?? OwnerCounts(owner: key.owner)
                let executions = try await executionCount(of: key.id)
                let place = TaskCountKey(owner: key.owner, wallet: key.wallet, status: status)
                current.tasks[place, default: 0] += 1
                current.executions += executions
                current.executionsByTask[key.id] = executions
                counts = current
            }
            // An owner may have any number of tasks, so what is known of each goes out with the turn.
            if let known = counts { written += try await write(known, isWhole: page.isEmpty) }
            counts?.executionsByTask = [:]
            guard let last = page.last else { return written }
            rows = rows.after(last.key)
        }
    }

    private func write(_ counts: OwnerCounts, isWhole: Bool) async throws -> Int {
        try await store.update { try counts.write(isWhole: isWhole, &$0) }
    }

    private func executionCount(of task: TaskID) async throws -> UInt64 {
        var range = Rows<HistoryKey>(under: task).range
        var count: UInt64 = 0
        while true {
            let turn = try await store.readWithoutBlocking { [range] snapshot in
                var turn = (count: UInt64(0), last: [UInt8]?.none)
                try snapshot.scan(range, order: .ascending, limit: StorageLimits.scanRowsMax) { key, _ in
                    turn.count += 1
                    turn.last = key
                    return .next
                }
                return turn
            }
            count += turn.count
            guard let last = turn.last else { return count }
            range = range.after(last)
        }
    }

    // MARK: What comes next

    private func fillExpiries() async throws -> Int {
        try await each(Rows<TaskKey>(under: TaskStatus.enabled)) { _, task in ExpiryKey(task).map(\.bytes) }
    }

    private func fillPromises() async throws -> Int {
        try await each(Rows<PendingKey>.all) { key, pending in
            pending.job == nil ? PromiseKey(key.run.task, key.run.execution).bytes : nil
        }
    }

    /// Writes an empty row under what `other` makes of each row. A row that cannot be read has none.
    private func each<Key: StoreKey>(
        _ rows: Rows<Key>, _ other: @escaping @Sendable (Key, Key.Value) -> [UInt8]?
    ) async throws -> Int {
        var written = 0
        var range = rows.range
        while true {
            let turn = try await store.readWithoutBlocking { [range] snapshot in
                var turn = (keys: [[UInt8]](), last: [UInt8]?.none)
                try snapshot.scan(range, order: .ascending, limit: Self.rowsPerTurn) { bytes, stored in
                    turn.last = bytes
                    if let key = Self.decoded(bytes, stored, other) { turn.keys.append(key) }
                    return .next
                }
                return turn
            }
            guard let last = turn.last else { return written }
            if !turn.keys.isEmpty {
                try await store.update { [keys = turn.keys] transaction in
                    for key in keys { try transaction.put(key, []) }
                }
                written += turn.keys.count
            }
            range = range.after(last)
        }
    }

    private static func decoded<Key: StoreKey>(
        _ bytes: [UInt8], _ stored: [UInt8], _ other: (Key, Key.Value) -> [UInt8]?
    ) -> [UInt8]? {
        do { return other(try Key(bytes: bytes), try Key.Value(stored: stored)) } catch { return nil }
    }
}
