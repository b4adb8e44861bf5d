/// Why a request has no response.
///
/// The description is for users: it says the kind and the host that they wrote, never an address (SSRF-12). `detail`
/// is for the log.
public struct FetchError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// The rules refuse the address, the name or the port.
        case blockedAddress
        /// The URL is none that we accept.
        case invalidURL
        /// A method, header or body that we do not send.
        case invalidRequest
        /// No connection; nothing was sent.
        case couldNotConnect
        case timeout
        case tlsError
        /// Response or request are over a limit.
        case tooLarge(limitBytes: Int)
        /// The connection broke or what came is no HTTP; also too many redirects.
        case badResponse
        /// Too many requests wait already.
        case overloaded
        /// The surrounding task was cancelled, or the fetcher was closed.
        case cancelled
    }

    public var kind: Kind
    /// As it was written; empty if the URL has none.
    public var host: String
    public var detail: String
    /// Whether the peer may have received the request: then it may have acted on it.
    public var mayHaveArrived: Bool

    public init(_ kind: Kind, host: String, detail: String = "", mayHaveArrived: Bool = false) {
        self.kind = kind
        self.host = host
        self.detail = detail
        self.mayHaveArrived = mayHaveArrived
    }

    public var description: String {
        let what =
            switch kind {
            case .blockedAddress: "blocked address"
            case .invalidURL: "invalid URL (\(detail))"
            case .invalidRequest: "invalid request (\(detail))"
            case .couldNotConnect: "network error: could not connect"
            case .timeout: "timeout"
            case .tlsError: "TLS error"
            case .tooLarge(let limitBytes): "too large (more than \(limitBytes) bytes)"
            case .badResponse: "bad response"
            case .overloaded: "overloaded: too many requests are waiting"
            case .cancelled: "cancelled"
            }
        return host.isEmpty ? what : "\(what): \(host)"
    }
}
