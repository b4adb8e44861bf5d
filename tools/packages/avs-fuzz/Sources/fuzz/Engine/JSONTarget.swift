import AVSPrimitives
import FuzzInputs

/// The JSON parser accepts what the grammar of RFC 8259 accepts, within its limits, and what it reads it can write.
struct JSONTarget: Target {
    static let name = "json"
    static let share = 250

    private static let words = [
        "{", "}", "[", "]", ",", ":", "\"", "\"a\":", "null", "true", "false", "0", "-0", "-", "1.5", "1e5", "1E-7", "1e309",
        "5e-324", "9007199254740993", "123456789012345678901234567890", "\\u0000", "\\ud83d\\ude00", "\\ud83d", "\\n", "\\/",
        "\\x", "\u{FEFF}", "\t", "\r\n", "\u{7F}", "é", "😀", "[[[[[[[[", "]]]]]]]]", "{\"a\":{\"b\":", "//", "NaN", "+1", ".5", "01",
    ]

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        Words.changed(seed, words: Self.words, splicing: other, &random)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        let depth = random.oneIn(2) ? 64 : 512
        switch Result(catching: { () throws(JSONError) in try JSONValue(parsing: input, maximumDepth: depth) }) {
        case .success(let value):
            try check(value, of: input, depth)
            try checkWholeNumbers(input)
        case .failure(let error): try check(error, of: input)
        }
    }

    private func check(_ error: JSONError, of input: [UInt8]) throws(Finding) {
        guard error.offset <= input.count else { throw Finding("'\(error)' in \(input.count) bytes") }
        switch error.reason {
        // Limits that the grammar does not know.
        case .tooDeep, .duplicateKey, .numberOutOfRange: return
        case .invalidUTF8, .endsEarly, .unexpectedByte, .malformedNumber, .malformedString:
            if JSONGrammar.accepts(input) { throw Finding("refused: \(error)") }
        }
    }

    private func check(_ value: JSONValue, of input: [UInt8], _ depth: Int) throws(Finding) {
        guard JSONGrammar.accepts(input) else { throw Finding("accepted as \(value.serialized)") }
        let text = value.serialized
        guard let again = parse(Array(text.utf8), depth), again == value, again.serialized == text else {
            throw Finding("is written as \(text), which is another value")
        }
    }

    /// With whole numbers kept exact, nothing but large whole numbers changes its kind.
    private func checkWholeNumbers(_ input: [UInt8]) throws(Finding) {
        guard let plain = parse(input, 64), let exact = parseExactly(input) else { return }
        if case .number(let number) = plain {
            switch exact {
            case .number(number): return
            case .string(let digits) where number.magnitude > 9_007_199_254_740_991 && Double(digits) == number: return
            default: throw Finding("\(number) is exactly \(exact)")
            }
        }
    }

    private func parse(_ bytes: [UInt8], _ depth: Int) -> JSONValue? {
        do throws(JSONError) { return try JSONValue(parsing: bytes, maximumDepth: depth) } catch { return nil }
    }

    private func parseExactly(_ bytes: [UInt8]) -> JSONValue? {
        do throws(JSONError) { return try JSONValue(parsing: bytes, integers: .exactText) } catch { return nil }
    }
}
