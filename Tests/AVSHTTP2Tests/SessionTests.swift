import AVSHTTP2
import AVSTesting
import Testing

@Suite("An HTTP/2 session")
struct SessionTests {
    /// Client bytes of one call with a body, and what a server makes of them.
    private func transcript() throws -> (bytes: [UInt8], body: [UInt8]) {
        let client = try Endpoint(.client)
        let body = (0..<40_000).map { UInt8(truncatingIfNeeded: $0) }
        let stream = try client.session.request(request, endsStream: false)
        client.session.send(body, after: ChunkLead(0, UInt32(body.count)), on: stream)
        client.session.finish(stream, trailers: nil)
        return (try client.drain(), [0, 0, 0, 0x9c, 0x40] + body)
    }

    private func events(of chunks: [ArraySlice<UInt8>]) throws -> (events: [HTTP2Event], body: [UInt8]?) {
        let server = try Endpoint(.server)
        for chunk in chunks { try server.receive(Array(chunk)) }
        return (server.events, server.data[StreamID(1)])
    }

    @Test("sees the same events however the bytes are cut")
    func cuts() throws {
        let (bytes, body) = try transcript()
        let whole = try events(of: [bytes[...]])
        #expect(
            whole.events == [.settings, .headers(StreamID(1), request, endsStream: false), .endOfStream(StreamID(1))])
        #expect(whole.body == body)
        let single = try events(of: bytes.indices.map { bytes[$0...$0] })
        #expect(single == whole)
        for cut in stride(from: 0, through: bytes.count, by: 1) where cut < 300 || cut % 997 == 0 {
            let parts = try events(of: [bytes[..<cut], bytes[cut...]])
            #expect(parts == whole, "cut at \(cut)")
        }
    }

    @Test("RSP-1: an answer is headers, data, trailers; END_STREAM is on the trailers", arguments: [0, 1, 100, 70_000])
    func answer(size: Int) throws {
        let pair = try Pair()
        let stream = try pair.client.session.request(request, endsStream: true)
        try pair.settle()
        try pair.server.session.respond(on: stream, headers: response)
        let body = Array(repeating: UInt8(7), count: size)
        if size > 0 { pair.server.session.send(body, on: stream) }
        pair.server.session.finish(stream, trailers: trailers)
        try pair.settle()
        #expect(pair.client.data[stream] ?? [] == body)
        #expect(
            pair.client.events.suffix(3) == [
                .headers(stream, response, endsStream: false), .headers(stream, trailers, endsStream: true),
                .closed(stream, .noError),
            ])
        #expect(pair.server.events.last == .closed(stream, .noError))
    }

    @Test("NG-8, RSP-5: trailers to a client that has not ended arrive, and the reset behind them")
    func trailersThenReset() throws {
        let pair = try Pair()
        let stream = try pair.client.session.request(request, endsStream: false)
        pair.client.session.send([1, 2, 3], on: stream)
        try pair.settle()
        try pair.server.session.respond(on: stream, headers: response)
        pair.server.session.send(Array(repeating: 1, count: 1_000), on: stream)
        pair.server.session.finish(stream, trailers: trailers)
        try pair.settle()
        #expect(pair.client.data[stream]?.count == 1_000)
        #expect(pair.client.events.contains(.headers(stream, trailers, endsStream: true)))
        #expect(pair.client.events.last == .closed(stream, .noError))
        #expect(pair.server.events.last == .closed(stream, .noError))
        let counts = pair.server.takeCounts()
        #expect(counts.resetsProvoked == 0)
    }

    @Test("RSP-2: one header section can be the whole answer")
    func headersOnly() throws {
        let pair = try Pair()
        let stream = try pair.client.session.request(request, endsStream: true)
        try pair.settle()
        let all: HeaderBlock = [":status": "200", "content-type": "application/grpc", "grpc-status": "12"]
        try pair.server.session.respond(on: stream, headers: all, endsStream: true)
        try pair.settle()
        #expect(pair.client.events.contains(.headers(stream, all, endsStream: true)))
    }

    @Test("NG-11: data that comes later goes out later")
    func deferred() throws {
        let pair = try Pair()
        let stream = try pair.client.session.request(request, endsStream: true)
        try pair.settle()
        try pair.server.session.respond(on: stream, headers: response)
        try pair.settle()
        #expect(pair.client.events.last == .headers(stream, response, endsStream: false))
        for number in 0..<100 as Range<UInt8> {
            pair.server.session.send([number], on: stream)
            if number % 3 == 0 { try pair.settle() }
        }
        pair.server.session.finish(stream, trailers: trailers)
        try pair.settle()
        #expect(pair.client.data[stream] == Array(0..<100))
        #expect(pair.client.events.last == .closed(stream, .noError))
    }

    @Test("MSG-12: small messages of one turn share a frame")
    func sharedFrame() throws {
        let pair = try Pair()
        let stream = try pair.client.session.request(request, endsStream: true)
        try pair.settle()
        try pair.server.session.respond(on: stream, headers: response)
        for _ in 0..<50 { pair.server.session.send([1, 2], after: ChunkLead(0, 2), on: stream) }
        _ = pair.server.takeCounts()
        try pair.settle()
        #expect(pair.server.takeCounts().dataSent == 1)
        #expect(pair.client.data[stream]?.count == 350)
    }

    @Test("FC-1, FC-3: a peer that takes nothing stops the sender at the window, and goes on when it does")
    func streamWindow() throws {
        var configuration = HTTP2Configuration()
        configuration.streamWindowBytes = 65_535
        let pair = try Pair(client: configuration)
        let stream = try pair.client.session.request(request, endsStream: true)
        try pair.settle()
        try pair.server.session.respond(on: stream, headers: response)
        pair.server.session.send(Array(repeating: 1, count: 200_000), on: stream)
        pair.server.session.notify(stream, whenUnsentAtMost: 100_000)
        try pair.settle()
        #expect(pair.client.data[stream]?.count == 65_535)
        #expect(pair.server.unsentBytes(stream) == 134_465)
        #expect(!pair.server.events.contains(.writable(stream)))
        pair.client.session.consume(65_535, on: stream)
        try pair.settle()
        #expect(pair.client.data[stream]?.count == 131_070)
        #expect(pair.server.events.filter { $0 == .writable(stream) }.count == 1)
    }

    @Test("FC-2: a stream nobody reads does not stop the others")
    func connectionWindow() throws {
        var configuration = HTTP2Configuration()
        configuration.connectionWindowBytes = 1_048_576
        let pair = try Pair(server: configuration)
        for _ in 0..<40 {  // each leaves a full stream window unread: ten connection windows in all
            let stream = try pair.client.session.request(request, endsStream: false)
            pair.client.session.send(Array(repeating: 1, count: 262_144), on: stream)
            try pair.settle()
            #expect(pair.server.data[stream]?.count == 262_144)
            pair.client.session.reset(stream, .cancel)
        }
    }

    @Test("FC-5: padding is not reported as payload, and windows hold")
    func padding() throws {
        let server = try Endpoint(.server)
        try server.receive(Raw.opening + Raw.headers(Raw.requestBlock, stream: 1))
        let padded = Raw.frame(
            0, flags: 0x8, stream: 1, [255] + Array(repeating: 5, count: 5) + Array(repeating: 0, count: 255))
        for _ in 0..<10_000 {  // 2.6 MB with padding, 50 KB of payload
            try server.receive(padded)
            server.session.consume(5, on: StreamID(1))
            _ = try server.drain()
        }
        #expect(server.data[StreamID(1)]?.count == 50_000)
        #expect(!server.events.contains { if case .closed = $0 { true } else { false } })
    }

    @Test("CAN-2: a reset drops what is unsent and closes the stream on both sides")
    func reset() throws {
        let pair = try Pair()
        let stream = try pair.client.session.request(request, endsStream: true)
        try pair.settle()
        try pair.server.session.respond(on: stream, headers: response)
        pair.server.session.send(Array(repeating: 1, count: 1 << 20), on: stream)
        try pair.settle()
        pair.client.session.reset(stream, .cancel)
        try pair.settle()
        #expect(pair.server.events.last == .closed(stream, .cancel))
        #expect(pair.server.unsentBytes(stream) == 0)
        pair.server.session.send([1], on: stream)  // goes nowhere
        pair.server.session.finish(stream, trailers: trailers)
        try pair.settle()
        #expect(pair.client.events.last == .closed(stream, .cancel))
    }

    @Test("NG-13: headers for a stream that the peer has reset meanwhile go nowhere, and that is no event")
    func resetBeforeHeaders() throws {
        let pair = try Pair()
        let stream = try pair.client.session.request(request, endsStream: true)
        try pair.settle()
        try pair.server.session.respond(on: stream, headers: response)
        pair.client.session.reset(stream, .cancel)
        try pair.server.receive(pair.client.drain())  // before the answer goes out
        try pair.settle()
        #expect(pair.server.events.suffix(2) == [.headers(stream, request, endsStream: true), .closed(stream, .cancel)])
    }

    @Test("CON-6: the peer hears our limits")
    func settings() throws {
        var configuration = HTTP2Configuration()
        configuration.maxConcurrentStreams = 7
        configuration.headerListLimitBytes = 5_000
        let pair = try Pair(server: configuration)
        #expect(pair.client.peerMaxConcurrentStreams == 7)
        #expect(pair.client.peerHeaderListLimitBytes == 5_000)
        #expect(pair.client.events.contains(.settings))
        #expect(pair.server.events.contains(.settingsAcknowledged))
    }

    @Test("NG-19: calls over the peer's limit wait, in order")
    func concurrency() throws {
        var configuration = HTTP2Configuration()
        configuration.maxConcurrentStreams = 1
        let pair = try Pair(server: configuration)
        for _ in 0..<5 { _ = try pair.client.session.request(request, endsStream: true) }
        for number in 0..<5 {
            try pair.settle()
            let stream = StreamID(Int32(number * 2 + 1))
            #expect(pair.server.events.filter { if case .headers = $0 { true } else { false } }.count == number + 1)
            try pair.server.session.respond(on: stream, headers: response, endsStream: true)
        }
    }

    @Test("DR-1: two GOAWAYs; between them new streams are taken, after them the session finishes")
    func drain() throws {
        let pair = try Pair()
        let first = try pair.client.session.request(request, endsStream: true)
        try pair.settle()
        try pair.server.session.announceShutdown(ping: 42)
        let second = try pair.client.session.request(request, endsStream: true)  // crosses the notice on the wire
        try pair.settle()
        #expect(pair.client.events.contains(.goAway(last: .maximum, .noError, debugData: [])))
        #expect(pair.server.events.contains(.pingAcknowledged(42)))
        #expect(pair.server.events.contains(.headers(second, request, endsStream: true)))
        try pair.server.session.goAway(.noError, reason: "max_age")
        try pair.settle()
        #expect(pair.client.events.contains(.goAway(last: second, .noError, debugData: Array("max_age".utf8))))
        #expect(!pair.server.isFinished)
        for stream in [first, second] {
            try pair.server.session.respond(on: stream, headers: response, endsStream: true)
        }
        try pair.settle()
        #expect(pair.server.isFinished)
        #expect(pair.client.isFinished)
    }

    @Test("DR-1: the PING is behind the GOAWAY, also where there is no stream")
    func shutdownNotice() throws {
        let pair = try Pair()
        try pair.server.session.announceShutdown(ping: 0x0102_0304_0506_0708)
        let bytes = try pair.server.drain()
        #expect(bytes.suffix(17) == [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
        #expect(bytes.dropLast(17).dropFirst(3).first == 7)
        let late = try pair.client.session.request(request, endsStream: true)
        try pair.server.receive(try pair.client.drain())
        #expect(pair.server.events.contains(.headers(late, request, endsStream: true)))
    }

    @Test("NG-19: a request that the server did not take is refused, which allows another try")
    func refused() throws {
        let pair = try Pair()
        let first = try pair.client.session.request(request, endsStream: true)
        try pair.settle()
        try pair.server.session.goAway(.noError)
        let second = try pair.client.session.request(request, endsStream: true)
        let up = try pair.client.drain()
        let down = try pair.server.drain()
        try pair.server.receive(up)
        try pair.client.receive(down)
        #expect(pair.client.events.contains(.closed(second, .refusedStream)))
        #expect(!pair.client.events.contains { if case .closed(first, _) = $0 { true } else { false } })
    }

    @Test("FC-8: stopping the drain loses nothing, whatever the room", arguments: [40_000, 98_000, 98_569, 200_000])
    func room(bytes: Int) throws {
        let pair = try Pair()
        let body = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
        let stream = try pair.client.session.request(request, endsStream: false)
        pair.client.session.send(body, after: ChunkLead(0, 1_000_000), on: stream)
        pair.client.session.finish(stream, trailers: nil)
        while true {
            let up = try pair.client.drain(roomBytes: bytes)
            try pair.server.receive(up)
            pair.server.session.consume(up.count - 9 * (up.count / 16_393 + 1), on: stream)
            let down = try pair.server.drain()
            try pair.client.receive(down)
            if up.isEmpty { break }
        }
        #expect(pair.server.data[stream]?.count == 1_000_005)
        #expect(Array(pair.server.data[stream]?.dropFirst(5) ?? []) == body)
    }

    @Test("NG-12: a stray space in a value costs the space, a malformed field costs the field")
    func strayFields() throws {
        let server = try Endpoint(.server)
        let block =
            Raw.requestBlock + Raw.literal("a", " spaced\t") + Raw.literal("b", "ctl\u{1}") + Raw.literal("c d", "name")
            + Raw.literal("e", "last")
        try server.receive(Raw.opening + Raw.headers(block, stream: 1, flags: 0x5))
        guard case .headers(_, let fields, _)? = server.events.last else { return #expect(Bool(false), "no headers") }
        #expect(fields["a"] == "spaced")
        #expect(fields["b"] == nil)
        #expect(fields["c d"] == nil)
        #expect(fields["e"] == "last")
    }
}
