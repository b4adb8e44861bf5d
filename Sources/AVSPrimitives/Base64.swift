/// Base 64 of RFC 4648, canonical only: a text that decodes encodes back to itself, so bytes have one text (INP-9).
public enum Base64 {
    /// Standard alphabet (`+`, `/`), padded with `=`.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        encode(bytes, alphabet: standard, padded: true)
    }

    /// URL alphabet (`-`, `_`), without padding, as JWT wants it.
    public static func encodeURL(_ bytes: some Collection<UInt8>) -> String {
        encode(bytes, alphabet: url, padded: false)
    }

    /// The bytes of a padded text in the standard alphabet.
    ///
    /// Nil for a wrong length, a character outside the alphabet (line breaks too), misplaced padding, or unused bits
    /// that are not zero.
    public static func decode(_ text: String) -> [UInt8]? {
        var characters = text.utf8[...]
        guard characters.count.isMultiple(of: 4) else { return nil }
        for _ in 0..<2 where characters.last == UInt8(ascii: "=") { characters.removeLast() }
        return decode(characters, plus: UInt8(ascii: "+"), slash: UInt8(ascii: "/"))
    }

    /// The bytes of an unpadded text in the URL alphabet; nil as for ``decode(_:)``, and for any padding.
    public static func decodeURL(_ text: String) -> [UInt8]? {
        decode(text.utf8[...], plus: UInt8(ascii: "-"), slash: UInt8(ascii: "_"))
    }

    private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let url = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    private static func encode(_ bytes: some Collection<UInt8>, alphabet: [UInt8], padded: Bool) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
        if padded { while !text.count.isMultiple(of: 4) { text.append(UInt8(ascii: "=")) } }
        return String(decoding: text, as: UTF8.self)
    }

    private static func decode(_ text: Substring.UTF8View, plus: UInt8, slash: UInt8) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for character in text {
            guard let value = value(of: character, plus: plus, slash: slash) else { return nil }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        // Six bits left over means a lone last character; other left-over bits must be zero to be canonical.
        guard count < 6, bits & (1 << UInt32(count) - 1) == 0 else { return nil }
        return bytes
    }

    private static func value(of character: UInt8, plus: UInt8, slash: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case plus: 62
        case slash: 63
        default: nil
        }
    }
}
