import AVSRPC
import AVSTLS
import AVSTesting
import AVSTransport
import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TestCertificates
import Testing

@Suite("Calls over TLS")
struct TLSCallTests {
    private func withTLS<Result>(
        _ methods: [RPCMethod] = [echo], server: TLSSecurity? = nil, client: TLSSecurity? = nil,
        _ body: (RPCChannel, RPCServer) async throws -> Result
    ) async throws -> Result {
        let certificates = try Certificates.shared.get()
        let server = try server ?? certificates.serverSecurity()
        let client = try client ?? certificates.clientSecurity()
        return try await withServer(
            methods,
            configure: { $0.listeners = [.init(.tcp(host: "127.0.0.1", port: 0), security: .tls(server))] },
            client: { $0.security = .tls(client) }, body)
    }

    /// A call that must fail for want of a connection.
    private func expectRefusal(_ channel: RPCChannel, saying texts: String...) async throws {
        let error = await #expect(throws: RPCStatus.self) {
            _ = try await channel.unary(path("Echo"), [], request: .bytes, response: .bytes)
        }
        let status = try #require(error)
        #expect(status.code == .unavailable)
        for text in texts { #expect(status.message.contains(text), "\(status.message)") }
    }

    private func expectEcho(_ channel: RPCChannel, _ message: [UInt8] = [1, 2, 3]) async throws {
        let answer = try await channel.unary(path("Echo"), message, request: .bytes, response: .bytes)
        #expect(answer == message)
    }

    @Test("carry messages of any size", arguments: [0, 100, 70_000, 4_194_304])
    func sizes(size: Int) async throws {
        let message = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try await withTLS { channel, _ in
            try await expectEcho(channel, message)
        }
    }

    @Test("go on side by side")
    func concurrent() async throws {
        try await withTLS { channel, _ in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        let message = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: index * 100)
                        return try await channel.unary(path("Echo"), message, request: .bytes, response: .bytes)
                            == message
                    }
                }
                for try await equal in group { #expect(equal) }
            }
        }
    }

    @Test("TLS-4 know the peer's certificate, version and cipher")
    func identity() async throws {
        let certificates = try Certificates.shared.get()
        let seen = Mutex<TLSIdentity?>(nil)
        let method = RPCMethod.unary(path("Echo"), request: .bytes, response: .bytes) { request, call in
            seen.withLock { $0 = call.peer.tls }
            return request
        }
        let server = try certificates.serverSecurity { $0.clientCertificates = .require(certificates.roots) }
        let client = try certificates.clientSecurity { $0.credential = try TLSCredential(certificates.client) }
        try await withTLS([method], server: server, client: client) { channel, _ in
            try await expectEcho(channel)
        }
        let identity = try #require(seen.withLock { $0 })
        #expect(identity.subject == "CN=operator-7")
        #expect(
            identity.subjectAlternativeNames
                == ["DNS:operator-7.test", "URI:spiffe://example.test/operator/7", "IP:10.0.0.7"])
        #expect(identity.certificateChain.count == 2)
        #expect(identity.protocolVersion == "TLSv1.3")
        #expect(identity.cipherSuite.hasPrefix("TLS_"))

        try await withTLS([method]) { channel, _ in
            try await expectEcho(channel)
        }
        #expect(seen.withLock { $0 }?.certificateChain.isEmpty == true)
        #expect(seen.withLock { $0 }?.protocolVersion == "TLSv1.3")
    }

    @Test("TLS-4 without the required certificate fail UNAVAILABLE")
    func required() async throws {
        let certificates = try Certificates.shared.get()
        let server = try certificates.serverSecurity { $0.clientCertificates = .require(certificates.roots) }
        try await withTLS(server: server) { channel, _ in
            try await expectRefusal(channel)
        }
    }

    @Test("TLS-3 to a server that is somebody else fail UNAVAILABLE and say why")
    func wrongServer() async throws {
        let certificates = try Certificates.shared.get()
        var renamed = try certificates.clientSecurity()
        renamed.serverName = "other.test"
        let suspicious = try certificates.clientSecurity { $0.trustRoots = .pem(certificates.stranger.certificatePEM) }
        for (client, reason) in [(renamed, "mismatch"), (suspicious, "local issuer")] {
            try await withTLS(client: client) { channel, _ in
                try await expectRefusal(channel, saying: "not trusted", reason)
            }
        }
    }

    @Test("TLS-3 check the name that the channel is told to use")
    func authority() async throws {
        let certificates = try Certificates.shared.get()
        let (server, client) = (try certificates.serverSecurity(), try certificates.clientSecurity())
        for (authority, works) in [("localhost:443", true), ("localhost", true), ("other.test", false)] {
            try await withServer(
                [echo],
                configure: { $0.listeners = [.init(.tcp(host: "127.0.0.1", port: 0), security: .tls(server))] },
                client: {
                    $0.security = .tls(client)
                    $0.authority = authority
                }
            ) { channel, _ in
                if works {
                    try await expectEcho(channel)
                } else {
                    try await expectRefusal(channel)
                }
            }
        }
    }

    @Test("TLS-2 to a server without ALPN fail")
    func noProtocol() async throws {
        let certificates = try Certificates.shared.get()
        let server = try certificates.serverSecurity { $0.applicationProtocols = .none }
        try await withTLS(server: server) { channel, _ in
            try await expectRefusal(channel, saying: "ALPN")
        }
    }

    @Test("TLS-5 see a new certificate on new connections, while old ones live on")
    func reload() async throws {
        let certificates = try Certificates.shared.get()
        let server = try certificates.serverSecurity()
        let stranger = TLSServerConfiguration(
            credential: try TLSCredential(certificates.stranger.issue(names: "DNS:localhost,IP:127.0.0.1")))
        try await withTLS(server: server) { channel, running in
            try await expectEcho(channel)
            server.contexts.replace(with: try TLSContext(server: stranger))
            try await expectEcho(channel)

            var configuration = RPCChannel.Configuration()
            configuration.security = .tls(try certificates.clientSecurity())
            let second = try RPCChannel(
                target: "127.0.0.1:\(await running.boundPort)", configuration: configuration, time: SystemTime(),
                logger: quiet)
            try await expectRefusal(second, saying: "not trusted")
            await second.close()
        }
    }

    @Test("TLS-5 renewed certificates are looked for now and then; what cannot be used changes nothing")
    func reloader() async throws {
        let certificates = try Certificates.shared.get()
        let (old, new) = (try certificates.serverSecurity(), try certificates.serverSecurity())
        let time = ManualTime()
        let looks = Mutex(0)
        let renewed = new.contexts.current
        let reloader = TLSReloader(old.contexts, every: .seconds(60), time: time, logger: quiet) {
            let look = looks.withLock { looks in
                looks += 1
                return looks
            }
            if look == 2 { throw TLSError.configuration("half a renewal") }
            return look == 3 ? renewed : nil
        }
        let first = old.contexts.current
        let running = Task { try await reloader.run() }
        for look in 1...4 {
            await time.waitForSleepers(1)
            #expect(looks.withLock { $0 } == look - 1)
            #expect(old.contexts.current === (look == 4 ? renewed : first))
            if look < 4 { time.advance(by: .seconds(60)) }
        }
        running.cancel()
        try await running.value
    }

    @Test("on TLS 1.2 work as well")
    func version12() async throws {
        let client = try Certificates.shared.get().clientSecurity { $0.maximumVersion = .v12 }
        try await withTLS(client: client) { channel, _ in
            try await expectEcho(channel)
        }
    }

    @Test("in plaintext to a TLS port, and the other way round, fail and do not hang")
    func mixed() async throws {
        let certificates = try Certificates.shared.get()
        let (server, client) = (try certificates.serverSecurity(), try certificates.clientSecurity())
        try await withServer(
            [echo], configure: { $0.listeners = [.init(.tcp(host: "127.0.0.1", port: 0), security: .tls(server))] }
        ) { channel, _ in
            try await expectRefusal(channel)
        }
        try await withServer([echo], client: { $0.security = .tls(client) }) { channel, _ in
            try await expectRefusal(channel)
        }
    }

    @Test("TLS-6 over the limit of handshakes are refused at once")
    func handshakeLimit() async throws {
        var server = try Certificates.shared.get().serverSecurity()
        server.maxHandshakesPerLoop = 0
        try await withTLS(server: server) { channel, _ in
            try await expectRefusal(channel)
        }
    }

    @Test("close while the handshake hangs, without waiting for its timeout")
    func closeDuringHandshake() async throws {
        // Accepts and says nothing.
        let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(
            host: "127.0.0.1", port: 0
        )
        .get()
        var configuration = RPCChannel.Configuration()
        configuration.security = .tls(try Certificates.shared.get().clientSecurity())
        let channel = try RPCChannel(
            target: "127.0.0.1:\(silent.localAddress?.port ?? 0)", configuration: configuration, time: SystemTime(),
            logger: quiet)
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await #expect(throws: RPCStatus.self) {
                    _ = try await channel.unary(path("Echo"), [], request: .bytes, response: .bytes)
                } != nil
            }
            while await channel.connectivity != .connecting { await Task.yield() }
            await channel.close()
            #expect(await group.next() == true)
        }
        try await silent.close()
    }
}
