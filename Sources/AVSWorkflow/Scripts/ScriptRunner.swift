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

    /// The value as a step reports it: a BigInt as its digits, a date in ISO form, `undefined` as null.
    public var json: JSONValue {
        switch self {
        case .undefined: .null
        case .json(let value): value
        case .bigInt(let digits): .string(digits)
        case .date(let date): .string(date.iso8601)
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
        case .needsJavaScript(let what): "\(what) needs the JavaScript engine, which is not available yet"
        }
    }
}

public typealias ScriptResult = Result<ScriptValue, ScriptError>

/// Evaluates JavaScript expressions: branch conditions and those template markers that are more than a path.
///
/// The engine's script workers implement it. Until they exist ``SimpleScriptRunner`` evaluates comparisons by itself
/// and answers ``ScriptError/needsJavaScript(_:)`` for the rest. A runner enforces its own limits of time and memory
/// and always answers.
public protocol ScriptRunner: Sendable {
    /// Evaluates each expression on its own with `variables` as globals: no expression sees what another one did.
    ///
    /// - Returns: One result per expression, in their order.
    func evaluate(_ expressions: [String], variables: [String: JSONValue]) async -> [ScriptResult]
}

extension ScriptRunner {
    func evaluate(_ expression: String, variables: [String: JSONValue]) async -> ScriptResult {
        let results = await evaluate([expression], variables: variables)
        return results.first ?? .failure(.limit("the script runner gave no answer"))
    }
}

/// The expressions of ``Expression``: literals, paths, comparisons, `&&`, `||`, `!`, `typeof`.
public struct SimpleScriptRunner: ScriptRunner {
    public init() {}

    public func evaluate(_ expressions: [String], variables: [String: JSONValue]) async -> [ScriptResult] {
        expressions.map { text in
            Result { () throws(ScriptError) in
                try Expression(parsing: text).evaluate(in: variables)
            }
        }
    }
}
