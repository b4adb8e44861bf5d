public import AVSPrimitives

/// What a script evaluated to, as far as a workflow can tell values apart (execution-engine.md 3.4, 5.6.3).
public enum ScriptValue: Hashable, Sendable {
    case undefined
    /// Null, booleans, numbers, strings, arrays and objects.
    case json(JSONValue)
    /// The decimal digits of a BigInt, with a sign if it is negative.
    case bigInt(String)
    case date(Timestamp)

    /// Neither `undefined` nor `null`: a template may print it.
    public var isResolved: Bool { self != .undefined && self != .json(.null) }

    /// The value as a step reports it: a BigInt as its digits, a date in ISO form with a fraction only if it has one,
    /// `undefined` as null.
    public var json: JSONValue {
        switch self {
        case .undefined: .null
        case .json(let value): value
        case .bigInt(let digits): .string(digits)
        case .date(let date): .string(date.iso8601.replacing(".000Z", with: "Z"))
        }
    }
}

/// Why a script has no value.
public enum ScriptError: Error, Hashable, Sendable {
    /// The script threw, or is no JavaScript; the text begins with the error's name, such as `ReferenceError:`.
    case thrown(String)
    /// This runner does not understand the text although JavaScript may. It says what it stumbled over.
    case needsJavaScript(String)
    /// The script was stopped at a limit of time or memory; the text names it.
    case limit(String)
}

extension ScriptError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .thrown(let text), .limit(let text): text
        case .needsJavaScript(let what): "\(what) needs the JavaScript engine, which does not run here"
        }
    }
}

public typealias ScriptResult = Result<ScriptValue, ScriptError>

extension ScriptResult {
    /// Whether the text is no JavaScript at all: then no other value of its variables helps.
    public var isSyntaxError: Bool {
        if case .failure(let error) = self { error.isSyntaxError } else { false }
    }
}

extension ScriptError {
    var isSyntaxError: Bool {
        switch self {
        case .thrown(let text): text.hasPrefix("SyntaxError")
        case .needsJavaScript, .limit: false
        }
    }
}

/// A function that is called once per element of a list: a filter's expression (execution-engine.md 5.8).
public struct ScriptFunction: Hashable, Sendable {
    /// Names of the parameters: `value`, `index`.
    public var parameters: [String]
    /// An expression, or statements with a `return`.
    public var body: String
    public var isExpression: Bool

    public init(parameters: [String], body: String, isExpression: Bool = true) {
        self.parameters = parameters
        self.body = body
        self.isExpression = isExpression
    }
}

/// What came of custom code.
public struct ScriptReport: Hashable, Sendable {
    public var result: ScriptResult
    /// What the code wrote with `console.log`, a line a call. At most ``ScriptRunner/consoleLimitBytes`` in all, then
    /// a line that says so.
    public var console: [String]

    public init(_ result: ScriptResult, console: [String] = []) {
        self.result = result
        self.console = console
    }
}

/// Evaluates JavaScript: custom code, expressions of branches and filters, and those template markers that are more
/// than a path.
///
/// The pool of script workers implements it. Without one, ``SimpleScriptRunner`` evaluates comparisons by itself and
/// answers ``ScriptError/needsJavaScript(_:)`` for the rest. A runner enforces its own limits of time and memory and
/// always answers. Cancelling the surrounding task stops the script.
public protocol ScriptRunner: Sendable {
    /// Evaluates each expression on its own with `variables` as globals: no expression sees what another one did.
    ///
    /// - Returns: One result per expression, in their order.
    func evaluate(_ expressions: [String], variables: [String: JSONValue]) async -> [ScriptResult]

    /// Calls a function for each list of arguments in turn, with `variables` as globals. What one call throws is that
    /// call's result only.
    ///
    /// - Returns: One result per call, in their order; or why none could be made, such as a syntax error.
    func call(
        _ function: ScriptFunction, with arguments: [[JSONValue]], variables: [String: JSONValue]
    ) async -> Result<[ScriptResult], ScriptError>

    /// Runs custom code with `variables` as globals (execution-engine.md 5.6).
    func run(_ program: ScriptProgram, variables: [String: JSONValue]) async -> ScriptReport

    /// A runner for the scripts of one owner: nothing of theirs ever shares a process with another owner's (JS-3).
    func serving(_ owner: Address) -> any ScriptRunner
}

extension ScriptRunner {
    /// Of one piece of custom code (JS-4).
    public static var consoleLimitBytes: Int { 16_384 }

    func evaluate(_ expression: String, variables: [String: JSONValue]) async -> ScriptResult {
        let results = await evaluate([expression], variables: variables)
        return results.first ?? .failure(.limit("the script runner gave no answer"))
    }

    // What a runner does that knows expressions only.

    public func call(
        _ function: ScriptFunction, with arguments: [[JSONValue]], variables: [String: JSONValue]
    ) async -> Result<[ScriptResult], ScriptError> {
        guard function.isExpression else { return .failure(.needsJavaScript("a function with statements")) }
        var results: [ScriptResult] = []
        for list in arguments {
            let scope = variables.merging(zip(function.parameters, list)) { $1 }
            let result = await evaluate(function.body, variables: scope)
            if case .failure(let error) = result, result.isSyntaxError { return .failure(error) }
            results.append(result)
        }
        return .success(results)
    }

    public func run(_ program: ScriptProgram, variables: [String: JSONValue]) async -> ScriptReport {
        ScriptReport(.failure(.needsJavaScript("custom code")))
    }

    public func serving(_ owner: Address) -> any ScriptRunner { self }
}

/// The expressions of ``Expression``: literals, paths, comparisons, `&&`, `||`, `!`, `typeof`.
public struct SimpleScriptRunner: ScriptRunner {
    public init() {}

    public func evaluate(_ expressions: [String], variables: [String: JSONValue]) async -> [ScriptResult] {
        expressions.map { Self.evaluate($0, variables: variables) }
    }

    /// Exactly what JavaScript would answer or throw, or ``ScriptError/needsJavaScript(_:)``: a short cut for runners
    /// that have an engine.
    public static func evaluate(_ expression: String, variables: [String: JSONValue]) -> ScriptResult {
        Result { () throws(ScriptError) in
            try Expression(parsing: expression).evaluate(in: variables)
        }
    }
}
