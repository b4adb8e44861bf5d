import AVSEngine
import AVSInspection
import AVSPrimitives
import AVSRocksDB
import AVSSchema
import AVSStorage
import Synchronization

/// Looks at a restored copy as somebody would who has nothing else left: is it ours, can this release read its shape,
/// is what was acknowledged in it, can every row be read, and do the rows keep the rules (BAK-4)?
struct BackupProof: Sendable {
    /// What the copy should be; nil where nobody knows, because the backup was interrupted.
    var expected: BackupNote?
    /// Asked between the turns.
    var stop: WorkStop

    /// Why a copy is no good.
    struct Refusal: Error { var reason: String }

    /// - Returns: how many rows were read.
    /// - Throws: ``Refusal``, ``BackupError``, and what reading throws.
    func rows(of copy: RocksDBInspector) throws -> Int {
        let report = try copy.report()
        if let expected {
            guard report.databaseID == expected.databaseID else { throw Refusal(reason: "it is of another database") }
            guard report.commit >= expected.commit else {
                throw Refusal(
                    reason: "its last commit is \(report.commit), and \(expected.commit) was acknowledged before")
            }
        }
        try copy.read { snapshot in
            do { try SchemaVersion.check(snapshot) } catch StorageError.unusable(let reason) {
                throw Refusal(reason: reason)
            }
        }
        return try check(copy)
    }

    private func check(_ copy: RocksDBInspector) throws -> Int {
        var check = StoreCheck()
        var first: StoreFinding?
        var cursor: [UInt8]?
        repeat {
            try stop.check()
            cursor = try copy.read { try check.check(after: cursor, in: $0) { first = first ?? $0 } }
        } while cursor != nil
        guard let first else { return check.rowCount }
        let others = check.findingCount == 1 ? "" : ", and \(check.findingCount - 1) more"
        throw Refusal(reason: "\(first.rule): \(KeyText.text(of: first.key)): \(first.problem)\(others)")
    }
}

/// Whether work on a backup is to end early, and why.
struct WorkStop: Sendable {
    /// Of the whole service: the process ends.
    let service: StopFlag
    /// Of one piece of work: whoever asked for it went away.
    let work: StopFlag

    init(service: StopFlag = StopFlag(), work: StopFlag = StopFlag()) {
        self.service = service
        self.work = work
    }

    /// - Throws: ``BackupError/stopping`` or ``BackupError/cancelled``.
    func check() throws(BackupError) {
        if service.isSet { throw .stopping }
        if work.isSet { throw .cancelled }
    }
}

/// Set once, by whoever wants the work to end.
final class StopFlag: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}
