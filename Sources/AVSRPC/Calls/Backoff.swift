/// How long to wait between attempts to connect (CH-2).
///
/// The time runs from the start of an attempt: the first retry starts a second after the first attempt did, and each
/// interval is 1.6 times the one before, ±20 %, at most two minutes.
public struct Backoff: Hashable, Sendable {
    public var first = Duration.seconds(1)
    public var multiplier = 1.6
    public var longest = Duration.seconds(120)
    public var jitter = 0.2
    private var base: Duration?

    public init(first: Duration = .seconds(1), longest: Duration = .seconds(120)) {
        self.first = first
        self.longest = longest
    }

    /// The next interval.
    public mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        let current = base ?? first
        base = min(current * multiplier, longest)
        return min(current, longest) * Double.random(in: (1 - jitter)...(1 + jitter), using: &random)
    }

    /// After success, which is the server's SETTINGS and not the TCP connection.
    public mutating func reset() { base = nil }
}
