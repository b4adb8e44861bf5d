public import AVSModel
public import AVSPrimitives
import AVSSchema
import AVSStorage

/// How the runs of some tasks went, over some days.
public struct ExecutionStatistics: Hashable, Sendable {
    public var total: Int64
    public var succeeded: Int64
    /// Of all runs, in milliseconds.
    public var totalMilliseconds: Int64

    init(_ tally: RunTally) {
        total = Int64(clamping: tally.total)
        succeeded = Int64(clamping: tally.succeeded)
        totalMilliseconds = Int64(clamping: tally.milliseconds)
    }

    /// Every other end.
    public var failed: Int64 { max(0, total - succeeded) }

    /// In milliseconds; 0 without runs.
    public var averageMilliseconds: Double { total == 0 ? 0 : Double(totalMilliseconds) / Double(total) }
}

// Counts and statistics are kept beside what they count, and read here.
extension TaskEngine {
    /// The owner's tasks of every status, of these wallets or of all. What is no wallet of the owner's counts nothing.
    public func taskCount(owner: Address, wallets: Set<Address>?) async throws -> Int {
        guard let wallets else { return try await taskCounts(Rows<TaskCountKey>(under: owner)).total }
        var total = 0
        for wallet in wallets { total += try await taskCounts(owner: owner, wallet: wallet).total }
        return total
    }

    /// The recorded runs of these tasks, or of all; what is not the owner's counts nothing (D-21).
    public func executionCount(owner: Address, tasks: Set<TaskID>?) async throws -> Int64 {
        try await store.readWithoutBlocking { snapshot in
            guard let tasks else {
                return Int64(try snapshot.value(for: ExecutionCountOfOwnerKey(owner))?.saneCount ?? 0)
            }
            var total: UInt64 = 0
            for id in tasks where try snapshot.recordedTask(id)?.owner == owner {
                total += try snapshot.value(for: ExecutionCountKey(id))?.saneCount ?? 0
            }
            return Int64(clamping: total)
        }
    }

    /// The recorded runs that started within the last days, each of 24 hours; what is not the owner's counts nothing.
    ///
    /// Reads one row for each day with runs, of the owner or of each task. Of a day with more than
    /// ``ExecutionDay/exactSlotsMax`` runs the window takes in the whole quarter of an hour in which it begins.
    public func executionStatistics(
        owner: Address, tasks: Set<TaskID>?, days: Int64
    ) async throws -> ExecutionStatistics {
        let first = time.now.adding(.zero - Duration.seconds(min(days, 365_000) * 86_400))
        let (day, millisecond) = ExecutionDay.place(of: first)
        guard let tasks else {
            let rows = Rows<ExecutionDayOfOwnerKey>(under: owner)
            let known = day == 0 ? rows : rows.after(ExecutionDayOfOwnerKey(owner, day: day - 1))
            return ExecutionStatistics(try await tally(known, from: day, millisecond))
        }
        var sum = RunTally()
        for id in tasks {
            guard try await store.readWithoutBlocking({ try $0.recordedTask(id)?.owner == owner }) else { continue }
            let rows = Rows<ExecutionDayKey>(under: id)
            sum += try await tally(
                day == 0 ? rows : rows.after(ExecutionDayKey(id, day: day - 1)), from: day, millisecond)
        }
        return ExecutionStatistics(sum)
    }

    /// Adds up days, in turns (KEY-4), the first one of them from a millisecond on.
    private func tally<Key: DayKey>(
        _ rows: Rows<Key>, from first: UInt64, _ millisecond: UInt64
    ) async throws -> RunTally {
        var sum = RunTally()
        var rows = rows
        while true {
            let page = try await store.readWithoutBlocking { [rows] in try $0.rows(rows, limit: Self.daysPerTurn) }
            for (key, day) in page { sum += day.tally(from: key.day == first ? millisecond : 0) }
            guard let last = page.last, page.count == Self.daysPerTurn else { return sum }
            rows = rows.after(last.key)
        }
    }

    private static let daysPerTurn = 1_000
}

extension DecimalText {
    /// The number as a count. A damaged row may say anything; nothing that is counted here comes near 2^40, and sums of
    /// such counts overflow nowhere.
    var saneCount: UInt64 { min(value, 1 << 40) }
}
