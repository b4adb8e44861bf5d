/// Text → the inside of a JSON string, up to a number of bytes.
///
/// The one place that decides which characters may stand in a log (LOG-1): nothing that moves a terminal's cursor, ends
/// a line or turns the direction of the text leaves it unescaped, whatever a peer put into a name.
enum LineEscaper {
    static let ellipsis = Array("…".utf8)

    /// - Parameter limit: bytes of the result, an ellipsis where something was cut included.
    static func escaped(_ text: String, limit: Int) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(min(limit, text.utf8.count + 8))
        // Where to cut back to, so that the ellipsis fits.
        var lastFit = 0
        for scalar in text.unicodeScalars {
            append(scalar, to: &output)
            if output.count > limit {
                output.removeSubrange(lastFit...)
                return limit >= ellipsis.count ? output + ellipsis : []
            }
            if output.count <= limit - ellipsis.count { lastFit = output.count }
        }
        return output
    }

    private static func append(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
        switch scalar {
        case "\"": output += "\\\"".utf8
        case "\\": output += "\\\\".utf8
        case "\n": output += "\\n".utf8
        case "\r": output += "\\r".utf8
        case "\t": output += "\\t".utf8
        default:
            if isControl(scalar) {
                appendCode(scalar.value, to: &output)
            } else {
                output += UTF8.encode(scalar).map(Array.init) ?? []
            }
        }
    }

    /// C0, DEL, C1, line and paragraph separators, and everything that changes the direction of text.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x61c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }

    /// All of them are below U+10000.
    private static func appendCode(_ value: UInt32, to output: inout [UInt8]) {
        output += "\\u".utf8
        for shift in [12, 8, 4, 0] as [UInt32] {
            let digit = UInt8(truncatingIfNeeded: value >> shift & 0xf)
            output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
