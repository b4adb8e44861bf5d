import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSWorkflow

@Suite("An expression")
struct ExpressionTests {
    private static func variables() throws -> [String: JSONValue] {
        try #require(try JSONValue(parsing: JavaScriptVectors.variables).objectValue)
    }

    private static func evaluate(_ text: String, _ variables: [String: JSONValue]) -> ScriptResult {
        Result { () throws(ScriptError) in try Expression(parsing: text).evaluate(in: variables) }
    }

    /// Our answer in the words of the vectors; nil where we leave the answer to JavaScript.
    private static func words(_ result: ScriptResult) -> String? {
        switch result {
        case .failure(.needsJavaScript): nil
        case .failure(.thrown(let text)): "throws \(text.prefix { $0 != ":" })"
        case .failure(.limit(let text)): "limit \(text)"
        case .success(.undefined): "undefined"
        case .success(.json(.number(let number))): "number \(JavaScriptNumber.text(number))"
        case .success(.json(let value)): "json \(value.serialized)"
        case .success(.bigInt), .success(.date): "neither"
        }
    }

    @Test("answers what JavaScript answers, or leaves the answer to it")
    func vectors() throws {
        let variables = try Self.variables()
        var deferred: [String] = []
        for line in JavaScriptVectors.lines.split(separator: "\n") {
            let parts = try #require(line.firstRange(of: " => "))
            let text = try #require(try JSONValue(parsing: String(line[..<parts.lowerBound])).stringValue)
            let expected = String(line[parts.upperBound...])
            guard let words = Self.words(Self.evaluate(text, variables)) else {
                deferred.append(text)
                continue
            }
            #expect(words == expected, "\(text)")
        }
        // Everything in the grammar of `Expression` that compares no two objects is answered here.
        #expect(deferred.count < 100, "\(deferred)")
    }

    @Test("EE-NB7 reads optional chains and typeof of what is missing")
    func optional() {
        let variables: [String: JSONValue] = ["token": ["amount": 5], "x": [:], "none": nil]
        #expect(Self.evaluate("token?.amount > 0", variables) == .success(.json(true)))
        #expect(Self.evaluate("none?.amount > 0", variables) == .success(.json(false)))
        #expect(Self.evaluate("typeof x.data === \"undefined\"", variables) == .success(.json(true)))
    }

    @Test("compares texts by code units, so canonically equal texts differ (INP-1)")
    func codeUnits() {
        let variables: [String: JSONValue] = ["a": "\u{E9}", "b": "e\u{301}", "c": "\u{FF5E}", "d": "\u{1F600}"]
        #expect(Self.evaluate("a === b", variables) == .success(.json(false)))
        #expect(Self.evaluate("a == b", variables) == .success(.json(false)))
        // By code points the second were the greater one; its first code unit is the smaller one.
        #expect(Self.evaluate("c < d", variables) == .success(.json(false)))
    }

    @Test(
        "is bounded in depth and length",
        arguments: [
            String(repeating: "(", count: 5_000) + "1" + String(repeating: ")", count: 5_000),
            String(repeating: "!", count: 50_000) + "1",
            String(repeating: "1||", count: 30_000) + "1",
            "a" + String(repeating: "[a", count: 300) + String(repeating: "]", count: 300),
            "a" + String(repeating: ".a", count: 40_000),
        ])
    func bounds(text: String) {
        guard case .failure(.needsJavaScript) = Self.evaluate(text, [:]) else {
            Issue.record("evaluated")
            return
        }
    }

    @Test("says what it leaves to JavaScript")
    func messages() {
        let variables: [String: JSONValue] = ["s": "x"]
        #expect(
            Self.evaluate("s + 1", variables).failureText
                == "'+' at this place of an expression needs the JavaScript engine, which does not run here")
        #expect(Self.evaluate("s.trim()", variables).failureText.hasPrefix("'(' at this place of an expression needs"))
        #expect(Self.evaluate("s.trim", variables).failureText.hasPrefix("the method 'trim' needs"))
        #expect(Self.evaluate("Math.PI", variables).failureText.hasPrefix("'Math' needs"))
        #expect(Self.evaluate("nope", variables).failureText == "ReferenceError: nope is not defined")
    }

    @Test("never traps on arbitrary text", arguments: 0..<10 as Range<UInt64>)
    func noise(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let words = [
            "a", "b", ".", "?.", "[", "]", "(", ")", "!", "-", "+", "typeof", "===", "==", "<", "&&", "||", "1", "1e",
            "0x", "'", "\"", "\\", "é", "😀", "n", " ", "\n", "}", "{", "=", "null",
        ]
        for _ in 0..<500 {
            let text = (0..<Int.random(in: 0...25, using: &random)).map { _ in words.randomElement(using: &random) ?? ""
            }.joined()
            _ = Self.evaluate(text, ["a": ["b": [1, "x", nil]], "b": "😀", "n": 2])
        }
    }
}

extension Result where Failure == ScriptError {
    fileprivate var failureText: String {
        switch self {
        case .success: ""
        case .failure(let error): error.description
        }
    }
}
