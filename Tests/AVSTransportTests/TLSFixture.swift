import AVSTLS
import AVSTransport
import TestCertificates

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
        server = try authority.issue(names: "DNS:localhost,IP:127.0.0.1")
        client = try authority.issue(
            subject: "/CN=operator-7", names: "DNS:operator-7.test,URI:spiffe://example.test/operator/7,IP:10.0.0.7")
    }

    var roots: TLSTrustRoots { .pem(authority.certificatePEM) }

    func serverSecurity(_ change: (inout TLSServerConfiguration) throws -> Void = { _ in }) throws -> TLSSecurity {
        var configuration = TLSServerConfiguration(credential: try TLSCredential(server))
        try change(&configuration)
        return TLSSecurity(try TLSContext(server: configuration))
    }

    func clientSecurity(_ change: (inout TLSClientConfiguration) throws -> Void = { _ in }) throws -> TLSSecurity {
        var configuration = TLSClientConfiguration()
        configuration.trustRoots = roots
        try change(&configuration)
        return TLSSecurity(try TLSContext(client: configuration))
    }
}

extension TLSCredential {
    convenience init(_ credential: TestAuthority.Credential) throws {
        try self.init(certificateChainPEM: credential.chainPEM, privateKeyPEM: credential.keyPEM)
    }
}
