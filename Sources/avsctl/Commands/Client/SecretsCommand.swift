import AVSClient
import AVSModel
import AVSPrimitives
import ArgumentParser

/// `avsctl secrets`
struct SecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets", abstract: "Keeps values for tasks that nobody can read back.",
        subcommands: [SecretsList.self, SecretsSet.self, SecretsDelete.self])
}

/// For which tasks a secret is.
struct ScopeOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("For this task only, not for all.", valueName: "id"))
    var task: ScopeID?

    @Option(name: .long, help: ArgumentHelp("For this organisation.", valueName: "id"))
    var organisation: ScopeID?

    var scope: SecretScope { task.map { .workflow($0) } ?? organisation.map { .organisation($0) } ?? .user }

    func validate() throws {
        guard task == nil || organisation == nil else {
            throw ValidationError("--task and --organisation do not go together.")
        }
    }
}

struct SecretsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists secrets without their values, those for all tasks last.",
        discussion: "Example:\n  avsctl secrets list --task 01jg2fe5mdvkbpheg0peysdkac")

    @Option(name: .long, help: ArgumentHelp("Of this task only.", valueName: "id"))
    var task: ScopeID?

    @OptionGroup var list: ListOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let listing = aggregator.secrets(of: task, pageSize: list.pageSize)
            try await list.print(listing, client.printer.secrets, "secrets", to: &output)
        }
    }
}

struct SecretsSet: AsyncParsableCommand {
    /// What a request can carry, with room for the rest of it.
    static let limitBytes = 1 << 20

    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Stores a value under a name, over one that is there.",
        discussion: """
            The value comes from standard input or a file, never from the command line, which others can see. A line \
            feed at its end is left out, unless --exact says that it belongs to the value.

            Example:
              avsctl secrets set telegram_token < token.txt
            """)

    @Argument(help: "1 to 255 of A-Z, a-z, 0-9 and _, not starting with ap_.")
    var name: SecretName

    @Option(name: .shortAndLong, help: ArgumentHelp("The value; - is standard input.", valueName: "file"))
    var file = "-"

    @Flag(name: .long, help: "Keep a line feed at the end of the value.")
    var exact = false

    @OptionGroup var scope: ScopeOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        let value = try value()
        try await client.withClient { aggregator, output in
            let change = try await aggregator.createSecret(
                name, value, scope: scope.scope, idempotencyKey: .random())
            try output.line(client.printer.secret(name, scope.scope, change == .created ? "created" : "updated"))
        }
    }

    private func value() throws -> Sensitive<String> {
        var bytes = try LocalFile.read(file, limitBytes: Self.limitBytes)
        if !exact, bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.usage, "\(file == "-" ? "standard input" : file): the value is not UTF-8")
        }
        return Sensitive(text)
    }
}

struct SecretsDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Removes a secret.",
        discussion: """
            Without --task or --organisation it is the one for all tasks, else the only one of that name.

            Example:
              avsctl secrets delete telegram_token
            """)

    @Argument(help: "Its name.")
    var name: SecretName

    @OptionGroup var scope: ScopeOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let wasThere = try await aggregator.deleteSecret(name, scope: scope.scope, idempotencyKey: .random())
            guard wasThere else {
                let hint = "`avsctl secrets list` shows the secrets that there are"
                throw Failure(.failed, "there is no secret \(name) in this scope", hint: hint)
            }
            try output.line(client.printer.secret(name, scope.scope, "deleted"))
        }
    }
}
