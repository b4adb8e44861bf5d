public import AVSRPC

/// Why a check-in was not answered, in words that a log can be searched for.
public enum CheckInFailure: String, Hashable, Sendable, CaseIterable {
    /// The machine is there, the aggregator is not.
    case refused
    case timeout
    case nameResolution = "name resolution"
    /// The connection ended: the aggregator goes away, or we do.
    case closing
    /// Nobody there, for another reason.
    case unavailable
    /// The aggregator answered, and said no.
    case other

    public init(_ status: RPCStatus) {
        switch status.code {
        case .deadlineExceeded: self = .timeout
        case .cancelled: self = .closing
        case .unavailable: self = Self.ofTransport(status.message.lowercased())
        default: self = .other
        }
    }

    /// The transport says in words what the system told it.
    private static func ofTransport(_ text: String) -> CheckInFailure {
        let words: [(CheckInFailure, [String])] = [
            (.refused, ["connection refused"]),
            (.nameResolution, ["unknownhost", "name or service not known", "name resolution", "nodename nor servname"]),
            (.timeout, ["timed out", "timeout"]),
            (.closing, ["closed", "closing", "goaway", "reset by peer"]),
        ]
        return words.first { $0.1.contains { text.contains($0) } }?.0 ?? .unavailable
    }
}
