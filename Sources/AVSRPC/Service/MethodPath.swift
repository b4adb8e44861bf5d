/// `/package.Service/Method`, case-sensitive, split at the last slash (HDR-5).
public struct MethodPath: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    public init(service: String, method: String) {
        text = "/\(service)/\(method)"
    }

    /// Returns nil without a leading slash, a second slash, or text after each.
    public init?(_ text: String) {
        guard text.hasPrefix("/"), let slash = text.lastIndex(of: "/"), slash != text.startIndex else { return nil }
        guard text.index(after: text.startIndex) != slash, text.index(after: slash) != text.endIndex else { return nil }
        self.text = text
    }

    /// `package.Service`
    public var service: Substring {
        guard let slash = text.lastIndex(of: "/") else { return "" }
        return text[..<slash].dropFirst()
    }

    /// `Method`
    public var method: Substring {
        guard let slash = text.lastIndex(of: "/") else { return "" }
        return text[slash...].dropFirst()
    }

    public var description: String { text }
}

/// How many messages a call has in each direction.
public enum CallKind: Hashable, Sendable, CaseIterable {
    /// One request, one response.
    case unary
    /// Any number of requests, one response.
    case clientStreaming
    /// One request, any number of responses.
    case serverStreaming
    /// Any number of both, in any order.
    case bidirectional

    public var streamsRequests: Bool { self == .clientStreaming || self == .bidirectional }
    public var streamsResponses: Bool { self == .serverStreaming || self == .bidirectional }
}
