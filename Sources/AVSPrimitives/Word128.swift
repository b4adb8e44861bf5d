/// 128 bits as two words: how values store them.
///
/// Not as a stored `UInt128`, whose alignment is 16 bytes: async functions that hold such a value across a suspension
/// crash at random with Swift 6.3.1 (their frames lose the function to resume with). Arithmetic on a local `UInt128` is
/// fine.
public struct Word128: Hashable, Comparable, Sendable {
    private let high: UInt64
    private let low: UInt64

    public init(_ value: UInt128) {
        high = UInt64(truncatingIfNeeded: value >> 64)
        low = UInt64(truncatingIfNeeded: value)
    }

    public var value: UInt128 { UInt128(high) << 64 | UInt128(low) }

    public static func < (lhs: Word128, rhs: Word128) -> Bool { (lhs.high, lhs.low) < (rhs.high, rhs.low) }
}
