/// A point in wall time: milliseconds since 1970-01-01T00:00:00Z, as the wire carries them.
///
/// Arithmetic saturates at the ends of `Int64`, since a peer may have chosen the numbers.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Saturates: seconds beyond ±9.2 × 10¹⁵ give the first or last timestamp.
    public init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        milliseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// Whole seconds, rounded down (also before 1970).
    public var seconds: Int64 { milliseconds.dividedRoundingDown(by: 1000).quotient }

    public func adding(_ duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let whole = Timestamp(seconds: seconds).milliseconds
        let (added, firstOverflow) = milliseconds.addingReportingOverflow(whole)
        let (sum, secondOverflow) = added.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        guard firstOverflow || secondOverflow else { return Timestamp(milliseconds: sum) }
        return Timestamp(milliseconds: duration < .zero ? .min : .max)
    }

    /// Exact; negative if `earlier` is later.
    public func duration(since earlier: Timestamp) -> Duration {
        .milliseconds(milliseconds) - .milliseconds(earlier.milliseconds)
    }

    public var description: String { iso8601 }

    public static func < (lhs: Timestamp, rhs: Timestamp) -> Bool { lhs.milliseconds < rhs.milliseconds }
}

extension Int64 {
    /// Division whose remainder is never negative. `divisor` is a positive constant of ours.
    func dividedRoundingDown(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
