import AVSPrimitives
import AVSWorkflow
import FuzzInputs

/// Expressions without an engine: paths have the value that a slow walk finds, and parentheses and `!` change nothing
/// but what they say.
struct ExpressionTarget: Target {
    static let name = "expression"
    static let share = 150

    private let variables: [String: JSONValue]

    init() throws { variables = try SampleVariables.values() }

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        Words.changed(seed, words: SampleVariables.words, splicing: other, &random)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        let text = String(decoding: input, as: UTF8.self)
        let result = evaluate(text)
        if let path = SlowPath(text), path.length < 300, let expected = path.value(in: variables) {
            try compare(result, with: expected)
        }
        guard case .success(let value) = result else { return }
        switch evaluate("(\(text))") {
        case .success(let same) where areSame(same, value): break
        case .failure(.needsJavaScript): break  // too deep with one more
        case let other: throw Finding("\(value), in parentheses \(other)")
        }
        switch evaluate("!!(\(text))") {
        case .success(.json(.bool(isTruthy(value)))): break
        case .failure(.needsJavaScript): break
        case let other: throw Finding("\(value), twice negated \(other)")
        }
    }

    private func evaluate(_ text: String) -> ScriptResult {
        SimpleScriptRunner.evaluate(text, variables: variables)
    }

    private func compare(_ result: ScriptResult, with expected: SlowPath.Value) throws(Finding) {
        switch (result, expected) {
        case (.success(.json(let value)), .value(let same)) where value == same: return
        case (.success(.undefined), .missing), (.failure(.thrown), .thrown): return
        // What a prototype has is the engine's, and so is half of a surrogate pair.
        case (.failure(.needsJavaScript), .missing), (.failure(.needsJavaScript), .thrown): return
        case (.failure(.needsJavaScript), .halfACharacter): return
        default: throw Finding("\(result), a slow walk finds \(expected)")
        }
    }

    private func areSame(_ one: ScriptValue, _ other: ScriptValue) -> Bool {
        if case (.json(.number(let a)), .json(.number(let b))) = (one, other), a.isNaN, b.isNaN { return true }
        return one == other
    }

    private func isTruthy(_ value: ScriptValue) -> Bool {
        switch value {
        case .json(.number(let number)): number < 0 || number > 0
        case .json(.string(let text)): text.utf8.count > 0
        case .json(.bool(let bool)): bool
        case .json(.array), .json(.object): true
        case .json(.null), .undefined, .bigInt, .date: false  // the last two have no expression
        }
    }
}

/// The form in which custom code is run. Only code that imports is rewritten.
struct ProgramTarget: Target {
    static let name = "program"
    static let share = 100

    private static let words = [
        "import", "import ", " from ", "'lodash'", "\"dayjs\"", "{", "}", "* as ", "_", ",", ";", "\n", "//", "/*", "*/", "return",
        "require(", "import(", "export ", "default", "`", "'", "\"", "\\", "\u{2028}", "{a as b}", "meta", ".", "$", "/", "=",
    ]

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        Words.changed(seed, words: Self.words, splicing: other, &random)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        let text = String(decoding: input, as: UTF8.self)
        let program = ScriptProgram(text)
        guard text.contains("import") || program.source.utf8.elementsEqual(text.utf8) else {
            throw Finding("code without an import has changed: \(program.source)")
        }
        guard program.source.utf8.count <= 8 * text.utf8.count + 64 else {
            throw Finding("\(text.utf8.count) bytes have become \(program.source.utf8.count)")
        }
    }
}
