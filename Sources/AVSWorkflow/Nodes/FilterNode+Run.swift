import AVSModel
import AVSPrimitives

/// The filter node: the elements of a list for which an expression holds, in their order and with their types.
///
/// - Source: execution-engine.md 5.8.
extension FilterNode {
    static let expressionLimitBytes = 102_400

    func run(in context: NodeContext, log: inout [String]) async throws(NodeFailure) -> NodeOutcome {
        guard !expression.trimmingBlanks().isEmpty else {
            throw NodeFailure(code: .missingRequiredField, "FilterNode expression is empty")
        }
        guard expression.utf8.count <= Self.expressionLimitBytes else {
            throw .tooLarge(
                "FilterNode expression", field: "expression", size: expression.utf8.count,
                limit: Self.expressionLimitBytes)
        }
        guard !inputVariable.trimmingBlanks().isEmpty else {
            throw NodeFailure(code: .missingRequiredField, "FilterNode inputVariable is empty")
        }
        let input = try await input(in: context)
        let predicate = await FilterPredicate(expression, in: context)
        let verdicts = try await predicate.verdicts(on: input.elements, in: context)
        if input.isSingle, case .failure(let error)? = verdicts.first {
            throw NodeFailure("failed to evaluate filter expression: \(error.description.excerpt(300))")
        }
        var kept: [JSONValue] = []
        var failed = 0
        for (element, verdict) in zip(input.elements, verdicts) {
            switch verdict {
            case .success(true): kept.append(element)
            case .success(false): break
            case .failure: failed += 1
            }
        }
        log.append("Filter: \(kept.count) of \(input.elements.count) elements pass")
        if failed > 0 { log.append("Skipped: \(failed) elements on which the expression failed") }
        return NodeOutcome(output: .array(kept))
    }

    /// What is filtered; a single object counts as a list of one.
    private func input(
        in context: NodeContext
    ) async throws(NodeFailure) -> (elements: [JSONValue], isSingle: Bool) {
        let name = "input variable '\(inputVariable.excerpt(200))'"
        switch await context.value(of: inputVariable) {
        case .success(.json(.array(let elements))): return (elements, false)
        case .success(.json(.object(let members))): return ([.object(members)], true)
        case .success(let value) where value.isResolved:
            throw NodeFailure("\(name) is of unsupported type \(value.typeName): an array or an object is needed")
        case .success: throw NodeFailure("\(name) could not be resolved")
        case .failure(let error):
            if case .thrown = error { throw NodeFailure("\(name) could not be resolved") }
            throw NodeFailure("\(name) could not be resolved: \(error)")
        }
    }
}

/// A filter's expression with its markers replaced, ready to judge elements.
struct FilterPredicate: Sendable {
    /// For all elements together.
    static let timeLimit: Duration = .seconds(10)

    /// What is evaluated with `value` and `index` in scope.
    let text: String

    /// An expression that is one marker as a whole loses its braces; other markers are replaced by their values as
    /// execution-engine.md 3.7 has it.
    init(_ expression: String, in context: NodeContext) async {
        let trimmed = expression.trimmingBlanks()
        let pieces = Template(trimmed).pieces
        if pieces.count == 1, case .marker(let inner, _)? = pieces.first {
            text = inner
        } else {
            text = await FilterTemplate.substitute(
                trimmed, variables: context.variables, scripts: context.environment.scripts,
                now: context.environment.time.now
            ).trimmingBlanks()
        }
    }

    typealias Verdict = Result<Bool, ScriptError>

    /// One verdict per element: whether the expression is truthy, or why it has no value.
    ///
    /// - Throws: ``NodeFailure`` for an expression that is no JavaScript, and at a limit of time.
    func verdicts(on elements: [JSONValue], in context: NodeContext) async throws(NodeFailure) -> [Verdict] {
        guard !elements.isEmpty else { return [] }
        if let verdicts = try simply(elements, in: context) { return verdicts }
        return try await byScript(elements, in: context)
    }

    // MARK: Without JavaScript

    /// Nil where only JavaScript can tell.
    private func simply(_ elements: [JSONValue], in context: NodeContext) throws(NodeFailure) -> [Verdict]? {
        let expression: Expression
        do throws(ScriptError) { expression = try Expression(parsing: expressionText) } catch { return nil }
        let time = context.environment.time
        let deadline = time.monotonic + Self.timeLimit
        var variables = context.variables
        var verdicts: [Verdict] = []
        for (index, element) in elements.enumerated() {
            variables["value"] = element
            variables["index"] = .number(Double(index))
            do throws(ScriptError) {
                verdicts.append(.success(try expression.evaluate(in: variables).isTruthy))
            } catch {
                if case .needsJavaScript = error { return nil }
                verdicts.append(.failure(error))
            }
            guard index % 1_000 != 0 || (time.monotonic <= deadline && !Task.isCancelled) else {
                throw NodeFailure("filter stopped after \(index + 1) of \(elements.count) elements: timeout")
            }
        }
        return verdicts
    }

    // MARK: By script

    /// As an expression; where that is no JavaScript and the text holds a statement's word, as a function's body.
    private func byScript(_ elements: [JSONValue], in context: NodeContext) async throws(NodeFailure) -> [Verdict] {
        let arguments = elements.enumerated().map { [$1, .number(Double($0))] }
        let scripts = context.environment.scripts
        // Only whether it is truthy comes back: a function is, and a large element need not travel.
        var function = ScriptFunction(parameters: ["value", "index"], body: "!!(\n\(expressionText)\n)")
        var result = await scripts.call(function, with: arguments, variables: context.variables)
        if case .failure(let error) = result, holdsStatement, error.isSyntaxError {
            function = ScriptFunction(parameters: function.parameters, body: text, isExpression: false)
            result = await scripts.call(function, with: arguments, variables: context.variables)
        }
        let answers: [ScriptResult]
        do throws(ScriptError) { answers = try result.get() } catch { throw Self.failure(error) }
        guard answers.count == elements.count else { throw Self.failure(.limit("there is no answer on each element")) }
        var verdicts: [Verdict] = []
        for answer in answers {
            // What one element throws is that element's; what the runner cannot do is nobody's.
            if case .failure(let error) = answer, !error.isThrown { throw Self.failure(error) }
            verdicts.append(answer.map(\.isTruthy))
        }
        return verdicts
    }

    /// The text without the `;` that may end it: behind `return` it is a statement.
    private var expressionText: String {
        var text = text
        while text.hasSuffix(";") { text = String(text.dropLast()).trimmingBlanks() }
        return text
    }

    private static func failure(_ error: ScriptError) -> NodeFailure {
        NodeFailure("failed to evaluate filter expression: \(error.description.excerpt(300))")
    }

    /// Whether `if` or `return` stands in the text as a word of its own.
    private var holdsStatement: Bool {
        text.unicodeScalars.split { !ExpressionLexer.continuesName($0) }
            .contains { ["if", "return"].contains(String($0)) }
    }
}

extension ScriptError {
    fileprivate var isThrown: Bool { if case .thrown = self { true } else { false } }
}
