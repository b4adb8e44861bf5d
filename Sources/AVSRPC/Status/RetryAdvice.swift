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

    static let trailer = "grpc-retry-pushback-ms"

    private var delay: Duration? { milliseconds < 0 ? nil : .milliseconds(milliseconds) }

    /// For gRPC itself, and for programs.
    fileprivate func added(to status: RPCStatus, limit: String, _ description: String) -> RPCStatus {
        var status = status
        do {
            try status.metadata.add(Self.trailer, "\(milliseconds)")
        } catch {
            assertionFailure("a valid name and digits: \(error)")
        }
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
