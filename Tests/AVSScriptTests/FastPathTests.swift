import AVSPrimitives
import AVSScript
import AVSTesting
import AVSWorkflow
import Testing

/// Variables with everything that a path can meet, and paths into them.
private struct RandomPaths {
    private static let keys = [
        "a", "b", "data", "a-b", "X-Id", "length", "0", "1", "01", "-0", "1e3", "1.5", "toString", "hasOwnProperty",
        "valueOf", "at",
        "trim", "toFixed", "é", "e\u{301}", "ß", "K\u{212A}", "😀", "", " ", "x y", "q\"'`", "\\", "\n", "\u{2028}", "$",
        "_", "class",
        "undefined", "NaN", "null", "Math", "__proto__", "constructor", "prototype",
    ]
    private static let numbers = [
        0, -0.0, 1, -1.5, 0.1, 1e21, -1e21, 123_456_789.123, 1e-7, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
        9_007_199_254_740_991,
        9_007_199_254_740_992, 9_007_199_254_740_994, 4_294_967_296,
    ]
    private static let texts = [
        "", "abc", "Zoë😀", "e\u{301}", "{{root.a}}", "undefined", "\u{2028}\"\\", "10", " \u{FEFF}\u{85}", "\0",
    ]
    static let roots = [
        "root", "list", "text", "none", "$", "_x", "é", "length", "Math", "missing", "Number", "toString",
    ]

    var random: SeededGenerator
    private(set) var variables: [String: JSONValue] = [:]

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        for name in Self.roots.dropLast(3) { variables[name] = value(depth: 4) }
        variables["none"] = .null
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &random)]
    }

    private mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: depth > 0 ? 0..<9 : 4..<9, using: &random) {
        case 0, 1, 2:
            var members: [String: JSONValue] = [:]
            for _ in 0..<Int.random(in: 0...8, using: &random) { members[pick(Self.keys)] = value(depth: depth - 1) }
            return .object(members)
        case 3: return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(depth: depth - 1) })
        case 4: return .null
        case 5: return .bool(Bool.random(using: &random))
        case 6: return .number(pick(Self.numbers))
        default: return .string(pick(Self.texts))
        }
    }

    /// A path in the notation of templates, and in brackets only.
    mutating func next() -> (template: String, brackets: String, keys: [String]) {
        let root = pick(Self.roots)
        var (template, brackets, keys) = (root, root, [root])
        var value: JSONValue? = variables[root]
        let mayHaveHyphens = Bool.random(using: &random)
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let key = key(of: value)
            let isOptional = Int.random(in: 0..<8, using: &random) == 0
            template += notation(key, isOptional: isOptional, mayHaveHyphens: mayHaveHyphens)
            brackets += "\(isOptional ? "?." : "")[\(JSONValue.string(key).serialized)]"
            keys.append(key)
            value = member(key, of: value)
        }
        return (template, brackets, keys)
    }

    /// Mostly one that is there.
    private mutating func key(of value: JSONValue?) -> String {
        if Int.random(in: 0..<5, using: &random) > 0 {
            switch value {
            case .object(let members) where !members.isEmpty: return pick(members.keys.sorted())
            case .array(let elements): return pick(elements.indices.map(String.init) + ["length", "\(elements.count)"])
            case .string(let text): return pick(["length", "0", "1", "\(text.utf16.count - 1)", "\(text.utf16.count)"])
            default: break
            }
        }
        return pick(Self.keys)
    }

    private func member(_ key: String, of value: JSONValue?) -> JSONValue? {
        if case .array(let elements)? = value, let index = Int(key), elements.indices.contains(index) {
            return elements[index]
        }
        return value?[key]
    }

    private mutating func notation(_ key: String, isOptional: Bool, mayHaveHyphens: Bool) -> String {
        let isName = key.unicodeScalars.allSatisfy { $0 == "$" || $0 == "_" || $0.properties.isIDContinue }
        let startsName = key.unicodeScalars.first.map { $0 == "$" || $0 == "_" || $0.properties.isIDStart } ?? false
        let question = isOptional ? "?" : ""
        if isName, startsName, Bool.random(using: &random) { return "\(question).\(key)" }
        // A hyphen is part of a name only in a path without brackets and quotes; otherwise it is a minus.
        if mayHaveHyphens, !isOptional, key == "a-b" || key == "X-Id" { return ".\(key)" }
        let bracket = isOptional ? "?.[" : "["
        if Int(key).map(String.init) == key, !key.hasPrefix("-") { return "\(bracket)\(key)]" }
        return "\(bracket)\(JSONValue.string(key).serialized)]"
    }
}

@Suite("A plain path of a template", .serialized)
struct FastPathTests {
    private static let forbidden: Set<String> = ["__proto__", "constructor", "prototype"]

    @Test(
        "renders what JavaScript answers, on random paths into random values", arguments: 1...12 as ClosedRange<UInt64>)
    func agrees(seed: UInt64) async throws {
        var paths = RandomPaths(seed: seed)
        try await Workers.with { pool in
            let scripts = pool.serving(Workers.alice)
            let resolver = TemplateResolver(variables: paths.variables, scripts: scripts)
            let drawn = (0..<400).map { _ in paths.next() }
            for start in stride(from: 0, to: drawn.count, by: 50) {
                let some = drawn[start..<start + 50]
                // An array literal is for the engine alone, so each of these is JavaScript's own answer.
                let answers = await scripts.evaluate(some.map { "[\($0.brackets)][0]" }, variables: paths.variables)
                for (path, answer) in zip(some, answers) {
                    let rendered = try await resolver.render("{{ \(path.template) }}", in: "body")
                    if isMinus(path.template) { continue }
                    let isForbidden = path.keys.contains(where: Self.forbidden.contains)
                    let expected = isForbidden ? nil : text(of: answer)
                    #expect(
                        rendered.text.utf8.elementsEqual((expected ?? "undefined").utf8),
                        "\(path.template): \(rendered.text), not \(expected ?? "undefined")")
                    #expect(rendered.unresolved.isEmpty == (expected != nil), "\(path.template)")
                }
            }
            #expect(pool.statistics.failures == [:])
        }
    }

    /// A name with a hyphen in a path that has brackets, or behind the first dot only in one that has none.
    private func isMinus(_ template: String) -> Bool {
        template.contains("-") && (template.contains(".a-b") || template.contains(".X-Id"))
            && template.contains { "[\"' ".contains($0) }
    }

    /// What a template prints for an answer (execution-engine.md 3.4); nil for one that is unresolved.
    private func text(of answer: ScriptResult) -> String? {
        guard case .success(.json(let value)) = answer else { return nil }
        return switch value {
        case .null: nil
        case .string(let text): text
        case .bool(let bool): "\(bool)"
        case .number(let number): number.isNaN ? "NaN" : JSONValue.text(of: number)
        case .array, .object: value.serialized
        }
    }

    @Test("never starts JavaScript for what it can tell itself, and does for what it cannot")
    func withoutWorkers() async throws {
        try await Workers.with { pool in
            let variables: [String: JSONValue] = [
                "a": ["b": [1, ["k-x": "v"]], "s": "Zo\u{1F600}", "é": 1, "length": 7]
            ]
            let resolver = TemplateResolver(variables: variables, scripts: pool.serving(Workers.alice))
            let plain = try await resolver.render(
                "{{a.b[0]}} {{a.b[1][\"k-x\"]}} {{a.s.length}} {{a.length}} {{a.b.length}} {{a.e\u{301}}} {{a.nope}} {{nope.x}} {{a.nope.x}} {{a.constructor}}",
                in: "body")
            #expect(plain.text == "1 v 4 7 2 undefined undefined undefined undefined undefined")
            #expect(pool.statistics.answered == 0)
            // Globals, methods and halves of characters are the engine's.
            let rest = try await resolver.render(
                "{{Number.MAX_SAFE_INTEGER}} {{a.s[2]}} {{a.toString}} {{a.s.trim}}", in: "body")
            #expect(
                rest.text == "9007199254740991 \u{FFFD} undefined undefined"
                    && rest.unresolved.map(\.expression) == ["a.toString", "a.s.trim"])
            #expect(pool.statistics.answered == 1)
        }
    }

    @Test("EE-5.8 is refused once for all elements where it is no JavaScript, also if none of it needs the engine")
    func syntaxErrors() async throws {
        try await Workers.with { pool in
            for body in ["value ==", "value === 'x", "(value"] {
                let refused = await pool.serving(Workers.alice).call(
                    ScriptFunction(parameters: ["value"], body: body), with: [[1], [2]], variables: [:])
                guard case .failure(.thrown(let text)) = refused, text.hasPrefix("SyntaxError") else {
                    Issue.record("\(body): \(refused)")
                    continue
                }
            }
        }
    }
}
