/// An account or contract on an EVM chain: 20 bytes. Ordered as a big-endian number.
///
/// Its text for people is checksummed (EIP-55); its text in storage keys is lower case (KEY-5). Input is accepted in
/// any case, as the aggregator's api defines a *hex address*: a wrong checksum is not an error.
public struct Address: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let high: Word128
    private let low: UInt32

    public static let zero = Address(high: 0, low: 0)

    private init(high: UInt128, low: UInt32) {
        self.high = Word128(high)
        self.low = low
    }

    /// Exactly 40 ASCII hex digits of any case after an optional `0x` or `0X`; nil otherwise.
    public init?(_ text: String) {
        // Cheap refusal before decoding: the text can be as long as a message.
        guard text.utf8.count <= 42, let bytes = Hex.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    /// Exactly 20 bytes; nil otherwise.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 20 else { return nil }
        high = Word128(UInt128(bigEndian: bytes.prefix(16)))
        low = UInt32(truncatingIfNeeded: UInt128(bigEndian: bytes.dropFirst(16)))
    }

    public var bytes: [UInt8] {
        high.value.bigEndianBytes + (0..<4).map { UInt8(truncatingIfNeeded: low >> UInt32(24 - 8 * $0)) }
    }

    public var isZero: Bool { self == .zero }

    /// `0x` and 40 lower-case digits.
    public var lowercased: String { Hex.encode0x(bytes) }

    /// `0x` and 40 digits whose letter case carries the checksum of EIP-55: a letter is upper case where the same
    /// digit of the Keccak digest of the lower-case text is 8 or more.
    public var checksummed: String {
        var digits = Array(Hex.encode(bytes).utf8)
        let digest = Keccak256.hash(digits).bytes
        for index in digits.indices where digits[index] >= UInt8(ascii: "a") {
            let nibble = index.isMultiple(of: 2) ? digest[index / 2] >> 4 : digest[index / 2] & 0xf
            if nibble >= 8 { digits[index] -= 0x20 }
        }
        return "0x" + String(decoding: digits, as: UTF8.self)
    }

    public var description: String { checksummed }

    public static func < (lhs: Address, rhs: Address) -> Bool { (lhs.high, lhs.low) < (rhs.high, rhs.low) }
}
