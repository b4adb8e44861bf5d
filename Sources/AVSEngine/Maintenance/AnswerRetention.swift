import AVSPrimitives
import AVSSchema
import AVSStorage
import Synchronization

/// Where the sweeper is among the recorded answers: each pass goes on from there, so that no pass reads all of them.
final class AnswerSweep: Sendable {
    /// With an answer goes its owner's count, and each may have an owner of its own.
    fileprivate static let rowsPerTurn = TaskEngine.sweepRowsPerUpdate / 2
    /// Turns of one pass: 4,000 rows.
    fileprivate static let turnsPerPass = 8

    private let position = Mutex<KeyRange>(Rows<AnswerKey>.all.range)

    fileprivate var rest: KeyRange {
        get { position.withLock { $0 } }
        set { position.withLock { $0 = newValue } }
    }
}

extension TaskEngine {
    /// Forgets recorded answers beyond their age. An answer that is too old is not used either while it is still there,
    /// so it does not matter when it goes.
    func purgeAnswers(now: Timestamp) async throws -> Int {
        let age = configuration.times.answerRetention
        var purged = 0
        for _ in 0..<AnswerSweep.turnsPerPass {
            let rest = answerSweep.rest
            let turn = try await store.readWithoutBlocking { snapshot in
                var old: [AnswerKey] = []
                var last: [UInt8]?
                try snapshot.scan(rest, order: .ascending, limit: AnswerSweep.rowsPerTurn) { key, value in
                    last = key
                    if let key = Self.oldAnswer(key, value, age: age, now: now) { old.append(key) }
                    return .next
                }
                return (old: old, last: last)
            }
            guard let last = turn.last else {
                answerSweep.rest = Rows<AnswerKey>.all.range
                break
            }
            answerSweep.rest = rest.after(last)
            guard !turn.old.isEmpty else { continue }
            purged += try await store.update { try $0.forget(turn.old, olderThan: age, now: now) }
        }
        return purged
    }

    /// The key of an answer that may go. One that cannot be read is the store check's to find, and stops no sweep.
    private static func oldAnswer(_ key: [UInt8], _ value: [UInt8], age: Duration, now: Timestamp) -> AnswerKey? {
        do {
            let answer = try RecordedAnswer(stored: value)
            return now.duration(since: answer.recordedAt) >= age ? try AnswerKey(bytes: key) : nil
        } catch {
            return nil
        }
    }
}

extension Transaction {
    /// Deletes those of the answers that are still that old, and counts them off.
    fileprivate mutating func forget(_ keys: [AnswerKey], olderThan age: Duration, now: Timestamp) throws -> Int {
        var forgotten = 0
        for key in keys {
            guard let answer = try value(for: key), now.duration(since: answer.recordedAt) >= age else { continue }
            try delete(key)
            forgotten += 1
            let count = try value(for: AnswerCountKey(key.owner))?.value ?? 0
            if count > 1 {
                try put(AnswerCountKey(key.owner), DecimalText(count - 1))
            } else {
                try delete(AnswerCountKey(key.owner))
            }
        }
        return forgotten
    }
}
