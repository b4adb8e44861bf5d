/// The protobuf wire format, as far as health and reflection need it: this module knows no protobuf library.
///
/// - Source: protobuf's *Encoding* page. Groups are refused.
enum ProtoWire {
    enum Value {
        case varint(UInt64)
        case bytes(ArraySlice<UInt8>)
        case fixed32
        case fixed64
    }

    /// Bytes that are no message.
    struct Malformed: Error, CustomStringConvertible {
        var description: String { "malformed protobuf" }
    }

    /// Calls `body` for each field in order.
    static func forEachField<E: Error>(
        of message: ArraySlice<UInt8>, _ body: (_ number: Int, _ value: Value) throws(E) -> Void
    ) throws {
        var rest = message
        while !rest.isEmpty {
            let key = try varint(&rest)
            let number = Int(truncatingIfNeeded: key >> 3)
            guard (1...0x1fff_ffff).contains(number) else { throw Malformed() }
            switch key & 7 {
            case 0: try body(number, .varint(varint(&rest)))
            case 1:
                try skip(8, &rest)
                try body(number, .fixed64)
            case 2: try body(number, .bytes(take(varint(&rest), &rest)))
            case 5:
                try skip(4, &rest)
                try body(number, .fixed32)
            default: throw Malformed()
            }
        }
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
        var (value, shift) = (UInt64(0), UInt64(0))
        while let byte = rest.popFirst(), shift < 64 {
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw Malformed()
    }

    private static func take(_ count: UInt64, _ rest: inout ArraySlice<UInt8>) throws -> ArraySlice<UInt8> {
        guard count <= UInt64(rest.count) else { throw Malformed() }
        defer { rest = rest.dropFirst(Int(count)) }
        return rest.prefix(Int(count))
    }

    private static func skip(_ count: UInt64, _ rest: inout ArraySlice<UInt8>) throws {
        _ = try take(count, &rest)
    }

    // MARK: Writing

    static func appendVarint(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    static func append(field: Int, varint: UInt64, to bytes: inout [UInt8]) {
        appendVarint(UInt64(field) << 3, to: &bytes)
        appendVarint(varint, to: &bytes)
    }

    static func append(field: Int, _ value: some Collection<UInt8>, to bytes: inout [UInt8]) {
        appendVarint(UInt64(field) << 3 | 2, to: &bytes)
        appendVarint(UInt64(value.count), to: &bytes)
        bytes += value
    }
}

extension ProtoWire.Value {
    var text: String? {
        if case .bytes(let bytes) = self { return String(decoding: bytes, as: UTF8.self) }
        return nil
    }
}
