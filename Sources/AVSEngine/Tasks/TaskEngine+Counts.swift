public import AVSModel
public import AVSPrimitives
import AVSSchema
import AVSStorage

/// How the runs of some tasks went, over some days.
public struct ExecutionStatistics: Hashable, Sendable {
    public var total: Int64 = 0
    public var succeeded: Int64 = 0
    /// Every other end.
    public var failed: Int64 = 0
    /// Of all runs, in milliseconds.
    public var totalMilliseconds: Int64 = 0

    /// In milliseconds; 0 without runs.
    public var averageMilliseconds: Double { total == 0 ? 0 : Double(totalMilliseconds) / Double(total) }
}

// Counts are kept beside what they count, and read here. Statistics read the records of their days, in turns of bounded
// size (KEY-4).
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

    /// The recorded runs that started within the last days, each of 24 hours. Records that cannot be read are left out.
    ///
    /// A run's id tells when it was accepted, and it starts soon after: what was accepted more than a day before the
    /// window is not looked at.
    public func executionStatistics(
        owner: Address, tasks: Set<TaskID>?, days: Int64
    ) async throws -> ExecutionStatistics {
        let now = time.now
        let first = now.adding(.zero - Duration.seconds(min(days, 365_000) * 86_400))
        let oldest = Self.firstID(at: first.adding(.zero - Duration.seconds(86_400)))
        var statistics = ExecutionStatistics()
        try await forEachTask(of: owner, among: tasks) { id in
            let rows = Rows<HistoryKey>(under: id).after(HistoryKey(id, oldest))
            statistics = try await reduce(rows.range, rowsPerTurn: 500, into: statistics) { $0.add($1, since: first) }
        }
        return statistics
    }

    /// The smallest id of a moment.
    private static func firstID(at moment: Timestamp) -> ExecutionID {
        ExecutionID(ULID(value: UInt128(max(0, moment.milliseconds)) << 80))
    }

    private func forEachTask(
        of owner: Address, among tasks: Set<TaskID>?, _ body: (TaskID) async throws -> Void
    ) async throws {
        if let tasks {
            for id in tasks {
                let owned = try await store.readWithoutBlocking { try $0.recordedTask(id)?.owner == owner }
                if owned { try await body(id) }
            }
            return
        }
        var rows = Rows<TaskByOwnerKey>(under: owner).range
        while true {
            let page = try await store.readWithoutBlocking { [rows] snapshot in
                var keys: [TaskByOwnerKey] = []
                try snapshot.scan(rows, order: .ascending, limit: 1_000) { key, _ in
                    keys.append(try TaskByOwnerKey(bytes: key))
                    return .next
                }
                return keys
            }
            for key in page { try await body(key.id) }
            guard let last = page.last else { return }
            rows = rows.after(last.bytes)
        }
    }

    /// Puts together the values of a range, turn by turn; no value outlives its row, since a record may have megabytes.
    private func reduce<Result: Sendable>(
        _ range: KeyRange, rowsPerTurn: Int, into first: Result,
        _ add: @escaping @Sendable (inout Result, _ value: [UInt8]) -> Void
    ) async throws -> Result {
        var result = first
        var rest = range
        while true {
            let turn = try await store.readWithoutBlocking { [rest, result] snapshot in
                var turn = (result: result, last: [UInt8]?.none)
                try snapshot.scan(rest, order: .ascending, limit: rowsPerTurn) { key, value in
                    add(&turn.result, value)
                    turn.last = key
                    return .next
                }
                return turn
            }
            result = turn.result
            guard let last = turn.last else { return result }
            rest = rest.after(last)
        }
    }
}

extension ExecutionStatistics {
    fileprivate mutating func add(_ record: [UInt8], since first: Timestamp) {
        let execution: Execution
        do { execution = try Execution(stored: record) } catch { return }
        guard execution.startAt >= first else { return }
        total += 1
        if execution.status == .success { succeeded += 1 } else { failed += 1 }
        guard let endAt = execution.endAt, endAt > execution.startAt else { return }
        let length = endAt.milliseconds.subtractingReportingOverflow(execution.startAt.milliseconds).partialValue
        totalMilliseconds = totalMilliseconds.addingReportingOverflow(length).partialValue
    }
}

extension DecimalText {
    /// The number as a count. A damaged row may say anything; nothing that is counted here comes near 2^40, and sums of
    /// such counts overflow nowhere.
    var saneCount: UInt64 { min(value, 1 << 40) }
}
