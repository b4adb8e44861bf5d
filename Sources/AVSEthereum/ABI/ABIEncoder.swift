import AVSPrimitives
import BigInt

/// The Solidity ABI's encoding of values.
public enum ABI {
    /// The values one after another, as a method's parameters or an event's data are: the heads, then the tails.
    ///
    /// - Throws: ``ABIError/invalidParameter(name:type:reason:)`` if a value is not of its type, and
    ///   ``ABIError/parameterCount(method:expected:got:)`` if the counts differ.
    public static func encode(_ values: [ABIValue], as types: [ABIType]) throws(ABIError) -> [UInt8] {
        guard values.count == types.count else {
            throw .parameterCount(method: "encode", expected: types.count, got: values.count)
        }
        return try sequence(values) { types[$0] }
    }

    /// Heads in order; what is dynamic has an offset there, counted from the start of the heads, and follows them.
    private static func sequence(_ values: [ABIValue], type: (Int) -> ABIType) throws(ABIError) -> [UInt8] {
        var heads: [UInt8] = []
        var tails: [UInt8] = []
        let headSize = values.indices.reduce(0) { $0 + type($1).headSize }
        for (index, value) in values.enumerated() {
            let type = type(index)
            let encoded = try encode(value, as: type)
            if type.isDynamic {
                heads += word(headSize + tails.count)
                tails += encoded
            } else {
                heads += encoded
            }
        }
        return heads + tails
    }

    private static func encode(_ value: ABIValue, as type: ABIType) throws(ABIError) -> [UInt8] {
        switch (value, type) {
        case (.uint(let number), .uint(let bits)) where number.significantBits <= bits: return number.bigEndian
        case (.int(let number), .int(let bits)) where number.fits(bits: bits): return number.twosComplement.bigEndian
        case (.address(let address), .address): return padding(12) + address.bytes
        case (.bool(let flag), .bool): return word(flag ? 1 : 0)
        case (.string(let text), .string): return counted(Array(text.utf8))
        case (.bytes(let bytes), .bytes): return counted(bytes)
        case (.bytes(let bytes), .fixedBytes(let count)) where bytes.count == count: return padded(bytes)
        case (.bytes(let bytes), .function) where bytes.count == 24: return padded(bytes)
        case (.array(let values), .array(let element)):
            return word(values.count) + (try sequence(values) { _ in element })
        case (.array(let values), .fixedArray(let element, let count)) where values.count == count:
            return try sequence(values) { _ in element }
        case (.tuple(let values), .tuple(let components)) where values.count == components.count:
            return try sequence(values) { components[$0].type }
        default:
            throw .invalidParameter(name: "value", type: type.canonicalName, reason: "the value is not of this type")
        }
    }

    private static func word(_ value: Int) -> [UInt8] { UInt256(UInt64(value)).bigEndian }

    private static func padding(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    /// Filled up with zeros at the end to whole words.
    private static func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + padding((32 - bytes.count % 32) % 32) }

    private static func counted(_ bytes: [UInt8]) -> [UInt8] { word(bytes.count) + padded(bytes) }
}

extension BigInt {
    /// Whether the number is one of `intN` with N = `bits`.
    func fits(bits: Int) -> Bool {
        let limit = BigInt(1) << (bits - 1)
        return self >= -limit && self < limit
    }

    /// The 256-bit word of a number of `int256`; of others, the low 256 bits.
    var twosComplement: UInt256 {
        let word = sign == .minus ? (BigInt(1) << 256) + self : self
        return UInt256(word.magnitude) ?? .zero
    }

    /// The number that a 256-bit word is in two's complement.
    init(twosComplement word: UInt256) {
        let value = BigInt(word.magnitude)
        self = word.significantBits == 256 ? value - (BigInt(1) << 256) : value
    }
}
