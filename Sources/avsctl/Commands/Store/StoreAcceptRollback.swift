import AVSCrypto
import AVSEngine
import AVSPrimitives
import AVSRocksDB
import AVSStorage
import AVSTransport
import ArgumentParser

/// `avsctl store accept-rollback`
struct StoreAcceptRollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept-rollback",
        abstract: "Lets the aggregator start on a database that lacks what was acknowledged.",
        discussion: """
            A database that was put back from a backup, or lost commits, is refused at every start until a person has \
            said that it is meant (DUR-16). Without --yes this shows what is missing and ends with 65; with it the \
            loss is recorded in the database and its audit log, and the next start goes on. Operators and clients may \
            know of more than the database does: occurrences that ran after the backup can run again if they are \
            reported again.
            Example:
              avsctl store accept-rollback --db restored --yes
            """)

    @OptionGroup var store: StoreOptions

    @Flag(name: .long, help: "Accept the loss.")
    var yes = false

    func run() async throws {
        let path = try store.databasePath()
        if let holder = try RocksDBStore.lockHolder(path: path) {
            throw Failure(.later, "database locked by another process: \(holder)")
        }
        let inspector = try RocksDBInspector.openReadOnly(path: path)
        let loss = try inspector.loss()
        inspector.close()
        guard let loss else {
            Note.write("nothing is missing")
            return
        }
        var output = ResultWriter()
        try output.line(line(loss))
        try output.finish()
        guard yes else { throw Failure(.damaged, "nothing was accepted; repeat with --yes if this is meant") }
        let now = SystemTime().now
        var random = SecureRandom()
        let entry = AuditDraft(at: now, using: &random)
        _ = try RocksDBStore.acceptRollback(
            path: path, options: RocksDBOptions(onFatal: { Note.write("the store failed: \($0.reason)") })
        ) { transaction, loss throws(StorageError) in
            try transaction.recordAccepted(loss, by: "store.accept-rollback", entry, at: now)
        }
        Note.write("accepted; the next start goes on from commit \(loss.found.commit)")
    }

    private func line(_ loss: RollbackLoss) -> String {
        let acknowledged = loss.acknowledged.commit == .max ? "unknown" : "\(loss.acknowledged.commit)"
        guard store.output.json else {
            return
                "found\t\(loss.found.commit)\tacknowledged\t\(acknowledged)\t\(loss.differences.joined(separator: "; "))"
        }
        return JSONValue.object([
            "found": .string("\(loss.found.commit)"), "acknowledged": .string(acknowledged),
            "differences": .array(loss.differences.map { .string($0) }),
        ]).serialized
    }
}
