/// A text with `{{ expression }}` markers, taken apart.
///
/// A marker reaches from a `{{` to the next `}}`. The text is scanned forward once: what a marker is replaced by is
/// never looked at again, so a value that holds markers itself is not expanded (execution-engine.md 3.2). An unclosed
/// `{{` and a lone `}}` are text.
public struct Template: Hashable, Sendable {
    enum Piece: Hashable, Sendable {
        case text(String)
        /// What stands between the braces, without the blanks around it; and the marker as it was written.
        case marker(expression: String, source: String)
    }

    let pieces: [Piece]

    public init(_ text: String) {
        var pieces: [Piece] = []
        let bytes = Array(text.utf8)
        var position = 0
        while let start = Self.position(of: UInt8(ascii: "{"), in: bytes, from: position),
            let end = Self.position(of: UInt8(ascii: "}"), in: bytes, from: start + 2)
        {
            if start > position { pieces.append(.text(String(decoding: bytes[position..<start], as: UTF8.self))) }
            let inner = String(decoding: bytes[(start + 2)..<end], as: UTF8.self)
            let source = String(decoding: bytes[start..<(end + 2)], as: UTF8.self)
            pieces.append(.marker(expression: inner.trimmingBlanks(), source: source))
            position = end + 2
        }
        if position < bytes.count { pieces.append(.text(String(decoding: bytes[position...], as: UTF8.self))) }
        self.pieces = pieces
    }

    public var hasMarkers: Bool {
        pieces.contains {
            switch $0 {
            case .marker: true
            case .text: false
            }
        }
    }

    /// Where a byte first stands twice in a row.
    private static func position(of byte: UInt8, in bytes: [UInt8], from start: Int) -> Int? {
        guard start + 1 < bytes.count else { return nil }
        return (start..<(bytes.count - 1)).first { bytes[$0] == byte && bytes[$0 + 1] == byte }
    }
}

extension String {
    /// Without white space at both ends.
    func trimmingBlanks() -> String {
        var scalars = Substring(self).unicodeScalars
        while let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }
}
