import AVSRPC
import AVSTLS
import AVSTransport
import TestCertificates
import Testing

@Suite("TLS sessions that are resumed", .timeLimit(.minutes(2)))
struct TLSResumptionTests {
    private func withTLS(
        server: TLSSecurity, _ body: (Int, RPCServer) async throws -> Void
    ) async throws {
        let client = try Certificates.shared.get().clientSecurity()
        try await withServer(
            [who], configure: { $0.listeners = [.init(.tcp(host: "127.0.0.1", port: 0), security: .tls(server))] },
            client: { $0.security = .tls(client) }
        ) { _, server in
            try await body(try await server.boundPort, server)
        }
    }

    /// Answers whether its connection was resumed, and for whom.
    private let who = RPCMethod.unary(path("Who"), request: .bytes, response: .bytes) { _, call in
        Array("\(call.peer.tls?.isResumed == true) \(call.peer.tls?.certificateChain.count ?? 0)".utf8)
    }

    private func ask(_ port: Int, _ security: TLSSecurity) async throws -> String {
        let channel = try RPCChannel(
            target: "127.0.0.1:\(port)", configuration: .quick { $0.security = .tls(security) }, time: Rig.time,
            logger: quiet)
        let answer = try await channel.unary(path("Who"), [], request: .bytes, response: .bytes)
        await channel.close()
        return String(decoding: answer, as: UTF8.self)
    }

    private enum Rig { static let time = SystemTime() }

    @Test("the connections of our client are, until the server's certificate is renewed (TLS-5)")
    func ourClient() async throws {
        let certificates = try Certificates.shared.get()
        let (server, client) = (try certificates.serverSecurity(), try certificates.clientSecurity())
        try await withTLS(server: server) { port, running in
            #expect(try await ask(port, client) == "false 0")
            #expect(try await ask(port, client) == "true 0")
            #expect(await running.statistics.handshakesResumed == 1)
            server.contexts.replace(with: try certificates.serverSecurity().contexts.current)
            #expect(try await ask(port, client) == "false 0")
            #expect(try await ask(port, client) == "true 0")
            #expect(await running.statistics.handshakesResumed == 2)
        }
    }

    @Test("TLS-4: never with client certificates; the handler sees the verified chain each time")
    func mutual() async throws {
        let certificates = try Certificates.shared.get()
        let server = try certificates.serverSecurity { $0.clientCertificates = .require(certificates.roots) }
        let client = try certificates.clientSecurity { $0.credential = try TLSCredential(certificates.client) }
        try await withTLS(server: server) { port, running in
            for _ in 0..<3 {
                let answer = try await ask(port, client)
                #expect(answer == "false 2")
            }
            #expect(await running.statistics.handshakesResumed == 0)
        }
    }

    @Test(
        "openssl s_client: by its ticket, without early data, and not after a renewal",
        arguments: ["-tls1_2", "-tls1_3"])
    func sClient(version: String) async throws {
        let certificates = try Certificates.shared.get()
        let server = try certificates.serverSecurity()
        let file = try #require(TemporaryFile([]))
        try await withTLS(server: server) { port, _ in
            let common = [
                "s_client", "-connect", "127.0.0.1:\(port)", "-servername", "localhost", "-alpn", "h2", version,
                "-CAfile", certificates.authority.certificatePath, "-verify_return_error",
            ]
            // The tickets of TLS 1.3 follow the handshake: it stays until the server has said what it thinks of HTTP/1.
            let first = try await run(
                "openssl", common + ["-ign_eof", "-sess_out", file.path], input: Array("GET / HTTP/1.1\r\n\r\n".utf8))
            #expect(first.output.contains("New, TLSv1"), "\(first.output)")
            #expect(first.output.contains("lifetime hint: 3600"), "\(first.output)")
            #expect(!first.output.contains("Max Early Data: 1"), "\(first.output)")
            let second = try await run("openssl", common + ["-sess_in", file.path])
            #expect(second.output.contains("Reused, TLSv1"), "\(second.output)")
            #expect(second.output.contains("ALPN protocol: h2"), "\(second.output)")
            server.contexts.replace(with: try certificates.serverSecurity().contexts.current)
            let third = try await run("openssl", common + ["-sess_in", file.path])
            #expect(third.output.contains("New, TLSv1"), "\(third.output)")
            #expect(third.output.contains("Verify return code: 0"), "\(third.output)")
        }
    }

    @Test("openssl s_client -reconnect: five times in TLS 1.2")
    func reconnect() async throws {
        let certificates = try Certificates.shared.get()
        try await withTLS(server: try certificates.serverSecurity()) { port, running in
            let outcome = try await run(
                "openssl",
                [
                    "s_client", "-connect", "127.0.0.1:\(port)", "-servername", "localhost", "-alpn", "h2", "-tls1_2",
                    "-reconnect", "-CAfile", certificates.authority.certificatePath,
                ])
            let reused = outcome.output.split(separator: "\n").filter { $0.hasPrefix("Reused, TLSv1.2") }
            #expect(reused.count == 5, "\(outcome.output)")
            #expect(await running.statistics.handshakesResumed == 5)
        }
    }
}
