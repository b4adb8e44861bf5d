public import AVSClient
public import AVSModel
public import AVSPrimitives
import AVSRPC
import AVSTLS
import AVSTransport
public import ArgumentParser

/// Which aggregator, as whom, and in which form results are printed: the same for every command that calls one.
struct ClientOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The aggregator; else AVSCTL_SERVER, else 127.0.0.1:2206.", valueName: "host:port"))
    var server: String?

    @Flag(name: .long, help: "Use TLS and trust what the machine trusts.")
    var tls = false

    @Option(name: .long, help: ArgumentHelp("Use TLS and trust these certificates, PEM.", valueName: "file"))
    var tlsCa: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Where the token is; else avsctl/token under the XDG config folder.", valueName: "file"))
    var tokenFile: String?

    @Flag(name: .long, help: "Print one JSON object per line.")
    var json = false

    var target: String { server ?? Variable.text("AVSCTL_SERVER") ?? "127.0.0.1:2206" }

    func tokens() throws -> TokenFile { TokenFile(path: try tokenFile ?? TokenFile.defaultPath()) }

    /// Opens a client, lets `body` call and print, and closes it.
    ///
    /// - Parameter signedIn: false for calls that want no token.
    func withClient(signedIn: Bool = true, _ body: (AggregatorClient, inout ResultWriter) async throws -> Void)
        async throws
    {
        let session = signedIn ? try tokens().session(for: target) : nil
        var configuration = AggregatorClient.Configuration()
        configuration.channel.userAgentPrefix = "avsctl"
        configuration.attempts = 6  // with its pauses about ten seconds: a server that restarts comes back in that time
        configuration.backoff.longest = .seconds(3)
        if tls || tlsCa != nil {
            var options = TLSClientConfiguration()
            if let tlsCa { options.trustRoots = .file(tlsCa) }
            do {
                configuration.channel.security = .tls(TLSSecurity(try TLSContext(client: options)))
            } catch {
                throw Failure(.configuration, "TLS: \(error)")
            }
        }
        let client = try AggregatorClient(target: target, configuration: configuration, session: session)
        var output = ResultWriter()
        do {
            try await body(client, &output)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
        try output.finish()
    }

    var printer: AnswerPrinter { AnswerPrinter(isJSON: json) }
}

extension TaskID: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension ExecutionID: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension Address: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension UInt256: ExpressibleByArgument {
    /// Decimal, or `0x` and hex.
    public init?(argument: String) {
        if argument.hasPrefix("0x") { self.init(hex: argument) } else { self.init(decimal: argument) }
    }
}

extension SecretName: ExpressibleByArgument {
    public init?(argument: String) {
        do throws(InvalidArgument) { try self.init(argument) } catch { return nil }
    }
}

extension ScopeID: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension IdempotencyKey: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
