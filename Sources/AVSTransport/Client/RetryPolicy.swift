public import AVSRPC

/// When a call that failed is made again (RT-3, gRFC A6). Off unless a channel or a call has one.
///
/// A call is made again only while nothing of its answer has come: a status by itself is not yet an answer, response
/// headers are. What it has sent must still be at hand (``RPCChannel/Configuration/retryBufferBytes``). Calls that the
/// server did not process at all are sent again in any case, without counting (RT-2).
public struct RetryPolicy: Hashable, Sendable {
    /// The first one among them; 2 to 5.
    public var maximumAttempts: Int {
        didSet { maximumAttempts = Self.clamped(maximumAttempts) }
    }
    public var initialBackoff: Duration
    public var maximumBackoff: Duration
    public var multiplier: Double
    public var retryableCodes: Set<RPCCode>

    public init(
        maximumAttempts: Int = 3, initialBackoff: Duration = .milliseconds(100),
        maximumBackoff: Duration = .seconds(5), multiplier: Double = 2, retryableCodes: Set<RPCCode> = [.unavailable]
    ) {
        self.maximumAttempts = Self.clamped(maximumAttempts)
        self.initialBackoff = initialBackoff
        self.maximumBackoff = maximumBackoff
        self.multiplier = multiplier
        self.retryableCodes = retryableCodes
    }

    private static func clamped(_ attempts: Int) -> Int { min(max(attempts, 2), 5) }

    /// The pause before a retry: min(initial × multiplier^(n − 1), maximum), ±20 %.
    ///
    /// - Parameter retry: 1 for the second attempt.
    func delay(before retry: Int, using random: inout some RandomNumberGenerator) -> Duration {
        var delay = min(initialBackoff, maximumBackoff)
        for _ in 1..<max(1, retry) { delay = min(delay * multiplier, maximumBackoff) }
        return delay * Double.random(in: 0.8...1.2, using: &random)
    }

    /// What `grpc-retry-pushback-ms` asks for (RT-4).
    enum Pushback: Hashable {
        case none
        case after(Duration)
        /// Negative or unreadable.
        case never

        init(_ status: RPCStatus) {
            guard let text = status.metadata["grpc-retry-pushback-ms"] else {
                self = .none
                return
            }
            guard let number = Int32(text), number >= 0 else {
                self = .never
                return
            }
            self = .after(.milliseconds(number))
        }
    }
}

/// Keeps retries from adding to the load of a server that fails anyway: one bucket for all calls of a channel (RT-5).
public struct RetryThrottle: Hashable, Sendable {
    /// The bucket is full at first; there are no retries while it is at half or below.
    public let maximumTokens: Double
    /// What a success puts back. A failure takes 1.
    public let tokenRatio: Double
    private var tokens: Double

    public init(maximumTokens: Double = 100, tokenRatio: Double = 0.1) {
        self.maximumTokens = min(max(maximumTokens, 1), 1_000)
        self.tokenRatio = max(tokenRatio, 0)
        tokens = self.maximumTokens
    }

    var allowsRetries: Bool { tokens > maximumTokens / 2 }

    mutating func failed() { tokens = max(0, tokens - 1) }

    mutating func succeeded() { tokens = min(maximumTokens, tokens + tokenRatio) }
}
