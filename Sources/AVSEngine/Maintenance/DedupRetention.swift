import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import Logging
import Synchronization

/// Which dedup records of a task may go, decided over all of them without holding them (XO-8).
///
/// A record goes when it is older than the retention, is not among the newest that are kept, and lies below the
/// position of every kept record of its axis: the low mark is raised to that position first, in the same update, so
/// that what was forgotten is refused from then on. A far-off position that a bad operator reported raises nothing.
struct DedupRetention {
    /// Records before this instant are old.
    let cutoff: Timestamp
    /// The lowest kept position of each axis.
    private(set) var low: [Occurrence.Position.Axis: UInt64] = [:]

    /// - Parameter times: the times of all records.
    /// - Returns: `nil` when nothing can go.
    init?(times: [Timestamp], keep: Int, oldest: Timestamp) {
        guard times.count > keep, keep > 0 else { return nil }
        let newestFirst = times.sorted(by: >)
        cutoff = min(oldest, newestFirst[keep - 1])
    }

    /// Looks at one record that may be kept.
    mutating func see(_ record: Dedup) {
        guard record.recordedAt >= cutoff, let position = record.position else { return }
        low[position.axis] = min(low[position.axis] ?? .max, position.value)
    }

    func mayGo(_ record: Dedup) -> Bool {
        guard record.recordedAt < cutoff, let position = record.position, let mark = low[position.axis] else {
            return false
        }
        return position.value < mark
    }
}

/// Where the sweeper is among the dedup records: each pass goes on from there, so that no pass looks at all tasks.
final class DedupSweep: Sendable {
    /// Records that one pass reads before it leaves the rest to the next: a second's work, and with a pass each minute
    /// two million in two hours, beside a retention of days.
    fileprivate static let recordsPerPass = 20_000

    private let position = Mutex<KeyRange>(Rows<DedupKey>.all.range)

    fileprivate var rest: KeyRange {
        get { position.withLock { $0 } }
        set { position.withLock { $0 = newValue } }
    }
}

extension TaskEngine {
    /// Goes on through the tasks that have dedup records, whole tasks at a time.
    /// - Returns: how many records went.
    func purgeDedup(now: Timestamp) async throws -> Int {
        var purged = 0
        var read = 0
        while read < DedupSweep.recordsPerPass {
            let rest = dedupSweep.rest
            let next = try await store.readWithoutBlocking { snapshot in
                var next: [UInt8]?
                try snapshot.scan(rest, order: .ascending, limit: 1) { key, _ in
                    next = key
                    return .stop
                }
                return next
            }
            guard let next else {
                dedupSweep.rest = Rows<DedupKey>.all.range
                return purged
            }
            read += try await purgeDedup(from: next, in: rest, now: now, &purged)
        }
        return purged
    }

    /// Treats the task of the key `next`, and moves the sweep's position behind it.
    /// - Returns: how many records were looked at. What cannot be read is the store check's to find, and stops no
    ///   sweep.
    private func purgeDedup(
        from next: [UInt8], in rest: KeyRange, now: Timestamp, _ purged: inout Int
    ) async throws -> Int {
        do {
            dedupSweep.rest = rest.after(next)
            let id = try DedupKey(bytes: next).task
            dedupSweep.rest = KeyRange(from: Rows<DedupKey>(under: id).range.upper, upTo: rest.upper)
            let (gone, looked) = try await purgeDedup(of: id, now: now)
            purged += gone
            return looked
        } catch StorageError.undecodable(let key, let reason) {
            logger.error("a dedup record cannot be read", metadata: [
                "key": "\(StorageError.printable(key))", "reason": "\(reason)",
            ])
            return 1
        }
    }

    /// Records that go in one update: with the low mark 1,000 rows (KEY-9).
    private static let dedupRecordsPerUpdate = sweepRowsPerUpdate - 1

    /// Deletes what ``DedupRetention`` lets go.
    /// - Returns: how many records went, of how many.
    private func purgeDedup(of id: TaskID, now: Timestamp) async throws -> (gone: Int, looked: Int) {
        var times: [Timestamp] = []
        try await forEachDedup(of: id) { _, record in times.append(record.recordedAt) }
        let oldest = now.adding(.zero - configuration.times.dedupRetention)
        guard
            var retention = DedupRetention(times: times, keep: configuration.limits.dedupRecordsPerTask, oldest: oldest)
        else { return (0, times.count) }
        try await forEachDedup(of: id) { _, record in retention.see(record) }
        var old: [DedupKey] = []
        try await forEachDedup(of: id) { [retention] key, record in
            if retention.mayGo(record) { old.append(key) }
        }
        for start in stride(from: 0, to: old.count, by: Self.dedupRecordsPerUpdate) {
            let batch = old[start..<min(start + Self.dedupRecordsPerUpdate, old.count)]
            try await store.update { [low = retention.low] transaction in
                var marks = try transaction.value(for: DedupLowKey(id)) ?? DedupLow()
                for (axis, mark) in low { marks[axis] = max(marks[axis], mark) }
                try transaction.put(DedupLowKey(id), marks)
                for key in batch { try transaction.delete(key) }
            }
        }
        return (old.count, times.count)
    }

    private func forEachDedup(of id: TaskID, _ body: (DedupKey, Dedup) -> Void) async throws {
        var rows = Rows<DedupKey>(under: id)
        while true {
            let page = try await store.readWithoutBlocking { [rows] in try $0.rows(rows, limit: 1_000) }
            for row in page { body(row.key, row.value) }
            guard let last = page.last else { return }
            rows = rows.after(last.key)
        }
    }
}
