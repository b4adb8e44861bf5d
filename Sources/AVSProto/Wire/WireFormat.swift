/// What stands before each field: its number and how its value is written.
struct WireTag {
    var field: UInt32
    var kind: Kind

    enum Kind: UInt8 {
        case varint = 0
        case fixed64 = 1
        case delimited = 2
        case fixed32 = 5
    }
}

/// A ``ProtoError`` before it is known where it happened.
enum WireFault: Error {
    case malformed(ProtoError.Problem)
    case overLimit(ProtoError.Limit)
    /// A single message field occurs again. Ends the check, not the decoding: see ``WireMerge``.
    case repeatedMessage

    func error(message: String, offset: Int) -> ProtoError {
        switch self {
        case .malformed(let problem): .malformed(problem, message: message, offset: offset)
        case .overLimit(let limit): .overLimit(limit, message: message, offset: offset)
        case .repeatedMessage: .malformed(.refused, message: message, offset: offset)
        }
    }
}

/// Reading protobuf's encoding: each call reads at `position` and moves it behind what it read, never behind `end`.
///
/// Numbers need not be written in their shortest form, but a tag or a length in at most five bytes and a value in at
/// most ten, which is what protobuf-c accepts.
extension Span<UInt8> {
    func readVarint(_ position: inout Int, _ end: Int, maximumBytes: Int = 10) throws(WireFault) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<maximumBytes {
            guard position < end else { throw .malformed(.truncated) }
            let byte = self[position]
            position += 1
            value |= UInt64(byte & 0x7F) << UInt64(7 * index)
            if byte < 0x80 { return value }
        }
        throw .malformed(.numberTooLong)
    }

    func readTag(_ position: inout Int, _ end: Int) throws(WireFault) -> WireTag {
        let number = try readVarint(&position, end, maximumBytes: 5)
        guard let field = UInt32(exactly: number >> 3), 1...WireFields.greatestNumber ~= field else {
            throw .malformed(.fieldNumber)
        }
        guard let kind = WireTag.Kind(rawValue: UInt8(number & 7)) else {
            throw .malformed(.wireType(UInt8(number & 7)))
        }
        return WireTag(field: field, kind: kind)
    }

    /// A length whose bytes are all there.
    func readLength(_ position: inout Int, _ end: Int) throws(WireFault) -> Int {
        let length = try readVarint(&position, end, maximumBytes: 5)
        guard length <= UInt64(end - position) else { throw .malformed(.truncated) }
        return Int(length)
    }

    func skip(_ count: Int, _ position: inout Int, _ end: Int) throws(WireFault) {
        guard count <= end - position else { throw .malformed(.truncated) }
        position += count
    }
}

extension [UInt8] {
    mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }
}
