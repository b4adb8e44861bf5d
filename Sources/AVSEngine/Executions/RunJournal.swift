import AVSModel
import AVSSchema
import AVSStorage
import AVSWorkflow

/// The journal of one run: what its nodes came to is in the store before anything that depends on it begins, so that
/// another process can go on behind them (XO-15, XO-17).
actor RunJournal: StepRecorder {
    private let run: ClaimedRun
    private let store: PatientStore
    /// Of all entries together (reliability-security 4.2).
    private let limitBytes: Int
    /// Of one entry, which is written in one update.
    private let entryBytesMax: Int
    /// Where a node that is recorded again has its entry.
    private var places: [String: KeyIndex] = [:]
    private var bytes = 0
    /// What was asked about last is recorded next, as a rule: it is encoded once.
    private var encoded: (record: NodeRecord, bytes: [UInt8])?

    init(of run: ClaimedRun, in store: PatientStore, limits: EngineLimits) {
        self.run = run
        self.store = store
        limitBytes = limits.journalBytes
        entryBytesMax = min(limits.journalBytes, limits.updateBytes - 4_096)  // its key comes with it
    }

    /// What an earlier attempt recorded, oldest first.
    ///
    /// - Throws: ``StorageError`` also for an entry that cannot be read: then nobody knows what has been done.
    func load() async throws -> [NodeRecord] {
        let execution = run.job.executionID
        // A run has at most 10,000 nodes, and each has one entry.
        let rows = try await store.base.readWithoutBlocking {
            try $0.rows(Rows<JournalKey>(under: execution), limit: StorageLimits.scanRowsMax)
        }
        for row in rows {
            places[row.value.nodeID] = row.key.index
            bytes += row.value.stored.count
        }
        return rows.map { NodeRecord($0.value) }
    }

    /// A step that does not fit fails; its entry, without what it produced, is small.
    func refusal(of record: NodeRecord) -> NodeFailure? {
        let size = encoding(of: record).count
        if size > entryBytesMax {
            return .outputTooLarge(size, limit: entryBytesMax, place: " in one entry of the journal")
        }
        guard bytes + size > limitBytes else { return nil }
        return .outputTooLarge(
            size, limit: max(0, limitBytes - bytes), place: ", which is left of the journal's \(limitBytes)")
    }

    /// - Throws: ``LostClaim``, ``JournalIsFull``, ``StorageError``.
    func record(_ record: NodeRecord, isDurable: Bool) async throws {
        let entry = encoding(of: record)
        let place = try places[record.nodeID] ?? nextPlace()
        guard bytes + entry.count <= limitBytes else { throw JournalIsFull(limitBytes: limitBytes) }
        bytes += entry.count
        places[record.nodeID] = place
        encoded = nil
        try await store.update(isSynced: isDurable) { [run] transaction in
            try transaction.compare(run.claim, of: run.job.executionID)
            try transaction.put(JournalKey(run.job.executionID, place).bytes, entry)
        }
        try Failpoint.hit(record.finished == nil ? .effectAfterIntent : .runAfterJournal)
    }

    private func encoding(of record: NodeRecord) -> [UInt8] {
        if let encoded, encoded.record == record { return encoded.bytes }
        let bytes = JournalEntry(record).stored
        encoded = (record, bytes)
        return bytes
    }

    private func nextPlace() throws -> KeyIndex {
        guard let place = KeyIndex(places.count) else { throw JournalIsFull(limitBytes: limitBytes) }
        return place
    }
}

/// A run's steps are more than its journal may hold.
struct JournalIsFull: Error, CustomStringConvertible {
    var limitBytes: Int

    var description: String { "output too large: the steps of an execution may have \(limitBytes) bytes" }
}

extension Transaction {
    /// Every write of a run begins with this (XO-14).
    /// - Throws: ``LostClaim`` when the run is somebody else's by now.
    func compare(_ claim: Claim, of execution: ExecutionID) throws {
        guard try value(for: ClaimKey(execution)) == claim else { throw LostClaim(execution: execution) }
    }
}

extension JournalEntry {
    fileprivate init(_ record: NodeRecord) {
        self.init(
            nodeID: record.nodeID, inputDigest: record.inputDigest, step: record.finished?.step,
            data: record.finished?.data, selectedCondition: record.finished?.selectedCondition)
    }
}

extension NodeRecord {
    fileprivate init(_ entry: JournalEntry) {
        let finished = entry.step.map {
            FinishedNode(step: $0, data: entry.data, selectedCondition: entry.selectedCondition)
        }
        self.init(nodeID: entry.nodeID, inputDigest: entry.inputDigest, finished: finished)
    }
}
