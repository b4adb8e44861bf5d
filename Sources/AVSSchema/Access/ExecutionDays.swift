import AVSModel
import AVSPrimitives
public import AVSStorage

// Statistics by day change in the update that changes what they count.
extension Transaction {
    /// Changes the rows of a run's day, its task's and its owner's.
    mutating func changeDays(
        of run: CountedRun, task: TaskID, owner: Address, _ change: (inout ExecutionDay, CountedRun) -> Void
    ) throws {
        try changeDay(ExecutionDayKey(task, day: run.day)) { change(&$0, run) }
        try changeDay(ExecutionDayOfOwnerKey(owner, day: run.day)) { change(&$0, run) }
    }

    /// Removes a task's rows, and what they say from its owner's: one row for each day on which the task ran.
    mutating func removeDays(of task: TaskID, owner: Address) throws {
        var rows = Rows<ExecutionDayKey>(under: task)
        while case let page = try self.rows(rows, limit: 1_000), let last = page.last {
            for (key, day) in page {
                try changeDay(ExecutionDayOfOwnerKey(owner, day: key.day)) { $0.remove(day) }
            }
            rows = rows.after(last.key)
        }
        try deleteAll(Rows<ExecutionDayKey>(under: task))
    }

    private mutating func changeDay(_ key: some DayKey, _ change: (inout ExecutionDay) -> Void) throws {
        var day = try value(for: key) ?? ExecutionDay()
        change(&day)
        if day.isEmpty { try delete(key) } else { try put(key, day) }
    }

    /// Writes the statistics of records that an older release wrote: those behind a key, or from the first one on.
    ///
    /// Records that cannot be read, or whose task cannot, count for nothing.
    /// - Returns: how many records were counted, and the last one that was looked at; nil at the end.
    public mutating func fillDays(
        after last: [UInt8]?, limit: Int
    ) throws -> (counted: Int, last: [UInt8]?) {
        if last == nil {
            try deleteAll(Rows<ExecutionDayKey>.all)
            try deleteAll(Rows<ExecutionDayOfOwnerKey>.all)
        }
        let history = Rows<HistoryKey>.all.range
        var found: [TaskID: [CountedRun]] = [:]
        var place: [UInt8]?
        let end = try scan(last.map { history.after($0) } ?? history, order: .ascending, limit: limit) { key, record in
            place = key
            if let run = CountedRun(record: record), let key = Self.historyKey(key) {
                found[key.run.task, default: []].append(run)
            }
            return .next
        }
        var counted = 0
        for (task, runs) in found {
            guard let owner = try ownerIfReadable(of: task) else { continue }
            for (day, runs) in Dictionary(grouping: runs, by: \.day) {
                try changeDay(ExecutionDayKey(task, day: day)) { row in runs.forEach { row.add($0) } }
                try changeDay(ExecutionDayOfOwnerKey(owner, day: day)) { row in runs.forEach { row.add($0) } }
            }
            counted += runs.count
        }
        return (counted, end == .limitReached ? place : nil)
    }

    private static func historyKey(_ bytes: [UInt8]) -> HistoryKey? {
        do { return try HistoryKey(bytes: bytes) } catch { return nil }
    }

    private func ownerIfReadable(of task: TaskID) throws(StorageError) -> Address? {
        do throws(StorageError) { return try recordedTask(task)?.owner } catch {
            guard case .undecodable = error else { throw error }
            return nil
        }
    }
}
