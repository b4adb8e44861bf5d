public import AVSChain
public import AVSModel
import AVSOperator
public import AVSPrimitives
import AVSProto
public import AVSStorage
import Synchronization

/// What an operator keeps over a restart: tasks, positions in chains, and the reports that have no answer yet.
///
/// A trigger is written here before it is reported and removed after a final answer, together with the position that
/// says it was seen: a crash in between repeats a report, which the aggregator knows by its id, and never loses one
/// (E1, E2).
public final class WatchStore: Sendable {
    /// What one update may hold of reports; the store's own limit is 4 MiB.
    private static let batchBytesMax = 2 << 20
    private static let pageRows = 1_000

    private let store: any KeyValueStore
    /// Reports that wait. Kept beside the store, which would have to count them.
    private let waiting = Mutex(0)
    /// Beyond it chains are not followed any further until reports get through.
    public let outboxLimit: Int

    public init(_ store: any KeyValueStore, outboxLimit: Int = 10_000) {
        self.store = store
        self.outboxLimit = outboxLimit
    }

    /// Everything but the outbox.
    public struct Kept: Sendable {
        public var checks: [TaskCheck] = []
        public var positions: [UInt64: ChainPosition] = [:]
        public var rests: [TaskID: Timestamp] = [:]
        public var marks: [TaskID: Timestamp] = [:]
        /// Rows that could not be read; they are left alone.
        public var problems: [String] = []
    }

    /// What was kept. Once, at the start.
    public func load() throws -> Kept {
        var kept = Kept()
        var problems: [String] = []
        try each(WatchedKey.self, &problems) { key, bytes in
            do {
                kept.checks.append(try TaskCheck(Wire.SyncMessagesResp(serialized: bytes)))
            } catch {
                kept.problems.append("task \(key.task.id): \(error)")
            }
        }
        try each(PositionKey.self, &problems) { key, row in kept.positions[key.chainID] = row.position }
        try each(RestKey.self, &problems) { key, instant in kept.rests[key.task.id] = instant.timestamp }
        try each(MarkKey.self, &problems) { key, instant in kept.marks[key.task.id] = instant.timestamp }
        var count = 0
        try each(OutboxKey.self, &problems) { _, _ in count += 1 }
        waiting.withLock { $0 = count }
        kept.problems += problems
        return kept
    }

    // MARK: Tasks

    /// Keeps a task. Durable a little later: the aggregator would tell us again.
    public func remember(_ check: TaskCheck) async throws {
        let bytes = Wire.SyncMessagesResp(monitoring: check).serialized()
        try await store.updateUnsynced { try $0.put(WatchedKey(check.taskID), bytes) }
    }

    /// Forgets a task and what belongs to it, but for its reports.
    public func forget(_ id: TaskID) async throws {
        try await store.updateUnsynced { transaction in
            try transaction.delete(WatchedKey(id))
            try transaction.delete(RestKey(id))
            try transaction.delete(MarkKey(id))
        }
    }

    // MARK: Outbox

    public var waitingReports: Int { waiting.withLock { $0 } }
    public var isFull: Bool { waitingReports >= outboxLimit }

    /// What a look at the world brought.
    public struct Findings: Sendable {
        public var fired: [TriggerFired] = []
        /// Everything up to here in this chain was looked at.
        public var position: (chainID: UInt64, ChainPosition)?
        public var rests: [TaskID: Timestamp] = [:]
        public var marks: [TaskID: Timestamp] = [:]

        public init() {}
    }

    /// Writes findings, durable when this returns. The position comes with the last of the reports.
    public func commit(_ findings: Findings, at now: Timestamp) async throws {
        var batch: [OutboxRecord] = []
        var bytes = 0
        for report in findings.fired {
            let record = OutboxRecord(firedAt: now, report: report)
            let size = record.stored.count
            if bytes + size > Self.batchBytesMax, !batch.isEmpty {
                try await append(batch)
                (batch, bytes) = ([], 0)
            }
            batch.append(record)
            bytes += size
        }
        try await append(batch, with: findings)
    }

    private func append(_ records: [OutboxRecord], with findings: Findings = Findings()) async throws {
        try await store.update { transaction in
            var number = try transaction.rows(Rows<OutboxKey>.all, order: .descending, limit: 1).first?.key.number ?? 0
            for record in records {
                number += 1
                try transaction.put(OutboxKey(number), record)
            }
            if let (chainID, position) = findings.position {
                try transaction.put(PositionKey(chainID), StoredPosition(position))
            }
            for (id, instant) in findings.rests { try transaction.put(RestKey(id), DecimalText(instant)) }
            for (id, instant) in findings.marks { try transaction.put(MarkKey(id), DecimalText(instant)) }
        }
        waiting.withLock { $0 += records.count }
    }

    /// Moves over blocks in which there was nothing to report; after a crash they are looked at again.
    public func move(_ chainID: UInt64, to position: ChainPosition) async throws {
        try await store.updateUnsynced { try $0.put(PositionKey(chainID), StoredPosition(position)) }
    }

    /// Drops the position in a chain on which nothing is watched.
    public func dropPosition(in chainID: UInt64) async throws {
        try await store.updateUnsynced { try $0.delete(PositionKey(chainID)) }
    }

    /// The oldest reports behind number `number`, at most `limit`. Rows that cannot be read are passed over.
    public func reports(after number: UInt64?, limit: Int) throws -> [OutboxEntry] {
        try store.read { snapshot in
            var rows = Rows<OutboxKey>.all
            if let number { rows = rows.after(OutboxKey(number)) }
            var found: [OutboxEntry] = []
            try snapshot.scan(rows, limit: limit, undecodable: { _ in .next }) { key, record in
                found.append(OutboxEntry(number: key.number, record: record))
                return .next
            }
            return found
        }
    }

    /// Removes reports that are done with, durably: a crash before that repeats them, which does nothing (E2).
    public func settle(_ numbers: [UInt64]) async throws {
        guard !numbers.isEmpty else { return }
        let count = try await store.update { transaction in
            var count = 0
            for number in numbers where try transaction.contains(OutboxKey(number)) {
                try transaction.delete(OutboxKey(number))
                count += 1
            }
            return count
        }
        waiting.withLock { $0 -= count }
    }

    // MARK: Scans

    private func each<Key: StoreKey>(
        _ type: Key.Type, _ problems: inout [String], _ body: (Key, Key.Value) -> Void
    ) throws {
        var rows = Rows<Key>.all
        while true {
            var last: Key?
            let end = try store.read { snapshot in
                try snapshot.scan(
                    rows, limit: Self.pageRows,
                    undecodable: { error in
                        problems.append("\(error)")
                        return .next
                    },
                    { key, value in
                        last = key
                        body(key, value)
                        return .next
                    })
            }
            // A whole page of unreadable rows ends the walk: there is no key to go on from.
            guard end == .limitReached, let last else { return }
            rows = rows.after(last)
        }
    }
}
