public import AVSPrimitives

/// What a script came to, as a worker tells it.
public enum ScriptOutcome: Hashable, Sendable {
    case undefined
    /// With NaN and infinities only at the top.
    case json(JSONValue)
    /// Decimal digits with an optional sign.
    case bigInt(String)
    case date(milliseconds: Int64)
    /// The script threw, is no JavaScript, or returned what is no value; the text says what.
    case thrown(String)
    /// The engine stopped the script at its time limit.
    case timeout
}

/// A worker's answer to a ``ScriptRequest``.
///
///     {"results": [{"t": "j", "v": …}, …], "console": ["…"], "resident": 31457280}
///
/// `t` is `u`ndefined, `j`son, `n`umber that JSON has no word for, `b`igint, `d`ate, `e`rror or `l`imit.
public struct ScriptAnswer: Hashable, Sendable {
    public var outcomes: [ScriptOutcome]
    public var console: [String]
    /// Memory that the worker holds after the run.
    public var residentBytes: Int

    public init(outcomes: [ScriptOutcome], console: [String] = [], residentBytes: Int = 0) {
        self.outcomes = outcomes
        self.console = console
        self.residentBytes = residentBytes
    }

    /// The driver's own bound, 60 levels, and what stands around a value.
    static let depthLimit = 68
    static let consoleLimitBytes = 16_384 * 4

    /// Reads an answer whose sender may be under a script's control: every shape that a worker does not make is
    /// refused. But a script may well return an object that we cannot hold.
    ///
    /// - Throws: ``ScriptFrameError``.
    public init(body: [UInt8]) throws(ScriptFrameError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: body, maximumDepth: Self.depthLimit)
        } catch {
            guard let key = Self.keyInTwoSpellings(body, error) else { throw ScriptFrameError("\(error)") }
            let text = "TypeError: the result has two keys that Unicode holds for one: '\(key.prefix(64))'"
            (outcomes, console, residentBytes) = ([.thrown(text)], [], 0)
            return
        }
        guard case .object(let members) = value, members.count == 3, let results = members["results"]?.arrayValue,
            let console = members["console"]?.arrayValue, let resident = members["resident"]?.doubleValue,
            let residentBytes = Int(exactly: resident), residentBytes >= 0
        else { throw ScriptFrameError("an answer lacks a member") }
        self.residentBytes = residentBytes
        self.console = console.compactMap(\.stringValue)
        guard self.console.count == console.count,
            self.console.reduce(0, { $0 + $1.utf8.count }) <= Self.consoleLimitBytes
        else { throw ScriptFrameError("an answer's console is none") }
        outcomes = []
        for result in results { outcomes.append(try ScriptOutcome(result)) }
    }

    /// Of an answer that is refused for a key that an object has twice; nil if it is twice the same, which no worker
    /// writes (INP-1, INP-4).
    private static func keyInTwoSpellings(_ body: [UInt8], _ error: JSONError) -> String? {
        guard case .duplicateKey = error.reason else { return nil }
        do throws(JSONError) {
            _ = try JSONValue(parsing: body, maximumDepth: depthLimit, duplicateKeys: .last)
        } catch {
            if case .duplicateKey(let key) = error.reason { return key }
        }
        return nil
    }
}

extension ScriptOutcome {
    init(_ result: JSONValue) throws(ScriptFrameError) {
        guard case .object(let members) = result, let kind = members["t"]?.stringValue else {
            throw ScriptFrameError("a result is none")
        }
        switch (kind, members["v"]) {
        case ("u", nil): self = .undefined
        case ("l", nil): self = .timeout
        case ("j", let value?): self = .json(value)
        case ("n", .string("NaN")?): self = .json(.number(.nan))
        case ("n", .string("Infinity")?): self = .json(.number(.infinity))
        case ("n", .string("-Infinity")?): self = .json(.number(-.infinity))
        case ("b", .string(let digits)?) where Self.isInteger(digits): self = .bigInt(digits)
        // As far as JavaScript's instants reach.
        case ("d", .number(let milliseconds)?) where abs(milliseconds) <= 8_640_000_000_000_000:
            self = .date(milliseconds: Int64(milliseconds))
        case ("e", .string(let text)?) where text.utf8.count <= 16_384: self = .thrown(text)
        default: throw ScriptFrameError("a result is of an unknown kind")
        }
    }

    private static func isInteger(_ digits: String) -> Bool {
        let magnitude = digits.utf8.first == UInt8(ascii: "-") ? digits.utf8.dropFirst() : digits.utf8[...]
        return !magnitude.isEmpty && magnitude.allSatisfy { (0x30...0x39).contains($0) }
    }
}

/// What a worker says first, before it takes requests: which layers stand around it.
///
///     {"layers": ["limits", …], "missing": {"namespaces": "Operation not permitted"}, "error": ""}
public struct WorkerGreeting: Hashable, Sendable {
    /// A layer of JS-2, in the order in which they are put up.
    public enum Layer: String, Hashable, Sendable, CaseIterable {
        case limits, namespaces, hardening, files, calls
    }

    public var layers: [Layer]
    /// Layer to reason.
    public var missing: [String: String]
    /// Why there is no worker; empty if there is one.
    public var error: String

    public init(layers: [Layer] = [], missing: [String: String] = [:], error: String = "") {
        self.layers = layers
        self.missing = missing
        self.error = error
    }

    public var body: [UInt8] {
        JSONValue.object([
            "layers": .array(layers.map { .string($0.rawValue) }),
            "missing": .object(missing.mapValues(JSONValue.string)), "error": .string(error),
        ]).serializedBytes
    }

    /// - Throws: ``ScriptFrameError``.
    public init(body: [UInt8]) throws(ScriptFrameError) {
        let value = try ScriptFrame.parse(body[...], depth: 4)
        guard let layers = value["layers"]?.arrayValue, let missing = value["missing"]?.objectValue,
            let error = value["error"]?.stringValue
        else { throw ScriptFrameError("a greeting lacks a member") }
        self.layers = layers.compactMap { $0.stringValue.flatMap(Layer.init(rawValue:)) }
        self.missing = missing.compactMapValues(\.stringValue)
        self.error = error
    }
}
