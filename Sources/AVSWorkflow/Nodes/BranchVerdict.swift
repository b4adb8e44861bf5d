import AVSPrimitives

/// How a branch's expression was decided.
struct Verdict: Sendable {
    enum Outcome: Hashable, Sendable {
        case boolean(Bool)
        case empty
        /// A forbidden word stands in the text after substitution.
        case forbidden
        case notBoolean
        case failed(String)
    }

    var outcome: Outcome
    /// The text after substitution.
    var processed: String
    /// The operands of a comparison, with their values.
    var comparison: EvaluatedComparison?
    /// The expression as it is shown: without the braces of markers.
    private var shown: String

    init(of expression: String, in context: NodeContext) async throws(NodeFailure) {
        shown = expression.trimmingBlanks()
        processed = ""
        outcome = .empty
        guard !shown.isEmpty else { return }
        guard expression.utf8.count <= TemplateResolver.sizeLimitBytes else {
            throw .tooLarge(
                "branch expression", field: "expression", size: expression.utf8.count,
                limit: TemplateResolver.sizeLimitBytes)
        }
        let rendered = try await context.templates.render(expression, in: "branch expression")
        processed = rendered.text.trimmingBlanks()
        guard !processed.isEmpty else { return }
        guard !JavaScriptNames.containsForbiddenWord(processed) else {
            outcome = .forbidden
            return
        }
        shown = Self.withoutBraces(expression) ?? processed
        let operands = ComparisonText(shown)
        let scripts = ["(\(processed))"] + (operands.map { [$0.left, $0.right] } ?? [])
        let results = await context.environment.scripts.evaluate(scripts, variables: context.variables)
        outcome = Self.outcome(results.first, of: rendered)
        if let operands, results.count == 3 {
            comparison = EvaluatedComparison(text: operands, left: results[1], right: results[2])
        }
    }

    /// A marker that only JavaScript could evaluate makes the whole an error: the word in its place means nothing.
    private static func outcome(_ result: ScriptResult?, of rendered: TemplateResolver.Rendered) -> Outcome {
        for marker in rendered.unresolved {
            if case .needsJavaScript = marker.reason, let reason = marker.reason { return .failed(reason.description) }
        }
        switch result {
        case .success(.json(.bool(let bool))): return .boolean(bool)
        case .success: return .notBoolean
        case .failure(let error): return .failed(error.description)
        case nil: return .failed("the script runner gave no answer")
        }
    }

    /// The expression with its markers opened: `{{a.n}} > 5` is `a.n > 5`. Nil if a marker stands inside quotes, where
    /// its expression would be a text.
    private static func withoutBraces(_ expression: String) -> String? {
        var text = ""
        var quotes = QuoteTracker()
        for piece in Template(expression).pieces {
            switch piece {
            case .text(let part):
                text += part
                for byte in part.utf8 { quotes.advance(byte) }
            case .marker(let expression, _):
                if quotes.isInside { return nil }
                text += expression
            }
        }
        return text.trimmingBlanks()
    }

    // MARK: Log

    func log(label: String) -> [String] {
        switch outcome {
        case .empty: return ["\(label): false (empty expression)"]
        case .forbidden: return ["\(label): false (security validation failed)"]
        case .notBoolean: return ["\(label): false (non-boolean result)"]
        case .failed(let reason): return ["\(label): false (evaluation error)", "Error: \(reason.excerpt(300))"]
        case .boolean(let result):
            return ["\(label) condition resolved to \(result)"]
                + (comparison?.log ?? ["Expression: \(shown.excerpt(500))"])
        }
    }
}

/// A comparison's operands with their values.
struct EvaluatedComparison: Sendable {
    var text: ComparisonText
    var left: ScriptResult
    var right: ScriptResult

    var json: JSONValue {
        [
            "leftExpr": .string(text.left), "operator": .string(text.sign), "rightExpr": .string(text.right),
            "left": Self.value(left).json, "right": Self.value(right).json,
        ]
    }

    var log: [String] {
        [
            "Expression: \("\(text.left) \(text.sign) \(text.right)".excerpt(500))",
            "Evaluated: \(Self.display(left)) \(text.sign) \(Self.display(right))",
        ]
    }

    /// An operand that cannot be evaluated on its own is shown as undefined.
    private static func value(_ result: ScriptResult) -> ScriptValue {
        switch result {
        case .success(let value): value
        case .failure: .undefined
        }
    }

    private static func display(_ result: ScriptResult) -> String {
        switch value(result) {
        case .undefined: "undefined"
        case .bigInt(let digits): "\(digits)n".excerpt(100)
        case .date(let date): date.iso8601
        case .json(.null): "null"
        case .json(.bool(let bool)): "\(bool)"
        case .json(.number(let number)): JavaScriptNumber.text(number)
        case .json(.string(let text)): "\"\(text.excerpt(50))\""
        case .json(.array(let elements)): "[array with \(elements.count) items]"
        case .json(.object(let members)): "{object with \(members.count) keys}"
        }
    }
}
