import AVSStorage

/// What a database says about itself.
struct StoredIdentity {
    /// `nil` in a database whose first commit never happened.
    let databaseID: [UInt8]?
    let epoch: UInt64
    let commit: UInt64
    /// No row at all: its making was interrupted.
    let isEmpty: Bool

    init(_ database: Database) throws(StorageError) {
        databaseID = try database.get(StoreMeta.databaseID)
        epoch = try Self.number(StoreMeta.epoch, database)
        commit = try Self.number(StoreMeta.commit, database)
        isEmpty = try Self.isEmpty(database)
        guard isEmpty || databaseID?.count == 16 else {
            throw .unusable("the database has rows but no id: it is not one of ours")
        }
    }

    var mark: CommitMark { CommitMark(databaseID: databaseID ?? [], epoch: epoch, commit: commit) }

    private static func number(_ key: [UInt8], _ database: Database) throws(StorageError) -> UInt64 {
        guard let stored = try database.get(key) else { return 0 }
        do {
            return try BigEndianNumber(stored: stored).value
        } catch {
            throw .undecodable(key: key, reason: "\(error)")
        }
    }

    private static func isEmpty(_ database: Database) throws(StorageError) -> Bool {
        var isEmpty = true
        do {
            try database.scan(.all, order: .ascending, rowsExpected: 1) { _, _ in
                isEmpty = false
                return .stop
            }
        } catch let error as StorageError {
            throw error
        } catch {
            throw .io(call: "scan", text: "\(error)")
        }
        return isEmpty
    }
}

/// What is missing from a database whose rollback was accepted (DUR-16).
public struct RollbackLoss: Hashable, Sendable {
    /// The database as it is: its last commit is the last that is left.
    public let found: CommitMark
    /// The database as it was once acknowledged. A commit number of `UInt64.max` means that nobody knows.
    public let acknowledged: CommitMark
    /// In words.
    public let differences: [String]
}
