import AVSBackup
import AVSConfiguration
import AVSEngine
import AVSInspection
import AVSPrimitives
import AVSRocksDB
import AVSTransport
import ArgumentParser

/// `avsctl backup`: the backups in a directory, through their files.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Makes, lists, verifies and restores backups.",
        discussion: """
            `create` asks a running aggregator for one; the others work on the files of the backup directory, whether \
            an aggregator runs or not. A backup holds the whole database \
            and none of the keys: keep the files of keys_dir elsewhere, without them its secrets cannot be opened.
            """,
        subcommands: [BackupCreate.self, BackupList.self, BackupVerify.self, BackupRestore.self])
}

/// Where the backups are.
struct BackupOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The directory of the backups.", valueName: "path"))
    var dir: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The aggregator's configuration, whose backup directory is taken.", valueName: "file"))
    var config: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (dir == nil) != (config == nil) else { throw ValidationError("Wanted --dir PATH or --config FILE.") }
    }

    /// - Throws: ``Failure`` for a directory without backups: a wrong name must not look like an empty list.
    func archive() throws -> BackupArchive {
        let archive = BackupArchive(directory: try directory())
        guard try archive.isThere else { throw Failure(.failed, "no backups at \(archive.directory)") }
        return archive
    }

    private func directory() throws -> String {
        if let dir { return dir }
        let loaded = try AggregatorConfiguration.load(config ?? "", facts: ProcessFacts.takenFromProcess()).value
        return loaded.backup.directory ?? loaded.backupDirectory
    }

    func line(_ record: BackupRecord) -> String { output.json ? record.json.serialized : record.text }
}

/// `avsctl backup list`
struct BackupList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the backups, oldest first.",
        discussion: """
            One line each: id, when it was made, bytes of the database in it, its last commit, and whether it is \
            proven, that is, was restored aside and read as a whole.
            Example:
              avsctl backup list --config aggregator.yaml
            """)

    @OptionGroup var backups: BackupOptions

    func run() async throws {
        var output = ResultWriter()
        for record in try await backups.archive().list() { try output.line(backups.line(record)) }
        try output.finish()
    }
}

/// `avsctl backup verify [ID]`
struct BackupVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Proves a backup: restores it aside, reads every row, checks the rules.",
        discussion: """
            The copy is made inside the backup directory and removed again. The outcome is noted beside the backup. \
            Ends with 65 if it is no good.
            Example:
              avsctl backup verify --config aggregator.yaml
            """)

    @Argument(help: "The backup's id, as list shows it; without one the newest.")
    var id: UInt32?

    @OptionGroup var backups: BackupOptions

    func run() async throws {
        let archive = try backups.archive()
        let record = try await archive.verify(try await archive.id(id), at: SystemTime().now)
        var output = ResultWriter()
        try output.line(backups.line(record))
        try output.finish()
        if case .failed(_, let reason) = record.proof { throw Failure(.damaged, "backup \(record.id): \(reason)") }
    }
}

/// `avsctl backup restore [ID] --to PATH`
struct BackupRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Puts a backup into an empty directory.",
        discussion: """
            Never over a database: the directory is empty or not there. What was restored is checked as by verify; \
            ends with 65 if it is no good. Keys are not in a backup: standard error says which root keys its secrets \
            need. An aggregator starts on it after `avsctl store accept-rollback`.
            Example:
              avsctl backup restore --config aggregator.yaml --to restored
            """)

    @Argument(help: "The backup's id, as list shows it; without one the newest that is proven.")
    var id: UInt32?

    @Option(name: .long, help: ArgumentHelp("Where the database is to be.", valueName: "path"))
    var to: String

    @OptionGroup var backups: BackupOptions

    func run() async throws {
        let archive = try backups.archive()
        let record = try await archive.restore(try await archive.id(id, proven: true), to: to, at: SystemTime().now)
        var output = ResultWriter()
        try output.line(backups.line(record))
        try output.finish()
        try tellOfKeys()
        Note.write("before an aggregator starts on it: avsctl store accept-rollback --db \(to)")
        if case .failed(_, let reason) = record.proof { throw Failure(.damaged, "it was restored, but \(reason)") }
    }

    private func tellOfKeys() throws {
        let copy = try RocksDBInspector.openReadOnly(path: to)
        defer { copy.close() }
        var secrets = SecretStatistics()
        var cursor: [UInt8]?
        repeat { cursor = try copy.read { try secrets.count(after: cursor, in: $0) } } while cursor != nil
        let ids = secrets.byRootKey.keys.map { "\($0)" }.sorted()
        guard !ids.isEmpty else { return Note.write("keys are not in a backup; no secret in this one needs any") }
        let count = secrets.byRootKey.values.reduce(0, +)
        Note.write(
            "keys are not in a backup: \(count) secrets need root key \(ids.joined(separator: ", ")) in keys_dir")
    }
}

extension BackupArchive {
    /// The one that was named, or the newest.
    fileprivate func id(_ id: UInt32?, proven: Bool = false) async throws -> UInt32 {
        if let id { return id }
        guard let newest = try await list().last(where: { !proven || $0.isProven }) else {
            throw Failure(
                .failed, proven ? "no backup is proven; name one to take it all the same" : "there is no backup")
        }
        return newest.id
    }
}

extension BackupRecord {
    var text: String {
        let outcome =
            switch proof {
            case .none: "not proven"
            case .proven(let at, let rows): "proven \(at.iso8601), \(rows) rows"
            case .failed(_, let reason): "no good: \(reason)"
            }
        return "\(id)\t\(createdAt.iso8601)\t\(bytes)\t\(commit.map { "\($0)" } ?? "unknown")\t\(outcome)"
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = [
            "id": .number(Double(id)), "created_at": .string(createdAt.iso8601), "bytes": .string("\(bytes)"),
            "files": .number(Double(files)), "is_proven": .bool(isProven),
        ]
        if let commit { fields["commit"] = .string("\(commit)") }
        switch proof {
        case .none: break
        case .proven(let at, let rows):
            fields["proven_at"] = .string(at.iso8601)
            fields["rows"] = .number(Double(rows))
        case .failed(let at, let reason):
            fields["failed_at"] = .string(at.iso8601)
            fields["problem"] = .string(reason)
        }
        return .object(fields)
    }
}
