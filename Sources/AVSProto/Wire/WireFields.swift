/// The fields of a serialized message as they lie in its bytes, without decoding what is inside them.
///
/// Serves to copy a stored message into an answer, and to see what a peer sent under a number that its message does not
/// declare, or declares with another type.
///
///     var fields = WireFields(record)
///     while let field = try fields.next() { … }
///
/// Only the outermost message is looked at: bytes inside a field are not checked.
public struct WireFields: Sendable {
    /// The greatest field number of protobuf.
    public static let greatestNumber: UInt32 = 536_870_911

    public struct Field: Hashable, Sendable {
        public var number: UInt32
        public var value: Value

        public enum Value: Hashable, Sendable {
            case varint(UInt64)
            case fixed32(UInt32)
            case fixed64(UInt64)
            /// Where the content of a text, byte string, message or packed list lies in ``WireFields/bytes``.
            case delimited(Range<Int>)
        }
    }

    public let bytes: [UInt8]
    /// Where the next field begins; before and after ``next()`` it says where in ``bytes`` a whole field lies.
    public private(set) var position = 0

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next field in the order in which they were written; nil at the end.
    public mutating func next() throws(ProtoError) -> Field? {
        guard position < bytes.count else { return nil }
        var end = position
        do throws(WireFault) {
            let field = try Self.read(bytes.span, &end)
            position = end
            return field
        } catch {
            throw error.error(message: "message", offset: end)
        }
    }

    private static func read(_ bytes: Span<UInt8>, _ position: inout Int) throws(WireFault) -> Field {
        let tag = try bytes.readTag(&position, bytes.count)
        let start = position
        switch tag.kind {
        case .varint:
            return Field(number: tag.field, value: .varint(try bytes.readVarint(&position, bytes.count)))
        case .fixed32:
            try bytes.skip(4, &position, bytes.count)
            let value = UInt32(truncatingIfNeeded: littleEndian(bytes.extracting(start..<position)))
            return Field(number: tag.field, value: .fixed32(value))
        case .fixed64:
            try bytes.skip(8, &position, bytes.count)
            return Field(number: tag.field, value: .fixed64(littleEndian(bytes.extracting(start..<position))))
        case .delimited:
            let length = try bytes.readLength(&position, bytes.count)
            defer { position += length }
            return Field(number: tag.field, value: .delimited(position..<position + length))
        }
    }

    private static func littleEndian(_ bytes: Span<UInt8>) -> UInt64 {
        bytes.indices.reversed().reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
    }
}

/// Building and taking apart messages from parts that are already serialized.
public enum WireSplice {
    /// Appends `message` to `output` as the length-delimited field `number`: a submessage, one element of a repeated
    /// message, a text or a byte string.
    public static func append(field number: UInt32, _ message: [UInt8], to output: inout [UInt8]) {
        precondition(1...WireFields.greatestNumber ~= number, "field number \(number)")  // ours, never a peer's
        output.reserveCapacity(output.count + message.count + 10)
        output.appendVarint(UInt64(number) << 3 | UInt64(WireTag.Kind.delimited.rawValue))
        output.appendVarint(UInt64(message.count))
        output += message
    }

    /// Appends the number `value` to `output` as the field `number`: an integer, a bool or an enum that proto3 writes
    /// as a varint. A 0 is not written, as proto3 wants it.
    public static func append(field number: UInt32, varint value: UInt64, to output: inout [UInt8]) {
        precondition(1...WireFields.greatestNumber ~= number, "field number \(number)")  // ours, never a peer's
        guard value != 0 else { return }
        output.appendVarint(UInt64(number) << 3 | UInt64(WireTag.Kind.varint.rawValue))
        output.appendVarint(value)
    }

    /// The serialized submessage in the field `number` of `message`; nil if the field is absent.
    ///
    /// Protobuf merges a message field that occurs several times, and the bytes of the merged message are those of its
    /// parts in a row, so that is what this returns.
    public static func submessage(field number: UInt32, of message: [UInt8]) throws(ProtoError) -> [UInt8]? {
        let parts = try elements(field: number, of: message)
        return parts.isEmpty ? nil : Array(parts.joined())
    }

    /// The serialized elements of the repeated message field `number` of `message`, in their order.
    public static func elements(field number: UInt32, of message: [UInt8]) throws(ProtoError) -> [ArraySlice<UInt8>] {
        var fields = WireFields(message)
        var found: [ArraySlice<UInt8>] = []
        while let field = try fields.next() {
            if field.number == number, case .delimited(let range) = field.value { found.append(message[range]) }
        }
        return found
    }
}
