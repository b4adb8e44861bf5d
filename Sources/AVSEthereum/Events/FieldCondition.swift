public import AVSPrimitives

/// One comparison on a field of a decoded event (aggregator api, 6.14; execution engine, 4.5.7).
public struct FieldCondition: Hashable, Sendable {
    /// `Event.field`, or `Event` for the field of the same name.
    public var fieldName: String
    /// A name of ``Comparison``.
    public var comparison: String
    public var value: String
    /// `uint256`, `int8`, `decimal`, `address`, `bool`, `string`, `bytes32`, …
    public var fieldType: String

    public init(fieldName: String, comparison: String, value: String, fieldType: String) {
        self.fieldName = fieldName
        self.comparison = comparison
        self.value = value
        self.fieldType = fieldType
    }

    /// How a condition came out.
    public struct Outcome: Hashable, Sendable {
        public var passed: Bool
        /// What the field is, as text; nil if there is no such field.
        public var actualValue: String?
        /// A sentence for a person.
        public var reason: String

        public init(passed: Bool, actualValue: String?, reason: String) {
            self.passed = passed
            self.actualValue = actualValue
            self.reason = reason
        }
    }

    /// How the condition comes out on an event that an operator decoded. A condition that names another event passes,
    /// since a query's conditions may speak of several events.
    public func evaluate(on event: DecodedEvent) -> Outcome {
        let parts = fieldName.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, let eventName = parts.first, let field = parts.last else {
            return Outcome(passed: false, actualValue: nil, reason: "field name '\(fieldName)' has more than one dot")
        }
        guard eventName == event.name else {
            return Outcome(
                passed: true, actualValue: nil, reason: "condition is on event \(eventName), not \(event.name)")
        }
        guard let field = event[field: field] else {
            return Outcome(passed: false, actualValue: nil, reason: "event \(event.name) has no field '\(field)'")
        }
        if let digest = field.topic, field.value == nil { return evaluate(onDigest: digest) }
        return evaluate(on: field.value?.eventJSON(field.type) ?? .null)
    }

    /// Of an indexed string or `bytes` the chain keeps only the Keccak digest: the expected value is compared as the
    /// digest itself or as the text that it is of.
    private func evaluate(onDigest digest: Hash32) -> Outcome {
        let bytes = value.hasPrefix("0x") && fieldType != "string" ? Hex.decode(value) : nil
        let equal = Hash32(value) == digest || Keccak256.hash(bytes ?? Array(value.utf8)) == digest
        return outcome(Comparison(comparison)?.holds(equal: equal), actual: digest.hex)
    }

    /// How the condition comes out on a field's value as JSON, whose leaves may be strings, numbers or bools.
    public func evaluate(on actual: JSONValue) -> Outcome {
        let text = actual.stringValue ?? actual.serialized
        guard let comparison = Comparison(comparison) else {
            return Outcome(passed: false, actualValue: text, reason: "unknown operator '\(comparison)'")
        }
        return outcome(verdict(on: actual, text: text, comparison), actual: text)
    }

    private func outcome(_ verdict: Bool?, actual: String) -> Outcome {
        let claim = "\(actual) \(comparison) \(value) as \(fieldType)"
        return switch verdict {
        case true?: Outcome(passed: true, actualValue: actual, reason: "\(claim) holds")
        case false?: Outcome(passed: false, actualValue: actual, reason: "\(claim) does not hold")
        case nil: Outcome(passed: false, actualValue: actual, reason: "\(claim) cannot be compared")
        }
    }

    /// Nil if actual and expected value cannot be compared this way.
    private func verdict(on actual: JSONValue, text: String, _ comparison: Comparison) -> Bool? {
        switch ValueKind(fieldType) {
        case .number(let kind):
            guard let actual = ExactDecimal(text), let expected = ExactDecimal(value), kind.allows(expected) else {
                return nil
            }
            return comparison.holds(actual, expected)
        case .address:
            guard let actual = Address(text), let expected = Address(value) else { return nil }
            return comparison.holds(equal: actual == expected)
        case .bool:
            guard let actual = Self.bool(text), let expected = Self.bool(value) else { return nil }
            return comparison.holds(equal: actual == expected)
        case .bytes:
            guard let actual = Hex.decode(text), let expected = Hex.decode(value) else { return nil }
            return comparison.holds(equal: actual == expected)
        case .string:
            // By bytes: canonically equivalent texts are different values on chain.
            return comparison.holds(equal: text.utf8.elementsEqual(value.utf8))
        case .composite:
            guard let expected = Self.json(value) else { return nil }
            return comparison.holds(equal: Self.normalised(actual) == Self.normalised(expected))
        case nil:
            return nil
        }
    }

    private static func bool(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "1": true
        case "false", "0": false
        default: nil
        }
    }

    private static func json(_ text: String) -> JSONValue? {
        do { return try JSONValue(parsing: text, integers: .exactText) } catch { return nil }
    }

    /// Leaves become text, hex in lower case, so that `[1]` equals `["1"]`.
    private static func normalised(_ json: JSONValue) -> JSONValue {
        switch json {
        case .null: .null
        case .bool(let flag): .string(flag ? "true" : "false")
        case .number(let number): .string(JSONValue.text(of: number))
        case .string(let text): .string(text.hasPrefix("0x") || text.hasPrefix("0X") ? text.lowercased() : text)
        case .array(let elements): .array(elements.map(normalised))
        case .object(let members): .object(members.mapValues(normalised))
        }
    }
}

extension Sequence<FieldCondition> {
    /// Whether all hold (AND). No conditions hold.
    public func hold(on event: DecodedEvent) -> Bool { allSatisfy { $0.evaluate(on: event).passed } }
}

/// How two values are compared; each has a short and a long name.
public enum Comparison: Hashable, Sendable {
    case greater, greaterOrEqual, less, lessOrEqual, equal, notEqual

    /// Nil for an unknown name.
    public init?(_ name: String) {
        switch name {
        case "gt", "greater_than": self = .greater
        case "gte", "greater_than_or_equal", "greater_than_or_equals": self = .greaterOrEqual
        case "lt", "less_than": self = .less
        case "lte", "less_than_or_equal", "less_than_or_equals": self = .lessOrEqual
        case "eq", "equals", "equal": self = .equal
        case "ne", "not_equals", "not_equal": self = .notEqual
        default: return nil
        }
    }

    func holds<Value: Comparable>(_ actual: Value, _ expected: Value) -> Bool {
        switch self {
        case .greater: actual > expected
        case .greaterOrEqual: actual >= expected
        case .less: actual < expected
        case .lessOrEqual: actual <= expected
        case .equal: actual == expected
        case .notEqual: actual != expected
        }
    }

    /// For values without order; nil for the comparisons that need one.
    func holds(equal: Bool) -> Bool? {
        switch self {
        case .equal: equal
        case .notEqual: !equal
        case .greater, .greaterOrEqual, .less, .lessOrEqual: nil
        }
    }
}

/// What a condition's `fieldType` says about how to compare.
private enum ValueKind {
    enum Number {
        case unsigned, signed, decimal

        func allows(_ value: ExactDecimal) -> Bool {
            switch self {
            case .unsigned: value.isWhole && !value.isNegative
            case .signed: value.isWhole
            case .decimal: true
            }
        }
    }

    case number(Number)
    case address, bool, bytes, string
    /// Arrays and tuples.
    case composite

    init?(_ fieldType: String) {
        if fieldType.hasSuffix("]") || fieldType.hasPrefix("(") || fieldType == "tuple" {
            self = .composite
            return
        }
        switch fieldType {
        case "decimal": self = .number(.decimal)
        case "address": self = .address
        case "bool": self = .bool
        case "string": self = .string
        default:
            guard let type = Result(catching: { () throws(ABIError) in try ABIType(parsing: fieldType) }).success else {
                return nil
            }
            switch type {
            case .uint: self = .number(.unsigned)
            case .int: self = .number(.signed)
            case .bytes, .fixedBytes, .function: self = .bytes
            default: return nil
            }
        }
    }
}

extension Result {
    fileprivate var success: Success? { if case .success(let value) = self { value } else { nil } }
}
