import AVSModel
import AVSPrimitives

/// Texts of requests that must name something: ids, names, addresses, keys.
enum RequestText {
    /// - Throws: ``InvalidArgument`` when the text holds a NUL, which no id, name, address or key does.
    @discardableResult
    static func checked(_ text: String, _ what: String) throws(InvalidArgument) -> String {
        guard !text.utf8.contains(0) else {
            throw InvalidArgument(.invalidRequest, "\(what) contains a NUL character")
        }
        return text
    }

    /// A salt: decimal or 0x-hex, at most 256 bits; empty is 0.
    /// - Returns: `nil` when it is none.
    static func salt(_ text: String) -> UInt256? {
        if text.isEmpty { return .zero }
        return text.hasPrefix("0x") || text.hasPrefix("0X") ? UInt256(hex: text) : UInt256(decimal: text)
    }

    /// Whether the text is a negative decimal number.
    static func isNegative(_ text: String) -> Bool {
        text.hasPrefix("-") && text.utf8.count > 1 && text.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
    }
}
