import AVSClient
import AVSConfiguration
import AVSCrypto
import AVSInspection
import AVSPrimitives
import AVSProto
import AVSRocksDB
import ArgumentParser

/// `avsctl root-keys`: the keys that secrets are sealed with.
struct RootKeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "root-keys", abstract: "Shows and rotates the keys that secrets are sealed with.",
        discussion: """
            Works on the file `root_key` of `keys_dir` and reads the database; a running aggregator notices a new key \
            within seconds and seals every secret anew with it. With --online the running aggregator does it all, and \
            writes it to its audit log. Keys themselves are never shown.
            """,
        subcommands: [RootKeysStatus.self, RootKeysRotate.self, RootKeysRetire.self])
}

/// `avsctl root-keys status`
struct RootKeysStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Lists the root keys: id, state, how many secrets each has sealed.",
        discussion: """
            The state is current, old, or missing for a key that the database needs and the file does not have. Ends \
            with 65 if one is missing.
            Example:
              avsctl root-keys status --config aggregator.yaml
            """,
        aliases: ["list"])

    @OptionGroup var keys: KeysOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var online: OnlineOption

    func run() async throws {
        guard !online.isOnline else { return try await askAggregator() }
        let status = try RootKeyStatus(ids: try keys.folder(store).rootKeyIDs(), sealed: store.secretStatistics())
        var output = ResultWriter()
        for line in status.lines(asJSON: store.output.json) { try output.line(line) }
        try output.finish()
        if status.sealed.plain > 0 { Note.write("\(status.sealed.plain) secrets are not sealed yet") }
        if status.sealed.undecodable > 0 { Note.write("\(status.sealed.undecodable) secrets cannot be decoded") }
        if status.isMissingOne { throw Failure(.damaged, "secrets are sealed with a key that is missing") }
    }
}

extension RootKeysStatus {
    private func askAggregator() async throws {
        let printer = AdminPrinter(isJSON: store.output.json)
        try await online.connection.withClient(config: store.config) { client, output in
            let answer = try await client.call(Wire.AdminMethods.getRootKeys, .init())
            for key in answer.items { try output.line(printer.row(key)) }
            if answer.unsealedSecrets > 0 { Note.write("\(answer.unsealedSecrets) secrets are not sealed yet") }
            if answer.unreadableSecrets > 0 { Note.write("\(answer.unreadableSecrets) secrets cannot be decoded") }
            if answer.items.contains(where: { $0.state == "missing" }) {
                throw Failure(.damaged, "secrets are sealed with a key that is missing")
            }
        }
    }
}

/// Whether a command asks the running aggregator instead of working on its files.
struct OnlineOption: ParsableArguments {
    @Flag(name: .customLong("online"), help: "Ask the running aggregator of --config.")
    var isOnline = false

    @OptionGroup var connection: AdminConnection
}

/// `avsctl root-keys rotate`
struct RootKeysRotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Makes a new root key the current one; the old ones stay for reading.",
        discussion: """
            Prints the id of the new key. Copy the file to where you keep it safe; `status` tells when an old key has \
            sealed nothing any more and may be retired.
            Example:
              avsctl root-keys rotate --config aggregator.yaml
            """)

    @OptionGroup var keys: KeysOptions
    @OptionGroup var source: ConfigurationOption
    @OptionGroup var output: OutputOptions
    @OptionGroup var online: OnlineOption

    func run() async throws {
        if online.isOnline {
            return try await online.connection.withClient(config: source.config) { client, writer in
                let answer = try await client.call(Wire.AdminMethods.rotateRootKey, .init())
                try writer.line(output.json ? AdminPrinter(isJSON: true).json(answer) : answer.id)
            }
        }
        var random = SecureRandom()
        let id = try keys.folder(source.config).rotateRootKey(using: &random)
        var writer = ResultWriter()
        try writer.line(output.json ? JSONValue.object(["id": .string("\(id)")]).serialized : "\(id)")
        try writer.finish()
    }
}

/// `avsctl root-keys retire`
struct RootKeysRetire: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire", abstract: "Removes an old root key that has sealed nothing any more.",
        discussion: """
            Refused for the current key and for one that secrets are still sealed with. Backups that are older than \
            the rotation need it: keep a copy as long as you keep them.
            Example:
              avsctl root-keys retire 0123456789abcdef --config aggregator.yaml
            """)

    @Argument(help: "The key's id, as status shows it.")
    var id: String

    @OptionGroup var keys: KeysOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var online: OnlineOption

    func validate() throws {
        guard RootKey.ID(text: id) != nil else {
            throw ValidationError("\(id) is no id of a root key: wanted 16 hex digits.")
        }
    }

    func run() async throws {
        guard let id = RootKey.ID(text: id) else { throw Failure(.usage, "no id") }
        if online.isOnline {
            return try await online.connection.withClient(config: store.config) { client, _ in
                _ = try await client.call(Wire.AdminMethods.retireRootKey, .with { $0.id = "\(id)" })
            }
        }
        let count = try store.secretStatistics().byRootKey[id] ?? 0
        guard count == 0 else { throw Failure(.failed, "\(count) secrets are still sealed with root key \(id)") }
        try keys.folder(store).retireRootKey(id)
    }
}

/// Where the root keys are: in a folder that is named, or in that of a configuration.
struct KeysOptions: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("The folder of the keys, where no configuration names it.", valueName: "path"))
    var keysDir: String?

    func folder(_ store: StoreOptions) throws -> KeysDirectory { try folder(store.config) }

    /// - Parameter config: the aggregator's configuration, whose keys_dir is taken.
    func folder(_ config: String?) throws -> KeysDirectory {
        let facts = ProcessFacts.takenFromProcess()
        var path = keysDir
        if path == nil, let config { path = try AggregatorConfiguration.load(config, facts: facts).value.keysDirectory }
        guard let path else { throw Failure(.usage, "wanted --keys-dir PATH, or --config FILE with a keys_dir") }
        // Never makes a key by itself: only development does, and only in the service.
        return KeysDirectory(path: path, environment: .production, userID: facts.userID)
    }
}

extension KeysOptions {
    /// The root keys themselves; empty where there are none.
    func rootKeys(_ config: String?, using random: inout some RandomNumberGenerator) throws -> [RootKey] {
        if keysDir == nil, let config {
            let facts = ProcessFacts.takenFromProcess()
            var loaded = try AggregatorConfiguration.load(config, facts: facts).value
            loaded.environment = .production  // never makes a key by itself
            return try loaded.rootKeys(facts, using: &random).map { try RootKey($0) }
        }
        return try folder(config).rootKeys(using: &random).map { try RootKey($0) }
    }
}

/// The configuration alone, for commands that need no database.
struct ConfigurationOption: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The aggregator's configuration, whose keys_dir is taken.", valueName: "file"))
    var config: String?
}

/// What `root-keys status` shows.
struct RootKeyStatus {
    var ids: [RootKey.ID]
    var sealed: SecretStatistics

    private var rows: [(id: RootKey.ID, state: String, count: Int)] {
        let known = ids.enumerated().map { ($1, $0 == 0 ? "current" : "old", sealed.byRootKey[$1] ?? 0) }
        let missing = sealed.byRootKey.filter { !ids.contains($0.key) }.sorted {
            $0.key.description < $1.key.description
        }
        return known + missing.map { ($0.key, "missing", $0.value) }
    }

    var isMissingOne: Bool { sealed.byRootKey.keys.contains { !ids.contains($0) } }

    func lines(asJSON: Bool) -> [String] {
        rows.map { row in
            guard asJSON else {
                return "\(row.id)  \(row.state)\(String(repeating: " ", count: 7 - row.state.count))  \(row.count)"
            }
            return JSONValue.object([
                "id": .string("\(row.id)"), "state": .string(row.state), "secrets": .number(Double(row.count)),
            ]).serialized
        }
    }
}

extension RootKey.ID {
    init?(text: String) {
        guard text.utf8.count == 2 * Self.byteCount, let bytes = Hex.decode(text) else { return nil }
        self.init(bytes: bytes)
    }
}

extension StoreOptions {
    fileprivate func secretStatistics() throws -> SecretStatistics {
        try withDatabase { database in
            var statistics = SecretStatistics()
            var cursor: [UInt8]?
            repeat { cursor = try database.read { try statistics.count(after: cursor, in: $0) } } while cursor != nil
            return statistics
        }
    }
}
