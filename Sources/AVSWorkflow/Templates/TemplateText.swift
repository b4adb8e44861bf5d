import AVSPrimitives

/// The text that a resolved value leaves in the place of its marker.
enum TemplateText {
    /// Strings as they are, numbers as JavaScript prints them, arrays and objects as compact JSON with sorted keys
    /// (execution-engine.md 3.4).
    static func plain(_ value: ScriptValue) -> String {
        switch value {
        case .undefined, .json(.null): "undefined"
        case .bigInt(let digits): digits
        case .date(let date): text(of: date)
        case .json(.bool(let bool)): bool ? "true" : "false"
        case .json(.number(let number)): JavaScriptNumber.text(number)
        case .json(.string(let text)): text
        case .json(let value): value.serialized
        }
    }

    /// The same for a place between the quotes of a JSON string: escaped, without quotes (3.5).
    static func insideJSONString(_ value: ScriptValue) -> String {
        String(JSONValue.string(plain(value)).serialized.dropFirst().dropLast())
    }

    /// The same for a place outside any JSON string: an array or object is JSON as it stands. A text is escaped here
    /// too, so that it cannot add members to the document around it.
    static func jsonValue(_ value: ScriptValue) -> String {
        switch value {
        case .json(.array), .json(.object): plain(value)
        default: insideJSONString(value)
        }
    }

    /// `2026-01-15 10:30:00.000 +0000 UTC`.
    private static func text(of date: Timestamp) -> String {
        date.iso8601.dropLast().split(separator: "T").joined(separator: " ") + " +0000 UTC"
    }
}

/// Whether a position in a JSON text lies between the quotes of a string.
struct JSONStringTracker {
    private(set) var isInsideString = false
    private var isEscaped = false

    mutating func advance(over text: String) {
        for byte in text.utf8 {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = isInsideString
            } else if byte == UInt8(ascii: "\"") {
                isInsideString.toggle()
            }
        }
    }
}
