import AVSPrimitives

/// Whether and when a call that was refused for a limit may be repeated (OVL-5).
public struct RetryAdvice: Hashable, Sendable {
    /// As `grpc-retry-pushback-ms` has it; negative: not at all.
    public let milliseconds: Int

    /// Repeating the call changes nothing.
    public static let never = RetryAdvice(milliseconds: -1)

    private init(milliseconds: Int) { self.milliseconds = milliseconds }

    /// - Parameters:
    ///   - delay: at most a minute counts.
    ///   - spread: of the caller: shortens or lengthens the delay by up to 20 %, so that not all come back at once.
    public init(after delay: Duration, spread: Int) {
        let share = 80 + Double(spread.magnitude % 41)
        milliseconds = Int(min(60_000, max(0, delay / .milliseconds(1))) * share / 100) + 1
    }

    /// Somewhere from now to `longest`, always the same place for the same name: many who are sent away at one moment
    /// come back one after the other (OVL-13).
    public init(within longest: Duration, name: [UInt8]) {
        let number = Keccak256.hash(name).bytes.prefix(4).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        milliseconds = Int(number % (UInt64(min(600_000, max(0, longest / .milliseconds(1)))) + 1))
    }

    /// What a peer says; nil if it says nothing of the kind.
    public init?(_ metadata: Metadata) {
        guard let text = metadata[Self.trailer], let milliseconds = Int32(text) else { return nil }
        self.init(milliseconds: max(-1, Int(milliseconds)))
    }

    static let trailer = "grpc-retry-pushback-ms"

    /// Nil for ``never``.
    public var delay: Duration? { milliseconds < 0 ? nil : .milliseconds(milliseconds) }

    /// For gRPC itself, by itself.
    public var metadata: Metadata { added(to: Metadata()) }

    private func added(to metadata: Metadata) -> Metadata {
        var metadata = metadata
        do {
            try metadata.add(Self.trailer, "\(milliseconds)")
        } catch {
            assertionFailure("a valid name and digits: \(error)")
        }
        return metadata
    }

    /// For gRPC itself, and for programs.
    fileprivate func added(to status: RPCStatus, limit: String, _ description: String) -> RPCStatus {
        var status = status
        status.metadata = added(to: status.metadata)
        return status.with(
            StatusDetails(retryDelay: delay, violations: [.init(subject: limit, description: description)]))
    }
}

extension RPCStatus {
    /// The same refusal with when to repeat it and which limit was met (OVL-5), for the code and the text that it has
    /// now.
    ///
    /// - Parameters:
    ///   - limit: its name in the configuration, or what it is a limit of.
    ///   - description: what it allows; the status's text unless given.
    public func with(_ retry: RetryAdvice, limit: String, _ description: String? = nil) -> RPCStatus {
        retry.added(to: self, limit: limit, description ?? message)
    }
}
