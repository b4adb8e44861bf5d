import AVSTLS
import TestCertificates
import Testing

@Suite("A TLS session that is resumed")
struct ResumptionTests {
    /// A client's and a server's context, and connections between them at times of the test's choosing.
    private final class Rig {
        let server: TLSContext
        let client: TLSContext
        var now = ContinuousClock().now

        init(
            client change: (inout TLSClientConfiguration) throws -> Void = { _ in },
            server changeServer: (inout TLSServerConfiguration) throws -> Void = { _ in }
        ) throws {
            let certificates = try Certificates.shared.get()
            var server = TLSServerConfiguration(credential: try TLSCredential(certificates.server))
            try changeServer(&server)
            var client = TLSClientConfiguration()
            client.trustRoots = .pem(certificates.authority.certificatePEM)
            try change(&client)
            self.server = try TLSContext(server: server)
            self.client = try TLSContext(client: client)
        }

        /// A connection from its beginning to its end, with tickets if there are any.
        func connect(
            serverName: String = "localhost", target: String = "", server: TLSContext? = nil, closes: Bool = true
        ) throws -> (client: TLSHandshake, server: TLSHandshake) {
            let connecting = try TLSSession.connect(client, serverName: serverName, target: target, at: now)
            var pair = Pair(try TLSSession.accept(server ?? self.server, at: now), connecting)
            pair.exchange()
            try pair.server.send("hello")
            pair.exchange()
            #expect(text(pair.atClient.plaintext) == "hello")
            if closes {
                pair.client.close()
                pair.server.close()
                pair.exchange()
            }
            return (try #require(pair.atClient.handshake), try #require(pair.atServer.handshake))
        }

        func isResumed(serverName: String = "localhost", target: String = "", server: TLSContext? = nil) throws -> Bool
        {
            let (client, server) = try connect(serverName: serverName, target: target, server: server)
            #expect(client.isResumed == server.isResumed)
            return client.isResumed
        }
    }

    @Test(
        "TLS-1, TLS-4: resumes in 1.2 and 1.3, and knows whom the full handshake showed",
        arguments: [TLSVersion.v12, .v13])
    func resumes(version: TLSVersion) throws {
        let rig = try Rig(client: { $0.maximumVersion = version })
        let first = try rig.connect()
        #expect(!first.client.isResumed && !first.server.isResumed)
        for _ in 0..<5 {
            let next = try rig.connect()
            #expect(next.client.isResumed && next.server.isResumed)
            #expect(next.client.version == version)
            #expect(next.client.applicationProtocol == "h2", "ALPN is agreed on anew (TLS-2)")
            #expect(next.client.peer == first.client.peer)
            #expect(next.client.peer?.dnsNames.first == "localhost")
        }
    }

    @Test("also goes on after a connection that broke off", arguments: [TLSVersion.v12, .v13])
    func brokenOff(version: TLSVersion) throws {
        let rig = try Rig(client: { $0.maximumVersion = version })
        _ = try rig.connect(closes: false)
        #expect(try rig.isResumed())
    }

    @Test("each ticket of TLS 1.3 is offered once: two connections may follow one, the third is new")
    func single() throws {
        let rig = try Rig()
        _ = try rig.connect()
        let pairs = try (0..<3).map { _ in
            try Box(
                TLSSession.accept(rig.server, at: rig.now),
                TLSSession.connect(rig.client, serverName: "localhost", at: rig.now))
        }
        for pair in pairs { pair.pair.exchange() }
        #expect(pairs.map { $0.pair.atServer.handshake?.isResumed } == [true, true, false])
    }

    @Test(
        "TLS-5: ends with the server's context, and begins again with the new one", arguments: [TLSVersion.v12, .v13])
    func reload(version: TLSVersion) throws {
        let rig = try Rig(client: { $0.maximumVersion = version })
        _ = try rig.connect()
        let renewed = try Rig().server
        #expect(!(try rig.isResumed(server: renewed)))
        #expect(try rig.isResumed(server: renewed))
    }

    @Test("TLS-5: ends with the client's context: new trust roots ask for the certificate")
    func newRoots() throws {
        let rig = try Rig()
        _ = try rig.connect()
        let other = try Rig(client: { $0.trustRoots = .pem(try Certificates.shared.get().stranger.certificatePEM) })
        var pair = Pair(
            try TLSSession.accept(rig.server, at: rig.now),
            try TLSSession.connect(other.client, serverName: "localhost", at: rig.now))
        pair.exchange()
        #expect(isRejected(pair.atClient.failure))
    }

    @Test("TLS-3: a session of one name is not offered under another, nor to another server of the name")
    func names() throws {
        let rig = try Rig()
        _ = try rig.connect(serverName: "localhost", target: "a")
        #expect(!(try rig.isResumed(serverName: "b.example.test", target: "a")))
        #expect(!(try rig.isResumed(serverName: "localhost", target: "b")))
        #expect(try rig.isResumed(serverName: "localhost", target: "a"))
        var wrong = Pair(
            try TLSSession.accept(rig.server, at: rig.now),
            try TLSSession.connect(rig.client, serverName: "other.test", target: "a", at: rig.now))
        wrong.exchange()
        #expect(isRejected(wrong.atClient.failure))
    }

    @Test("the keys turn over after an hour: a ticket of the last one opens, one of the last but one does not")
    func rotation() throws {
        let rig = try Rig()
        // The client's own hour does not count here: what is tested are the server's keys.
        func accepted(after hours: Int, offering ticketsAt: ContinuousClock.Instant) throws -> Bool {
            var pair = Pair(
                try TLSSession.accept(rig.server, at: rig.now + .seconds(3_600 * hours)),
                try TLSSession.connect(rig.client, serverName: "localhost", at: ticketsAt))
            pair.exchange()
            pair.client.close()
            pair.exchange()
            return try #require(pair.atServer.handshake).isResumed
        }
        #expect(!(try accepted(after: 0, offering: rig.now)))
        #expect(try accepted(after: 1, offering: rig.now), "sealed under the key of the first hour")
        #expect(try accepted(after: 2, offering: rig.now), "sealed under the key of the second hour")
        #expect(!(try accepted(after: 9, offering: rig.now)), "no key of the last two hours")
        #expect(try accepted(after: 9, offering: rig.now))
    }

    @Test("TLS-3: the certificate was checked within the last hour, however often a session went on")
    func age() throws {
        let rig = try Rig()
        _ = try rig.connect()
        for _ in 0..<2 {
            rig.now += .seconds(1_799)
            #expect(try rig.isResumed())
        }
        rig.now += .seconds(2)
        #expect(!(try rig.isResumed()))
    }

    @Test(
        "TLS-4: where client certificates are asked for nothing is resumed, and each connection proves who it is",
        arguments: [true, false], [TLSVersion.v12, .v13])
    func mutual(required: Bool, version: TLSVersion) throws {
        let certificates = try Certificates.shared.get()
        let roots = TLSTrustRoots.pem(certificates.authority.certificatePEM)
        let rig = try Rig(
            client: {
                $0.credential = try TLSCredential(certificates.client)
                $0.maximumVersion = version
            },
            server: { $0.clientCertificates = required ? .require(roots) : .request(roots) })
        for _ in 0..<3 {
            let (client, server) = try rig.connect()
            #expect(!client.isResumed && !server.isResumed)
            #expect(server.peer?.subject == "CN=operator-7,O=Example")
            #expect(server.peer?.chain.count == 2)
        }
    }

    @Test("can be switched off on either side", arguments: [true, false])
    func off(atServer: Bool) throws {
        let rig = try Rig(
            client: { $0.resumesSessions = atServer }, server: { $0.resumesSessions = !atServer })
        _ = try rig.connect()
        #expect(!(try rig.isResumed()))
    }
}

/// A ``Pair`` in a class, for lists of them.
private final class Box {
    var pair: Pair

    init(_ server: consuming TLSSession, _ client: consuming TLSSession) { pair = Pair(server, client) }
}
