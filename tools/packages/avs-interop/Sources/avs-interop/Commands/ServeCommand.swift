import AVSPrimitives
import AVSRPC
import AVSTransport
import ArgumentParser
import Logging
import ServiceLifecycle
import Synchronization
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

    @Flag(help: "Print at the end how many calls came on how many connections, as JSON; EmptyCall does not count.")
    var counts = false

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
        let counter = PeerCounter()
        let server = RPCServer(
            configuration: try configuration(), methods: TestService(name: name).methods + health.methods,
            interceptors: counts ? [counter] : [], time: SystemTime(), logger: logger)
        server.onDrainBegin { health.shutDown() }
        let group = ServiceGroup(
            configuration: .init(services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            Output.line("listening \(try await server.boundPort)")
            try await tasks.waitForAll()
        }
        if counts { Output.line(counter.json) }
    }

    private func configuration() throws -> RPCServer.Configuration {
        var configuration = RPCServer.Configuration(
            listeners: [.init(.tcp(host: "127.0.0.1", port: port), security: try tls.security())])
        configuration.maximumAge = maximumAge.map { .seconds($0) }
        configuration.drainTimeout = .seconds(drainTimeout)
        return configuration
    }
}

/// Counts calls and the connections that they come on, but for EmptyCall: that is what background load calls. Keeps each address, so it is not for servers that stay.
private final class PeerCounter: ServerInterceptor {
    private struct State {
        var calls = 0
        var peers: Set<String> = []
    }

    private let state = Mutex(State())

    func admit(_ call: inout CallContext) {
        guard call.method != GRPCTesting.TestServiceMethods.emptyCall.methodPath else { return }
        let peer = call.peer.address
        state.withLock { state in
            state.calls += 1
            state.peers.insert(peer)
        }
    }

    var json: JSONValue {
        state.withLock { ["calls": .number(Double($0.calls)), "connections": .number(Double($0.peers.count))] }
    }
}
