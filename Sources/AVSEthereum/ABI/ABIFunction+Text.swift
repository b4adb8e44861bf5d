public import AVSPrimitives
import BigInt

extension ABIContract {
    /// Calldata of the method `name` for parameters given as texts, as task configurations give them.
    ///
    /// - Throws: ``ABIError``, with the texts of execution engine 5.3.1 and 7.9.
    public func encodeCall(_ name: String, parameters: [String]) throws(ABIError) -> [UInt8] {
        let count = ABIFunction.expanded(parameters)?.count
        var function = try function(named: name, parameterCount: parameters.count)
        // One JSON array can stand for all parameters of an overload with that many.
        if function.inputs.count != parameters.count, let count {
            function = try self.function(named: name, parameterCount: count)
        }
        return try function.encodeCall(parameters: parameters)
    }
}

extension ABIFunction {
    /// Calldata for parameters given as texts (execution engine 5.3.1 and 7.9).
    ///
    /// Arrays and tuples are JSON arrays; a tuple can be a JSON object by component names. One JSON array can stand for
    /// all parameters of a method that has several. Whole numbers inside JSON keep all their digits.
    public func encodeCall(parameters: [String]) throws(ABIError) -> [UInt8] {
        var given = parameters.map { JSONValue.string($0) }
        if parameters.count == 1, inputs.count > 1, let elements = Self.expanded(parameters) { given = elements }
        return try encodeCall(parameters: given)
    }

    /// As ``encodeCall(parameters:)-([String])`` for JSON values: a string is read as a text parameter, other values
    /// as if they stood inside a JSON array.
    public func encodeCall(parameters: [JSONValue]) throws(ABIError) -> [UInt8] {
        guard parameters.count == inputs.count else {
            throw .parameterCount(method: name, expected: inputs.count, got: parameters.count)
        }
        var values: [ABIValue] = []
        for (index, (parameter, input)) in zip(parameters, inputs).enumerated() {
            let label = input.name.isEmpty ? "parameter \(index)" : input.name
            values.append(try ParameterReader(method: name).value(of: parameter, as: input.type, label: label))
        }
        return try encodeCall(values)
    }

    /// The elements, if there is one text and it is a JSON array.
    fileprivate static func expanded(_ parameters: [String]) -> [JSONValue]? {
        guard parameters.count == 1, let text = parameters.first, text.utf8.first == UInt8(ascii: "[") else {
            return nil
        }
        return ParameterReader.json(text)?.arrayValue
    }
}

/// Reads values of ABI types from texts and JSON.
private struct ParameterReader {
    let method: String

    static func json(_ text: String) -> JSONValue? {
        switch Result(catching: { () throws(JSONError) in try JSONValue(parsing: text, integers: .exactText) }) {
        case .success(let value): value
        case .failure: nil
        }
    }

    func value(of json: JSONValue, as type: ABIType, label: String) throws(ABIError) -> ABIValue {
        switch type {
        case .array(let element):
            return .array(try elements(of: json, as: type, count: nil, label: label) { _ in element })
        case .fixedArray(let element, let count):
            return .array(try elements(of: json, as: type, count: count, label: label) { _ in element })
        case .tuple(let components):
            return .tuple(try tuple(of: json, as: type, components, label: label))
        case .uint, .int, .address, .bool, .string, .bytes, .fixedBytes, .function:
            return try leaf(of: text(of: json, as: type, label: label), as: type, label: label)
        }
    }

    private func failure(_ label: String, _ type: ABIType, _ reason: String) -> ABIError {
        .invalidParameter(name: label, type: type.canonicalName, reason: reason)
    }

    /// Containers inside a text parameter are JSON once more.
    private func container(of json: JSONValue, as type: ABIType, label: String) throws(ABIError) -> JSONValue {
        guard case .string(let text) = json else { return json }
        guard let value = Self.json(text) else {
            throw failure(label, type, "expected a JSON array, got '\(Self.shortened(text))'")
        }
        return value
    }

    private func elements(
        of json: JSONValue, as type: ABIType, count: Int?, label: String, element: (Int) -> ABIType
    ) throws(ABIError) -> [ABIValue] {
        guard case .array(let elements) = try container(of: json, as: type, label: label) else {
            throw failure(label, type, "expected a JSON array, got '\(Self.shortened(json.serialized))'")
        }
        if let count, count != elements.count {
            throw failure(label, type, "array expects \(count) elements, got \(elements.count)")
        }
        var values: [ABIValue] = []
        for (index, value) in elements.enumerated() {
            values.append(try self.value(of: value, as: element(index), label: "\(label)[\(index)]"))
        }
        return values
    }

    private func tuple(
        of json: JSONValue, as type: ABIType, _ components: [ABIParameter], label: String
    ) throws(ABIError) -> [ABIValue] {
        let given: [JSONValue]
        switch try container(of: json, as: type, label: label) {
        case .array(let elements):
            guard elements.count == components.count else {
                throw failure(label, type, "tuple expects \(components.count) elements, got \(elements.count)")
            }
            given = elements
        case .object(let members):
            given = try components.map { (component) throws(ABIError) in
                guard let member = members[component.name] else {
                    throw .missingField(component.name, method: method)
                }
                return member
            }
        default:
            throw failure(label, type, "expected a JSON array or object, got '\(Self.shortened(json.serialized))'")
        }
        var values: [ABIValue] = []
        for (index, (value, component)) in zip(given, components).enumerated() {
            let name = component.name.isEmpty ? "element \(index)" : component.name
            values.append(try self.value(of: value, as: component.type, label: "tuple \(name)"))
        }
        return values
    }

    /// The text of a leaf: numbers and bools as JSON prints them.
    private func text(of json: JSONValue, as type: ABIType, label: String) throws(ABIError) -> String {
        switch json {
        case .string(let text): return text
        case .number(let number): return JSONValue.text(of: number)
        case .bool(let flag): return flag ? "true" : "false"
        case .null, .array, .object:
            throw failure(label, type, "expected a single value, got '\(Self.shortened(json.serialized))'")
        }
    }

    private func leaf(of text: String, as type: ABIType, label: String) throws(ABIError) -> ABIValue {
        let shown = Self.shortened(text)
        switch type {
        case .uint(let bits):
            guard let number = Self.unsigned(text) else { throw failure(label, type, Self.notNumeric(shown)) }
            guard number.significantBits <= bits else { throw failure(label, type, "value out of range: '\(shown)'") }
            return .uint(number)
        case .int(let bits):
            guard let number = Self.signed(text) else { throw failure(label, type, Self.notNumeric(shown)) }
            guard number.fits(bits: bits) else { throw failure(label, type, "value out of range: '\(shown)'") }
            return .int(number)
        case .bool:
            switch text {
            case "true", "1": return .bool(true)
            case "false", "0": return .bool(false)
            default: throw failure(label, type, "expected true or false, got '\(shown)'")
            }
        case .address:
            guard let address = Address(text) else { throw failure(label, type, "expected an address, got '\(shown)'") }
            return .address(address)
        case .string:
            return .string(text)
        case .bytes:
            return .bytes(try bytes(of: text, as: type, label: label))
        case .fixedBytes(let count):
            return .bytes(try fixedBytes(of: text, count: count, as: type, label: label))
        case .function:
            return .bytes(try fixedBytes(of: text, count: 24, as: type, label: label))
        case .array, .fixedArray, .tuple:
            throw failure(label, type, "expected a JSON array, got '\(shown)'")
        }
    }

    /// `0x…` is hex; any other text stands for its UTF-8.
    private func bytes(of text: String, as type: ABIType, label: String) throws(ABIError) -> [UInt8] {
        guard text.hasPrefix("0x") || text.hasPrefix("0X") else { return Array(text.utf8) }
        guard let bytes = Hex.decode(text) else {
            throw failure(label, type, "expected hex digits in pairs, got '\(Self.shortened(text))'")
        }
        return bytes
    }

    /// Hex has exactly `count` bytes; a plain text may be shorter and is filled up with zeros, as contracts store
    /// names.
    private func fixedBytes(
        of text: String, count: Int, as type: ABIType, label: String
    ) throws(ABIError) -> [UInt8] {
        let bytes = try bytes(of: text, as: type, label: label)
        let isHex = text.hasPrefix("0x") || text.hasPrefix("0X")
        guard isHex ? bytes.count == count : bytes.count <= count else {
            throw failure(label, type, "expected \(count) bytes, got \(bytes.count)")
        }
        return bytes + [UInt8](repeating: 0, count: count - bytes.count)
    }

    private static func unsigned(_ text: String) -> UInt256? {
        text.hasPrefix("0x") || text.hasPrefix("0X") ? UInt256(hex: text) : UInt256(decimal: text)
    }

    private static func signed(_ text: String) -> BigInt? {
        if text.hasPrefix("-") { return UInt256(decimal: String(text.dropFirst())).map { -BigInt($0.magnitude) } }
        return unsigned(text).map { BigInt($0.magnitude) }
    }

    private static func notNumeric(_ shown: String) -> String { "expected numeric value, got '\(shown)'" }

    /// Errors are shown to people: a value of a megabyte is not.
    private static func shortened(_ text: String) -> String {
        text.utf8.count <= 200 ? text : String(text.prefix(100)) + "…"
    }
}
