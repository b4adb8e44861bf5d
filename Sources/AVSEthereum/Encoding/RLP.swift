public import AVSPrimitives

/// Recursive Length Prefix: byte strings and lists of them, as transactions are serialised.
///
/// - Source: the Ethereum yellow paper, appendix B.
public indirect enum RLP: Hashable, Sendable {
    case bytes([UInt8])
    case list([RLP])

    /// A number: big-endian without leading zeros; zero has no bytes.
    public static func number(_ value: UInt256) -> RLP { .bytes(Array(value.bigEndian.drop { $0 == 0 })) }

    public static func number(_ value: UInt64) -> RLP { number(UInt256(value)) }

    /// The 20 bytes; none for nil, which is how a transaction that creates a contract says so.
    public static func address(_ address: Address?) -> RLP { .bytes(address?.bytes ?? []) }

    public var encoded: [UInt8] {
        switch self {
        case .bytes(let bytes):
            if let only = bytes.first, bytes.count == 1, only < 0x80 { return bytes }
            return Self.header(bytes.count, base: 0x80) + bytes
        case .list(let items):
            let payload = items.flatMap(\.encoded)
            return Self.header(payload.count, base: 0xc0) + payload
        }
    }

    /// Up to 55 bytes: one byte says the length. Above: one byte says how many bytes the length has.
    private static func header(_ count: Int, base: UInt8) -> [UInt8] {
        guard count > 55 else { return [base + UInt8(count)] }
        let length = UInt256(UInt64(count)).bigEndian.drop { $0 == 0 }
        return [base + 55 + UInt8(length.count)] + length
    }
}

/// Why bytes are not canonical RLP.
public enum RLPError: Error, Hashable, Sendable {
    case endsEarly
    /// Bytes after the item.
    case trailingBytes(Int)
    /// A longer form than the item needs: two texts of one value.
    case notCanonical
    /// Lists in more than 32 levels.
    case tooDeep
}

extension RLP {
    private static let depthMaximum = 32

    /// Exactly one item in its canonical form.
    public init(decoding bytes: [UInt8]) throws(RLPError) {
        var rest = bytes[...]
        self = try Self.item(&rest, depth: 0)
        guard rest.isEmpty else { throw .trailingBytes(rest.count) }
    }

    private static func item(_ rest: inout ArraySlice<UInt8>, depth: Int) throws(RLPError) -> RLP {
        guard let first = rest.popFirst() else { throw .endsEarly }
        switch first {
        case ..<0x80:
            return .bytes([first])
        case ..<0xc0:
            let bytes = try payload(&rest, first - 0x80)
            if bytes.count == 1, let only = bytes.first, only < 0x80 { throw .notCanonical }
            return .bytes(Array(bytes))
        default:
            guard depth < depthMaximum else { throw .tooDeep }
            var items = try payload(&rest, first - 0xc0)
            var list: [RLP] = []
            while !items.isEmpty { list.append(try item(&items, depth: depth + 1)) }
            return .list(list)
        }
    }

    /// The bytes that belong to a header; `form` is its first byte less the base, 0…63.
    private static func payload(_ rest: inout ArraySlice<UInt8>, _ form: UInt8) throws(RLPError) -> ArraySlice<UInt8> {
        var count = Int(form)
        if form > 55 {
            let length = rest.prefix(Int(form) - 55)
            guard length.count == Int(form) - 55 else { throw .endsEarly }
            rest = rest.dropFirst(length.count)
            guard length.first != 0 else { throw .notCanonical }
            guard let value = UInt256(bigEndian: length)?.uint64, value <= UInt64(rest.count) else { throw .endsEarly }
            guard value > 55 else { throw .notCanonical }
            count = Int(value)
        }
        let payload = rest.prefix(count)
        guard payload.count == count else { throw .endsEarly }
        rest = rest.dropFirst(count)
        return payload
    }
}
