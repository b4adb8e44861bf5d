import AVSEthereum
public import AVSModel
public import AVSPrimitives

/// Why a node or trigger failed, as its step reports it.
///
/// - Source: execution-engine.md 0.2 and the finalisation rule in the head of 5.
public struct NodeFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// ``ErrorCode/unspecified`` for failures that have no number of their own.
    public var code: ErrorCode
    public var message: String
    /// Figures behind the message, such as `{field, size, maxSize}`.
    public var details: [String: JSONValue]
    /// What kind of failure it is for a retry policy; nil for one that another attempt would only repeat.
    public var reason: NodeRetry.Reason?

    public init(
        code: ErrorCode = .unspecified, _ message: String, details: [String: JSONValue] = [:],
        reason: NodeRetry.Reason? = nil
    ) {
        self.code = code
        self.message = message
        self.details = details
        self.reason = reason
    }

    public var description: String { message }

    /// `<field> is required`.
    public static func missing(_ field: String) -> NodeFailure {
        NodeFailure(code: .missingRequiredField, "\(field) is required", details: ["field": .string(field)])
    }

    /// The same in words of the node's own.
    static func missing(_ field: String, _ message: String) -> NodeFailure {
        NodeFailure(code: .missingRequiredField, message, details: ["field": .string(field)])
    }

    /// A node that came to its end and reports that what it did failed: `invalid request: <message>`.
    public static func invalidRequest(_ message: String, reason: NodeRetry.Reason? = nil) -> NodeFailure {
        NodeFailure(code: .invalidRequest, "invalid request: \(message)", reason: reason)
    }

    /// `<what> exceeds maximum size limit: <size> bytes (max: <limit> bytes)`.
    public static func tooLarge(_ what: String, field: String, size: Int, limit: Int) -> NodeFailure {
        NodeFailure(
            code: .invalidNodeConfig, "\(what) exceeds maximum size limit: \(size) bytes (max: \(limit) bytes)",
            details: [
                "field": .string(field), "issue": "size limit exceeded", "size": .number(Double(size)),
                "maxSize": .number(Double(limit)),
            ])
    }
}

extension NodeRetry.Reason {
    /// Nil for a status that another attempt would only bring again.
    init?(httpStatus status: Int) {
        switch status {
        case 408, 504: self = .timeout
        case 429: self = .rateLimited
        case 500..<600: self = .serverError
        default: return nil
        }
    }

    /// Of a request over HTTP that had no answer.
    init?(transport error: any Error) {
        switch (error as? HTTPTransportError)?.kind {
        case .connection: self = .network
        case .timeout: self = .timeout
        case .overloaded: self = .rateLimited
        case .refused, nil: return nil
        }
    }

    /// Nil for what the chain itself answered.
    init?(_ error: ChainError) {
        switch error {
        case .unavailable: self = .network
        case .timeout: self = .timeout
        case .rateLimited: self = .rateLimited
        case .rpc, .malformedAnswer, .tooLarge, .cancelled: return nil
        }
    }
}

extension String {
    /// At most `limit` printable characters of text that someone else chose, for a message about it (LOG-4).
    func excerpt(_ limit: Int = 64) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if shown.count == limit { return String(shown) + "…" }
            let isPrintable =
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
                default: true
                }
            shown.append(isPrintable ? scalar : "\u{FFFD}")
        }
        return String(shown)
    }
}
