/// A type of the Solidity ABI.
///
/// Values made by ``init(parsing:components:)`` are bounded: at most 16 levels of arrays and tuples, no empty tuples
/// or arrays of length 0 (which Solidity does not have either), and a static size of at most 1 MiB. The decoder relies
/// on elements having a size.
///
/// - Source: the Solidity documentation, *Contract ABI Specification*.
public indirect enum ABIType: Hashable, Sendable {
    /// 8, 16, … 256 bits.
    case uint(bits: Int)
    /// 8, 16, … 256 bits, two's complement.
    case int(bits: Int)
    case address
    case bool
    case string
    case bytes
    /// `bytes1` … `bytes32`.
    case fixedBytes(count: Int)
    /// An address and a selector, 24 bytes.
    case function
    case array(ABIType)
    case fixedArray(ABIType, count: Int)
    case tuple([ABIParameter])

    /// Levels of arrays and tuples. Contracts in use stay below 6.
    static let depthMaximum = 16
    /// Of one value in place. The largest seen in use is a few KiB.
    static let staticSizeMaximum = 1 << 20

    /// The text that signatures are hashed from: `uint256`, `(address,bytes32[3])[]`.
    public var canonicalName: String {
        switch self {
        case .uint(let bits): "uint\(bits)"
        case .int(let bits): "int\(bits)"
        case .address: "address"
        case .bool: "bool"
        case .string: "string"
        case .bytes: "bytes"
        case .fixedBytes(let count): "bytes\(count)"
        case .function: "function"
        case .array(let element): "\(element.canonicalName)[]"
        case .fixedArray(let element, let count): "\(element.canonicalName)[\(count)]"
        case .tuple(let components): "(\(components.map(\.type.canonicalName).joined(separator: ",")))"
        }
    }

    /// Whether values lie behind an offset, because their size varies.
    public var isDynamic: Bool {
        switch self {
        case .string, .bytes, .array: true
        case .fixedArray(let element, _): element.isDynamic
        case .tuple(let components): components.contains { $0.type.isDynamic }
        case .uint, .int, .address, .bool, .fixedBytes, .function: false
        }
    }

    /// The bytes that a value takes in place: its own if static, the offset's 32 if dynamic.
    var headSize: Int {
        guard !isDynamic else { return 32 }
        return switch self {
        case .fixedArray(let element, let count): element.headSize * count
        case .tuple(let components): components.reduce(0) { $0 + $1.type.headSize }
        case .uint, .int, .address, .bool, .fixedBytes, .function, .string, .bytes, .array: 32
        }
    }

    /// Whether one word holds a value, so that a topic can carry it.
    var isWord: Bool {
        switch self {
        case .uint, .int, .address, .bool, .fixedBytes, .function: true
        case .string, .bytes, .array, .fixedArray, .tuple: false
        }
    }

    private var depth: Int {
        switch self {
        case .array(let element), .fixedArray(let element, _): element.depth + 1
        case .tuple(let components): (components.map(\.type.depth).max() ?? 0) + 1
        case .uint, .int, .address, .bool, .fixedBytes, .function, .string, .bytes: 0
        }
    }
}

extension ABIType {
    /// The type with this text in a contract's JSON, where a tuple's components stand beside it.
    ///
    /// - Parameter components: for `tuple` and arrays of it, in order.
    /// - Throws: ``ABIError/unsupportedType(_:)``.
    public init(parsing text: String, components: [ABIParameter] = []) throws(ABIError) {
        let bytes = Array(text.utf8)
        let baseEnd = bytes.firstIndex(of: UInt8(ascii: "[")) ?? bytes.count
        let base = String(decoding: bytes[..<baseEnd], as: UTF8.self)
        guard var type = Self.base(named: base, components: components) else { throw .unsupportedType(text) }
        for suffix in bytes[baseEnd...].split(separator: UInt8(ascii: "["), omittingEmptySubsequences: false)
            .dropFirst()
        {
            guard suffix.last == UInt8(ascii: "]"), let next = type.array(count: suffix.dropLast()) else {
                throw .unsupportedType(text)
            }
            type = next
        }
        guard type.depth <= Self.depthMaximum, type.headSize <= Self.staticSizeMaximum else {
            throw .unsupportedType(text)
        }
        self = type
    }

    private static func base(named name: String, components: [ABIParameter]) -> ABIType? {
        switch name {
        case "address": return .address
        case "bool": return .bool
        case "string": return .string
        case "bytes": return .bytes
        case "function": return .function
        case "uint": return .uint(bits: 256)
        case "int": return .int(bits: 256)
        case "tuple":
            let size = components.reduce(0) { $0 + $1.type.headSize }
            return components.isEmpty || size > staticSizeMaximum ? nil : .tuple(components)
        default: break
        }
        if let bits = number(of: name, after: "uint"), bits <= 256, bits.isMultiple(of: 8) { return .uint(bits: bits) }
        if let bits = number(of: name, after: "int"), bits <= 256, bits.isMultiple(of: 8) { return .int(bits: bits) }
        if let count = number(of: name, after: "bytes"), count <= 32 { return .fixedBytes(count: count) }
        return nil
    }

    /// An array of this type; `count` is the text between the brackets.
    private func array(count: ArraySlice<UInt8>) -> ABIType? {
        if count.isEmpty { return depth < Self.depthMaximum ? .array(self) : nil }
        guard let count = Self.number(count), depth < Self.depthMaximum,
            count <= Self.staticSizeMaximum / 32, headSize <= Self.staticSizeMaximum / count
        else { return nil }
        return .fixedArray(self, count: count)
    }

    private static func number(of name: String, after prefix: String) -> Int? {
        name.hasPrefix(prefix) ? number(name.utf8.dropFirst(prefix.utf8.count)) : nil
    }

    /// 1 to 6 digits without leading zero: positive.
    private static func number(_ digits: some Collection<UInt8>) -> Int? {
        guard (1...6).contains(digits.count), digits.first != UInt8(ascii: "0") else { return nil }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return value
    }
}

/// A named place for a value: a parameter or output of a method, an argument of an event, a component of a tuple.
public struct ABIParameter: Hashable, Sendable {
    /// Empty if the ABI gives none.
    public var name: String
    public var type: ABIType
    /// Of an event's argument: it is in the topics, not in the data.
    public var isIndexed: Bool

    public init(name: String, type: ABIType, isIndexed: Bool = false) {
        self.name = name
        self.type = type
        self.isIndexed = isIndexed
    }
}
