import AVSTLS
import TestCertificates
import Testing

/// Certificates of this test run, made once.
struct Certificates: Sendable {
    let authority: TestAuthority
    let stranger: TestAuthority
    let server: TestAuthority.Credential
    let client: TestAuthority.Credential

    static let shared = Result { try Certificates() }

    private init() throws {
        authority = try TestAuthority()
        stranger = try TestAuthority("Stranger")
        server = try authority.issue(names: "DNS:localhost,DNS:*.example.test,IP:127.0.0.1,IP:::1")
        client = try authority.issue(
            subject: "/O=Example/CN=operator-7",
            names: "DNS:operator-7.test,URI:spiffe://example.test/operator/7,email:seven@example.test,IP:10.0.0.7")
    }
}

extension TLSCredential {
    convenience init(_ credential: TestAuthority.Credential) throws {
        try self.init(certificateChainPEM: credential.chainPEM, privateKeyPEM: credential.keyPEM)
    }
}

/// A client's and a server's session that talk in memory.
struct Pair: ~Copyable {
    var client: TLSSession
    var server: TLSSession
    /// What each side got so far.
    var atClient = TLSSession.Received()
    var atServer = TLSSession.Received()
    /// Every byte from client to server and back, in order, for replay.
    var toServer: [UInt8] = []
    var toClient: [UInt8] = []

    init(
        serverName: String = "localhost", client change: (inout TLSClientConfiguration) throws -> Void = { _ in },
        server changeServer: (inout TLSServerConfiguration) throws -> Void = { _ in }
    ) throws {
        let certificates = try Certificates.shared.get()
        var server = TLSServerConfiguration(credential: try TLSCredential(certificates.server))
        try changeServer(&server)
        var client = TLSClientConfiguration()
        client.trustRoots = .pem(certificates.authority.certificatePEM)
        try change(&client)
        let accepting = try TLSSession.accept(TLSContext(server: server))
        let connecting = try TLSSession.connect(TLSContext(client: client), serverName: serverName)
        self.init(accepting, connecting)
    }

    init(_ server: consuming TLSSession, _ client: consuming TLSSession) {
        self.server = server
        self.client = client
    }

    /// Carries bytes both ways, in pieces of `size`, until nobody has anything left to say.
    mutating func exchange(pieces size: Int = .max) {
        while true {
            let (up, down) = (client.takeOutput(), server.takeOutput())
            if up.isEmpty, down.isEmpty { return }
            toServer += up
            toClient += down
            for piece in pieces(of: up, size) { atServer.merge(server.receive(piece.span)) }
            for piece in pieces(of: down, size) { atClient.merge(client.receive(piece.span)) }
        }
    }

    private func pieces(of bytes: [UInt8], _ size: Int) -> [[UInt8]] {
        guard size < bytes.count else { return bytes.isEmpty ? [] : [bytes] }
        return stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
    }
}

extension TLSSession.Received {
    mutating func merge(_ next: Self) {
        handshake = handshake ?? next.handshake
        plaintext += next.plaintext
        peerClosed = peerClosed || next.peerClosed
        failure = failure ?? next.failure
    }
}

extension TLSSession {
    mutating func send(_ text: String) throws { try send(Array(text.utf8).span) }
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

func isRejected(_ error: TLSError?) -> Bool { if case .certificateRejected? = error { true } else { false } }
