import AVSPrimitives

/// What stands in a marker, classified before anything is evaluated (execution-engine.md 3.2, 3.3).
enum MarkerExpression: Hashable, Sendable {
    /// Empty, or a marker inside a marker: it is deleted.
    case deleted
    /// Holds a forbidden word: it may not be evaluated.
    case forbidden
    /// A path that begins with a name with a hyphen: no variable has such a name.
    case hyphenated
    /// A variable with names and literal indices behind it; and as a script, for what only JavaScript can tell, such as
    /// one of its own globals.
    case path(Expression, script: String)
    /// Anything else: for the script runner.
    case script(String)

    /// - Parameter digitsAreIndices: `list.1` means `list[1]`, as filter expressions have it.
    init(_ text: String, digitsAreIndices: Bool = false) {
        guard !text.isEmpty, !text.contains("{{") else {
            self = .deleted
            return
        }
        var source = text
        if Self.isSimplePath(text) {
            let segments = text.split(separator: ".", omittingEmptySubsequences: false)
            if segments.first?.utf8.contains(UInt8(ascii: "-")) == true {
                self = .hyphenated
                return
            }
            source = Self.rewrite(segments, digitsAreIndices: digitsAreIndices)
        }
        guard !JavaScriptNames.containsForbiddenWord(text) else {
            self = .forbidden
            return
        }
        do throws(ScriptError) {
            let expression = try Expression(parsing: source)
            self = expression.isPlainPath ? .path(expression, script: source) : .script(source)
        } catch {
            self = .script(source)
        }
    }

    /// None of the signs of an expression: what may be cut at its dots.
    private static func isSimplePath(_ text: String) -> Bool {
        if text.utf8.contains(where: expressionSigns.contains) { return false }
        return !["==", "!=", "&&", "||"].contains { text.contains($0) }
    }

    private static let expressionSigns: Set<UInt8> = Set(" +*/%()[]\"'`><".utf8)

    /// `t.headers.X-Id` becomes `t.headers["X-Id"]`; where numbers are indices, `a.list.0` becomes `a.list[0]`.
    private static func rewrite(_ segments: [Substring], digitsAreIndices: Bool) -> String {
        var path = segments.first.map(String.init) ?? ""
        for segment in segments.dropFirst() {
            let isNumber = !segment.isEmpty && segment.utf8.allSatisfy { (0x30...0x39).contains($0) }
            if digitsAreIndices, isNumber {
                path += "[\(segment)]"
            } else if segment.utf8.contains(UInt8(ascii: "-")) {
                path += "[\"\(segment)\"]"
            } else {
                path += ".\(segment)"
            }
        }
        return path
    }
}

extension ScriptRunner {
    /// The value of a path: found here, without a runner, unless only JavaScript can tell.
    func evaluate(
        _ path: Expression, elseScript script: String, variables: [String: JSONValue]
    ) async -> ScriptResult {
        let result = Result { () throws(ScriptError) in try path.evaluate(in: variables) }
        guard case .failure(.needsJavaScript) = result else { return result }
        return await evaluate(script, variables: variables)
    }
}
