import AVSPrimitives
import BigInt

extension ABI {
    /// The values of `types` in `data`, as a method's outputs or an event's data are.
    ///
    /// The data may be hostile: offsets and lengths are checked against it before anything is read or reserved, and
    /// the work is bounded by a multiple of its size. Bytes that nothing refers to are ignored, as the ABI allows.
    /// Numbers, bools and addresses outside their type are errors; the padding of bytes and strings is not looked at.
    ///
    /// - Throws: ``ABIError``.
    public static func decode(_ data: [UInt8], as types: [ABIType]) throws(ABIError) -> [ABIValue] {
        var decoder = ABIDecoder(data: data)
        return try decoder.sequence(count: types.count, base: 0) { types[$0] }
    }

    /// The value that one word holds: a topic, for instance.
    static func decodeWord(_ word: Hash32, as type: ABIType) throws(ABIError) -> ABIValue {
        try ABIDecoder.value(of: word.number, bytes: word.bytes[...], as: type)
    }
}

private struct ABIDecoder {
    let data: [UInt8]
    /// Bytes that may still be read. Honest data is read once; overlapping offsets could make a small message stand
    /// for 100¹⁶ values, so re-reading is bounded to 8 times.
    private var budget: Int

    init(data: [UInt8]) {
        self.data = data
        budget = data.count * 8
    }

    /// `count` values whose heads start at `base`, from where their offsets count too.
    mutating func sequence(count: Int, base: Int, type: (Int) -> ABIType) throws(ABIError) -> [ABIValue] {
        var values: [ABIValue] = []
        var position = base
        for index in 0..<count {
            let type = type(index)
            if type.isDynamic {
                let offset = try number(at: position)
                guard offset <= data.count - base else {
                    throw .pointsOutside(offset: "\(offset)", size: data.count)
                }
                values.append(try value(at: base + offset, as: type))
            } else {
                values.append(try value(at: position, as: type))
            }
            position += type.headSize
        }
        return values
    }

    private mutating func value(at position: Int, as type: ABIType) throws(ABIError) -> ABIValue {
        switch type {
        case .uint, .int, .address, .bool, .fixedBytes, .function:
            let bytes = try read(32, at: position)
            return try Self.value(of: UInt256(bigEndian: bytes) ?? .zero, bytes: bytes, as: type)
        case .string:
            return .string(String(decoding: try counted(at: position), as: UTF8.self))
        case .bytes:
            return .bytes(Array(try counted(at: position)))
        case .array(let element):
            let count = try number(at: position)
            let base = position + 32
            guard count <= (data.count - base) / element.headSize else {
                throw .pointsOutside(offset: "\(count)", size: data.count)
            }
            return .array(try sequence(count: count, base: base) { _ in element })
        case .fixedArray(let element, let count):
            guard count <= (data.count - position) / element.headSize else {
                throw .dataEndsEarly(wanted: count * element.headSize, had: max(0, data.count - position))
            }
            return .array(try sequence(count: count, base: position) { _ in element })
        case .tuple(let components):
            return .tuple(try sequence(count: components.count, base: position) { components[$0].type })
        }
    }

    /// The value in a word; `bytes` are the same 32 bytes.
    static func value(of word: UInt256, bytes: ArraySlice<UInt8>, as type: ABIType) throws(ABIError) -> ABIValue {
        switch type {
        case .uint(let bits) where word.significantBits <= bits:
            return .uint(word)
        case .int(let bits):
            let number = BigInt(twosComplement: word)
            if number.fits(bits: bits) { return .int(number) }
        case .address:
            if bytes.prefix(12).allSatisfy({ $0 == 0 }), let address = Address(bytes: bytes.suffix(20)) {
                return .address(address)
            }
        case .bool where word == .zero || word == UInt256(1):
            return .bool(word != .zero)
        case .fixedBytes(let count):
            return .bytes(Array(bytes.prefix(count)))
        case .function:
            return .bytes(Array(bytes.prefix(24)))
        case .uint, .bool, .string, .bytes, .array, .fixedArray, .tuple:
            break
        }
        throw .valueOutOfRange(type: type.canonicalName)
    }

    private mutating func counted(at position: Int) throws(ABIError) -> ArraySlice<UInt8> {
        try read(try number(at: position), at: position + 32)
    }

    /// An offset, length or count: nothing above the size of the data makes sense.
    private mutating func number(at position: Int) throws(ABIError) -> Int {
        let word = UInt256(bigEndian: try read(32, at: position)) ?? .max
        guard let value = word.uint64, value <= UInt64(data.count) else {
            throw .pointsOutside(offset: word.hexQuantity, size: data.count)
        }
        return Int(value)
    }

    /// `position` may lie behind the end; `count` is not negative.
    private mutating func read(_ count: Int, at position: Int) throws(ABIError) -> ArraySlice<UInt8> {
        guard position <= data.count, count <= data.count - position else {
            throw .dataEndsEarly(wanted: count, had: max(0, data.count - position))
        }
        guard count <= budget else { throw .overlaps }
        budget -= count
        return data[position..<position + count]
    }
}
