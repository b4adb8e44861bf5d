/// Keeps requests away from an endpoint that fails (OVL-7): it opens after 5 failures in a row, or when half of the
/// last 20 failed; after 5 s, doubling to 60 s, it lets one request through, whose outcome decides.
public struct CircuitBreaker: Hashable, Sendable {
    private enum State: Hashable {
        case closed
        case open(until: ContinuousClock.Instant)
        /// One request is on its way to find out.
        case probing(since: ContinuousClock.Instant)
    }

    private static let failuresInARow = 5
    private static let window = 20
    private static let firstPause = Duration.seconds(5)
    private static let longestPause = Duration.seconds(60)

    private var state = State.closed
    private var recent: [Bool] = []
    private var pause = firstPause

    public init() {}

    public var isClosed: Bool { state == .closed }

    /// When an open breaker will let a request through; nil if it is not open.
    public var opensAgainAt: ContinuousClock.Instant? {
        if case .open(let until) = state { until } else { nil }
    }

    /// Whether a request may go now. If so, its outcome must be recorded.
    public mutating func admits(at now: ContinuousClock.Instant) -> Bool {
        switch state {
        case .closed:
            return true
        case .open(let until):
            guard now >= until else { return false }
            state = .probing(since: now)
            return true
        case .probing(let since):
            // A probe whose outcome was never recorded does not close the endpoint for good.
            guard now - since >= Self.longestPause else { return false }
            state = .probing(since: now)
            return true
        }
    }

    /// The request that was admitted had no outcome that says anything of the endpoint.
    public mutating func abandon() {
        if case .probing(let since) = state { state = .open(until: since) }
    }

    public mutating func record(success: Bool, at now: ContinuousClock.Instant) {
        switch (state, success) {
        case (.probing, true), (.open, true):
            self = CircuitBreaker()
        case (.probing, false):
            pause = min(pause * 2, Self.longestPause)
            state = .open(until: now + pause)
        case (.open, false):
            break  // a request from before
        case (.closed, _):
            recent.append(success)
            if recent.count > Self.window { recent.removeFirst() }
            let failures = recent.count { !$0 }
            let inARow = recent.suffix(Self.failuresInARow)
            if (inARow.count == Self.failuresInARow && !inARow.contains(true))
                || (recent.count == Self.window && failures * 2 >= Self.window)
            {
                recent = []
                state = .open(until: now + pause)
            }
        }
    }
}
