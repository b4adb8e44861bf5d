/// 32 bytes that name something: a Keccak digest, a transaction or block hash, a topic. Ordered as a big-endian number.
public struct Hash32: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let high: Word128
    private let low: Word128

    public static let zero = Hash32(high: 0, low: 0)

    init(high: UInt128, low: UInt128) {
        self.high = Word128(high)
        self.low = Word128(low)
    }

    /// Exactly 64 hex digits of any case after an optional `0x`; nil otherwise.
    public init?(_ hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes: bytes)
    }

    /// Exactly 32 bytes; nil otherwise.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.init(high: UInt128(bigEndian: bytes.prefix(16)), low: UInt128(bigEndian: bytes.dropFirst(16)))
    }

    public var bytes: [UInt8] { high.value.bigEndianBytes + low.value.bigEndianBytes }

    /// `0x` and 64 lower-case digits.
    public var hex: String { Hex.encode0x(bytes) }

    public var description: String { hex }

    /// The same 32 bytes read as a big-endian number.
    public var number: UInt256 { UInt256(high: high.value, low: low.value) }

    public static func < (lhs: Hash32, rhs: Hash32) -> Bool { (lhs.high, lhs.low) < (rhs.high, rhs.low) }
}

extension UInt128 {
    /// The number in at most 16 bytes, most significant first. The caller checks the count; more bytes push out the
    /// first ones.
    init(bigEndian bytes: some Sequence<UInt8>) {
        self = bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }

    /// All 16 bytes, most significant first.
    var bigEndianBytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: self >> UInt128(120 - 8 * $0)) }
    }
}
