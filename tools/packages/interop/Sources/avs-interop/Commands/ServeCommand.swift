import AVSRPC
import AVSTransport
import ArgumentParser
import Logging
import ServiceLifecycle
import UnixSignals

/// `avs-interop serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve until SIGTERM, which drains; prints `listening PORT` once it does.")

    @Option(help: ArgumentHelp("Port on loopback; 0 takes a free one.", valueName: "number"))
    var port = 0

    @Option(help: ArgumentHelp("Goes out with each answer, to tell servers apart.", valueName: "text"))
    var name = "avs"

    @Option(help: ArgumentHelp("Drain each connection of this age in seconds, ±10 %.", valueName: "seconds"))
    var maximumAge: Double?

    @Option(help: ArgumentHelp("How long a drain may take before it is forced.", valueName: "seconds"))
    var drainTimeout = 30.0

    @Flag(help: "Log everything to standard error.")
    var verbose = false

    @OptionGroup var tls: ServerSecurityOptions

    func run() async throws {
        let level: Logger.Level = verbose ? .debug : .warning
        LoggingSystem.bootstrap {
            var handler = StreamLogHandler.standardError(label: $0)
            handler.logLevel = level
            return handler
        }
        let logger = Logger(label: "interop")
        let health = HealthBoard()
        let server = RPCServer(
            configuration: try configuration(), methods: TestService(name: name).methods + health.methods,
            time: SystemTime(), logger: logger)
        server.onDrainBegin { health.shutDown() }
        let group = ServiceGroup(
            configuration: .init(services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            Output.line("listening \(try await server.boundPort)")
            try await tasks.waitForAll()
        }
    }

    private func configuration() throws -> RPCServer.Configuration {
        var configuration = RPCServer.Configuration(
            listeners: [.init(.tcp(host: "127.0.0.1", port: port), security: try tls.security())])
        configuration.maximumAge = maximumAge.map { .seconds($0) }
        configuration.drainTimeout = .seconds(drainTimeout)
        return configuration
    }
}
