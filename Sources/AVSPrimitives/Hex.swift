/// Bytes as text in base 16. Works on ASCII bytes: digits of other scripts are not digits here (INP-1).
public enum Hex {
    /// Lower-case digits, no prefix.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        text(of: bytes, prefix: [])
    }

    /// Lower-case digits after `0x`.
    public static func encode0x(_ bytes: some Collection<UInt8>) -> String {
        text(of: bytes, prefix: [UInt8(ascii: "0"), UInt8(ascii: "x")])
    }

    /// The bytes of `text`: an optional `0x` or `0X`, then an even number of hex digits of any case.
    ///
    /// Returns nil for anything else. The empty text and a bare prefix give no bytes.
    public static func decode(_ text: String) -> [UInt8]? {
        let utf8 = text.utf8
        let digits = hasPrefix(utf8) ? utf8.dropFirst(2) : utf8[...]
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for character in digits {
            guard let digit = digit(character) else { return nil }
            if let upper = high {
                bytes.append(upper << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return bytes
    }

    /// Whether `text` starts with `0x` or `0X`.
    static func hasPrefix(_ text: some Collection<UInt8>) -> Bool {
        var iterator = text.makeIterator()
        guard iterator.next() == UInt8(ascii: "0"), let second = iterator.next() else { return false }
        return second | 0x20 == UInt8(ascii: "x")
    }

    /// The value of one ASCII hex digit.
    static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The lower-case digit of the low four bits.
    static func character(_ value: UInt8) -> UInt8 {
        let value = value & 0xf
        return value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private static func text(of bytes: some Collection<UInt8>, prefix: [UInt8]) -> String {
        var text = prefix
        text.reserveCapacity(prefix.count + 2 * bytes.count)
        for byte in bytes {
            text.append(character(byte >> 4))
            text.append(character(byte))
        }
        return String(decoding: text, as: UTF8.self)
    }
}
