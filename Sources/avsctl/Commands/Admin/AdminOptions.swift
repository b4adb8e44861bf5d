import AVSClient
import AVSConfiguration
import AVSCrypto
import AVSPrimitives
import AVSTransport
import ArgumentParser

/// How commands prove to a running aggregator that they are an administrator's.
struct AdminConnection: ParsableArguments {
    static let help = """
        Asks the running aggregator of this machine. With --config the command reads where it listens and, from its \
        keys_dir, the secret that proves the right to ask: whoever may read that file is its administrator. Without, \
        it wants an API key of the right scope in --api-key-file or AVSCTL_API_KEY.
        """

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where the aggregator listens for administrators; else AVSCTL_ADMIN, else the configuration's, else "
                + "127.0.0.1:2207.", valueName: "host:port"))
    var admin: String?

    @Option(
        name: .long, help: ArgumentHelp("The API key to use: one line, in a file of mode 0600.", valueName: "file"))
    var apiKeyFile: String?

    /// How long a token is good that is made from the aggregator's own secret: for the call that it is made for.
    private static let ownTokenLifetime = Duration.seconds(60)

    /// Opens a client, lets `body` call and print, and closes it.
    func withClient(
        config: String?, _ body: (AdminClient, inout ResultWriter) async throws -> Void
    ) async throws {
        let client = try client(config)
        var output = ResultWriter()
        do {
            try await body(client, &output)
        } catch {
            await client.close()
            throw Self.failure(error)
        }
        await client.close()
        try output.finish()
    }

    /// What helps a user does not help an administrator.
    private static func failure(_ error: any Error) -> any Error {
        guard let refusal = error as? AggregatorError else { return error }
        var failure = Failure(refusal)
        switch refusal {
        case .unauthenticated: failure.hint = "take another key, by --api-key-file, or --config"
        case .unavailable, .timedOut: failure.hint = "where the aggregator listens is said by --admin or AVSCTL_ADMIN"
        default: break
        }
        return failure
    }

    private func client(_ config: String?) throws -> AdminClient {
        let facts = ProcessFacts.takenFromProcess()
        var loaded = try config.map { try AggregatorConfiguration.load($0, facts: facts).value }
        loaded?.environment = .production  // nothing is made that is missing: only the service does, in development
        var target = admin ?? Variable.text("AVSCTL_ADMIN")
        if target == nil, let loaded {
            guard let address = loaded.adminAddress else {
                throw Failure(.configuration, "the aggregator has no admin_bind_address: nobody can ask it")
            }
            target = "\(address)"
        }
        var channel = RPCChannel.Configuration()
        channel.userAgentPrefix = "avsctl"
        return try AdminClient(
            target: target ?? "127.0.0.1:2207", token: try token(loaded, facts), configuration: channel)
    }

    private func token(_ loaded: AggregatorConfiguration?, _ facts: ProcessFacts) throws -> Sensitive<String> {
        if let apiKeyFile {
            let bytes = try LocalFile.read(apiKeyFile, limitBytes: 8 << 10, isPrivate: true)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Failure(.configuration, "\(apiKeyFile): is not text")
            }
            return Sensitive(String(text.split(whereSeparator: \.isNewline).first ?? ""))
        }
        if let key = Variable.text("AVSCTL_API_KEY") { return Sensitive(key) }
        guard let loaded else {
            throw Failure(.usage, "no right to ask: wanted --config FILE, --api-key-file FILE, or AVSCTL_API_KEY")
        }
        var random = SecureRandom()
        let secrets = try loaded.tokenSecrets(facts, using: &random)
        let claims = JWTClaims(
            issuer: "avsctl", subject: "apikey", expiresAt: SystemTime().now.adding(Self.ownTokenLifetime).seconds,
            roles: ["admin"])
        return Sensitive(try JWT(secret: secrets.current).sign(claims))
    }
}

/// The same for commands that do nothing else: which aggregator, as whom, and in which form results are printed.
struct AdminOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("The aggregator's configuration.", valueName: "file"))
    var config: String?

    @OptionGroup var connection: AdminConnection
    @OptionGroup var output: OutputOptions

    func withClient(_ body: (AdminClient, inout ResultWriter) async throws -> Void) async throws {
        try await connection.withClient(config: config, body)
    }

    var printer: AdminPrinter { AdminPrinter(isJSON: output.json) }
}
