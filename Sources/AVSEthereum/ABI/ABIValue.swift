public import AVSPrimitives
public import BigInt

/// A value of an ``ABIType``.
public indirect enum ABIValue: Hashable, Sendable {
    case uint(UInt256)
    case int(BigInt)
    case address(Address)
    case bool(Bool)
    /// Bytes on chain that are not UTF-8 are repaired with U+FFFD.
    case string(String)
    /// `bytes`, `bytesN` and `function`.
    case bytes([UInt8])
    case array([ABIValue])
    /// In the order of the tuple's components.
    case tuple([ABIValue])

    /// The integer of `uint` and `int`.
    public var integer: BigInt? {
        switch self {
        case .uint(let value): BigInt(value.magnitude)
        case .int(let value): value
        case .address, .bool, .string, .bytes, .array, .tuple: nil
        }
    }
}

extension ABIValue {
    /// The value as contract outputs are shown (execution engine, 5.2): every leaf is a string (`"8"`, `"true"`,
    /// checksummed addresses, `0x…` bytes); arrays are arrays; tuples are objects.
    public func outputJSON(_ type: ABIType) -> JSONValue { json(type, keepsBool: false) }

    /// The value as arguments of events are shown (4.5.6): as ``outputJSON(_:)``, but bools are bools.
    public func eventJSON(_ type: ABIType) -> JSONValue { json(type, keepsBool: true) }

    private func json(_ type: ABIType, keepsBool: Bool) -> JSONValue {
        switch self {
        case .uint(let value): return .string(value.description)
        case .int(let value): return .string(value.description)
        case .address(let value): return .string(value.checksummed)
        case .bool(let value): return keepsBool ? .bool(value) : .string(value ? "true" : "false")
        case .string(let value): return .string(value)
        case .bytes(let value): return .string(Hex.encode0x(value))
        case .array(let elements):
            guard let element = type.element else { return .null }
            return .array(elements.map { $0.json(element, keepsBool: keepsBool) })
        case .tuple(let values):
            guard case .tuple(let components) = type else { return .null }
            return .members(of: values, named: components) { $0.json($1, keepsBool: keepsBool) }
        }
    }
}

extension ABIType {
    var element: ABIType? {
        switch self {
        case .array(let element), .fixedArray(let element, _): element
        default: nil
        }
    }
}

extension JSONValue {
    /// An object by component names, or an array where a component has no name or two share one.
    fileprivate static func members(
        of values: [ABIValue], named components: [ABIParameter], _ json: (ABIValue, ABIType) -> JSONValue
    ) -> JSONValue {
        let pairs = zip(values, components).map { ($1.name, json($0, $1.type)) }
        let members = Dictionary(pairs) { first, _ in first }
        return members.count < pairs.count || members[""] != nil ? .array(pairs.map(\.1)) : .object(members)
    }
}
