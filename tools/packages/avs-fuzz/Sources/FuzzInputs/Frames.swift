/// HTTP/2 frames as records.
///
///     | length: 3 | type: 1 | flags: 1 | stream: 4 | payload |
package enum Frames {
    package static func shape(preamble: Int) -> Records.Shape {
        Records.Shape(preamble: preamble, headBytes: 9, length: 0..<3, fresh: fresh)
    }

    package static func frame(_ type: UInt8, _ flags: UInt8, _ stream: Int, _ payload: [UInt8]) -> [UInt8] {
        bigEndian(payload.count, 3) + [type, flags] + bigEndian(stream, 4) + payload
    }

    /// A frame that is right in itself; whether it is in its place is another matter.
    package static func fresh(_ random: inout Generator) -> [UInt8] {
        let stream = random.pick([0, 1, 1, 3, 5, 7, 9, 2, 101, 0x7fff_ffff], or: 1)
        let endFlags: UInt8 = random.oneIn(2) ? 1 : 0
        switch random.below(14) {
        case 0: return frame(0, endFlags, stream, data(&random))
        case 1:
            let padding = random.below(32)
            return frame(0, endFlags | 8, stream, [UInt8(padding)] + data(&random) + Array(repeating: 0, count: padding))
        case 2, 3: return frame(1, endFlags | 4, stream, headers(&random))
        case 4: return frame(1, endFlags, stream, headers(&random)) + frame(9, 4, stream, headers(&random))
        case 5: return frame(9, random.oneIn(2) ? 4 : 0, stream, headers(&random))
        case 6: return frame(2, 0, stream, bigEndian(random.below(16), 4) + [UInt8(random.below(256))])
        case 7: return frame(3, 0, stream, bigEndian(random.below(16), 4))
        case 8: return settings(&random)
        case 9: return frame(6, endFlags, 0, random.bytes(8))
        case 10: return frame(7, 0, 0, bigEndian(random.below(16), 4) + bigEndian(random.below(14), 4))
        case 11:
            let increment = random.pick([0, 1, 16_384, 65_535, 0x7fff_ffff], or: 1)
            return frame(8, 0, random.oneIn(2) ? 0 : stream, bigEndian(increment, 4))
        case 12: return frame(5, 4, stream, bigEndian(2 * random.below(8), 4) + headers(&random))
        default: return frame(UInt8(random.below(256)), UInt8(random.below(256)), stream, random.bytes(random.below(64)))
        }
    }

    private static func data(_ random: inout Generator) -> [UInt8] {
        let length = random.pick([0, 1, 5, 100, 1_000], or: 5)
        let body = random.bytes(length)
        return random.oneIn(4) ? body : [0] + bigEndian(length, 4) + body
    }

    private static func settings(_ random: inout Generator) -> [UInt8] {
        if random.oneIn(4) { return frame(4, 1, 0, []) }
        let values = [0, 1, 100, 4_096, 16_384, 65_535, 65_536, 0xff_ffff, 0x7fff_ffff, 0xffff_ffff]
        let entries = (0..<random.below(8)).flatMap { _ in
            bigEndian(random.below(10), 2) + bigEndian(random.pick(values, or: 0), 4)
        }
        return frame(4, 0, 0, entries)
    }

    /// A header block: indexed fields, literals, size updates, in an order that may well be wrong.
    package static func headers(_ random: inout Generator) -> [UInt8] {
        var block: [UInt8] = []
        if random.oneIn(2) {
            block = [0x83, 0x86] + literal(":path", "/test.Service/Echo") + literal("content-type", "application/grpc")
        }
        for _ in 0..<random.below(8) {
            switch random.below(6) {
            case 0: block.append(0x80 | UInt8(random.oneIn(8) ? random.below(128) : 1 + random.below(61)))
            case 1 where block.isEmpty || random.oneIn(8): block.append(0x20 | UInt8(random.below(32)))
            case 2: block += literal(random.pick(names, or: "te"), random.pick(values, or: ""), UInt8(random.below(3)))
            case 3: block += [0x40 | UInt8(random.below(64)), UInt8(random.below(4)), 0x61, 0x62, 0x63]
            case 4: block += [0x7f] + random.bytes(random.below(4))
            default: block += literal(random.pick(names, or: "te"), random.pick(values, or: ""))
            }
        }
        return block
    }

    package static let names = [
        "te", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding", "content-type", "x-bin", "user-agent", ":path",
        ":method", ":status", "grpc-status", "grpc-message", "content-length", "cookie", "host", "authorization",
        "grpc-status-details-bin", "connection", "Upper", "x y", "",
    ]
    package static let values = [
        "trailers", "1S", "99999999H", "gzip", "identity,deflate,gzip", "application/grpc", "application/grpc+proto",
        "application/grpc;x=y", "AAEC", "AAE=", "A", "POST", "GET", "200", "0", "13", "%41%zz%", "-1", " a ", "",
        "18446744073709551616", "/test.Service/Echo", "/", "//",
    ]

    private static func literal(_ name: String, _ value: String, _ form: UInt8 = 0) -> [UInt8] {
        field(Array(name.utf8), Array(value.utf8), first: form == 0 ? 0x40 : form == 1 ? 0x00 : 0x10)
    }

    /// A field that leaves the table of the connection as it is, unless `first` says otherwise.
    package static func field(_ name: [UInt8], _ value: [UInt8], first: UInt8 = 0x10) -> [UInt8] {
        [first] + length(name.count) + name + length(value.count) + value
    }

    package static func field(_ name: String, _ value: String) -> [UInt8] { field(Array(name.utf8), Array(value.utf8)) }

    /// HPACK's integer with a prefix of seven bits.
    private static func length(_ count: Int) -> [UInt8] {
        guard count >= 127 else { return [UInt8(count)] }
        var (bytes, rest): ([UInt8], Int) = ([127], count - 127)
        while rest >= 128 {
            bytes.append(UInt8(rest % 128) | 128)
            rest /= 128
        }
        return bytes + [UInt8(rest)]
    }
}
