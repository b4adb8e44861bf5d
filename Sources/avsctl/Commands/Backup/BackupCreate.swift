import AVSClient
import AVSEngine
import AVSPrimitives
import AVSProto
import ArgumentParser

/// `avsctl backup create`
struct BackupCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Has a running aggregator make a backup, and waits until it is proven.",
        discussion: """
            It is restored aside, every row is read, and the rules are checked, which takes minutes for a large \
            database. Ending this command does not stop it. Prints what list prints of it.
            Example:
              avsctl backup create --config aggregator.yaml
            """)

    @OptionGroup var options: AdminOptions

    func run() async throws {
        try await options.withClient { client, output in
            let made = BackupRecord(try await client.call(Wire.AdminMethods.createBackup, .init(), timeout: nil))
            try output.line(options.output.json ? made.json.serialized : made.text)
        }
    }
}

extension BackupRecord {
    /// What the aggregator says of a backup.
    fileprivate init(_ backup: Wire.Backup) {
        let checked = Timestamp(milliseconds: backup.checkedAt)
        let proof: Proof =
            switch backup.state {
            case "proven": .proven(at: checked, rows: Int(clamping: backup.rows))
            case "no good": .failed(at: checked, reason: backup.problem)
            default: .none
            }
        var commit: UInt64?
        if case .commit(let number) = backup.lastCommit { commit = number }
        self.init(
            id: backup.id, createdAt: Timestamp(milliseconds: backup.createdAt), bytes: backup.bytes,
            files: Int(backup.files), commit: commit, proof: proof)
    }
}
