import AVSTesting
import Testing

@testable import AVSHTTP2

/// How bodies and headers get into the output: the rules of section 22 that speed rests on.
@Suite("What a session puts into its output")
struct OutputRuleTests {
    /// A server and a stream of it per number, with a peer that takes frames up to `frameBytes`.
    private func server(streams: Int, frameBytes: UInt32? = nil, window: UInt32 = 1 << 30) throws -> Endpoint {
        let server = try Endpoint(.server)
        var settings: [UInt8] = [0, 4] + Raw.big(window)
        if let frameBytes { settings += [0, 5] + Raw.big(frameBytes) }
        try server.receive(Raw.magic + Raw.frame(4, settings) + Raw.settingsAck + Raw.frame(8, Raw.big(1 << 30)))
        for index in 0..<streams {
            try server.receive(Raw.headers(Raw.requestBlock, stream: UInt32(1 + 2 * index), flags: 0x5))
        }
        _ = try server.drain()
        return server
    }

    @Test("NG-14: DATA frames are as large as the peer takes, up to 64 KiB",
        arguments: [nil, 16_384, 20_000, 65_536, 1 << 20] as [UInt32?])
    func frameSize(limit: UInt32?) throws {
        let server = try server(streams: 1, frameBytes: limit)
        let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try server.session.respond(on: StreamID(1), headers: response)
        server.session.send(body, on: StreamID(1))
        server.session.finish(StreamID(1), trailers: trailers)
        let data = WireFrame.all(in: try server.drain()).filter { $0.type == 0 }
        #expect(data.map(\.payload.count).max() == min(Int(limit ?? 16_384), 64 * 1_024))
        let isSame = data.flatMap(\.payload) == body
        #expect(isSame)
    }

    @Test("NG-14: windows cut a frame short, of the stream and of the connection", arguments: [1, 100, 16_383])
    func windows(window: UInt32) throws {
        let server = try server(streams: 1, frameBytes: 1 << 20, window: window)
        try server.session.respond(on: StreamID(1), headers: response)
        server.session.send(Array(repeating: 1, count: 100_000), on: StreamID(1))
        let sent = WireFrame.all(in: try server.drain()).filter { $0.type == 0 }
        #expect(sent.map(\.payload.count) == [Int(window)])
    }

    @Test("NG-15: what goes no-copy keeps its place among the frames, whatever the room for output",
        arguments: [1, 2, 3, 4, 5] as [UInt64])
    func order(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let server = try server(streams: 8, frameBytes: 40_000)
        var bodies: [Int32: [UInt8]] = [:]
        for index in 0..<8 as Range<Int32> {
            let stream = StreamID(1 + 2 * index)
            try server.session.respond(on: stream, headers: PreparedHeaders(response))
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let part = (0..<Int.random(in: 0...90_000, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                let lead = Bool.random(using: &random) ? ChunkLead(1, UInt32(part.count)) : .none
                server.session.send(part, after: lead, on: stream)
                let prefix = lead.count == 0 ? [] : [1] + Raw.big(UInt32(part.count))
                bodies[stream.rawValue, default: []] += prefix + part
            }
            server.session.finish(stream, trailers: PreparedHeaders(trailers))
        }
        try server.session.ping(99)
        let extra = Int.random(in: 0...200_000, using: &random)
        let bytes = try server.drain(roomBytes: HTTP2Session.outputRoomBytes + extra)
        let frames = WireFrame.all(in: bytes)
        #expect(frames.reduce(0) { $0 + 9 + $1.payload.count } == bytes.count)  // whole frames and nothing between them
        #expect(frames.contains { $0.type == 6 && $0.number(at: 4) == 99 })
        for (stream, body) in bodies {
            let own = frames.filter { $0.stream == stream }
            #expect(own.first?.type == 1 && own.last?.type == 1 && own.last?.endsStream == true)
            #expect(own.dropFirst().dropLast().allSatisfy { $0.type == 0 })
            let sent = own.dropFirst().dropLast().flatMap(\.payload)
            #expect(sent.count == body.count)
            let isSame = sent == body  // a difference between so many bytes is not worth showing
            #expect(isSame)
        }
        #expect(server.allUnsentBytes == 0)
    }

    @Test("NG-22: prepared names and values are there when the frame is written, long after the submit")
    func prepared() throws {
        let count = 50
        let server = try server(streams: count)
        for index in 0..<count as Range<Int> {
            let stream = StreamID(Int32(1 + 2 * index))
            let long = String(repeating: "\(index % 10)", count: 200)
            try server.session.respond(on: stream, headers: PreparedHeaders([":status": "200", "x-number": long]))
            server.session.finish(stream, trailers: PreparedHeaders(["grpc-status": "0", "x-end": long]))
        }
        var garbage: [[UInt8]] = []  // takes whatever memory was given back too early
        for size in [8, 32, 200, 220, 400] { for _ in 0..<200 { garbage.append(Array(repeating: 0xee, count: size)) } }
        let client = try Endpoint(.client)
        for _ in 0..<count { _ = try client.session.request(request, endsStream: true) }
        _ = try client.drain()
        try client.receive(Raw.settings + server.drain())
        var sections: [StreamID: [HeaderBlock]] = [:]
        for case .headers(let stream, let block, _) in client.events { sections[stream, default: []].append(block) }
        #expect(sections.count == count)
        for (stream, blocks) in sections {
            let long = String(repeating: "\(Int(stream.rawValue - 1) / 2 % 10)", count: 200)
            #expect(blocks.map { $0["x-number"] ?? $0["x-end"] } == [long, long])
        }
        #expect(garbage.count == 1_000)
    }

    @Test("NG-22: a block and its prepared form are the same on the wire")
    func same() throws {
        let block: HeaderBlock = [":status": "200", "content-type": "application/grpc", "x-empty": "", "x": "y"]
        let (one, other) = (try server(streams: 2), try server(streams: 2))
        for number in [1, 3] as [Int32] {
            try one.session.respond(on: StreamID(number), headers: block)
            try other.session.respond(on: StreamID(number), headers: PreparedHeaders(block))
            one.session.finish(StreamID(number), trailers: trailers)
            other.session.finish(StreamID(number), trailers: PreparedHeaders(trailers))
            #expect(try one.drain() == other.drain())
        }
    }
}
