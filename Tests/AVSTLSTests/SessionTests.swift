import AVSTLS
import AVSTesting
import TestCertificates
import Testing

@Suite("A TLS session")
struct SessionTests {
    @Test("carries bytes both ways", arguments: [1, 7, 1000, Int.max])
    func bothWays(pieces: Int) throws {
        var pair = try Pair()
        pair.exchange(pieces: pieces)
        #expect(pair.client.state == .open)
        #expect(pair.server.state == .open)
        #expect(pair.atClient.handshake?.version == .v13)
        #expect(pair.atClient.handshake?.applicationProtocol == "h2")
        #expect(pair.atServer.handshake?.applicationProtocol == "h2")
        #expect(pair.atServer.handshake?.serverName == "localhost")
        #expect(pair.atServer.handshake?.peer == nil)
        #expect(pair.atClient.handshake?.peer?.dnsNames == ["localhost", "*.example.test"])
        #expect(pair.atClient.handshake?.cipher.hasPrefix("TLS_") == true)

        try pair.client.send("up")
        try pair.server.send("down")
        try pair.client.send("")
        pair.exchange(pieces: pieces)
        #expect(text(pair.atServer.plaintext) == "up")
        #expect(text(pair.atClient.plaintext) == "down")
    }

    @Test("TLS-1 speaks TLS 1.2 with nothing but ECDHE and AEAD")
    func version12() throws {
        var pair = try Pair(client: { $0.maximumVersion = .v12 })
        pair.exchange(pieces: 1)
        #expect(pair.atServer.handshake?.version == .v12)
        #expect(pair.atServer.handshake?.applicationProtocol == "h2")
        let cipher = try #require(pair.atServer.handshake?.cipher)
        #expect(cipher.hasPrefix("TLS_ECDHE_") && (cipher.contains("_GCM_") || cipher.contains("_CHACHA20_")))
        try pair.server.send("hello")
        pair.server.close()
        pair.exchange(pieces: 1)
        #expect(text(pair.atClient.plaintext) == "hello")
        #expect(pair.client.state == .peerClosed)
    }

    @Test("TLS-1 does not go below its minimum")
    func minimum() throws {
        var pair = try Pair(client: { $0.maximumVersion = .v12 }, server: { $0.minimumVersion = .v13 })
        pair.exchange()
        #expect(pair.atServer.failure != nil)
        #expect(pair.atClient.failure != nil)
    }

    @Test("carries a megabyte", arguments: [4096, 65_536])
    func large(pieces: Int) throws {
        var pair = try Pair()
        pair.exchange()
        let sent = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try pair.client.send(sent.span)
        pair.exchange(pieces: pieces)
        #expect(pair.atServer.plaintext == sent)
        #expect(pair.client.pendingOutputBytes == 0)
    }

    @Test("gives its output in whatever pieces it is asked for")
    func outputInPieces() throws {
        var pair = try Pair()
        var taken: [UInt8] = []
        let announced = pair.client.pendingOutputBytes
        var piece = [UInt8](repeating: 0, count: 7)
        while true {
            let count = piece.withUnsafeMutableBytes { pair.client.readOutput(into: $0) }
            guard count > 0 else { break }
            taken += piece.prefix(count)
        }
        #expect(taken.count == announced)
        pair.atServer.merge(pair.server.receive(taken.span))
        pair.exchange()
        #expect(pair.server.state == .open)
    }

    @Test("TLS-6 closes with close_notify on both sides", arguments: [1, Int.max])
    func close(pieces: Int) throws {
        var pair = try Pair()
        pair.exchange()
        try pair.client.send("last words")
        pair.client.close()
        pair.client.close()
        #expect(pair.client.state == .closing)
        pair.exchange(pieces: pieces)
        #expect(text(pair.atServer.plaintext) == "last words")
        #expect(pair.atServer.peerClosed)
        #expect(pair.server.state == .peerClosed)
        try pair.server.receiveEnd()

        // The other direction is still open.
        try pair.server.send("answer")
        pair.server.close()
        #expect(pair.server.state == .closed)
        pair.exchange(pieces: pieces)
        #expect(text(pair.atClient.plaintext) == "answer")
        #expect(pair.client.state == .closed)
        try pair.client.receiveEnd()
    }

    @Test("TLS-6 tells a cut connection from a closed one")
    func truncated() throws {
        var pair = try Pair()
        #expect(throws: TLSError.truncated) { try pair.client.receiveEnd() }
        #expect(pair.client.state == .failed(.truncated))

        var open = try Pair()
        open.exchange()
        try open.client.send("half of a message")
        let sent = open.client.takeOutput()
        open.atServer.merge(open.server.receive(Array(sent.dropLast()).span))
        #expect(open.atServer.plaintext.isEmpty)
        #expect(throws: TLSError.truncated) { try open.server.receiveEnd() }
        #expect(open.server.receive(Array(sent.suffix(1)).span).plaintext.isEmpty)
    }

    @Test("says what is misuse instead of sending")
    func misuse() throws {
        var pair = try Pair()
        #expect(throws: TLSError.self) { try pair.client.send("early") }
        pair.exchange()
        pair.client.close()
        #expect(throws: TLSError.self) { try pair.client.send("late") }
        #expect(throws: TLSError.self) {
            let client = try TLSContext(client: TLSClientConfiguration())
            _ = try TLSSession.accept(client)
        }
    }

    @Test("that is closed during the handshake says nothing and ends")
    func closedEarly() throws {
        var pair = try Pair()
        pair.server.close()
        pair.exchange()
        #expect(pair.server.state == .closed)
        #expect(pair.atServer.handshake == nil)
    }

    @Test("ignores what follows a close_notify")
    func afterClose() throws {
        var pair = try Pair()
        pair.exchange()
        pair.client.close()
        let closing = pair.client.takeOutput() + [1, 2, 3]
        pair.atServer.merge(pair.server.receive(closing.span))
        #expect(pair.atServer.failure == nil)
        #expect(pair.server.receive([9, 9, 9].span).failure == nil)
        #expect(pair.server.state == .peerClosed)
    }
}

@Suite("A TLS handshake")
struct HandshakeTests {
    @Test(
        "accepts the names of the certificate",
        arguments: [
            "localhost", "LOCALHOST", "localhost.", "a.example.test", "127.0.0.1", "::1",
        ])
    func names(name: String) throws {
        var pair = try Pair(serverName: name)
        pair.exchange()
        #expect(pair.client.state == .open)
        // TLS-3: an address is not sent.
        let isAddress = name.contains(":") || name.first?.isNumber == true
        #expect((pair.atServer.handshake?.serverName == nil) == isAddress)
    }

    @Test(
        "TLS-3 refuses a certificate for another name",
        arguments: [
            "example.test", "a.b.example.test", "localhost.evil.test", "127.0.0.2", "test",
        ])
    func wrongName(name: String) throws {
        var pair = try Pair(serverName: name)
        pair.exchange()
        #expect(isRejected(pair.atClient.failure))
        #expect(pair.atClient.handshake == nil)
        // The alert tells the server.
        #expect(pair.atServer.failure != nil)
        #expect(pair.server.pendingOutputBytes == 0)
    }

    @Test(
        "takes no text that is no host name",
        arguments: ["", ".", "a b", "*.example.test", "a\u{0}b", "ü", String(repeating: "a", count: 254)])
    func noName(name: String) {
        #expect(throws: TLSError.self) { _ = try Pair(serverName: name) }
    }

    @Test("refuses an expired certificate")
    func expired() throws {
        let certificates = try Certificates.shared.get()
        let old = try certificates.authority.issue(names: "DNS:localhost", days: -1)
        var pair = try Pair(server: { $0.credential = try TLSCredential(old) })
        pair.exchange()
        #expect(isRejected(pair.atClient.failure))
        #expect(pair.atClient.failure.map { "\($0)" }?.contains("expired") == true)
    }

    @Test("refuses an authority that it does not know")
    func unknownAuthority() throws {
        let certificates = try Certificates.shared.get()
        var pair = try Pair(client: { $0.trustRoots = .pem(certificates.stranger.certificatePEM) })
        pair.exchange()
        #expect(isRejected(pair.atClient.failure))
        var system = try Pair(client: { $0.trustRoots = .system })
        system.exchange()
        #expect(isRejected(system.atClient.failure))
    }

    @Test("takes trust roots from a file")
    func rootsFromFile() throws {
        let certificates = try Certificates.shared.get()
        var pair = try Pair(client: { $0.trustRoots = .file(certificates.authority.certificatePath) })
        pair.exchange()
        #expect(pair.client.state == .open)
        #expect(throws: TLSError.self) { _ = try Pair(client: { $0.trustRoots = .file("/nowhere/roots.pem") }) }
    }

    @Test(
        "TLS-2 fails with no_application_protocol if the client offers something else",
        arguments: [
            TLSApplicationProtocols.required(["http/1.1"]), .optional(["h3", "http/1.1"]),
        ])
    func otherProtocol(offered: TLSApplicationProtocols) throws {
        var pair = try Pair(client: { $0.applicationProtocols = offered })
        pair.exchange()
        #expect(pair.atServer.failure == .noApplicationProtocol)
        #expect(pair.atClient.failure == .noApplicationProtocol)
    }

    @Test("TLS-2 closes after the handshake if the client offers nothing")
    func silentClient() throws {
        var pair = try Pair(client: { $0.applicationProtocols = .none })
        pair.exchange()
        #expect(pair.atServer.failure == .noApplicationProtocol)
        #expect(pair.atServer.handshake == nil)
        #expect(pair.atClient.peerClosed)
    }

    @Test("TLS-2 accepts a silent client if told so")
    func silentClientAllowed() throws {
        var pair = try Pair(
            client: { $0.applicationProtocols = .none }, server: { $0.applicationProtocols = .optional(["h2"]) })
        pair.exchange()
        #expect(pair.server.state == .open)
        #expect(pair.atServer.handshake?.applicationProtocol == nil)
    }

    @Test("TLS-2 refuses a server that selects nothing")
    func silentServer() throws {
        var pair = try Pair(server: { $0.applicationProtocols = .none })
        pair.exchange()
        #expect(pair.atClient.failure == .noApplicationProtocol)

        var tolerant = try Pair(
            client: { $0.applicationProtocols = .optional(["h2"]) }, server: { $0.applicationProtocols = .none })
        tolerant.exchange()
        #expect(tolerant.client.state == .open)
    }

    @Test("takes the server's preference among several protocols")
    func preference() throws {
        var pair = try Pair(
            client: { $0.applicationProtocols = .required(["a", "b", "h2"]) },
            server: { $0.applicationProtocols = .required(["x", "h2", "b"]) })
        pair.exchange()
        #expect(pair.atClient.handshake?.applicationProtocol == "h2")
    }

    @Test("TLS-3 shows the certificate of the name that is asked for")
    func serverNames() throws {
        let certificates = try Certificates.shared.get()
        let other = try certificates.authority.issue(names: "DNS:other.test")
        let wild = try certificates.authority.issue(names: "DNS:*.wild.test")
        let credentials = ["other.test": try TLSCredential(other), "*.wild.test": try TLSCredential(wild)]
        for (name, expected) in [
            ("other.test", "other.test"), ("OTHER.test", "other.test"), ("a.wild.test", "*.wild.test"),
            ("localhost", "localhost"), ("b.a.wild.test", "localhost"),
        ] {
            var pair = try Pair(serverName: name, server: { $0.credentialsByName = credentials })
            pair.exchange()
            if name == "b.a.wild.test" {
                #expect(isRejected(pair.atClient.failure))
            } else {
                #expect(pair.atClient.handshake?.peer?.dnsNames.first == expected)
            }
        }
    }

    @Test("never traps on changed, cut or foreign bytes", arguments: [1, 2, 3] as [UInt64])
    func damaged(seed: UInt64) throws {
        var recorded = try Pair()
        recorded.exchange()
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<60 {
            var bytes = recorded.toServer
            let offset = Int.random(in: bytes.indices, using: &generator)
            bytes[offset] ^= UInt8.random(in: 1...255, using: &generator)
            if Bool.random(using: &generator) {
                bytes.removeSubrange(Int.random(in: bytes.indices, using: &generator)...)
            }
            var victim = try Pair()
            victim.atServer.merge(victim.server.receive(bytes.span))
            // Another server's random numbers: nothing of the recording can complete a handshake here.
            #expect(victim.atServer.handshake == nil)
            _ = victim.server.takeOutput()
        }
        for noise in [
            Array("GET / HTTP/1.1\r\n\r\n".utf8), Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8), [0x80, 0x2e, 1],
        ] {
            var victim = try Pair()
            let received = victim.server.receive((noise + [UInt8](repeating: 0, count: 100)).span)
            #expect(received.failure != nil)
        }
    }

    @Test("fails, and says so, if a byte of a later record is changed; what came before is handed out")
    func changedRecord() throws {
        var pair = try Pair()
        pair.exchange()
        try pair.client.send("first")
        let first = pair.client.takeOutput()
        try pair.client.send("second")
        var second = pair.client.takeOutput()
        second[second.count - 1] ^= 1
        let received = pair.server.receive((first + second).span)
        #expect(text(received.plaintext) == "first")
        #expect(received.failure != nil)
        #expect(pair.server.pendingOutputBytes > 0, "no alert")
    }
}
