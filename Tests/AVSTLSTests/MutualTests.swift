import AVSTLS
import TestCertificates
import Testing

@Suite("Mutual TLS")
struct MutualTests {
    private func roots() throws -> TLSTrustRoots { .pem(try Certificates.shared.get().authority.certificatePEM) }

    @Test("TLS-4 tells who the client is", arguments: [true, false])
    func identity(required: Bool) throws {
        let certificates = try Certificates.shared.get()
        let roots = try self.roots()
        var pair = try Pair(
            client: { $0.credential = try TLSCredential(certificates.client) },
            server: { $0.clientCertificates = required ? .require(roots) : .request(roots) })
        pair.exchange()
        let peer = try #require(pair.atServer.handshake?.peer)
        #expect(peer.subject == "CN=operator-7,O=Example")
        #expect(peer.dnsNames == ["operator-7.test"])
        #expect(peer.uris == ["spiffe://example.test/operator/7"])
        #expect(peer.emailAddresses == ["seven@example.test"])
        #expect(peer.ipAddresses == [[10, 0, 0, 7]])
        #expect(peer.chain.count == 2)
        #expect(peer.chain.first?.first == 0x30, "DER of a sequence")
        #expect(pair.client.state == .open)
    }

    @Test("TLS-4 off asks for nothing")
    func off() throws {
        let certificates = try Certificates.shared.get()
        var pair = try Pair(client: { $0.credential = try TLSCredential(certificates.client) })
        pair.exchange()
        #expect(pair.server.state == .open)
        #expect(pair.atServer.handshake?.peer == nil)
    }

    @Test("TLS-4 request takes a client without a certificate")
    func requested() throws {
        let roots = try self.roots()
        var pair = try Pair(server: { $0.clientCertificates = .request(roots) })
        pair.exchange()
        #expect(pair.server.state == .open)
        #expect(pair.atServer.handshake?.peer == nil)
    }

    @Test(
        "TLS-4 require refuses a client without a certificate, and the client learns it",
        arguments: [TLSVersion.v12, .v13])
    func required(version: TLSVersion) throws {
        let roots = try self.roots()
        var pair = try Pair(
            client: { $0.maximumVersion = version }, server: { $0.clientCertificates = .require(roots) })
        pair.exchange()
        #expect(pair.atServer.failure != nil)
        #expect(pair.atServer.handshake == nil)
        // In TLS 1.3 the client's handshake is complete before the server has looked.
        #expect(pair.atClient.failure != nil)
    }

    @Test("TLS-4 refuses a stranger's certificate in both modes", arguments: [true, false])
    func stranger(required: Bool) throws {
        let certificates = try Certificates.shared.get()
        let stranger = try certificates.stranger.issue(subject: "/CN=operator-7", names: "DNS:operator-7.test")
        let roots = try self.roots()
        // Libssl's client sends a certificate that the server's list of authorities does not name, too.
        var pair = try Pair(
            client: { $0.credential = try TLSCredential(stranger) },
            server: { $0.clientCertificates = required ? .require(roots) : .request(roots) })
        pair.exchange()
        #expect(isRejected(pair.atServer.failure))
        #expect(pair.atServer.handshake == nil)
    }

    @Test("TLS-4 refuses an expired client certificate")
    func expired() throws {
        let old = try Certificates.shared.get().authority.issue(names: "DNS:operator-7.test", days: -1)
        let roots = try self.roots()
        var pair = try Pair(
            client: { $0.credential = try TLSCredential(old) }, server: { $0.clientCertificates = .require(roots) })
        pair.exchange()
        #expect(isRejected(pair.atServer.failure))
    }
}

@Suite("A TLS configuration")
struct ConfigurationTests {
    @Test("refuses a key of another certificate, garbage, an encrypted key, and nothing at all")
    func badCredentials() throws {
        let certificates = try Certificates.shared.get()
        let (server, client) = (certificates.server, certificates.client)
        let garbage = Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
        let encrypted = Array(
            """
            -----BEGIN ENCRYPTED PRIVATE KEY-----
            MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgAAAAAAAAAAAICCAAw
            DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEAAAAAAAAAAAAAAAAAAAAAAEgZA=
            -----END ENCRYPTED PRIVATE KEY-----
            """.utf8)
        for (chain, key) in [
            (server.chainPEM, client.keyPEM), (garbage, server.keyPEM), (server.chainPEM, garbage), ([], server.keyPEM),
            (server.chainPEM, []), (server.chainPEM, encrypted), (server.chainPEM + garbage, server.keyPEM),
        ] {
            #expect {
                _ = try TLSCredential(certificateChainPEM: chain, privateKeyPEM: key)
            } throws: {
                if case TLSError.configuration = $0 { true } else { false }
            }
        }
    }

    @Test("refuses trust roots that hold nothing")
    func badRoots() {
        for text in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            var configuration = TLSClientConfiguration()
            configuration.trustRoots = .pem(Array(text.utf8))
            #expect(throws: TLSError.self) { _ = try TLSContext(client: configuration) }
        }
    }

    @Test("refuses protocol names that ALPN cannot carry", arguments: [[""], [String(repeating: "x", count: 256)]])
    func badProtocols(names: [String]) {
        var configuration = TLSClientConfiguration()
        configuration.applicationProtocols = .required(names)
        #expect(throws: TLSError.self) { _ = try TLSContext(client: configuration) }
    }
}
