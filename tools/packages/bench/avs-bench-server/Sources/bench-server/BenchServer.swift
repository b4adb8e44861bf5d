import AVSPrimitives
import AVSRPC
import AVSTLS
import AVSTransport
import ArgumentParser
import Foundation
import Logging

/// The server that `tools/bench` measures: this repository's transport with the options a service would take, and the
/// four methods of `peers/echo.proto`.
///
/// Prints its port on one line and serves until it is terminated.
@main
struct BenchServer: AsyncParsableCommand {
    @Option(help: "TCP port on 127.0.0.1; 0 takes a free one.")
    var port = 0

    @Option(help: "Event loops.")
    var threads = 1

    @Option(help: "Connections that may wait to be accepted; as many as usual unless said otherwise.")
    var backlog: Int?

    @Option(help: "PEM file of a certificate chain; with --key the server speaks TLS.")
    var certificate: String?

    @Option(help: "PEM file of its private key.")
    var key: String?

    func run() async throws {
        var configuration = RPCServer.Configuration(
            listeners: [.init(.tcp(host: "127.0.0.1", port: port), security: try security())])
        configuration.maxConnections = 20_000
        configuration.maxRunningCalls = 100_000
        if let backlog { configuration.acceptBacklog = backlog }
        let server = RPCServer(
            configuration: configuration, methods: EchoService.methods, time: SystemTime(),
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }, threadCount: threads)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            FileHandle.standardOutput.write(Data("\(try await server.boundPort)\n".utf8))
            try await group.waitForAll()
        }
    }

    private func security() throws -> ConnectionSecurity {
        guard let certificate, let key else { return .plaintext }
        let credential = try TLSCredential(
            certificateChainPEM: Array(Data(contentsOf: URL(fileURLWithPath: certificate))),
            privateKeyPEM: Array(Data(contentsOf: URL(fileURLWithPath: key))))
        return .tls(TLSSecurity(try TLSContext(server: TLSServerConfiguration(credential: credential))))
    }
}
