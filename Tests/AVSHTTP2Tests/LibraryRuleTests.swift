import AVSTesting
import Testing

@testable import AVSHTTP2

/// What has to be right about the use of libnghttp2, each as it shows from outside (section 22).
@Suite("The use of libnghttp2")
struct LibraryRuleTests {
    private func opened(_ configuration: HTTP2Configuration = HTTP2Configuration()) throws -> Endpoint {
        let server = try Endpoint(.server, configuration)
        try server.receive(Raw.opening)
        _ = try server.drain()
        _ = server.takeCounts()
        server.events = []
        return server
    }

    private func call(_ stream: UInt32, _ body: [UInt8] = [], endsStream: Bool = true) -> [UInt8] {
        Raw.headers(Raw.requestBlock, stream: stream)
            + Raw.frame(0, flags: endsStream ? 1 : 0, stream: stream, body)
    }

    // MARK: Receiving

    @Test(
        "NG-1: commands for each event of one read, resets of streams with more to come among them, wait for the drain"
    )
    func commandsBetweenEvents() throws {
        let server = try opened()
        let bytes = (0..<30 as Range<UInt32>).flatMap { call($0 * 2 + 1, Array(repeating: 7, count: 100)) }
        let events = try server.session.receive(bytes.span)
        #expect(events.count == 90)
        for event in events {
            switch event {
            case .headers(let id, _, _) where id.rawValue % 3 == 0:
                server.session.reset(id, .cancel)  // its data and its end are still to come
            case .headers(let id, _, _):
                try server.session.respond(on: id, headers: response)
            case .data(let id, let range):
                server.session.consume(range.count, on: id)
                server.session.send(Array(bytes[range]), on: id)
            case .endOfStream(let id):
                server.session.finish(id, trailers: trailers)
                if id == StreamID(59) { try server.session.goAway(.noError) }
            default: break
            }
        }
        #expect(server.wantsDrain)
        let none = server.session.takeEvents()
        #expect(none.isEmpty)  // commands made nothing happen
        let frames = WireFrame.all(in: try server.drain())
        #expect(frames.filter { $0.type == 3 }.count == 10)
        #expect(frames.filter { $0.type == 0 && $0.payload.count == 100 }.count == 20)
        #expect(frames.filter(\.endsStream).count == 20)
        #expect(frames.filter { $0.type == 7 }.count == 1)
        #expect(server.events.count == 30 && server.events.allSatisfy { if case .closed = $0 { true } else { false } })
    }

    @Test(
        "NG-2: a section is told of after its last CONTINUATION, its data in pieces, then the end; nothing after that")
    func order() throws {
        let server = try opened()
        let (first, second) = (Raw.requestBlock.prefix(20), Raw.requestBlock.dropFirst(20))
        try server.receive(Raw.headers(Array(first), stream: 1, flags: 0))
        #expect(server.events.isEmpty)
        let data = Raw.frame(0, stream: 1, Array(repeating: 1, count: 50))
        let rest = Raw.frame(9, flags: 0x4, stream: 1, Array(second)) + data
        let events = try server.session.receive(Array(rest.dropLast(20)).span)
        guard events.count == 2, case .headers(StreamID(1), _, false) = events[0],
            case .data(StreamID(1), let range) = events[1]
        else { return #expect(Bool(false), "\(events)") }
        #expect(range.count == 30)
        try server.receive(rest.suffix(20) + Raw.frame(0, stream: 1, [2]) + Raw.frame(3, stream: 1, Raw.big(8)))
        #expect(server.data[StreamID(1)]?.count == 21)
        #expect(server.events == [.closed(StreamID(1), .cancel)])
        _ = try server.drain()
        try server.receive(
            Raw.frame(0, stream: 1, [3]) + Raw.frame(8, stream: 1, Raw.big(1)) + Raw.frame(3, stream: 1, Raw.big(8)))
        _ = try server.drain()
        #expect(server.events == [.closed(StreamID(1), .cancel)])
        #expect(server.data[StreamID(1)]?.count == 21)
    }

    @Test("NG-2: a stream whose last frame is ours closes inside the drain")
    func closesInDrain() throws {
        let server = try opened()
        try server.receive(call(1))
        #expect(server.events.last == .endOfStream(StreamID(1)))
        try server.session.respond(on: StreamID(1), headers: response, endsStream: true)
        let none = server.session.takeEvents()
        #expect(none.isEmpty)
        _ = try server.drain()
        #expect(server.events.last == .closed(StreamID(1), .noError))
    }

    @Test(
        "NG-3: what came is ours, whatever becomes of the bytes; what goes out is the library's, whatever of ours"
    )
    func lifetimes() throws {
        let server = try opened()
        var bytes = call(1, [1, 2, 3]) + Raw.headers(Raw.requestBlock + Raw.indexed("x", "one"), stream: 3, flags: 0x5)
        let events = try server.session.receive(bytes.span)
        for index in bytes.indices { bytes[index] = 0xff }
        guard case .headers(_, let block, true)? = events.last else { return #expect(Bool(false), "no headers") }
        #expect(block["x"] == "one")
        #expect(block[":path"] == "/a.B/C")
        do {  // written into memory that is given back before the drain
            let fields: HeaderBlock = [":status": "200", "text": String(repeating: "t", count: 300)]
            try server.session.respond(on: StreamID(1), headers: fields)
            server.session.send([UInt8](repeating: 9, count: 500), on: StreamID(1))
            let end: HeaderBlock = ["grpc-status": "0", "more": String(repeating: "m", count: 300)]
            server.session.finish(StreamID(1), trailers: end)
        }
        let client = try Endpoint(.client)
        _ = try client.session.request(request, endsStream: true)
        _ = try client.drain()
        try client.receive(Raw.settings + server.drain())
        let sections = client.events.compactMap { if case .headers(_, let block, _) = $0 { block } else { nil } }
        #expect(sections.first?["text"]?.count == 300)
        #expect(sections.last?["more"]?.count == 300)
        #expect(client.data[StreamID(1)] == Array(repeating: 9, count: 500))
    }

    @Test("NG-6: a read is taken whole, however large")
    func takesAll() throws {
        let server = try opened()
        let count = 15  // frames of 16 KiB, within the stream's window
        let bytes =
            Raw.headers(Raw.requestBlock, stream: 1)
            + (0..<count).flatMap { _ in Raw.frame(0, stream: 1, Array(repeating: 5, count: 16_384)) }
            + Raw.frame(6, Array(repeating: 1, count: 8))
        try server.receive(bytes)
        #expect(server.data[StreamID(1)]?.count == count * 16_384)
        #expect(server.events.last == .ping)
    }

    @Test("NG-6, ATT-16: after a fatal return the session takes nothing, gives nothing, and is finished")
    func fatal() throws {
        let server = try opened()
        try server.receive(call(1))
        try server.session.respond(on: StreamID(1), headers: response)
        server.session.send([1, 2, 3], on: StreamID(1))
        let flood =
            Raw.headers(Raw.requestBlock, stream: 3, flags: 0) + (0..<100).flatMap { _ in Raw.frame(9, stream: 3) }
        #expect(throws: HTTP2Error.self) { try server.receive(flood) }
        #expect(throws: HTTP2Error.sessionFailed) { try server.receive(Raw.frame(6, Array(repeating: 1, count: 8))) }
        #expect(throws: HTTP2Error.sessionFailed) { try server.drain() }
        #expect(!server.wantsDrain)
        #expect(server.isFinished)
    }

    // MARK: Sending

    @Test("NG-7: everything that a turn made comes out in one drain, in whole frames and in order")
    func oneDrain() throws {
        let server = try opened()
        try server.receive((0..<90 as Range<UInt32>).flatMap { call($0 * 2 + 1) })
        for number in 0..<90 as Range<Int32> {
            let id = StreamID(number * 2 + 1)
            try server.session.respond(on: id, headers: response)
            server.session.send([UInt8](repeating: 1, count: 200), on: id)
            server.session.finish(id, trailers: trailers)
        }
        var calls = 0
        let output = try [UInt8](unsafeUninitializedCapacity: HTTP2Session.outputRoomBytes) { buffer, count in
            var span = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
            while try server.session.drain(into: &span) { calls += 1 }
            count = span.finalize(for: UnsafeMutableRawBufferPointer(buffer))
        }
        #expect(calls == 0)
        let frames = WireFrame.all(in: output)
        #expect(frames.reduce(0) { $0 + 9 + $1.payload.count } == output.count)
        for number in 0..<90 as Range<Int32> {
            let own = frames.filter { $0.stream == number * 2 + 1 }
            #expect(own.map(\.type) == [1, 0, 1])
        }
    }

    @Test(
        "NG-9, RSP-1: trailers never overtake data, END_STREAM is on them, and nothing to send is no empty frame",
        arguments: 0..<30 as Range<UInt64>)
    func trailersLast(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var configuration = HTTP2Configuration()
        configuration.streamWindowBytes = UInt32.random(in: 1_000...100_000, using: &random)
        let pair = try Pair(client: configuration)
        var sizes: [StreamID: Int] = [:]
        for _ in 0..<10 {
            let id = try pair.client.session.request(request, endsStream: Bool.random(using: &random))
            sizes[id] = Bool.random(using: &random) ? 0 : Int.random(in: 1...200_000, using: &random)
        }
        try pair.settle()
        for (id, size) in sizes {  // trailers are submitted while most of the data has no window
            try pair.server.session.respond(on: id, headers: response)
            if size > 0 { pair.server.session.send(Array(repeating: 1, count: size), on: id) }
            pair.server.session.finish(id, trailers: trailers)
        }
        var frames: [WireFrame] = []
        while true {
            let down = try pair.server.drain(roomBytes: Int.random(in: 40_000...200_000, using: &random))
            frames += WireFrame.all(in: down)
            let before = pair.client.data.mapValues(\.count)
            try pair.client.receive(down)
            for (id, data) in pair.client.data { pair.client.session.consume(data.count - (before[id] ?? 0), on: id) }
            let up = try pair.client.drain()
            try pair.server.receive(up)
            if up.isEmpty, down.isEmpty { break }
        }
        for (id, size) in sizes {
            let own = frames.filter { $0.stream == id.rawValue && $0.type <= 1 }
            #expect(own.first?.type == 1 && own.last?.type == 1 && own.last?.endsStream == true)
            #expect(own.dropFirst().dropLast().allSatisfy { $0.type == 0 && !$0.endsStream && !$0.payload.isEmpty })
            #expect(own.filter { $0.type == 0 }.reduce(0) { $0 + $1.payload.count } == size)
        }
    }

    @Test(
        "NG-10: a response has one provider for its life; a second answer is refused and takes nothing from the first")
    func oneProvider() throws {
        let pair = try Pair()
        let id = try pair.client.session.request(request, endsStream: true)
        try pair.settle()
        try pair.server.session.respond(on: id, headers: response)
        pair.server.session.send([1], on: id)
        #expect(throws: HTTP2Error.alreadyAnswered(id)) { try pair.server.session.respond(on: id, headers: response) }
        #expect(pair.server.allUnsentBytes == 1)
        try pair.settle()  // the provider is deferred now, and stays the one
        #expect(throws: HTTP2Error.alreadyAnswered(id)) { try pair.server.session.respond(on: id, headers: response) }
        pair.server.session.send([2], on: id)
        try pair.settle()
        pair.server.session.finish(id, trailers: trailers)
        try pair.settle()
        #expect(pair.client.data[id] == [1, 2])
        let sections = pair.client.events.filter { if case .headers = $0 { true } else { false } }
        #expect(sections == [.headers(id, response, endsStream: false), .headers(id, trailers, endsStream: true)])
    }

    @Test("NG-16: a provider that cannot go on costs its stream and no other; so does a section that cannot be taken")
    func temporaryFailure() throws {
        let pair = try Pair()
        let (lost, other) = (
            try pair.client.session.request(request, endsStream: true),
            try pair.client.session.request(request, endsStream: true)
        )
        try pair.settle()
        for id in [lost, other] {
            try pair.server.session.respond(on: id, headers: response)
            pair.server.session.send([1, 2, 3], on: id)
        }
        pair.server.session.mailbox.outboxes.remove(lost)
        try pair.settle()
        #expect(pair.client.events.contains(.closed(lost, .internalError)))
        #expect(pair.client.data[lost] == nil)
        #expect(pair.client.data[other] == [1, 2, 3])
        pair.server.session.finish(other, trailers: trailers)
        let bomb: HeaderBlock = {
            var block = request
            for number in 0..<900 { block.append("x\(number)", String(repeating: "a", count: 50)) }
            return block
        }()
        let cut = try pair.client.session.request(bomb, endsStream: true)
        let next = try pair.client.session.request(request, endsStream: true)
        try pair.settle()
        #expect(pair.client.events.contains(.closed(cut, .internalError)))
        #expect(pair.client.events.contains(.closed(other, .noError)))
        #expect(pair.server.events.contains(.headers(next, request, endsStream: true)))
    }

    // MARK: The connection

    @Test(
        "NG-17: the shutdown notice goes first or not at all; PING is behind it; the last GOAWAY names the last stream")
    func twoPhases() throws {
        let server = try opened()
        try server.receive(call(1, endsStream: false))
        try server.session.announceShutdown(ping: 7)
        var frames = WireFrame.all(in: try server.drain())
        #expect(frames.map(\.type) == [7, 6])
        #expect(frames[0].number(at: 0) == 0x7fff_ffff && frames[0].number(at: 4) == 0)
        try server.receive(call(3, endsStream: false))  // still welcome
        try server.session.goAway(.noError, reason: "age")
        frames = WireFrame.all(in: try server.drain())
        #expect(frames.map(\.type) == [7])
        #expect(frames[0].number(at: 0) == 3)
        try server.session.announceShutdown(ping: 8)
        #expect(WireFrame.all(in: try server.drain()).isEmpty)
        server.events = []
        try server.receive(call(5))  // too late
        #expect(server.events.isEmpty)
        try server.receive(Raw.frame(0, flags: 1, stream: 3, [1]))
        #expect(server.events == [.endOfStream(StreamID(3))])
        #expect(!server.isFinished)
    }

    @Test("NG-18: a thousand unsent acknowledgements are taken, one more is a flood")
    func outboundAcknowledgements() throws {
        let server = try opened()
        let ping = Raw.frame(6, Array(repeating: 1, count: 8))
        try server.receive((0..<1_000).flatMap { _ in ping })
        let error = #expect(throws: HTTP2Error.self) { try server.receive(ping) }
        #expect(error?.isFlood == true)
    }

    @Test("NG-18: 32 entries in SETTINGS are taken, 33 are not", arguments: [32, 33])
    func settingsEntries(count: Int) throws {
        let server = try opened()
        let entry = [UInt8(0), 4, 0, 1, 0, 0]
        try server.receive(Raw.frame(4, (0..<count).flatMap { _ in entry }))
        _ = try server.drain()
        #expect(server.sentGoAway == (count == 32 ? nil : .enhanceYourCalm))
    }

    @Test("NG-18: 32 CONTINUATION frames are taken, 40 are not", arguments: [32, 40])
    func continuations(count: Int) throws {
        let server = try opened()
        let bytes =
            Raw.headers(Raw.requestBlock, stream: 1, flags: 0x1)
            + (1...count).flatMap { Raw.frame(9, flags: $0 == count ? 0x4 : 0, stream: 1) }
        if count == 32 {
            try server.receive(bytes)
            #expect(server.events.count == 1)
        } else {
            #expect(throws: HTTP2Error.self) { try server.receive(bytes) }
        }
    }

    @Test("NG-18: the library has a limit of its own on received resets, far behind ours")
    func resets() throws {
        var configuration = HTTP2Configuration()
        configuration.libraryResetBurst = 5
        configuration.libraryResetsPerSecond = 1
        let server = try opened(configuration)
        for number in 0..<20 as Range<UInt32> where server.sentGoAway == nil {
            let id = number * 2 + 1
            try server.receive(Raw.headers(Raw.requestBlock, stream: id) + Raw.frame(3, stream: id, Raw.big(8)))
            _ = try server.drain()
        }
        #expect(server.sentGoAway == .internalError)
        let usual = HTTP2Configuration()
        #expect(Double(usual.libraryResetBurst) >= 5 * AbuseGuard.Limits().resets.burst)
    }

    @Test("NG-18, CON-5: a client sends a hundred requests before the server's SETTINGS, and the others after")
    func peerConcurrency() throws {
        let client = try Endpoint(.client)
        for _ in 0..<150 { _ = try client.session.request(request, endsStream: true) }
        let before = try client.drain()
        #expect(WireFrame.all(in: Array(before.dropFirst(24))).filter { $0.type == 1 }.count == 100)
        try client.receive(Raw.frame(4, [0, 3] + Raw.big(120)))
        #expect(WireFrame.all(in: try client.drain()).filter { $0.type == 1 }.count == 20)
    }

    @Test("NG-18, FC-1: no window opens by itself")
    func noAutomaticWindow() throws {
        let server = try opened()
        try server.receive(Raw.headers(Raw.requestBlock, stream: 1))
        for _ in 0..<15 { try server.receive(Raw.frame(0, stream: 1, Array(repeating: 5, count: 16_384))) }
        #expect(try server.drain().isEmpty)
        server.session.consume(15 * 16_384, on: StreamID(1))
        let frames = WireFrame.all(in: try server.drain())
        #expect(frames.map(\.type) == [8] && frames[0].stream == 1 && frames[0].number(at: 0) == 15 * 16_384)
    }

    @Test(
        "NG-21: the stream window is a setting, in force once acknowledged; the connection's is an update on stream 0",
        arguments: HTTP2Configuration.Role.allCases)
    func windows(role: HTTP2Configuration.Role) throws {
        let peer = try Endpoint(role)
        let hello = WireFrame.all(in: Array(try peer.drain().dropFirst(role == .client ? 24 : 0)))
        #expect(hello.map(\.type).prefix(2) == [4, 8])
        let entries = stride(from: 0, to: hello[0].payload.count, by: 6).map { start in
            (hello[0].payload[start + 1], hello[0].number(at: start + 2))
        }
        #expect(entries.contains { $0 == (4, 256 * 1_024) })
        #expect(hello[1].stream == 0 && hello[1].number(at: 0) == 16 * 1_024 * 1_024 - 65_535)
    }

    @Test(
        "NG-21: what a peer sends on a stream beyond the old window is an error before its acknowledgement, not after",
        arguments: [false, true])
    func windowNeedsAcknowledgement(isAcknowledged: Bool) throws {
        let server = try Endpoint(.server)
        try server.receive(Raw.magic + Raw.settings + (isAcknowledged ? Raw.settingsAck : []))
        _ = try server.drain()
        try server.receive(Raw.headers(Raw.requestBlock, stream: 1))
        for _ in 0..<5 { try server.receive(Raw.frame(0, stream: 1, Array(repeating: 5, count: 16_384))) }
        let resets = WireFrame.all(in: try server.drain()).filter { $0.type == 3 }
        #expect(resets.map { $0.number(at: 0) } == (isAcknowledged ? [] : [HTTP2ErrorCode.flowControlError.rawValue]))
        #expect((server.data[StreamID(1)]?.count == 5 * 16_384) == isAcknowledged)
    }

    // MARK: Ownership

    @Test("NG-4: a session that is dropped with open streams reports none of them, and leaves nothing behind")
    func dropped() throws {
        weak var outbox: OutboxHolder?  // the mailbox holds it, and goes with the session
        do {
            let server = try opened()
            try server.receive(call(1) + call(3, endsStream: false))
            try server.session.respond(on: StreamID(1), headers: response)
            server.session.send(Array(repeating: 1, count: 1 << 20), on: StreamID(1))
            _ = try server.drain()
            outbox = server.session.mailbox.outboxes[StreamID(1)]
            #expect(outbox != nil)
            #expect(!server.events.contains { if case .closed = $0 { true } else { false } })
        }
        #expect(outbox == nil)
    }

    @Test("NG-4: a stream that closed leaves no outbox and no unsent bytes", arguments: [true, false])
    func closedLeavesNothing(isReset: Bool) throws {
        let server = try opened()
        for number in 0..<50 as Range<UInt32> {
            let id = StreamID(Int32(number * 2 + 1))
            try server.receive(call(number * 2 + 1))
            try server.session.respond(on: id, headers: response)
            server.session.send(Array(repeating: 1, count: 1_000), on: id)
            if isReset {
                try server.receive(Raw.frame(3, stream: number * 2 + 1, Raw.big(8)))
            } else {
                server.session.finish(id, trailers: trailers)
            }
            _ = try server.drain()
        }
        #expect(server.session.mailbox.outboxes.isEmpty)
        #expect(server.allUnsentBytes == 0)
    }
}
