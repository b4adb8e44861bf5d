/// How often a number was how large, in buckets by powers of two.
public struct Histogram: Hashable, Sendable {
    /// Bucket 0 counts zeros, bucket n the numbers from 2^(n-1) to 2^n - 1. Larger ones are in the last.
    public private(set) var buckets: [Int] = Array(repeating: 0, count: 40)
    public private(set) var count = 0
    public private(set) var sum = 0

    public init() {}

    mutating func record(_ number: Int) {
        let number = max(0, number)
        buckets[min(Int.bitWidth - number.leadingZeroBitCount, buckets.count - 1)] += 1
        count += 1
        sum &+= number
    }

    mutating func add(_ other: Histogram) {
        for index in buckets.indices { buckets[index] += other.buckets[index] }
        count += other.count
        sum &+= other.sum
    }

    /// Numbers below 2^exponent.
    public func count(below exponent: Int) -> Int {
        buckets.prefix(max(0, exponent) + 1).reduce(0, +)
    }

    /// A bound that this share of the numbers is at or below, to within a factor of two.
    public func quantile(_ share: Double) -> Int {
        var rest = Int((Double(count) * min(max(share, 0), 1)).rounded(.up))
        for (index, number) in buckets.enumerated() {
            rest -= number
            if rest <= 0 { return index == 0 ? 0 : (1 << index) - 1 }
        }
        return 0
    }
}

extension Duration {
    /// Whole microseconds, for a histogram.
    var microseconds: Int {
        let (seconds, attoseconds) = components
        return Int(clamping: seconds) &* 1_000_000 &+ Int(attoseconds / 1_000_000_000_000)
    }
}
