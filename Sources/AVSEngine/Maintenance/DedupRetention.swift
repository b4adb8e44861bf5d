import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage

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
        guard record.recordedAt < cutoff, let position = record.position, let mark = low[position.axis] else { return false }
        return position.value < mark
    }
}

extension TaskEngine {
    /// Deletes what ``DedupRetention`` lets go, at most 1,000 records per update (KEY-9).
    /// - Returns: how many records went.
    func purgeDedup(of id: TaskID, now: Timestamp) async throws -> Int {
        var times: [Timestamp] = []
        try await forEachDedup(of: id) { _, record in times.append(record.recordedAt) }
        let oldest = now.adding(.zero - configuration.times.dedupRetention)
        guard var retention = DedupRetention(times: times, keep: configuration.limits.dedupRecordsPerTask, oldest: oldest)
        else { return 0 }
        try await forEachDedup(of: id) { _, record in retention.see(record) }
        var old: [DedupKey] = []
        try await forEachDedup(of: id) { [retention] key, record in
            if retention.mayGo(record) { old.append(key) }
        }
        for start in stride(from: 0, to: old.count, by: 1_000) {
            let batch = old[start..<min(start + 1_000, old.count)]
            try await store.update { [low = retention.low] transaction in
                var marks = try transaction.value(for: DedupLowKey(id)) ?? DedupLow()
                for (axis, mark) in low { marks[axis] = max(marks[axis], mark) }
                try transaction.put(DedupLowKey(id), marks)
                for key in batch { try transaction.delete(key) }
            }
        }
        return old.count
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
