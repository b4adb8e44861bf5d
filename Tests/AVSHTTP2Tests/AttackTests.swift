import AVSHTTP2
import AVSTesting
import Testing

@Suite("A hostile peer")
struct AttackTests {
    private func opened(_ configuration: HTTP2Configuration = HTTP2Configuration()) throws -> Endpoint {
        let server = try Endpoint(.server, configuration)
        try server.receive(Raw.opening)
        _ = try server.drain()
        _ = server.takeCounts()
        return server
    }

    @Test(
        "CON-1: that speaks something else is noticed at the first wrong byte",
        arguments: [
            "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/1.1", "\u{16}\u{3}\u{1}", "POST",
        ])
    func magic(text: String) throws {
        let server = try Endpoint(.server)
        let error = #expect(throws: HTTP2Error.self) { try server.receive(Array(text.utf8)) }
        #expect(error?.isBadClientMagic == true)
        #expect(error?.description == "nghttp2_session_mem_recv: Received bad client magic byte string (-903)")
        #expect(throws: HTTP2Error.sessionFailed) { try server.receive(Raw.magic) }  // ATT-16
        #expect(server.isFinished)
    }

    @Test("ATT-4: a header section over the limit is cut and reported; one far over it loses its stream")
    func headerBomb() throws {
        let server = try opened()
        let field = Raw.literal("x", String(repeating: "a", count: 1_000))
        let over =
            Raw.requestBlock + Array((0..<15).map { _ in field }.joined()) + Array((0..<15).map { _ in field }.joined())
        try server.receive(sections(over, stream: 1))
        guard case .headers(_, let block, _)? = server.events.last else { return #expect(Bool(false), "no headers") }
        #expect(block.isTruncated)
        #expect(block.sizeBytes <= 16_384)
        #expect(server.takeCounts().oversizedHeaders == 1)
        // One table entry of 4,000 bytes, then 30,000 references of one byte each: 120 MB of header data.
        let bomb =
            Raw.requestBlock + Raw.indexed("bomb", String(repeating: "b", count: 3_900))
            + Array(repeating: 0xbe, count: 30_000)
        try server.receive(sections(bomb, stream: 3))
        _ = try server.drain()
        #expect(server.events.last == .closed(StreamID(3), .internalError))
        #expect(server.takeCounts().oversizedHeaders == 1)
        // The compression state is intact: the next request is read.
        try server.receive(Raw.headers(Raw.requestBlock, stream: 5, flags: 0x5))
        guard case .headers(StreamID(5), _, true)? = server.events.last else {
            return #expect(Bool(false), "no headers")
        }
    }

    /// HEADERS and CONTINUATION of at most 16 KiB each.
    private func sections(_ block: [UInt8], stream: UInt32) -> [UInt8] {
        var rest = block[...]
        var bytes: [UInt8] = []
        var type: UInt8 = 1
        while !rest.isEmpty {
            let part = Array(rest.prefix(16_384))
            rest = rest.dropFirst(16_384)
            bytes += Raw.frame(type, flags: rest.isEmpty ? 0x4 : 0, stream: stream, part)
            type = 9
        }
        return bytes
    }

    @Test("LIM-2: more than 128 fields are too many")
    func fieldCount() throws {
        let server = try opened()
        let block = Raw.requestBlock + Array((0..<130).map { Raw.literal("x\($0)", "") }.joined())
        try server.receive(Raw.headers(block, stream: 1, flags: 0x5))
        guard case .headers(_, let fields, _)? = server.events.last else { return #expect(Bool(false), "no headers") }
        #expect(fields.isTruncated)
        #expect(fields.count == 128)
    }

    @Test("ATT-3: a CONTINUATION flood is fatal, and the last words are a GOAWAY")
    func continuationFlood() throws {
        let server = try opened()
        let flood =
            Raw.headers(Raw.requestBlock, stream: 1, flags: 0)
            + Array((0..<100).map { _ in Raw.frame(9, stream: 1) }.joined())
        let error = #expect(throws: HTTP2Error.self) { try server.receive(flood) }
        #expect(error?.description.contains("-905") == true)
        let words = server.session.lastWords(.protocolError, "flood")
        let client = try Endpoint(.client)
        try client.receive(Raw.settings + words)
        #expect(client.events.last == .goAway(last: StreamID(1), .protocolError, debugData: Array("flood".utf8)))
    }

    @Test(
        "ATT-3: CONTINUATION frames in pieces of one byte are honest; the library counts each piece of a frame's head")
    func honestContinuations() throws {
        let server = try opened()
        let bytes =
            Raw.headers(Raw.requestBlock, stream: 1, flags: 0x1)
            + Array((0..<2).map { _ in Raw.frame(9, stream: 1, Raw.literal("a", "b")) }.joined())
            + Raw.frame(9, flags: 0x4, stream: 1)
        for byte in bytes { try server.receive([byte]) }
        guard case .headers(_, let fields, true)? = server.events.last else {
            return #expect(Bool(false), "no headers")
        }
        #expect(fields.count == 5 + 2)
    }

    @Test("ATT-11: an unfinished header section shows")
    func slowHeaders() throws {
        let server = try opened()
        let bytes = Raw.headers(Raw.requestBlock, stream: 1, flags: 0)
        try server.receive(Array(bytes.prefix(20)))
        #expect(server.incompleteHeaders != nil)
        try server.receive(Array(bytes.dropFirst(20)))
        #expect(server.incompleteHeaders != nil)
        try server.receive(Raw.frame(9, flags: 0x4, stream: 1))
        #expect(server.incompleteHeaders == nil)
    }

    @Test("ATT-1, ATT-2, ATT-5, ATT-6, ATT-8, ATT-9: frames are counted by what they cost")
    func counts() throws {
        let server = try opened()
        let stream1 = Raw.headers(Raw.requestBlock, stream: 1)
        try server.receive(
            stream1 + Raw.frame(0, stream: 1) + Raw.frame(0, stream: 1, [1])
                + Raw.frame(0, stream: 1, Array(repeating: 0, count: 16))
                + Raw.frame(6, Array(repeating: 0, count: 8)) + Raw.frame(4) + Raw.frame(2, stream: 9, [0, 0, 0, 0, 1])
                + Raw.frame(0x77, [1, 2, 3]) + Raw.frame(8, Raw.big(1)) + Raw.frame(3, stream: 1, Raw.big(8))
                + Raw.headers(Raw.requestBlock, stream: 3) + Raw.frame(8, stream: 3, Raw.big(0)))
        _ = try server.drain()
        let counts = server.takeCounts()
        #expect(counts.emptyData == 1)
        #expect(counts.tinyData == 1)
        #expect(counts.pings == 1)
        #expect(counts.settings == 1)
        #expect(counts.idleFrames == 2)
        #expect(counts.windowUpdates == 2)
        #expect(counts.resetsReceived == 1)
        #expect(counts.resetsProvoked + counts.invalidFrames >= 1)  // a window update of 0 makes us reset the stream
    }

    @Test("ATT-7: frames that wait for a peer that does not read are counted")
    func queuedFrames() throws {
        let server = try opened()
        for number in 0..<90 as Range<UInt32> {
            try server.receive(Raw.headers([0x82], stream: number * 2 + 1, flags: 0x5))  // no path: refused
        }
        #expect(server.queuedFrameCount >= 90)
    }

    @Test("random frames never trap and always end in events or an error", arguments: 0..<150 as Range<UInt64>)
    func fuzz(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let server = try opened()
        for _ in 0..<60 {
            var payload = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let type = UInt8.random(in: 0...10, using: &random)
            if type == 1, Bool.random(using: &random) { payload = Raw.requestBlock }
            let frame = Raw.frame(
                type, flags: UInt8.random(in: 0...63, using: &random), stream: UInt32.random(in: 0...9, using: &random),
                payload)
            do {
                try server.receive(frame)
                let streams = server.events.compactMap { event in
                    if case .headers(let id, _, _) = event { id } else { nil as StreamID? }
                }
                if let id = streams.last {
                    try server.session.respond(on: id, headers: response)
                    server.session.send([1, 2, 3], on: id)
                    server.session.finish(id, trailers: trailers)
                }
                _ = try server.drain()
            } catch is HTTP2Error {
                return
            }
        }
    }

    @Test("a flipped byte anywhere never traps", arguments: 0..<8 as Range<UInt8>)
    func flips(bit: UInt8) throws {
        let bytes =
            Raw.opening + Raw.headers(Raw.requestBlock, stream: 1)
            + Raw.frame(0, flags: 1, stream: 1, [0, 0, 0, 0, 1, 7])
        for index in bytes.indices {
            let server = try Endpoint(.server)
            var flipped = bytes
            flipped[index] ^= 1 << bit
            do {
                try server.receive(flipped)
                _ = try server.drain()
            } catch is HTTP2Error {}
        }
    }
}
