import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage

// Rows that repeat what others say: each against what it repeats.
extension RowCheck {
    /// Whether the database has such rows: one of an older release gets them at its next start.
    func keepsDerivedRows(_ reader: borrowing some StoreReader & ~Copyable) throws -> Bool {
        try isDone(DerivedRows.migration, reader)
    }

    private func isDone(_ name: MigrationName?, _ reader: borrowing some StoreReader & ~Copyable) throws -> Bool {
        guard let name else { return false }
        return try reader.contains(MigrationKey(name))
    }

    mutating func taskCount(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let key = try TaskCountKey(bytes: key)
        let counted = try DecimalText(stored: value).value
        let status = key.status.stored
        let tasks = try count(Rows<TaskByOwnerKey>(under: key.owner, key.wallet).range, reader) {
            $0.value == status ? 1 : 0
        }
        if tasks != counted {
            found("I1", "the wallet has \(tasks) tasks that are \(key.status.name), counted are \(counted)")
        }
    }

    mutating func executionCount(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let task = try ExecutionCountKey(bytes: key).task
        let counted = try DecimalText(stored: value).value
        let executions = try count(Rows<HistoryKey>(under: task).range, reader) { _ in 1 }
        if executions != counted { found("I5", "the task has \(executions) recorded runs, counted are \(counted)") }
        try belongs(to: task, reader)
        guard try isDone(DerivedRows.daysMigration, reader) else { return }
        compareDays(
            try days(Rows<ExecutionDayKey>(under: task), reader), with: try recountedDays(of: task, reader), "task")
    }

    mutating func executionCountOfOwner(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let owner = try ExecutionCountOfOwnerKey(bytes: key).owner
        let counted = try DecimalText(stored: value).value
        var executions: UInt64 = 0
        var ofTasks: [UInt64: ExecutionDay] = [:]
        var rows = Rows<TaskByOwnerKey>(under: owner)
        while case let page = try reader.rows(rows, limit: 1_000), let last = page.last {
            for (key, _) in page {
                let count = try reader.value(for: ExecutionCountKey(key.id))?.value ?? 0
                executions = executions.addingReportingOverflow(count).partialValue
                let days = try days(Rows<ExecutionDayKey>(under: key.id), reader)
                for (day, row) in days { ofTasks[day, default: ExecutionDay()].add(row) }
            }
            rows = rows.after(last.key)
        }
        if executions != counted { found("I5", "the owner has \(executions) recorded runs, counted are \(counted)") }
        guard try isDone(DerivedRows.daysMigration, reader) else { return }
        compareDays(try days(Rows<ExecutionDayOfOwnerKey>(under: owner), reader), with: ofTasks, "owner")
    }

    // MARK: Days
    // All days of a task, or of an owner, are compared where its runs are counted: so its records are read once.

    mutating func executionDay(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let task = try ExecutionDayKey(bytes: key).task
        try belongs(to: task, reader)
        guard try keepsCountsAndDays(reader), try !reader.contains(ExecutionCountKey(task)) else { return }
        found("I5", "the task's recorded runs are not counted")
    }

    mutating func executionDayOfOwner(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let owner = try ExecutionDayOfOwnerKey(bytes: key).owner
        guard try keepsCountsAndDays(reader), try !reader.contains(ExecutionCountOfOwnerKey(owner)) else { return }
        found("I5", "the owner's recorded runs are not counted")
    }

    private func keepsCountsAndDays(_ reader: borrowing some StoreReader & ~Copyable) throws -> Bool {
        try isDone(DerivedRows.migration, reader) && isDone(DerivedRows.daysMigration, reader)
    }

    private mutating func compareDays(
        _ stored: [UInt64: ExecutionDay], with recounted: [UInt64: ExecutionDay], _ whose: String
    ) {
        for day in Set(stored.keys).union(recounted.keys).sorted() {
            let (row, recount) = (stored[day] ?? ExecutionDay(), recounted[day] ?? ExecutionDay())
            guard !row.agrees(with: recount) else { continue }
            found(
                "I5",
                "of day \(day) the \(whose)'s statistics have \(row.tally().total) runs, or other ends, than the "
                + "\(recount.tally().total) that are recorded")
        }
    }

    private func days<Key: DayKey>(
        _ rows: Rows<Key>, _ reader: borrowing some StoreReader & ~Copyable
    ) throws -> [UInt64: ExecutionDay] {
        var found: [UInt64: ExecutionDay] = [:]
        var rows = rows
        while case let page = try reader.rows(rows, limit: 1_000), let last = page.last {
            for (key, day) in page { found[key.day] = day }
            rows = rows.after(last.key)
        }
        return found
    }

    private func recountedDays(
        of task: TaskID, _ reader: borrowing some StoreReader & ~Copyable
    ) throws -> [UInt64: ExecutionDay] {
        var days: [UInt64: ExecutionDay] = [:]
        _ = try count(Rows<HistoryKey>(under: task).range, reader) { row in
            if let run = CountedRun(record: row.value) { days[run.day, default: ExecutionDay()].add(run) }
            return 1
        }
        return days
    }

    mutating func expiry(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let key = try ExpiryKey(bytes: key)
        let task = try reader.value(for: TaskKey(status: .enabled, id: key.task))
        if task.flatMap(ExpiryKey.init) != key { found("I1", "no enabled task \(key.task) expires then") }
    }

    mutating func outbox(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let number = try OutboxKey(bytes: key).number
        let newest = try reader.value(for: OutboxNumberKey())?.value ?? 0
        if number > newest { found("XO-23", "the newest message has number \(newest)") }
    }

    mutating func outboxCount(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let counted = try DecimalText(stored: value).value
        let messages = try count(Rows<OutboxKey>.all.range, reader) { _ in 1 }
        if messages != counted { found("XO-23", "there are \(messages) messages, counted are \(counted)") }
    }

    mutating func promise(_ reader: borrowing some StoreReader & ~Copyable) throws {
        let run = try PromiseKey(bytes: key).run
        guard let pending = try reader.value(for: PendingKey(run.task, run.execution)) else {
            return found("I7", "the run is not promised")
        }
        if let job = pending.job { found("I7", "job \(job) has the run") }
    }

    /// Adds up what each row of a range counts for, in turns.
    func count(
        _ range: KeyRange, _ reader: borrowing some StoreReader & ~Copyable,
        _ weight: (_ row: (key: [UInt8], value: [UInt8])) -> UInt64
    ) throws -> UInt64 {
        var rest = range
        var sum: UInt64 = 0
        while true {
            var last: [UInt8]?
            try reader.scan(rest, order: .ascending, limit: 1_000) { key, value in
                last = key
                sum += weight((key, value))
                return .next
            }
            guard let last else { return sum }
            rest = rest.after(last)
        }
    }
}
