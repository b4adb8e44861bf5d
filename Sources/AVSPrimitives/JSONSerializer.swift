extension JSONValue {
    /// Compact JSON: no white space, object keys in the order of their UTF-8 bytes, numbers as ECMAScript prints them
    /// (the shortest text that reads back as the same double; whole numbers below 10²¹ without point or exponent).
    ///
    /// Equal values give equal text. Infinities and NaN, which JSON cannot say, become `0`; so does −0.
    public var serialized: String { String(decoding: serializedBytes, as: UTF8.self) }

    /// The UTF-8 bytes of ``serialized``.
    public var serializedBytes: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    private func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .number(let value): bytes += Self.text(of: value).utf8
        case .string(let value): Self.append(quoting: value, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            let ordered = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in ordered.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.append(quoting: member.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func append(quoting text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x08: bytes += "\\b".utf8
            case 0x09: bytes += "\\t".utf8
            case 0x0a: bytes += "\\n".utf8
            case 0x0c: bytes += "\\f".utf8
            case 0x0d: bytes += "\\r".utf8
            case 0..<0x20, 0x7f: bytes += "\\u00\(Hex.encode([byte]))".utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// The text of a number as ECMAScript's `Number::toString` and RFC 8785 define it.
    public static func text(of value: Double) -> String {
        guard value.isFinite, value != 0 else { return "0" }
        if let whole = Int64(exactly: value), abs(value) < 9_007_199_254_740_992 { return String(whole) }
        // Swift's description has the same shortest digits in another layout: take it apart, lay it out anew.
        var digits: [UInt8] = []
        var pointAfter: Int?
        var exponent = 0
        let mantissaAndExponent = value.magnitude.description.utf8.split(separator: UInt8(ascii: "e"))
        for character in mantissaAndExponent[0] {
            if character == UInt8(ascii: ".") { pointAfter = digits.count } else { digits.append(character) }
        }
        if mantissaAndExponent.count > 1 { exponent = Int(Substring(mantissaAndExponent[1])) ?? 0 }
        var point = (pointAfter ?? digits.count) + exponent
        let leadingZeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
        digits.removeFirst(leadingZeros)
        point -= leadingZeros
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return (value < 0 ? "-" : "") + layout(String(decoding: digits, as: UTF8.self), point: point)
    }

    /// Lays out 0.`digits` × 10^`point`.
    private static func layout(_ digits: String, point: Int) -> String {
        let count = digits.utf8.count
        switch point {
        case count...21: return digits + String(repeating: "0", count: point - count)
        case 1...21: return "\(digits.prefix(point)).\(digits.dropFirst(point))"
        case -5...0: return "0." + String(repeating: "0", count: -point) + digits
        default:
            let fraction = count > 1 ? ".\(digits.dropFirst())" : ""
            return "\(digits.prefix(1))\(fraction)e\(point > 0 ? "+" : "-")\(abs(point - 1))"
        }
    }
}
