public import AVSRPC

/// How often and after which pauses one report is sent again.
public struct RetryPolicy: Hashable, Sendable {
    /// Attempts in all; what failed then waits in the outbox of whoever reports.
    public var attempts = 5
    /// After the first attempt; each further pause is twice the one before.
    public var firstPause = Duration.milliseconds(250)
    public var longestPause = Duration.seconds(5)
    /// Part of a pause that chance adds, so that operators that failed together do not come back together.
    public var jitter = 0.25
    /// Of each attempt.
    public var attemptTimeout = Duration.seconds(5)

    public init() {}

    /// The pause after attempt number `attempt`, counted from 1.
    public func pause(after attempt: Int, using random: inout some RandomNumberGenerator) -> Duration {
        let doublings = min(max(attempt, 1) - 1, 30)  // 2³⁰ times any first pause is beyond the longest
        let pause = min(firstPause * (1 << doublings), longestPause)
        return pause * Double.random(in: 1...(1 + max(0, jitter)), using: &random)
    }
}

/// What a status means for a report.
public enum FailureKind: Hashable, Sendable {
    /// It may succeed in a moment: nobody there, too busy, too slow.
    case transient
    /// It may succeed later, after somebody has repaired something: signature, approval, the aggregator's store.
    case later
    /// This report will never be accepted.
    case final

    public init(_ code: RPCCode) {
        switch code {
        case .unavailable, .resourceExhausted, .deadlineExceeded, .aborted: self = .transient
        case .invalidArgument, .failedPrecondition, .outOfRange, .notFound, .alreadyExists: self = .final
        // INTERNAL among them: the id of the report was released, so that a repetition can succeed (DEFECT-9).
        case .ok, .cancelled, .unknown, .permissionDenied, .unauthenticated, .unimplemented, .internal, .dataLoss:
            self = .later
        }
    }
}
