/// A comparison taken apart as text, for the report of a branch. It looks for an operator outside of brackets, braces,
/// parentheses and quotes, in the order of ``signs``; `=>` is none (execution-engine.md 5.7).
struct ComparisonText: Hashable, Sendable {
    var left: String
    var sign: String
    var right: String

    private static let signs = ["===", "!==", "==", "!=", "<=", ">=", "<", ">"]

    init?(_ expression: String) {
        let bytes = Array(expression.utf8)
        let open = Self.topLevel(bytes)
        for sign in Self.signs {
            let pattern = Array(sign.utf8)
            guard let position = open.first(where: { Self.isSign(pattern, at: $0, in: bytes) }) else { continue }
            let left = String(decoding: bytes[..<position], as: UTF8.self).trimmingBlanks()
            let right = String(decoding: bytes[(position + pattern.count)...], as: UTF8.self).trimmingBlanks()
            guard !left.isEmpty, !right.isEmpty else { return nil }
            self.left = left
            self.sign = sign
            self.right = right
            return
        }
        return nil
    }

    private static func isSign(_ pattern: [UInt8], at position: Int, in bytes: [UInt8]) -> Bool {
        guard bytes[position...].starts(with: pattern) else { return false }
        let isArrow = pattern == Array(">".utf8) && position > 0 && bytes[position - 1] == UInt8(ascii: "=")
        return !isArrow
    }

    /// The positions outside of everything that encloses.
    private static func topLevel(_ bytes: [UInt8]) -> [Int] {
        var quotes = QuoteTracker()
        var depth = 0
        var positions: [Int] = []
        for (position, byte) in bytes.enumerated() {
            let wasInside = quotes.isInside
            quotes.advance(byte)
            if wasInside || quotes.isInside { continue }
            switch byte {
            case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
            default: if depth == 0 { positions.append(position) }
            }
        }
        return positions
    }
}

/// Whether a position lies inside a JavaScript string.
struct QuoteTracker {
    private var quote: UInt8?
    private var isEscaped = false

    var isInside: Bool { quote != nil }

    mutating func advance(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if let quote {
            if byte == UInt8(ascii: "\\") { isEscaped = true }
            if byte == quote { self.quote = nil }
        } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "`") {
            quote = byte
        }
    }
}
