import AVSConfiguration
import AVSTLS
import AVSTransport
import Foundation

/// How the connection to the aggregator is secured.
enum Security {
    /// Plaintext, or TLS that checks the aggregator's certificate.
    static func client(_ tls: ClientTLSConfiguration) throws -> ConnectionSecurity {
        guard tls.isOn else { return .plaintext }
        var client = TLSClientConfiguration()
        if let authorities = tls.authorities { client.trustRoots = .file(authorities) }
        do {
            if let certificate = tls.certificate, let key = tls.key {
                client.credential = try TLSCredential(
                    certificateChainPEM: try content(of: certificate), privateKeyPEM: try content(of: key))
            }
            var security = TLSSecurity(try TLSContext(client: client))
            security.serverName = tls.serverName
            return .tls(security)
        } catch let error as TLSError {
            throw StartFailure(78, "aggregator_tls: \(error)")
        }
    }

    private static func content(of path: String) throws -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw StartFailure(78, "\(path) cannot be read: \(error.localizedDescription)")
        }
    }
}
