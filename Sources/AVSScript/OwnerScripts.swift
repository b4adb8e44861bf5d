public import AVSPrimitives
import AVSScriptFrames
public import AVSWorkflow

extension ScriptPool: ScriptRunner {
    public func serving(_ owner: Address) -> any ScriptRunner { OwnerScripts(pool: self, owner: owner) }

    public func evaluate(_ expressions: [String], variables: [String: JSONValue]) async -> [ScriptResult] {
        await serving(.zero).evaluate(expressions, variables: variables)
    }
}

/// The scripts of one owner, run by the pool. What needs no JavaScript is evaluated here, at once.
struct OwnerScripts: ScriptRunner {
    let pool: ScriptPool
    let owner: Address

    func serving(_ owner: Address) -> any ScriptRunner { OwnerScripts(pool: pool, owner: owner) }

    // MARK: Expressions

    func evaluate(_ expressions: [String], variables: [String: JSONValue]) async -> [ScriptResult] {
        var results = expressions.map { SimpleScriptRunner.evaluate($0, variables: variables) }
        let left = results.indices.filter { Self.needsJavaScript(results[$0]) }
        guard !left.isEmpty else { return results }
        let sources = left.map { expressions[$0] }
        let answer = await ask(
            .expressions(sources), sources: sources, variables: variables, onlyNamed: true,
            limit: pool.settings.expressionLimit)
        switch answer {
        case .success(let answer) where answer.outcomes.count == left.count:
            for (index, outcome) in zip(left, answer.outcomes) { results[index] = ScriptResult(outcome) }
        case .success: for index in left { results[index] = .failure(.limit(ScriptFailure.workerFailed.rawValue)) }
        case .failure(let error): for index in left { results[index] = .failure(error) }
        }
        return results
    }

    private static func needsJavaScript(_ result: ScriptResult) -> Bool {
        if case .failure(.needsJavaScript) = result { true } else { false }
    }

    // MARK: Calls

    func call(
        _ function: ScriptFunction, with arguments: [[JSONValue]], variables: [String: JSONValue]
    ) async -> Result<[ScriptResult], ScriptError> {
        if let results = simply(function, arguments, variables) { return .success(results) }
        let body = function.isExpression ? "return (\n\(function.body)\n)" : function.body
        let lists = JSONValue.array(arguments.map(JSONValue.array)).serializedBytes
        guard lists.count <= ScriptRequest.inputLimitBytes else { return .failure(Self.tooLarge(lists.count)) }
        let answer = await ask(
            .calls(body: body, parameters: function.parameters, lists: lists), sources: [function.body],
            variables: variables, onlyNamed: true, limit: pool.settings.programLimit)
        switch answer {
        case .failure(let error): return .failure(error)
        case .success(let answer) where answer.outcomes.count == arguments.count:
            return .success(answer.outcomes.map(ScriptResult.init))
        // It did not come as far as calling: a syntax error, or the time was over.
        case .success(let answer):
            if case .failure(let error)? = answer.outcomes.first.map(ScriptResult.init) { return .failure(error) }
            return .failure(.limit(ScriptFailure.workerFailed.rawValue))
        }
    }

    /// Nil as soon as one call needs JavaScript; also for what is no JavaScript, which the engine refuses as a whole.
    private func simply(
        _ function: ScriptFunction, _ arguments: [[JSONValue]], _ variables: [String: JSONValue]
    ) -> [ScriptResult]? {
        guard function.isExpression else { return nil }
        var scope = variables
        var results: [ScriptResult] = []
        for list in arguments {
            scope.merge(zip(function.parameters, list)) { $1 }
            let result = SimpleScriptRunner.evaluate(function.body, variables: scope)
            if Self.needsJavaScript(result) || result.isSyntaxError { return nil }
            results.append(result)
        }
        return results
    }

    // MARK: Custom code

    func run(_ program: ScriptProgram, variables: [String: JSONValue]) async -> ScriptReport {
        let answer = await ask(
            .program(source: program.source, isBody: program.form == .body), sources: [program.source],
            variables: variables, onlyNamed: false, limit: pool.settings.programLimit)
        switch answer {
        case .failure(let error): return ScriptReport(.failure(error))
        case .success(let answer):
            let result = answer.outcomes.first.map(ScriptResult.init)
            return ScriptReport(
                result ?? .failure(.limit(ScriptFailure.workerFailed.rawValue)), console: answer.console)
        }
    }

    // MARK: The pool

    private func ask(
        _ work: ScriptRequest.Work, sources: [String], variables: [String: JSONValue], onlyNamed: Bool, limit: Duration
    ) async -> Result<ScriptAnswer, ScriptError> {
        for source in sources where source.utf8.count > 2 * ScriptRequest.sourceLimitBytes {
            return .failure(
                .limit("script too large: \(source.utf8.count) bytes (max: \(2 * ScriptRequest.sourceLimitBytes))"))
        }
        let scope = ScriptScope.variables(variables, for: sources, onlyNamed: onlyNamed)
        let text = JSONValue.object(scope).serializedBytes
        guard text.count <= ScriptRequest.inputLimitBytes else { return .failure(Self.tooLarge(text.count)) }
        let milliseconds = Int(limit / .milliseconds(1))
        let request = ScriptRequest(work, variables: text, timeLimitMilliseconds: milliseconds)
        return await pool.run(request, limit: limit, owner: owner).mapError { .limit($0.failure.rawValue) }
    }

    private static func tooLarge(_ size: Int) -> ScriptError {
        .limit("input too large: \(size) bytes (max: \(ScriptRequest.inputLimitBytes) bytes)")
    }
}

extension ScriptResult {
    init(_ outcome: ScriptOutcome) {
        self =
            switch outcome {
            case .undefined: .success(.undefined)
            case .json(let value): .success(.json(value))
            case .bigInt(let digits): .success(.bigInt(digits))
            case .date(let milliseconds): .success(.date(Timestamp(milliseconds: milliseconds)))
            case .thrown(let text): .failure(.thrown(text))
            case .timeout: .failure(.limit(ScriptFailure.timeout.rawValue))
            }
    }
}
