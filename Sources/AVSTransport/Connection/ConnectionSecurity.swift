import AVSRPC
import NIOCore

/// What stands between the socket and HTTP/2.
///
/// The seam for TLS: a case that adds its handler to the pipeline, negotiates `h2` by ALPN (TLS-2), and calls `ready`
/// with what the peer proved once the handshake is done. The HTTP/2 handler is added only then, so a connection that
/// never finishes its handshake costs no session (ATT-14).
public enum ConnectionSecurity: Sendable {
    case plaintext

    var scheme: String {
        switch self {
        case .plaintext: "http"
        }
    }

    /// Prepares a channel's pipeline, on its event loop.
    func configure(_ channel: any Channel, ready: (TLSIdentity?) throws -> Void) throws {
        switch self {
        case .plaintext: try ready(nil)
        }
    }
}
