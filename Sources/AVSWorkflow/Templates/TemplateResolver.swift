public import AVSPrimitives

/// Replaces the markers of templates by the values of variables.
///
/// Paths are resolved here; every other expression goes to the script runner. A value has one text wherever it is used;
/// in the body of a JSON request it is escaped for the place where it stands.
///
/// - Source: execution-engine.md 3.
public struct TemplateResolver: Sendable {
    /// Where the text goes.
    public enum Style: Hashable, Sendable {
        case plain
        /// A JSON document: values are escaped for use inside string literals.
        case json
    }

    /// A template after substitution.
    public struct Rendered: Hashable, Sendable {
        /// Unresolved markers have become the word `undefined`.
        public var text: String
        /// In the order of their first use, each once.
        public var unresolved: [Unresolved]
    }

    /// An expression that has no value.
    public struct Unresolved: Hashable, Sendable {
        /// As written, without the braces.
        public var expression: String
        /// Nil when the expression simply evaluated to nothing, or may not be evaluated.
        public var reason: ScriptError?
    }

    /// A longer text with markers is refused before anything is evaluated (execution-engine.md 3.10).
    public static let sizeLimitBytes = 102_400
    /// A longer result is refused: a short text may use a long value a thousand times. The largest templated field is
    /// the body of a request.
    public static let resultLimitBytes = 10_485_760

    public var variables: [String: JSONValue]
    public var scripts: any ScriptRunner

    public init(variables: [String: JSONValue], scripts: any ScriptRunner) {
        self.variables = variables
        self.scripts = scripts
    }

    /// The text of a field whose markers must all resolve.
    ///
    /// - Parameter context: The field's name in messages: `url`, `header value`, `method 'balanceOf'`.
    /// - Throws: ``NodeFailure`` naming the expressions without a value; 3002 for a text that is too long.
    public func resolve(
        _ text: String, in context: String, style: Style = .plain
    ) async throws(NodeFailure) -> String {
        try Self.checked(try await render(text, in: context, style: style), in: context)
    }

    /// The same with paths and simple comparisons only, for places where no script may run.
    ///
    /// - Throws: as ``resolve(_:in:style:)``.
    static func resolveWithoutScripts(
        _ text: String, in context: String, variables: [String: JSONValue]
    ) throws(NodeFailure) -> String {
        let template = Template(text)
        try checkSize(of: text, in: context)
        let resolver = TemplateResolver(variables: variables, scripts: SimpleScriptRunner())
        var (values, waiting) = resolver.evaluatePaths(of: template)
        for asked in waiting { values[asked.expression] = Value(resolver.evaluateSimply(asked.script)) }
        return try checked(try join(template, values, in: context, style: .plain), in: context)
    }

    private static func checked(_ rendered: Rendered, in context: String) throws(NodeFailure) -> String {
        guard rendered.unresolved.isEmpty else { throw .unresolved(rendered.unresolved, in: context) }
        return rendered.text
    }

    /// The text of a field that may hold the word `undefined`: branch and filter expressions.
    ///
    /// - Throws: ``NodeFailure`` 3002 for a text that is too long.
    public func render(
        _ text: String, in context: String, style: Style = .plain
    ) async throws(NodeFailure) -> Rendered {
        let template = Template(text)
        guard template.hasMarkers else { return Rendered(text: text, unresolved: []) }
        try Self.checkSize(of: text, in: context)
        return try Self.join(template, await evaluate(template), in: context, style: style)
    }

    private static func checkSize(of text: String, in context: String) throws(NodeFailure) {
        guard text.utf8.count <= sizeLimitBytes else {
            throw .tooLarge("\(context) template", field: context, size: text.utf8.count, limit: sizeLimitBytes)
        }
    }

    private static func join(
        _ template: Template, _ values: Values, in context: String, style: Style
    ) throws(NodeFailure) -> Rendered {
        var result = ""
        var tracker = JSONStringTracker()
        for piece in template.pieces {
            switch piece {
            case .text(let text):
                result += text
                if style == .json { tracker.advance(over: text) }
            case .marker(let expression, _):
                result += replacement(values[expression], style, isInsideString: tracker.isInsideString)
            }
            guard result.utf8.count <= resultLimitBytes else {
                throw .tooLarge(
                    "\(context) after substitution", field: context, size: result.utf8.count, limit: resultLimitBytes)
            }
        }
        return Rendered(text: result, unresolved: unresolved(of: template, values))
    }

    // MARK: Evaluation

    private enum Value {
        case deleted
        case resolved(ScriptValue)
        case unresolved(ScriptError?)

        init(_ result: ScriptResult) {
            switch result {
            case .success(let value): self = value.isResolved ? .resolved(value) : .unresolved(nil)
            case .failure(let error): self = .unresolved(error)
            }
        }
    }

    /// The values of a template's expressions, told apart by their bytes: to Swift `é` is `e` with an accent behind it,
    /// to JavaScript it is another name (INP-1).
    private struct Values {
        private var values: [[UInt8]: Value] = [:]

        subscript(expression: String) -> Value? {
            get { values[Array(expression.utf8)] }
            set { values[Array(expression.utf8)] = newValue }
        }
    }

    /// Each expression of the template is evaluated once; those for the runner go there together.
    private func evaluate(_ template: Template) async -> Values {
        var (values, waiting) = evaluatePaths(of: template)
        guard !waiting.isEmpty else { return values }
        let results = await scripts.evaluate(waiting.map(\.script), variables: variables)
        for (asked, result) in zip(waiting, results) { values[asked.expression] = Value(result) }
        return values
    }

    /// An expression as the template has it, and as a runner gets it.
    private typealias Waiting = (expression: String, script: String)

    /// The values of what needs no runner, and the rest, which counts as unresolved until it is evaluated.
    private func evaluatePaths(of template: Template) -> (values: Values, waiting: [Waiting]) {
        var values = Values()
        var waiting: [Waiting] = []
        for case .marker(let text, _) in template.pieces where values[text] == nil {
            switch MarkerExpression(text) {
            case .deleted: values[text] = .deleted
            case .forbidden, .hyphenated: values[text] = .unresolved(nil)
            case .path(let path, let script):
                let result = Result { () throws(ScriptError) in try path.evaluate(in: variables) }
                values[text] = Value(result)
                if case .failure(.needsJavaScript) = result { waiting.append((text, script)) }
            case .script(let script):
                values[text] = .unresolved(nil)
                waiting.append((text, script))
            }
        }
        return (values, waiting)
    }

    private func evaluateSimply(_ script: String) -> ScriptResult {
        Result { () throws(ScriptError) in try Expression(parsing: script).evaluate(in: variables) }
    }

    private static func replacement(_ value: Value?, _ style: Style, isInsideString: Bool) -> String {
        switch value {
        case .deleted, nil: ""
        case .unresolved: "undefined"
        case .resolved(let value):
            switch style {
            case .plain: TemplateText.plain(value)
            case .json: isInsideString ? TemplateText.insideJSONString(value) : TemplateText.jsonValue(value)
            }
        }
    }

    private static func unresolved(of template: Template, _ values: Values) -> [Unresolved] {
        var found: [Unresolved] = []
        var seen: Set<[UInt8]> = []
        for case .marker(let expression, _) in template.pieces {
            if case .unresolved(let reason) = values[expression], seen.insert(Array(expression.utf8)).inserted {
                found.append(Unresolved(expression: expression, reason: reason))
            }
        }
        return found
    }
}
