public import AVSPrimitives
public import BigInt

extension UInt256 {
    /// Nil for 2²⁵⁶ and above.
    public init?(_ value: BigUInt) {
        guard value.bitWidth <= 256 else { return nil }
        self.init(words: value.words.prefix(4).map { UInt64($0) })
    }

    /// The number without a bound, for arithmetic.
    public var magnitude: BigUInt { BigUInt(words: words.map { UInt($0) }) }
}
