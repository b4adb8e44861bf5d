import AVSModel
import AVSSchema
public import AVSStorage

/// Looks at every row once, alone and against the rows that it speaks of.
///
/// What is checked: every row can be read; I1 (a task under one letter, its index entry agrees), I4 (a run is awaited
/// or over, not both), I6 (no more runs promised than allowed), I7 (a job that waits or runs has its task), I14 (no key
/// outside the tables). The other invariants need rows that are looked at together.
///
/// It reads in bounded turns and remembers nothing between rows, so its memory does not grow with the database. On a
/// database that is being written to, use it over one snapshot.
/// - Source: reliability-security 2.7.
public struct StoreCheck: Sendable {
    /// Rows looked at so far.
    public private(set) var rowCount = 0
    public private(set) var findingCount = 0

    public init() {}

    /// Checks the next turn of rows behind `cursor` (KEY-4).
    ///
    /// - Returns: where to go on, or nil at the end.
    public mutating func check(
        after cursor: [UInt8]?, in reader: borrowing some StoreReader & ~Copyable,
        report: (StoreFinding) throws -> Void
    ) throws -> [UInt8]? {
        let range = cursor.map { KeyRange.all.after($0) } ?? .all
        var rows: [(key: [UInt8], value: [UInt8])] = []
        let end = try reader.scan(range, order: .ascending, limit: 1_000) { key, value in
            rows.append((key, value))
            return .next
        }
        for (key, value) in rows {
            rowCount += 1
            for finding in try Self.findings(key: key, value: value, in: reader) {
                findingCount += 1
                try report(finding)
            }
        }
        return end == .limitReached ? rows.last?.key : nil
    }

    private static func findings(
        key: [UInt8], value: [UInt8], in reader: borrowing some StoreReader & ~Copyable
    ) throws -> [StoreFinding] {
        guard let table = StoredTable.table(of: key) else {
            return [StoreFinding(rule: "I14", key: key, problem: "the key is in no table")]
        }
        if case .unreadable(let reason) = table.content(key: key, value: value) {
            return [StoreFinding(rule: "readable", key: key, problem: reason)]
        }
        let found: [(rule: String, problem: String)]
        switch table.prefix {
        case TaskKey.table.prefix: found = try task(key, value, reader)
        case TaskByOwnerKey.table.prefix: found = try indexEntry(key, value, reader)
        case TriggerKey.table.prefix: found = try awaited(key, reader)
        case JobKey.table.prefix: found = try job(key, value, reader)
        default: found = []
        }
        return found.map { StoreFinding(rule: $0.rule, key: key, problem: $0.problem) }
    }

    private static func task(
        _ bytes: [UInt8], _ value: [UInt8], _ reader: borrowing some StoreReader & ~Copyable
    ) throws -> [(String, String)] {
        let key = try TaskKey(bytes: bytes)
        let task = try AutomationTask(stored: value)
        var found: [(String, String)] = []
        if task.id != key.id { found.append(("I1", "the record is task \(task.id)")) }
        if task.status != key.status { found.append(("I1", "the record says \(task.status.name)")) }
        for other in TaskStatus.allCases where other != key.status {
            guard try reader.contains(TaskKey(status: other, id: key.id)) else { continue }
            found.append(("I1", "the task is under letter \(other.letter) as well"))
        }
        let entry = TaskByOwnerKey(owner: task.owner, wallet: task.wallet, id: key.id)
        switch try reader.get(entry.bytes) {
        case nil: found.append(("I1", "there is no \(KeyText.text(of: entry.bytes))"))
        case let indexed? where indexed != key.status.stored:
            found.append(("I1", "\(KeyText.text(of: entry.bytes)) says \(KeyText.text(of: indexed))"))
        default: break
        }
        let (promised, overflow) = task.executionCount.addingReportingOverflow(task.reserved)
        if task.maxExecution > 0, overflow || promised > task.maxExecution {
            let sum = "\(task.executionCount) runs and \(task.reserved) promised"
            found.append(("I6", "\(sum), allowed are \(task.maxExecution)"))
        }
        return found
    }

    private static func indexEntry(
        _ bytes: [UInt8], _ value: [UInt8], _ reader: borrowing some StoreReader & ~Copyable
    ) throws -> [(String, String)] {
        let key = try TaskByOwnerKey(bytes: bytes)
        let status = try TaskStatus(stored: value)
        if try reader.contains(TaskKey(status: status, id: key.id)) { return [] }
        return [("I1", "there is no task under letter \(status.letter)")]
    }

    private static func awaited(
        _ bytes: [UInt8], _ reader: borrowing some StoreReader & ~Copyable
    ) throws -> [(String, String)] {
        let run = try TriggerKey(bytes: bytes).run
        guard try reader.contains(HistoryKey(run.task, run.execution)) else { return [] }
        return [("I4", "the execution is in the history as well")]
    }

    private static func job(
        _ bytes: [UInt8], _ value: [UInt8], _ reader: borrowing some StoreReader & ~Copyable
    ) throws -> [(String, String)] {
        let key = try JobKey(bytes: bytes)
        let job = try Job(stored: value)
        var found: [(String, String)] = []
        if job.number != key.number { found.append(("I7", "the record is job \(job.number)")) }
        guard key.state == .waiting || key.state == .running else { return found }
        let letters = TaskStatus.allCases
        var hasTask = false
        for status in letters where try reader.contains(TaskKey(status: status, id: job.taskID)) { hasTask = true }
        if !hasTask { found.append(("I7", "there is no task \(job.taskID)")) }
        return found
    }
}
