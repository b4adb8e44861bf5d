import AVSConfiguration
import AVSTLS
import AVSTransport
import Foundation

/// How the listener is secured.
enum Security {
    /// Plaintext, or TLS with the certificate that the configuration names.
    static func server(_ tls: TLSConfiguration) throws -> ConnectionSecurity {
        guard let certificate = tls.certificate, let key = tls.key else { return .plaintext }
        let chain = try content(of: certificate)
        let secret = try content(of: key)
        let context = try StartFailure.explaining { () throws(TLSError) in
            var server = TLSServerConfiguration(
                credential: try TLSCredential(certificateChainPEM: chain, privateKeyPEM: secret))
            if let authorities = tls.clientAuthorities {
                switch tls.clientCertificates {
                case .off: break
                case .request: server.clientCertificates = .request(.file(authorities))
                case .require: server.clientCertificates = .require(.file(authorities))
                }
            }
            return try TLSContext(server: server)
        }
        return .tls(TLSSecurity(context))
    }

    private static func content(of path: String) throws(StartFailure) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw StartFailure(78, "\(path) cannot be read: \(error.localizedDescription)")
        }
    }
}
