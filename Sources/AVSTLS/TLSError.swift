/// What can go wrong on a TLS connection or while preparing one.
public enum TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Our own certificate, key, trust roots or names are unusable; the text says which and why.
    case configuration(String)
    /// The peer's certificate is not one that we trust. `code` is libcrypto's verification result.
    case certificateRejected(code: Int, text: String)
    /// Both sides do TLS but not the same application protocol (TLS-2).
    case noApplicationProtocol
    /// The handshake or the connection failed, by the peer's doing or by its alert. `code` is the library's own.
    case failed(call: String, code: UInt, text: String)
    /// The connection ended without a close_notify: what was received may be cut short by somebody (TLS-6).
    case truncated
    /// We used a session in a state that does not allow it. Nothing a peer sends leads here.
    case misuse(String)

    public var description: String {
        switch self {
        case .configuration(let reason): "TLS configuration: \(reason)"
        case .certificateRejected(let code, let text): "TLS: the peer's certificate is not trusted: \(text) (\(code))"
        case .noApplicationProtocol: "TLS: no common application protocol (ALPN)"
        case .failed(let call, let code, let text): "\(call): \(text) (\(code))"
        case .truncated: "TLS: the connection ended without close_notify"
        case .misuse(let reason): "TLS: \(reason)"
        }
    }
}
