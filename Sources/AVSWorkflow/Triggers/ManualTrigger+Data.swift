public import AVSModel
public import AVSPrimitives

/// What a manual trigger accepts as data, in its configuration and when it is fired.
///
/// - Source: execution-engine.md 4.2; aggregator-api.md 2.8, *TriggerTask* row 5.
extension ManualTrigger {
    /// For text that is JSON.
    public static let jsonLimitBytes = 1_048_576
    /// For text in any other language.
    public static let textLimitBytes = 102_400

    /// Values that are no text are always fine; text has to be of its language, as far as that can be told, and short.
    ///
    /// - Throws: ``NodeFailure`` 3001, or 3002 for text of another language that is too long.
    public static func check(data: JSONValue?, language: Language?) throws(NodeFailure) {
        guard let data, !data.isNull else {
            throw NodeFailure(code: .invalidTriggerConfig, "ManualTrigger data is required and cannot be null")
        }
        guard let language else {
            throw NodeFailure(
                code: .invalidTriggerConfig, "language field (lang) is required and cannot be LANG_UNSPECIFIED")
        }
        guard case .string(let text) = data else { return }
        let limit = language == .json ? jsonLimitBytes : textLimitBytes
        guard text.utf8.count <= limit else {
            var failure = NodeFailure.tooLarge("ManualTrigger data", field: "data", size: text.utf8.count, limit: limit)
            if language == .json { failure.code = .invalidTriggerConfig }
            throw failure
        }
        guard language == .json else { return }
        do throws(JSONError) {
            _ = try JSONValue(parsing: text, duplicateKeys: .last)
        } catch {
            throw NodeFailure(
                code: .invalidTriggerConfig, "Data must be valid JSON: \(error)",
                details: ["field": "data", "issue": .string(error.description)])
        }
    }

    /// Headers or path parameters as clients spell them: an object of texts, a list of `{key, value}`, or a list of
    /// objects with one member each. Members that are no texts are printed as JSON; anything else is left out.
    public static func pairs(_ value: JSONValue?) -> [String: String] {
        switch value {
        case .object(let members): return members.mapValues(text)
        case .array(let elements):
            var pairs: [String: String] = [:]
            for case .object(let members) in elements {
                if let key = members["key"]?.stringValue, let value = members["value"] {
                    pairs[key] = text(value)
                } else if members.count == 1, let member = members.first {
                    pairs[member.key] = text(member.value)
                }
            }
            return pairs
        default: return [:]
        }
    }

    private static func text(_ value: JSONValue) -> String { value.stringValue ?? value.serialized }
}

extension Language {
    /// A language as configuration maps spell it: its number, `LANG_JSON`, or `json` in any case.
    public init?(spelling: JSONValue) {
        switch spelling {
        case .number(let number):
            guard let number = Int32(exactly: number), let language = Language(rawValue: number) else { return nil }
            self = language
        case .string(let text):
            switch text.lowercased() {
            case "javascript", "js", "lang_javascript": self = .javaScript
            case "json", "lang_json": self = .json
            case "graphql", "lang_graphql": self = .graphQL
            case "handlebars", "lang_handlebars": self = .handlebars
            default: return nil
            }
        default: return nil
        }
    }
}
