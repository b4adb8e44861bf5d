/// 128 bits as two words: how the values of this module store them.
///
/// Not as a stored `UInt128`, whose alignment is 16 bytes: async functions that hold such a value across a suspension
/// crash at random with Swift 6.3.1 (their frames lose the function to resume with). Arithmetic on a local `UInt128` is
/// fine.
struct Word128: Hashable, Comparable, Sendable {
    private let high: UInt64
    private let low: UInt64

    init(_ value: UInt128) {
        high = UInt64(truncatingIfNeeded: value >> 64)
        low = UInt64(truncatingIfNeeded: value)
    }

    var value: UInt128 { UInt128(high) << 64 | UInt128(low) }

    static func < (lhs: Word128, rhs: Word128) -> Bool { (lhs.high, lhs.low) < (rhs.high, rhs.low) }
}
