/// At most so many requests a second on average, and as many at once as the bucket holds.
struct TokenBucket: Hashable, Sendable {
    private let perSecond: Double
    private let capacity: Double
    private var tokens: Double
    private var filledAt: ContinuousClock.Instant

    /// Starts full. Both numbers are at least 1 in effect.
    init(perSecond: Double, capacity: Double, at now: ContinuousClock.Instant) {
        self.perSecond = max(perSecond, 1)
        self.capacity = max(capacity, 1)
        tokens = self.capacity
        filledAt = now
    }

    /// Takes a token and returns nil, or returns how long until there is one.
    mutating func take(at now: ContinuousClock.Instant) -> Duration? {
        let elapsed = max(.zero, now - filledAt) / .seconds(1)
        tokens = min(capacity, tokens + elapsed * perSecond)
        filledAt = max(filledAt, now)
        guard tokens < 1 else {
            tokens -= 1
            return nil
        }
        return .seconds((1 - tokens) / perSecond)
    }
}
