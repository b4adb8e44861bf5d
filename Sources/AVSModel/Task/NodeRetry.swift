/// How often a failing node runs in one run of its task, and how long it waits in between.
///
/// As the client sent it: what is out of bounds is a validator's to refuse.
public struct NodeRetry: Hashable, Sendable {
    /// A kind of failure that may pass; raw values are the numbers on the wire.
    public enum Reason: Int32, Sendable, Hashable, CaseIterable {
        /// The other side was not reached, or the connection broke.
        case network = 1
        /// No answer in time.
        case timeout = 2
        /// The other side asks for fewer requests.
        case rateLimited = 3
        /// The other side says that the fault is its own.
        case serverError = 4
        /// Every failure, also of code and configuration.
        case any = 5
    }

    public static let attemptLimit: UInt32 = 10
    public static let backoffLimitMilliseconds: UInt32 = 300_000
    public static let standardReasons: Set<Reason> = [.network, .timeout, .rateLimited, .serverError]

    /// In all; 0 is 1.
    public var attempts: UInt32
    /// Before the second attempt; 0 is 1,000.
    public var firstBackoffMilliseconds: UInt32
    /// What the pause grows to at most; 0 is 30,000.
    public var longestBackoffMilliseconds: UInt32
    /// Empty for ``standardReasons``.
    public var reasons: Set<Reason>

    public init(
        attempts: UInt32, firstBackoffMilliseconds: UInt32 = 0, longestBackoffMilliseconds: UInt32 = 0,
        reasons: Set<Reason> = []
    ) {
        self.attempts = attempts
        self.firstBackoffMilliseconds = firstBackoffMilliseconds
        self.longestBackoffMilliseconds = longestBackoffMilliseconds
        self.reasons = reasons
    }

    /// Why this cannot be the policy of a node that does such things; nil if it can.
    public func refusal(for config: Node.Config) -> String? {
        if attempts > Self.attemptLimit {
            return "retry.maxAttempts is \(attempts), at most \(Self.attemptLimit) are allowed"
        }
        let longest = max(firstBackoffMilliseconds, longestBackoffMilliseconds)
        if longest > Self.backoffLimitMilliseconds {
            return "retry backoff is \(longest) ms, at most \(Self.backoffLimitMilliseconds) are allowed"
        }
        if attempts > 1, config.actsOnChain { return "a node that sends transactions cannot have a retry policy" }
        return nil
    }

    /// How long to wait before the next attempt; nil if there is none.
    ///
    /// The pause doubles with each attempt. Between half of it and the whole is waited, as `jitter` says: nodes that
    /// failed together do not come back together.
    /// - Parameters:
    ///   - attempt: which one has just failed, from 1.
    ///   - reason: what kind of failure it was; nil for one of no kind.
    ///   - jitter: any number.
    public func pause(after attempt: UInt32, reason: Reason?, jitter: UInt64) -> Duration? {
        guard attempt < min(attempts, Self.attemptLimit) else { return nil }
        let wanted = reasons.isEmpty ? Self.standardReasons : reasons
        guard wanted.contains(.any) || reason.map(wanted.contains) == true else { return nil }
        let first = UInt64(firstBackoffMilliseconds == 0 ? 1_000 : firstBackoffMilliseconds)
        let longest = UInt64(longestBackoffMilliseconds == 0 ? 30_000 : longestBackoffMilliseconds)
        let whole = min(first << UInt64(attempt - 1), max(first, longest), UInt64(Self.backoffLimitMilliseconds))
        let half = whole / 2
        return .milliseconds(Int64(whole - jitter % (half + 1)))
    }
}

extension Node.Config {
    /// Whether it sends transactions of a wallet: transfers, contract writes, and loops over them.
    public var actsOnChain: Bool {
        switch self {
        case .ethTransfer, .contractWrite: true
        case .loop(let loop):
            switch loop.runner {
            case .ethTransfer, .contractWrite: true
            case .contractRead, .graphQLQuery, .restAPI, .customCode, nil: false
            }
        case .contractRead, .graphQLQuery, .restAPI, .customCode, .branch, .filter, .balance: false
        }
    }
}
