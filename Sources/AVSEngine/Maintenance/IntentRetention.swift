import AVSPrimitives
import AVSSchema
import AVSStorage
import Synchronization

/// Where the sweeper is among the intents: each pass goes on from there, so that no pass reads all of them.
final class IntentSweep: Sendable {
    fileprivate static let rowsPerPass = TaskEngine.sweepRowsPerUpdate
    /// After its end an intent is kept for who asks what became of it (reliability-security 2.2).
    fileprivate static let retention = Duration.seconds(7 * 24 * 3_600)

    private let position = Mutex(Rows<IntentKey>.all.range)

    fileprivate var rest: KeyRange {
        get { position.withLock { $0 } }
        set { position.withLock { $0 = newValue } }
    }
}

extension TaskEngine {
    /// Forgets effects whose outcome has been known for a week. Open ones stay, however old they are.
    func purgeIntents(now: Timestamp) async throws -> Int {
        let rest = intentSweep.rest
        let isOver = { @Sendable (intent: Intent) in
            intent.isFinal && now.duration(since: intent.updatedAt) > IntentSweep.retention
        }
        let (old, last) = try await store.readWithoutBlocking { snapshot in
            var old: [IntentKey] = []
            var last: [UInt8]?
            try snapshot.scan(rest, order: .ascending, limit: IntentSweep.rowsPerPass) { key, value in
                last = key
                // One that cannot be read is the store check's to find, and stops no sweep.
                do {
                    if isOver(try Intent(stored: value)) { old.append(try IntentKey(bytes: key)) }
                } catch {}
                return .next
            }
            return (old, last)
        }
        intentSweep.rest = last.map { rest.after($0) } ?? Rows<IntentKey>.all.range
        guard !old.isEmpty else { return 0 }
        return try await store.update { transaction in
            var purged = 0
            for key in old {
                guard let intent = try transaction.value(for: key), isOver(intent) else { continue }
                try transaction.delete(key)
                purged += 1
            }
            return purged
        }
    }
}
