import AVSModel
import AVSPrimitives

extension HTTPRequest {
    /// An address as a task has it, as it goes out.
    ///
    /// - Throws: ``NodeFailure`` for another scheme than HTTP's, or a control character.
    static func url(_ text: String) throws(NodeFailure) -> String {
        let scheme = text.prefix(8).lowercased()
        guard scheme.hasPrefix("http://") || scheme.hasPrefix("https://") else {
            throw NodeFailure("invalid URL format (must start with http:// or https://)")
        }
        guard let url = encoded(text) else { throw NodeFailure("invalid URL format (control character)") }
        return url
    }

    /// With blanks and everything that is not visible ASCII percent-encoded; nil for control characters, which no value
    /// needs and with which one could begin another request.
    private static func encoded(_ url: String) -> String? {
        var bytes: [UInt8] = []
        for byte in url.utf8 {
            switch byte {
            case 0..<0x20, 0x7f: return nil
            case UInt8(ascii: " "), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"),
                UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"), 0x80...:
                bytes += "%\(Hex.encode([byte]).uppercased())".utf8
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What may stand in a path segment or a query's value as it is: letters, digits, `-._~`. The rest is
    /// percent-encoded.
    static func component(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += "%\(Hex.encode([byte]).uppercased())".utf8
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension HTTPResponse {
    /// Deeper JSON is passed on as text: an output may be 64 deep with everything around it.
    static let depth = 60

    /// The body: JSON if it is JSON, whatever type was announced; else the text, also the empty one.
    var value: JSONValue {
        if body.isEmpty { return "" }
        return json ?? .string(String(decoding: body, as: UTF8.self))
    }

    /// Nil if the body is no JSON. Whole numbers that a double would round are texts, as everywhere between nodes
    /// (execution-engine.md 0.3).
    var json: JSONValue? {
        do throws(JSONError) {
            return try JSONValue(
                parsing: body, maximumDepth: Self.depth, duplicateKeys: .last, integers: .exactText)
        } catch {
            return nil
        }
    }
}
