import AVSHTTP2

/// A session at one end of a wire that a test holds: what it received and everything it sent.
final class Endpoint {
    var session: HTTP2Session
    var events: [HTTP2Event] = []
    /// Payload by stream, in the order it came.
    var data: [StreamID: [UInt8]] = [:]

    init(_ role: HTTP2Configuration.Role, _ configuration: HTTP2Configuration = HTTP2Configuration()) throws {
        session = try HTTP2Session.open(role, configuration)
    }

    /// Takes bytes and records the events; payload is merged by stream, so that cuts do not show.
    func receive(_ bytes: [UInt8]) throws {
        for event in try session.receive(bytes.span) {
            if case .data(let stream, let range) = event {
                data[stream, default: []] += bytes[range]
            } else {
                events.append(event)
            }
        }
    }

    var isFinished: Bool { session.isFinished }
    var wantsDrain: Bool { session.wantsDrain }
    var sentGoAway: HTTP2ErrorCode? { session.sentGoAway }
    var allUnsentBytes: Int { session.unsentBytes }
    var incompleteHeaders: StreamID? { session.incompleteHeaders }
    var queuedFrameCount: Int { session.queuedFrameCount }
    var peerMaxConcurrentStreams: UInt32 { session.peerMaxConcurrentStreams }
    var peerHeaderListLimitBytes: UInt32 { session.peerHeaderListLimitBytes }
    func unsentBytes(_ stream: StreamID) -> Int { session.unsentBytes(stream) }
    func takeCounts() -> FrameCounts { session.takeCounts() }

    /// Everything there is to send now.
    func drain(roomBytes: Int = HTTP2Session.outputRoomBytes) throws -> [UInt8] {
        var output: [UInt8] = []
        var more = true
        while more {
            let part = try [UInt8](unsafeUninitializedCapacity: roomBytes) { buffer, count in
                var span = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
                more = try session.drain(into: &span)
                count = span.finalize(for: UnsafeMutableRawBufferPointer(buffer))
            }
            if part.isEmpty { break }
            output += part
        }
        events += session.takeEvents()
        return output
    }
}

/// Both ends, with everything carried over until nothing moves.
final class Pair {
    var client: Endpoint
    var server: Endpoint

    init(
        client: HTTP2Configuration = HTTP2Configuration(), server: HTTP2Configuration = HTTP2Configuration()
    ) throws {
        self.client = try Endpoint(.client, client)
        self.server = try Endpoint(.server, server)
        try settle()
    }

    func settle() throws {
        while true {
            let up = try client.drain()
            try server.receive(up)
            let down = try server.drain()
            try client.receive(down)
            if up.isEmpty, down.isEmpty { return }
        }
    }
}

let request: HeaderBlock = [
    ":method": "POST", ":scheme": "http", ":path": "/a.B/C", ":authority": "localhost", "te": "trailers",
    "content-type": "application/grpc",
]
let response: HeaderBlock = [":status": "200", "content-type": "application/grpc"]
let trailers: HeaderBlock = ["grpc-status": "0"]

/// Frames as bytes, for peers that no library would play.
enum Raw {
    static let magic = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        big(UInt32(payload.count)).dropFirst() + [type, flags] + big(stream) + payload
    }

    static let settings = frame(4)
    static let settingsAck = frame(4, flags: 1)
    static let opening = magic + settings + settingsAck

    static func headers(_ block: [UInt8], stream: UInt32, flags: UInt8 = 0x4) -> [UInt8] {
        frame(1, flags: flags, stream: stream, block)
    }

    static func big(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }

    /// HPACK: a literal field that enters no table, without Huffman.
    static func literal(_ name: String, _ value: String) -> [UInt8] { [0] + string(name) + string(value) }

    /// HPACK: a literal field that enters the dynamic table.
    static func indexed(_ name: String, _ value: String) -> [UInt8] { [0x40] + string(name) + string(value) }

    private static func string(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
        var (rest, head) = (bytes.count - 127, [UInt8(127)])
        while rest >= 128 {
            head.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        return head + [UInt8(rest)] + bytes
    }

    static let requestBlock =
        literal(":method", "POST") + literal(":scheme", "http") + literal(":path", "/a.B/C")
        + literal(":authority", "x") + literal("content-type", "application/grpc")
}
