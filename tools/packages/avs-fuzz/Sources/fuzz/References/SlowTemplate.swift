import AVSPrimitives

/// Templates read in the obvious way, scalar by scalar.
enum SlowTemplate {
    struct Part {
        /// Of a marker what stands between its braces, without the blanks around it.
        var text: String
        var isMarker: Bool
    }

    static func parts(of text: String) -> [Part] {
        let scalars = Array(text.unicodeScalars)
        func pair(_ scalar: Unicode.Scalar, from start: Int) -> Int? {
            stride(from: start, to: scalars.count - 1, by: 1).first { scalars[$0] == scalar && scalars[$0 + 1] == scalar }
        }
        func string(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(scalars[range])) }
        var (parts, position) = ([Part](), 0)
        while let start = pair("{", from: position), let end = pair("}", from: start + 2) {
            if start > position { parts.append(Part(text: string(position..<start), isMarker: false)) }
            var inner = (start + 2)..<end
            while let first = inner.first, scalars[first].properties.isWhitespace { inner = (first + 1)..<end }
            while let last = inner.last, scalars[last].properties.isWhitespace { inner = inner.lowerBound..<last }
            parts.append(Part(text: string(inner), isMarker: true))
            position = end + 2
        }
        if position < scalars.count { parts.append(Part(text: string(position..<scalars.count), isMarker: false)) }
        return parts
    }

    /// Whether what follows this beginning of a JSON text stands between quotes.
    static func endsInsideString(_ text: String) -> Bool {
        var (isInside, isEscaped) = (false, false)
        for byte in text.utf8 {
            switch byte {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isInside: isEscaped = true
            case UInt8(ascii: "\""): isInside.toggle()
            default: continue
            }
        }
        return isInside
    }

    static func parse(_ text: String) -> JSONValue? {
        do throws(JSONError) { return try JSONValue(parsing: text) } catch { return nil }
    }

    /// All strings that are values, and all keys, in the order of their sorted keys.
    static func collect(_ value: JSONValue, _ strings: inout [String], _ keys: inout [String]) {
        switch value {
        case .string(let text): strings.append(text)
        case .array(let elements): for element in elements { collect(element, &strings, &keys) }
        case .object(let members):
            for key in members.keys.sorted() {
                keys.append(key)
                if let member = members[key] { collect(member, &strings, &keys) }
            }
        case .null, .bool, .number: return
        }
    }
}
