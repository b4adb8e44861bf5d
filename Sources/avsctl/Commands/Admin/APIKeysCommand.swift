import AVSClient
import AVSConfiguration
import AVSPrimitives
import AVSProto
import ArgumentParser

/// `avsctl api-keys`
struct APIKeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-keys", abstract: "Makes, shows and revokes API keys.",
        discussion: """
            An API key is a token for a program. It acts for one account with the scopes read and write, administers \
            with admin, looks after operators with operator, and nothing else. The aggregator keeps no key, only a \
            digest of it: what is lost is made anew. To rotate a key, create another, then revoke the old one. How \
            often a key may be used says the configuration for all of them, unless the key has rates of its own.
            \(AdminConnection.help)
            """,
        subcommands: [APIKeysCreate.self, APIKeysList.self, APIKeysShow.self, APIKeysUpdate.self, APIKeysRevoke.self])
}

/// `avsctl api-keys create`
struct APIKeysCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes an API key and shows it, this once.",
        discussion: """
            Prints the key alone, so that it can go into a file or a variable; with --json what is known of it as well.
            Example:
              avsctl api-keys create dashboard --account 0xfE0c…A5 --scope read --lifetime 30d -c aggregator.yaml
            """)

    enum Scope: String, ExpressibleByArgument, CaseIterable {
        case read, write, admin
        case node = "operator"

        var wire: Wire.ApiScope {
            switch self {
            case .read: .read
            case .write: .write
            case .admin: .admin
            case .node: .operator
            }
        }
    }

    @Argument(help: "What it is for: a name of up to 64 characters.")
    var name: String

    @Option(name: .long, help: "What it may do; repeat for several.")
    var scope: [Scope]

    @Option(name: .long, help: "The account that it acts for; needed for read and write.")
    var account: Address?

    @Option(
        name: .long,
        help: ArgumentHelp("How long it is good: 90d, 12h, 30m; else apikey.lifetime.", valueName: "duration"))
    var lifetime: String?

    @Option(
        name: .long, help: ArgumentHelp("Write the key there, mode 0600, instead of printing it.", valueName: "file"))
    var keyFile: String?

    @OptionGroup var rates: RateOptions
    @OptionGroup var options: AdminOptions

    func validate() throws {
        if scope.isEmpty { throw ValidationError("Wanted at least one --scope: read, write, admin or operator.") }
        if lifetime != nil, seconds == nil {
            throw ValidationError("--lifetime is no duration: wanted 90d, 12h or 30m.")
        }
    }

    /// Of the lifetime: a number and its unit.
    private var seconds: Int64? {
        guard let lifetime, let unit = lifetime.utf8.last, let number = Int64(lifetime.dropLast()), number > 0 else {
            return nil
        }
        let units: [UInt8: Int64] = [UInt8(ascii: "d"): 86_400, UInt8(ascii: "h"): 3_600, UInt8(ascii: "m"): 60]
        guard let unit = units[unit], number <= 10_000 * 86_400 / unit else { return nil }
        return number * unit
    }

    func run() async throws {
        try await options.withClient { client, output in
            var answer = try await client.call(
                Wire.AdminMethods.createApiKey,
                .with {
                    $0.name = name
                    $0.account = account?.checksummed ?? ""
                    $0.scopes = scope.map(\.wire)
                    $0.lifetimeSeconds = seconds ?? 0
                    $0.rates = rates.wire
                })
            if let keyFile {
                try LocalFile.writePrivate(Array("\(answer.token)\n".utf8), to: keyFile)
                Note.write("the key is in \(keyFile)")
                answer.token = ""
            }
            let key = answer.key ?? Wire.ApiKey()
            guard !options.output.json else { return try output.line(options.printer.json(answer)) }
            try output.line(keyFile == nil ? answer.token : key.id)
            Note.write(options.printer.row(key))
        }
    }
}

/// `avsctl api-keys list`
struct APIKeysList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists API keys, the oldest first.",
        discussion: """
            Prints id, state, scopes, account, end, last use (up to a minute late), name, and rates of its own.
            Example:
              avsctl api-keys list --good -c aggregator.yaml
            """)

    @Flag(name: .long, help: "Leave out those that are revoked or expired.")
    var good = false

    @OptionGroup var options: AdminOptions

    func run() async throws {
        try await options.withClient { client, output in
            let answer = try await client.call(Wire.AdminMethods.listApiKeys, .with { $0.goodOnly = good })
            for key in answer.items { try output.line(options.printer.row(key)) }
        }
    }
}

/// `avsctl api-keys show`
struct APIKeysShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows one API key: what it may do, until when, when it was last used.",
        discussion: """
            Example:
              avsctl api-keys show 01jg2fe5mdvkbpheg0peysdkac -c aggregator.yaml
            """)

    @Argument(help: "The key's id.")
    var id: String

    @OptionGroup var options: AdminOptions

    func run() async throws {
        try await options.withClient { client, output in
            let key = try await client.call(Wire.AdminMethods.getApiKey, .with { $0.id = id })
            try output.line(options.printer.row(key))
        }
    }
}

/// `avsctl api-keys update`
struct APIKeysUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Gives an API key other rates, at once.",
        discussion: """
            What is not given stays as it is. Prints the key as `show` does.
            Example:
              avsctl api-keys update 01jg2fe5mdvkbpheg0peysdkac --reads 500/1000 --writes default -c aggregator.yaml
            """)

    @Argument(help: "The key's id.")
    var id: String

    @OptionGroup var rates: RateOptions
    @OptionGroup var options: AdminOptions

    func validate() throws {
        if rates.wire == nil { throw ValidationError("Wanted --reads, --writes or --simulations.") }
    }

    func run() async throws {
        try await options.withClient { client, output in
            let key = try await client.call(
                Wire.AdminMethods.updateApiKey,
                .with {
                    $0.id = id
                    $0.rates = rates.wire
                })
            try output.line(options.printer.row(key))
        }
    }
}

/// `avsctl api-keys revoke`
struct APIKeysRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Ends an API key at once, and the tokens that were made with it.",
        discussion: """
            By its id; or by --token-file any token, also one of a sign-in or of an older release, that has no record.
            Example:
              avsctl api-keys revoke 01jg2fe5mdvkbpheg0peysdkac -c aggregator.yaml
            """)

    @Argument(help: "The key's id.")
    var id: String?

    @Option(name: .long, help: ArgumentHelp("A file with the token, one line; - is standard input.", valueName: "file"))
    var tokenFile: String?

    @OptionGroup var options: AdminOptions

    func validate() throws {
        if (id == nil) == (tokenFile == nil) { throw ValidationError("Wanted an id, or --token-file FILE.") }
    }

    func run() async throws {
        var request = Wire.RevokeApiKeyReq()
        request.which = .id(id ?? "")
        if let tokenFile {
            let text = String(decoding: try LocalFile.read(tokenFile, limitBytes: 8 << 10), as: UTF8.self)
            request.which = .token(String(text.split(whereSeparator: \.isNewline).first ?? ""))
        }
        try await options.withClient { [request] client, output in
            try output.line(options.printer.row(try await client.call(Wire.AdminMethods.revokeApiKey, request)))
        }
    }
}
