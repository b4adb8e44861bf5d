/// Frames as bytes; HPACK without tables and without Huffman.
enum Raw {
    static let magic = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        big(UInt32(payload.count)).dropFirst() + [type, flags] + big(stream) + payload
    }

    static let opening = magic + frame(4) + frame(4, flags: 1)

    static func big(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }

    static func literal(_ name: String, _ value: String) -> [UInt8] {
        [0] + length(name.utf8.count) + Array(name.utf8) + length(value.utf8.count) + Array(value.utf8)
    }

    /// RFC 7541, section 5.1, with a prefix of seven bits.
    static func length(_ count: Int) -> [UInt8] {
        guard count >= 127 else { return [UInt8(count)] }
        var (bytes, rest): ([UInt8], Int) = ([127], count - 127)
        while rest >= 128 {
            bytes.append(UInt8(rest % 128) | 0x80)
            rest /= 128
        }
        return bytes + [UInt8(rest)]
    }

    static func request(
        _ method: String, stream: UInt32, flags: UInt8 = 0x4, with fields: [(String, String)] = [],
        contentType: String = "application/grpc", verb: String = "POST"
    ) -> [UInt8] {
        var block = literal(":method", verb) + literal(":scheme", "http") + literal(":path", "/test.Service/\(method)")
        block += literal(":authority", "x") + literal("content-type", contentType)
        for (name, value) in fields { block += literal(name, value) }
        return frame(1, flags: flags, stream: stream, block)
    }

    static func message(_ bytes: [UInt8], stream: UInt32, flags: UInt8 = 0) -> [UInt8] {
        frame(0, flags: flags, stream: stream, [0] + big(UInt32(bytes.count)) + bytes)
    }
}
