import AVSTLS
import AVSTransport
import ArgumentParser
import Foundation

/// Which authority a client trusts; without one it speaks plaintext.
struct ClientSecurityOptions: ParsableArguments {
    @Option(help: ArgumentHelp("TLS, trusting the authority in this PEM file.", valueName: "file"))
    var authority: String?

    func security() throws -> ConnectionSecurity {
        guard let authority else { return .plaintext }
        var configuration = TLSClientConfiguration()
        configuration.trustRoots = .file(authority)
        return .tls(TLSSecurity(try TLSContext(client: configuration)))
    }
}

/// What a server shows; without it it speaks plaintext.
struct ServerSecurityOptions: ParsableArguments {
    @Option(help: ArgumentHelp("TLS, with the certificate chain in this PEM file.", valueName: "file"))
    var certificate: String?

    @Option(help: ArgumentHelp("The certificate's key, PEM.", valueName: "file"))
    var key: String?

    func validate() throws {
        guard (certificate == nil) == (key == nil) else {
            throw ValidationError("--certificate and --key go together")
        }
    }

    func security() throws -> ConnectionSecurity {
        guard let certificate, let key else { return .plaintext }
        let credential = try TLSCredential(
            certificateChainPEM: Array(try Data(contentsOf: URL(fileURLWithPath: certificate))),
            privateKeyPEM: Array(try Data(contentsOf: URL(fileURLWithPath: key))))
        return .tls(TLSSecurity(try TLSContext(server: TLSServerConfiguration(credential: credential))))
    }
}
