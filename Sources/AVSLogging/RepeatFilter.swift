/// Holds back identical warnings of one place: the first is written, then none for a while, then the next with how many
/// there were (LOG-2). A value; time is passed in.
struct RepeatFilter {
    struct Key: Hashable {
        var place: String
        var message: String
    }

    private struct Entry {
        var writtenAt: ContinuousClock.Instant
        var record: LogRecord
        var heldBack = 0
    }

    private let interval: Duration
    private let limit: Int
    private var entries: [Key: Entry] = [:]

    init(interval: Duration, limit: Int) {
        self.interval = interval
        self.limit = limit
    }

    /// What is to be written now that `record` has come: warnings whose time is over and that nobody repeated since,
    /// each with its count, and the record itself unless it is held back.
    mutating func admit(_ record: LogRecord, at now: ContinuousClock.Instant) -> [LogRecord] {
        var due = takeExpired(at: now)
        guard record.level.isWarning else { return due + [record] }
        let key = Key(place: record.place, message: record.message)
        guard entries[key] == nil else {
            entries[key]?.heldBack += 1
            entries[key]?.record = record
            return due
        }
        if entries.count < limit { entries[key] = Entry(writtenAt: now, record: record) }
        due.append(record)
        return due
    }

    /// Everything that was held back, at the end.
    mutating func drain() -> [LogRecord] {
        defer { entries = [:] }
        return counted(entries.values.filter { $0.heldBack > 0 })
    }

    private mutating func takeExpired(at now: ContinuousClock.Instant) -> [LogRecord] {
        guard !entries.isEmpty else { return [] }
        let expired = entries.filter { now - $0.value.writtenAt >= interval }
        for (key, entry) in expired {
            // A counted line is written, so its place is watched for another interval.
            entries[key] = entry.heldBack > 0 ? Entry(writtenAt: now, record: entry.record) : nil
        }
        return counted(expired.values.filter { $0.heldBack > 0 })
    }

    private func counted(_ entries: some Sequence<Entry>) -> [LogRecord] {
        entries.sorted { $0.record.time < $1.record.time }.map { entry in
            var record = entry.record
            record.repetitions = entry.heldBack
            return record
        }
    }
}
