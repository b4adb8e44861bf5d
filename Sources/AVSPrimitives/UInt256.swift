/// The EVM's word as an unsigned number: amounts in wei, nonces, token quantities.
///
/// A value of this type always fits. Arithmetic, which could leave the range, is done on big integers: AVSEthereum adds
/// `magnitude`, and an initializer that is nil for what does not fit.
public struct UInt256: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let highWord: Word128
    private let lowWord: Word128

    private var high: UInt128 { highWord.value }
    private var low: UInt128 { lowWord.value }

    public static let zero = UInt256(high: 0, low: 0)
    public static let max = UInt256(high: .max, low: .max)

    init(high: UInt128, low: UInt128) {
        highWord = Word128(high)
        lowWord = Word128(low)
    }

    public init(_ value: UInt64) { self.init(high: 0, low: UInt128(value)) }

    /// At most four words, the least significant first; those that are left out are zero. Nil for more.
    public init?(words: some Collection<UInt64>) {
        guard words.count <= 4 else { return nil }
        let words = words.map { UInt128($0) } + [0, 0, 0, 0]
        self.init(high: words[3] << 64 | words[2], low: words[1] << 64 | words[0])
    }

    /// ASCII digits only, 1 to 78 of them, no sign (INP-6); nil otherwise or above 2²⁵⁶ − 1.
    ///
    /// Leading zeros are allowed within the 78.
    public init?(decimal text: String) {
        guard (1...78).contains(text.utf8.count) else { return nil }
        var value = UInt256.zero
        for character in text.utf8 {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character),
                let next = value.multipliedByTen(adding: character - UInt8(ascii: "0"))
            else { return nil }
            value = next
        }
        self = value
    }

    /// 1 to 64 hex digits of any case after an optional `0x`; an odd count is fine; nil otherwise.
    public init?(hex text: String) {
        let digits = Hex.hasPrefix(text.utf8) ? text.utf8.dropFirst(2) : text.utf8[...]
        guard (1...64).contains(digits.count) else { return nil }
        var (high, low): (UInt128, UInt128) = (0, 0)
        for character in digits {
            guard let digit = Hex.digit(character) else { return nil }
            high = high << 4 | low >> 124
            low = low << 4 | UInt128(digit)
        }
        self.init(high: high, low: low)
    }

    /// At most 32 bytes, most significant first; no bytes are zero. Nil for more.
    public init?(bigEndian bytes: some Collection<UInt8>) {
        guard bytes.count <= 32 else { return nil }
        self.init(high: UInt128(bigEndian: bytes.dropLast(16)), low: UInt128(bigEndian: bytes.suffix(16)))
    }

    /// Four, the least significant first.
    public var words: [UInt64] {
        [low, low >> 64, high, high >> 64].map { UInt64(truncatingIfNeeded: $0) }
    }

    /// 32 bytes, most significant first.
    public var bigEndian: [UInt8] { high.bigEndianBytes + low.bigEndianBytes }

    /// JSON-RPC's *quantity*: `0x`, then lower-case digits without leading zeros; zero is `0x0`.
    public var hexQuantity: String {
        let digits = Hex.encode(bigEndian).drop { $0 == "0" }
        return digits.isEmpty ? "0x0" : "0x" + digits
    }

    /// The value if it fits into 64 bits.
    public var uint64: UInt64? { high == 0 ? UInt64(exactly: low) : nil }

    /// Bits up to the highest that is set; 0 for zero, at most 256.
    public var significantBits: Int { 256 - (high == 0 ? 128 + low.leadingZeroBitCount : high.leadingZeroBitCount) }

    /// Decimal digits.
    public var description: String {
        // In chunks of 38 digits, the most that 128 bits always hold.
        let chunk: UInt128 = 100_000_000_000_000_000_000_000_000_000_000_000_000
        if high == 0 { return String(low) }
        var parts: [String] = []
        var rest = self
        while rest.high != 0 || rest.low >= chunk {
            let (quotientHigh, carry) = rest.high.quotientAndRemainder(dividingBy: chunk)
            let (quotientLow, remainder) = chunk.dividingFullWidth((carry, rest.low))
            let digits = String(remainder)
            parts.append(String(repeating: "0", count: 38 - digits.utf8.count) + digits)
            rest = UInt256(high: quotientHigh, low: quotientLow)
        }
        parts.append(String(rest.low))
        return parts.reversed().joined()
    }

    public static func < (lhs: UInt256, rhs: UInt256) -> Bool { (lhs.high, lhs.low) < (rhs.high, rhs.low) }

    private func multipliedByTen(adding digit: UInt8) -> UInt256? {
        let (carry, product) = low.multipliedFullWidth(by: 10)
        let (newLow, lowOverflow) = product.addingReportingOverflow(UInt128(digit))
        let (newHigh, highOverflow) = high.multipliedReportingOverflow(by: 10)
        let (sum, sumOverflow) = newHigh.addingReportingOverflow(carry + (lowOverflow ? 1 : 0))
        return highOverflow || sumOverflow ? nil : UInt256(high: sum, low: newLow)
    }
}
