import AVSConfiguration
import AVSCrypto
import AVSPrimitives
import AVSTLS
import AVSTransport
import Foundation
import Logging
import Synchronization

/// How the listener is secured: in plaintext, or by TLS with files that may be renewed while it serves.
struct ListenerSecurity {
    let connections: ConnectionSecurity
    /// Looks for renewed files; nil in plaintext, and where the configuration says never.
    let reloader: TLSReloader?

    /// Reads the files that the configuration names.
    ///
    /// - Throws: ``StartFailure``, when one cannot be read or they do not fit together.
    init(_ tls: TLSConfiguration, time: any TimeSource, logger: Logger) throws {
        guard let files = ListenerFiles(tls), let context = try StartFailure.explaining({ try files.load() }) else {
            connections = .plaintext
            reloader = nil
            return
        }
        let contexts = TLSContexts(context)
        connections = .tls(TLSSecurity(contexts))
        reloader =
            tls.reloadInterval == .zero
            ? nil : TLSReloader(contexts, every: tls.reloadInterval, time: time, logger: logger) { try files.load() }
    }
}

/// The files of the listener's certificate, and what they were when they were last taken.
private final class ListenerFiles: Sendable {
    private struct Content {
        var chain: [UInt8]
        var key: [UInt8]
        var authorities: [UInt8]?

        /// Tells contents apart without keeping a key in memory.
        var digests: [Hash32?] { [SHA256.hash(chain), SHA256.hash(key), authorities.map(SHA256.hash)] }
    }

    private let certificate: String
    private let key: String
    private let authorities: String?
    private let clientCertificates: ClientCertificates
    private let taken = Mutex<[Hash32?]>([])

    /// Nil for a configuration without TLS.
    init?(_ tls: TLSConfiguration) {
        guard let certificate = tls.certificate, let key = tls.key else { return nil }
        self.certificate = certificate
        self.key = key
        authorities = tls.clientAuthorities
        clientCertificates = tls.clientCertificates
    }

    /// The context of what the files say; nil when they are what they were. Files that do not fit together, as in the
    /// middle of a renewal, are looked at again the next time.
    func load() throws -> TLSContext? {
        let content = try Content(
            chain: Self.bytes(of: certificate), key: Self.bytes(of: key), authorities: authorities.map(Self.bytes))
        let digests = content.digests
        guard taken.withLock({ $0 != digests }) else { return nil }
        let context = try context(of: content)
        taken.withLock { $0 = digests }
        return context
    }

    private func context(of content: Content) throws(TLSError) -> TLSContext {
        var server = TLSServerConfiguration(
            credential: try TLSCredential(certificateChainPEM: content.chain, privateKeyPEM: content.key))
        if let authorities = content.authorities {
            switch clientCertificates {
            case .off: break
            case .request: server.clientCertificates = .request(.pem(authorities))
            case .require: server.clientCertificates = .require(.pem(authorities))
            }
        }
        return try TLSContext(server: server)
    }

    private static func bytes(of path: String) throws(StartFailure) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw StartFailure(78, "\(path) cannot be read: \(error.localizedDescription)")
        }
    }
}
