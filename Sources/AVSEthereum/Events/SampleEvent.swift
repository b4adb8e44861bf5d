public import AVSPrimitives
import BigInt

extension ABIEvent {
    /// Values in the data of a sample. Real events have a handful; array types could ask for billions.
    private static let sampleLimit = 1_024

    /// Topics as a log of this event has them: `wanted` where it says something, else zeros.
    ///
    /// - Parameter wanted: by position, the signature first; nil matches anything.
    /// - Throws: ``ABIError/topicMismatch(event:expected:got:)`` if a topic is wanted that the event does not have.
    public func topics(matching wanted: [Hash32?]) throws(ABIError) -> [Hash32] {
        let own: [Hash32?] = isAnonymous ? [] : [topic0]
        let count = own.count + indexedCount
        guard wanted.dropFirst(count).allSatisfy({ $0 == nil }) else {
            throw .topicMismatch(event: name, expected: count, got: wanted.count)
        }
        return (0..<count).map { position in
            if position < own.count { return topic0 }
            return wanted.dropFirst(position).first.flatMap { $0 } ?? .zero
        }
    }

    /// The data of a log of this event, of values that look like something (execution engine 4.5.5).
    ///
    /// - Throws: ``ABIError/unsupportedType(_:)`` for an event whose data would be large.
    public func sampleData() throws(ABIError) -> [UInt8] {
        let types = inputs.filter { !$0.isIndexed }.map(\.type)
        let limit = Self.sampleLimit
        let count = types.reduce(0) { min($0 + $1.leaves(limit: limit), limit + 1) }
        guard count <= limit else { throw .unsupportedType(signature) }
        return try ABI.encode(types.map(\.sample), as: types)
    }
}

extension ABIType {
    /// How many values a sample of this type holds; anything beyond `limit` counts as one more than it.
    fileprivate func leaves(limit: Int) -> Int {
        switch self {
        case .fixedArray(let element, let count):
            let each = element.leaves(limit: limit)
            return each > limit / count ? limit + 1 : each * count
        case .tuple(let components):
            return components.reduce(0) { min($0 + $1.type.leaves(limit: limit), limit + 1) }
        case .uint, .int, .address, .bool, .string, .bytes, .fixedBytes, .function, .array: return 1
        }
    }

    fileprivate var sample: ABIValue {
        switch self {
        case .uint(let bits): .uint(UInt256(Self.sampleNumber(bits: bits)))
        case .int(let bits): .int(BigInt(Self.sampleNumber(bits: bits)))
        case .address: .address(.sample(1))
        case .bool: .bool(true)
        case .string: .string("sample")
        case .bytes: .bytes([0])
        case .fixedBytes(let count): .bytes([UInt8](repeating: 0, count: count))
        case .function: .bytes([UInt8](repeating: 0, count: 24))
        case .array: .array([])
        case .fixedArray(let element, let count): .array([ABIValue](repeating: element.sample, count: count))
        case .tuple(let components): .tuple(components.map(\.type.sample))
        }
    }

    private static func sampleNumber(bits: Int) -> UInt64 {
        switch bits {
        case ...8: 1
        case ...16: 100
        case ...32: 100_000
        case ...64: 1_000_000
        default: 1_000_000_000_000_000_000
        }
    }
}

extension Address {
    /// `0x00…01` and the like: stands for somebody in samples.
    public static func sample(_ number: UInt8) -> Address {
        Address(bytes: [UInt8](repeating: 0, count: 19) + [number]) ?? .zero
    }
}
