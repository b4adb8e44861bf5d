/// Why there is no WebSocket connection, or no more.
public enum WebSocketError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The server could not be reached, or its certificate is not trusted.
    case unreachable(String)
    /// The server answered the upgrade with this HTTP status, or with 101 and a wrong key (status 101).
    case refused(status: Int)
    /// TCP, TLS and upgrade were not done in time.
    case connectTimeout(seconds: Int64)
    /// The server broke RFC 6455.
    case protocolViolation(String)
    /// A message is longer than the limit, in bytes.
    case messageTooLong(limit: Int)
    /// The server closed with a code other than 1000 (done) and 1001 (going away), or with none (1005).
    case closedByServer(code: UInt16, reason: String)
    /// The server was silent: no answer to a ping.
    case silent(seconds: Int64)
    /// The connection broke without a close frame.
    case lost(String)
    /// Sending was tried on a connection that is closed.
    case closed

    public var description: String {
        switch self {
        case .unreachable(let reason): "WebSocket server cannot be reached: \(reason)"
        case .refused(101): "WebSocket server accepted the upgrade with a wrong answer"
        case .refused(let status): "WebSocket server refused the upgrade with HTTP status \(status)"
        case .connectTimeout(let seconds): "WebSocket server did not accept within \(seconds) s"
        case .protocolViolation(let what): "WebSocket server broke the protocol: \(what)"
        case .messageTooLong(let limit): "WebSocket message is longer than \(limit) bytes"
        case .closedByServer(let code, let reason): "WebSocket server closed with \(code): \(reason)"
        case .silent(let seconds): "WebSocket server sent nothing, not even a pong, for \(seconds) s"
        case .lost(let reason): "WebSocket connection lost: \(reason)"
        case .closed: "WebSocket connection is closed"
        }
    }
}
