import AVSHTTP2
import AVSRPC
import AVSTransport
import Testing

@Suite("A server and a hostile peer")
struct HostilePeerTests {
    private func conversation(
        _ bytes: [UInt8], _ methods: [RPCMethod] = [echo],
        configure: (inout RPCServer.Configuration) -> Void = { _ in }
    ) async throws -> [UInt8] {
        try await withServer(methods, configure: configure) { _, server in
            let peer = try await RawConnection.open(port: try await server.boundPort)
            try await peer.send(bytes)
            let answer = await peer.receive()
            await peer.close()
            return answer
        }
    }

    @Test(
        "CON-1: HTTP/1 gets one line of HTTP/1 and the end",
        arguments: [
            "GET / HTTP/1.1\r\nhost: x\r\n\r\n", "POST /a HTTP/1.0\r\n\r\n", "PRI * HTTP/1.1\r\n",
        ])
    func http1(text: String) async throws {
        let answer = String(decoding: try await conversation(Array(text.utf8)), as: UTF8.self)
        // Our SETTINGS are on the wire already: HTTP/2 servers speak first.
        #expect(answer.contains("HTTP/1.1 505 HTTP Version Not Supported\r\n"))
        #expect(answer.hasSuffix("prior knowledge\n"))
    }

    @Test("DR-3: the last words survive input that nobody reads")
    func unreadInput() async throws {
        let bytes = Array("GET / HTTP/1.1\r\n".utf8) + [UInt8](repeating: 1, count: 3_000_000)
        let answer = String(decoding: try await conversation(bytes), as: UTF8.self)
        #expect(answer.hasSuffix("prior knowledge\n"))
    }

    @Test("CON-1: a TLS hello on a plaintext port is closed")
    func tls() async throws {
        let answer = try await conversation([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3])
        #expect(!String(decoding: answer, as: UTF8.self).contains("HTTP/1.1"))
    }

    @Test("CON-3: silence is closed at the preface timeout")
    func silence() async throws {
        let answer = try await conversation([], configure: { $0.limits.prefaceTimeout = .milliseconds(30) })
        #expect(answer.goAway?.text == "preface_timeout")
    }

    @Test("CON-4: SETTINGS that are never acknowledged end the connection")
    func settings() async throws {
        let answer = try await conversation(
            Raw.magic + Raw.frame(4), configure: { $0.limits.settingsTimeout = .milliseconds(30) })
        #expect(answer.goAway?.code == 4)
    }

    @Test("ATT-11: a header section that does not end is closed")
    func slowHeaders() async throws {
        let answer = try await conversation(
            Raw.opening + Raw.request("Echo", stream: 1, flags: 0),
            configure: { $0.limits.headersTimeout = .milliseconds(30) })
        #expect(answer.goAway?.text == "headers_timeout")
    }

    @Test("ATT-1: rapid resets end in GOAWAY(ENHANCE_YOUR_CALM), and no handler has run")
    func rapidReset() async throws {
        let bytes = (0..<300).flatMap { number in
            let stream = UInt32(number * 2 + 1)
            return Raw.request("Count", stream: stream) + Raw.frame(3, stream: stream, Raw.big(8))
        }
        let never = RPCMethod.serverStreaming(path("Count"), request: .bytes, response: .bytes) { _, _, _ in
            Issue.record("a handler ran")
        }
        let answer = try await conversation(Raw.opening + bytes, [never])
        #expect(answer.goAway?.code == 11)
        #expect(answer.goAway?.text == "too_many_resets")
    }

    @Test("ATT-2: provoked resets count as well", .timeLimit(.minutes(1)))
    func madeYouReset() async throws {
        try await withServer([count]) { _, server in
            let peer = try await RawConnection.open(port: try await server.boundPort)
            try await peer.send(Raw.opening)
            for batch in 0..<5 as Range<UInt32> {  // below the limit of streams each
                let bytes = (0..<50 as Range<UInt32>).flatMap { number in
                    let stream = (batch * 50 + number) * 2 + 1
                    return Raw.request("Count", stream: stream) + Raw.frame(8, stream: stream, Raw.big(0x7fff_ffff))
                }
                try await peer.send(bytes)
                let wanted = Int(batch + 1) * 50
                _ = await peer.receive { bytes in
                    bytes.goAway != nil || RawFrame.all(in: bytes).filter { $0.type == 3 }.count >= wanted
                }
            }
            let answer = await peer.receive()
            #expect(answer.goAway?.text == "too_many_resets", "\(RawFrame.all(in: answer).suffix(5))")
            await peer.close()
        }
    }

    @Test("ATT-5: a SETTINGS flood")
    func settingsFlood() async throws {
        let bytes = (0..<50).flatMap { _ in Raw.frame(4) }
        #expect(try await conversation(Raw.opening + bytes).goAway?.text == "too_many_settings")
    }

    @Test("KA-1: too many pings, in exactly these words")
    func pings() async throws {
        let bytes = (0..<5).flatMap { _ in Raw.frame(6, [UInt8](repeating: 0, count: 8)) }
        let answer = try await conversation(Raw.opening + bytes)
        #expect(answer.goAway?.code == 11)
        #expect(answer.goAway?.text == "too_many_pings")
    }

    @Test("ATT-8: a flood of empty DATA frames")
    func emptyData() async throws {
        let bytes = (0..<200).flatMap { _ in Raw.frame(0, stream: 1) }
        let answer = try await conversation(Raw.opening + Raw.request("Collect", stream: 1) + bytes, [collect])
        #expect(answer.goAway?.text == "too_many_empty_data_frames")
    }

    @Test("ATT-9: a flood of frames of an unknown type", .timeLimit(.minutes(1)))
    func unknownFrames() async throws {
        let bytes = Array((0..<11_000).map { _ in Raw.frame(0x42) }.joined())
        #expect(try await conversation(Raw.opening + bytes).goAway?.text == "too_many_glitches")
    }

    @Test("ATT-3: a CONTINUATION flood gets a GOAWAY written by hand")
    func continuations() async throws {
        let bytes =
            Raw.request("Echo", stream: 1, flags: 0) + Array((0..<100).map { _ in Raw.frame(9, stream: 1) }.joined())
        #expect(try await conversation(Raw.opening + bytes).goAway?.text.contains("-905") == true)
    }

    @Test(
        "HDR-1, HDR-2: what is not gRPC gets an HTTP answer",
        arguments: [
            ("GET", "application/grpc", "405"), ("POST", "application/json", "415"),
            ("POST", "application/grpc-web", "415"),
        ])
    func notGRPC(verb: String, type: String, status: String) async throws {
        try await withServer([echo]) { _, server in
            let peer = try await RawConnection.open(port: try await server.boundPort)
            try await peer.send(Raw.opening + Raw.request("Echo", stream: 1, flags: 0x5, contentType: type, verb: verb))
            let bytes = await peer.receive { RawFrame.all(in: $0).contains { $0.type == 0 && $0.flags == 1 } }
            let head = try #require(RawFrame.all(in: bytes).first { $0.type == 1 })
            #expect(String(decoding: head.payload, as: UTF8.self).contains("text/plain") || !head.payload.isEmpty)
            #expect(RawFrame.all(in: bytes).contains { $0.type == 0 && !$0.payload.isEmpty })
            await peer.close()
        }
    }

    @Test("NG-8: an answer to a client that has not ended comes whole, then NO_ERROR", .timeLimit(.minutes(1)))
    func earlyAnswer() async throws {
        try await withServer([]) { _, server in
            let peer = try await RawConnection.open(port: try await server.boundPort)
            try await peer.send(Raw.opening + Raw.request("Nothing", stream: 1))
            let bytes = await peer.receive { RawFrame.all(in: $0).contains { $0.type == 3 } }
            let frames = RawFrame.all(in: bytes).filter { $0.stream == 1 }
            #expect(frames.map(\.type) == [1, 3])
            #expect(frames.first.map { $0.flags & 1 } == 1)
            #expect(frames.last?.payload == Raw.big(0))
            await peer.close()
        }
    }

    @Test("MSG-3: an announced length over the method's limit is refused before its bytes", .timeLimit(.minutes(1)))
    func announcedLength() async throws {
        let small = RPCMethod.unary(
            path("Small"), request: .bytes, response: .bytes, options: .init(requestLimitBytes: 16_384)
        ) { _, _ in [] }
        try await withServer([small]) { _, server in
            let peer = try await RawConnection.open(port: try await server.boundPort)
            try await peer.send(
                Raw.opening + Raw.request("Small", stream: 1) + Raw.frame(0, stream: 1, [0, 0, 0, 0x40, 1]))
            let bytes = await peer.receive { RawFrame.all(in: $0).contains { $0.type == 3 } }
            #expect(RawFrame.all(in: bytes).filter { $0.stream == 1 }.map(\.type) == [1, 3])
            await peer.close()
        }
    }
}
