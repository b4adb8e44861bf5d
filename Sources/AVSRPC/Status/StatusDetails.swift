/// What a refusal says to a program: when to come back, and which limit was met.
///
/// It travels in `grpc-status-details-bin` as a `google.rpc.Status` that holds a `google.rpc.RetryInfo` and a
/// `google.rpc.QuotaFailure`, where clients of gRPC look for it:
///
///     Status { code = 1, message = 2, details = 3: Any { type_url = 1, value = 2 } }
///     RetryInfo { retry_delay = 1: Duration { seconds = 1, nanos = 2 } }
///     QuotaFailure { violations = 1: { subject = 1, description = 2 } }
public struct StatusDetails: Hashable, Sendable {
    /// A limit that was met.
    public struct Violation: Hashable, Sendable {
        /// Which: its name in the configuration.
        public var subject: String
        /// What it allows, in words.
        public var description: String

        public init(subject: String, description: String) {
            self.subject = subject
            self.description = description
        }
    }

    /// Repeating the call earlier is useless; `nil` when repeating it is.
    public var retryDelay: Duration?
    public var violations: [Violation]

    public init(retryDelay: Duration? = nil, violations: [Violation] = []) {
        self.retryDelay = retryDelay
        self.violations = violations
    }

    static let trailer = "grpc-status-details-bin"
    private static let types = "type.googleapis.com/google.rpc."

    /// The `google.rpc.Status` that carries them.
    func encoded(code: RPCCode, message: String) -> [UInt8] {
        var bytes: [UInt8] = []
        ProtoWire.append(field: 1, varint: UInt64(code.rawValue), to: &bytes)
        ProtoWire.append(field: 2, message.utf8, to: &bytes)
        if let retryDelay { Self.append("RetryInfo", Self.retryInfo(retryDelay), to: &bytes) }
        if !violations.isEmpty { Self.append("QuotaFailure", quotaFailure, to: &bytes) }
        return bytes
    }

    private static func append(_ type: String, _ value: [UInt8], to bytes: inout [UInt8]) {
        var any: [UInt8] = []
        ProtoWire.append(field: 1, (types + type).utf8, to: &any)
        ProtoWire.append(field: 2, value, to: &any)
        ProtoWire.append(field: 3, any, to: &bytes)
    }

    private static func retryInfo(_ delay: Duration) -> [UInt8] {
        let (seconds, attoseconds) = max(.zero, delay).components
        var duration: [UInt8] = []
        ProtoWire.append(field: 1, varint: UInt64(seconds), to: &duration)
        ProtoWire.append(field: 2, varint: UInt64(attoseconds / 1_000_000_000), to: &duration)
        var bytes: [UInt8] = []
        ProtoWire.append(field: 1, duration, to: &bytes)
        return bytes
    }

    private var quotaFailure: [UInt8] {
        var bytes: [UInt8] = []
        for violation in violations {
            var part: [UInt8] = []
            ProtoWire.append(field: 1, violation.subject.utf8, to: &part)
            ProtoWire.append(field: 2, violation.description.utf8, to: &part)
            ProtoWire.append(field: 1, part, to: &bytes)
        }
        return bytes
    }
}

extension RPCStatus {
    /// The same status with these details in its trailers, for the code and the text that it has now.
    public func with(_ details: StatusDetails) -> RPCStatus {
        var status = self
        do {
            try status.metadata.add(
                StatusDetails.trailer, bytes: details.encoded(code: code, message: message))
        } catch {
            assertionFailure("a valid name: \(error)")
        }
        return status
    }
}
