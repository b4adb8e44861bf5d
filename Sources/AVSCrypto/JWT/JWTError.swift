/// Why a token is not accepted. No case carries any of the token's text (JWT-8).
public enum JWTError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Longer than ``JWT/sizeLimitBytes``, in bytes.
    case tooLong(Int)
    /// Not three parts of canonical base64url.
    case malformed(String)
    /// Made with another secret, or changed.
    case wrongSignature
    /// An algorithm, type or extension that is not ours.
    case unsupportedHeader(String)
    /// Authentic, but its claims are not the JSON that we ask for.
    case malformedClaims(String)
    /// `exp`, in seconds since the epoch, has come.
    case expired(at: Int64)
    /// `nbf`, in seconds since the epoch, has not come.
    case notYetValid(before: Int64)
    /// An empty secret would let everybody make tokens (JWT-5).
    case emptySecret
    /// A primitive failed.
    case crypto(CryptoError)

    public var description: String {
        switch self {
        case .tooLong(let count): "token has \(count) bytes, at most \(JWT.sizeLimitBytes) are read"
        case .malformed(let reason): "malformed token: \(reason)"
        case .wrongSignature: "token is not signed by us"
        case .unsupportedHeader(let reason): "token header: \(reason)"
        case .malformedClaims(let reason): "token claims: \(reason)"
        case .expired(let time): "token expired at \(time)"
        case .notYetValid(let time): "token is not valid before \(time)"
        case .emptySecret: "the secret of tokens is empty"
        case .crypto(let error): "token: \(error)"
        }
    }
}
