import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Synchronization
import Testing

@testable import AVSEngine

/// A store that notes how many rows each update changes.
private final class MeasuringStore: KeyValueStore {
    private let base = MemoryStore()
    private let counts = Mutex<[Int]>([])

    /// Of the updates since the last look.
    func take() -> [Int] {
        counts.withLock { counts in
            defer { counts = [] }
            return counts
        }
    }

    func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R { try base.read(body) }

    func update<R: Sendable>(_ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R) async throws -> R {
        let (result, count) = try await base.update { transaction in
            let result = try body(&transaction)
            return (result, transaction.changes.count)
        }
        counts.withLock { $0.append(count) }
        return result
    }

    func updateUnsynced<R: Sendable>(
        _ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R
    ) async throws -> R { try await update(body) }
}

/// What of each kind is old, and what is not.
private struct Litter {
    static let each = 2_345
    static let week = Duration.seconds(7 * 86_400)

    let old: Timestamp
    let young: Timestamp
    let task: TaskID

    private func ulid(_ number: Int) -> ULID { ULID(value: UInt128(number + 1)) }

    private func identity(_ number: Int) throws -> IdentityDigest {
        try #require(IdentityDigest(sha256: SHA256.hash(Array("\(number)".utf8)).bytes))
    }

    private func address(_ number: Int) throws -> Address {
        try #require(Address(bytes: UInt256(UInt64(number + 1)).bigEndian.suffix(20)))
    }

    /// Row `number` of each kind, written at `instant`.
    func put(_ number: Int, at instant: Timestamp, _ transaction: inout AVSStorage.Transaction) throws {
        let id = UInt64(number + 1)
        for state in [JobState.done, .failed] {
            try transaction.put(
                JobKey(state, id),
                Job(
                    number: id, taskID: task, executionID: ExecutionID(ulid(number)), owner: Harness.owner, index: id,
                    trigger: TriggerOutput(kind: .manual, data: nil), enqueuedAt: instant, endedAt: instant))
        }
        let digest = try identity(number)
        try transaction.put(
            DedupKey(task, digest),
            Dedup(
                executionID: ExecutionID(ulid(number)), identity: "block \(number)",
                position: .init(axis: .chain(1), value: id), recordedAt: instant))
        // Each of an owner of its own: with each row its count goes too.
        let owner = try address(number)
        try transaction.put(
            AnswerKey(owner: owner, identity: digest),
            RecordedAnswer(requestDigest: .zero, answer: [], recordedAt: instant))
        try transaction.put(AnswerCountKey(owner), DecimalText(1))
        var message = OutboxMessage(eventID: "\(number)", payload: [:], isUrgent: true, createdAt: instant)
        message.isDead = true
        _ = try transaction.post(message)
    }

    /// What never goes by itself, however old.
    func putKept(_ number: Int, _ transaction: inout AVSStorage.Transaction) throws {
        let id = UInt64(Self.each * 3 + number)
        try transaction.put(
            OperatorKey(try address(number)),
            OperatorInfo(
                address: try address(number), name: "n", remoteIP: "127.0.0.1", lastPing: old, version: "1",
                metricsPort: 1, blockNumber: 0, eventCount: 0))
        try transaction.put(
            JobKey(.waiting, id),
            Job(
                number: id, taskID: task, executionID: ExecutionID(ulid(Int(id))), owner: Harness.owner, index: id,
                trigger: TriggerOutput(kind: .manual, data: nil), enqueuedAt: old))
        try transaction.record(
            Execution(
                id: ExecutionID(ulid(number)), taskID: task, index: Int64(number), startAt: old, endAt: old,
                status: .success), owner: Harness.owner)
    }
}

@Suite("The sweeper")
struct SweepTests {
    private static func keys(_ store: some KeyValueStore, _ prefix: String) throws -> Int {
        try store.read { snapshot in
            var count = 0
            try snapshot.scan(KeyRange(prefix: Array(prefix.utf8)), order: .ascending, limit: 10_000) { _, _ in
                count += 1
                return .next
            }
            return count
        }
    }

    @Test("KEY-9, KEY-10: deletes what is old and nothing else, at most 1,000 rows at a time")
    func bounds() async throws {
        let store = MeasuringStore()
        let time = ManualTime()
        let harness = Harness(store: store, time: time) {
            $0.limits.dedupRecordsPerTask = 1
            $0.times.outboxGivenUpAfter = .zero
        }
        let task = TaskID(ULID(value: 1))
        let litter = Litter(
            old: time.now.adding(.zero - Litter.week - .seconds(60)), young: time.now, task: task)
        for start in stride(from: 0, to: Litter.each, by: 100) {
            try await store.update { transaction in
                for number in start..<min(start + 100, Litter.each) {
                    try litter.put(number, at: litter.old, &transaction)
                }
            }
        }
        try await store.update { transaction in
            for number in Litter.each..<Litter.each + 3 { try litter.put(number, at: litter.young, &transaction) }
            for number in 0..<5 { try litter.putKept(number, &transaction) }
        }
        _ = store.take()
        var reports: [SweepReport] = []
        while reports.last != SweepReport() { reports.append(try await harness.engine.sweep()) }

        let sizes = store.take()
        #expect(sizes.max().map { $0 <= 1_000 } == true)
        #expect(sizes.contains { $0 > 900 }, "in batches, not one by one")
        #expect(reports.map(\.purgedJobs).reduce(0, +) == 2 * Litter.each)
        #expect(reports.map(\.purgedDedupRecords).reduce(0, +) == Litter.each)
        #expect(reports.map(\.purgedAnswers).reduce(0, +) == Litter.each)
        #expect(reports.map(\.purgedMessages).reduce(0, +) == Litter.each)
        let left = try [
            "q:default:c:", "q:default:f:", "idem:", "idem_count:", "operator:", "q:default:q:", "history:",
        ].map { try Self.keys(store, $0) }
        #expect(left == [3, 3, 3, 3, 5, 5, 5])
    }
}
