import AVSCrypto
import AVSEngine
import AVSPrimitives
import AVSRocksDB
import AVSStorage
import AVSTransport
import ArgumentParser

/// `avsctl store recover`
struct StoreRecover: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover",
        abstract: "Saves what is left of a database whose log is damaged.",
        discussion: """
            For a database that the aggregator refuses as corrupt (exit 65). Everything happens in a copy beside it: \
            the copy is opened up to the first damage, every row of it is read, and what would be lost is shown. \
            Without --accept-loss nothing is changed and this ends with 65. With the number of commits that were shown \
            as lost, the copy takes the database's place, the loss is recorded in it and in its audit log, and the \
            damaged database is kept beside it.
            A backup may hold more than what is left: compare with `avsctl backup list` first. A damaged table file \
            cannot be recovered from; only a backup helps then.
            Example:
              avsctl store recover --db /var/lib/avs/db
              avsctl store recover --db /var/lib/avs/db --accept-loss 12
            """)

    @OptionGroup var store: StoreOptions

    @Option(
        name: .long,
        help: ArgumentHelp("Go on with what is left if no more than this many commits are lost.", valueName: "n"))
    var acceptLoss: UInt64?

    func run() async throws {
        let path = try store.databasePath()
        if try isWhole(path) {
            Note.write("nothing is damaged: the log reads to its end")
            return
        }
        Note.write("copying \(path) and reading every row of the copy")
        let recovery = try Recovery(of: path, options: RocksDBOptions { Note.write("the store failed: \($0.reason)") })
        var output = ResultWriter()
        try output.line(line(recovery))
        try output.finish()
        if let refusal = refusal(recovery) {
            try recovery.discard()
            throw refusal
        }
        let now = SystemTime().now
        var random = SecureRandom()
        let entry = AuditDraft(at: now, using: &random)
        let aside = try recovery.replace { transaction, loss throws(StorageError) in
            try transaction.recordAccepted(loss, by: "store.recover", entry, at: now)
        }
        Note.write(
            "recovered; the next start goes on from commit \(recovery.lastCommit). The damaged database is \(aside)")
    }

    /// Whether there is nothing to recover. Who has the database open knows better than its files show.
    private func isWhole(_ path: String) throws -> Bool {
        if let holder = try RocksDBStore.lockHolder(path: path) {
            throw Failure(.later, "database locked by another process: \(holder)")
        }
        do {
            let inspector = try RocksDBInspector.openReadOnly(path: path)
            defer { inspector.close() }
            _ = try inspector.verifyEveryRow()
            return true
        } catch StorageError.corrupt {
            return false
        }
    }

    private func refusal(_ recovery: Recovery) -> Failure? {
        let lost = recovery.lostCommits ?? 1
        guard let acceptLoss else {
            return Failure(
                .damaged, "nothing was changed", hint: "if that loss is meant, repeat with --accept-loss \(lost)")
        }
        guard acceptLoss < lost else { return nil }
        return Failure(.damaged, "\(lost) commits are lost, \(acceptLoss) were accepted: nothing was changed")
    }

    private func line(_ recovery: Recovery) -> String {
        let (last, lost) = (recovery.lastCommit, recovery.lostCommits.map(String.init) ?? "at least 1")
        guard store.output.json else {
            return "last\t\(last)\tfirst lost\t\(last + 1)\tlost\t\(lost)\trows left\t\(recovery.rows)"
        }
        return JSONValue.object([
            "lastCommit": .string("\(last)"), "firstLost": .string("\(last + 1)"), "lost": .string(lost),
            "rows": .number(Double(recovery.rows)),
        ]).serialized
    }
}
