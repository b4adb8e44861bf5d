import AVSEngine
import AVSModel
import AVSPrimitives
import AVSRocksDB
import AVSSchema
import AVSStorage

extension Transaction {
    /// Notes a loss that a person has accepted (DUR-16): for good, and in the audit log.
    ///
    /// - Throws: ``StorageError/unusable(_:)`` for an audit log that cannot be gone on with.
    mutating func recordAccepted(
        _ loss: RollbackLoss, by action: String, _ entry: AuditDraft, at now: Timestamp
    ) throws(StorageError) {
        let accepted = AcceptedRollback(found: loss.found.commit, acknowledged: loss.acknowledged.commit)
        try put(AcceptedRollback.key(at: now), accepted.stored)
        let act = AdminAct(
            by: .user, action: action, object: "commit \(loss.found.commit)",
            before: JSONValue.object(["differences": .array(loss.differences.map { .string($0) })]).serialized)
        do { try record(act, entry) } catch let error as StorageError { throw error } catch {
            throw .unusable("the audit log: \(error)")
        }
    }
}
