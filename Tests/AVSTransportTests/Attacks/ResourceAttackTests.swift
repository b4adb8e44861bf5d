import AVSHTTP2
import AVSRPC
import AVSTransport
import Synchronization
import Testing

@Suite("The attacks of section 21: memory, time and odd requests", .timeLimit(.minutes(2)))
struct ResourceAttackTests {
    @Test("ATT-4: an HPACK bomb is looked at up to the limit, and the second one ends the connection")
    func headerBomb() async throws {
        // One field of 3,900 bytes enters the table; one byte each refers to it, 16,000 times: 64 MB of headers.
        let seed = [0x40] + Raw.length(1) + [0x61] + Raw.length(3_900) + [UInt8](repeating: 0x62, count: 3_900)
        let bomb = { (stream: UInt32) in
            Raw.request("Echo", stream: stream, flags: 0x1) + Raw.frame(9, stream: stream, seed)
                + (0..<8).flatMap { number in
                    Raw.frame(9, flags: number == 7 ? 4 : 0, stream: stream, [UInt8](repeating: 0xbe, count: 16_000))
                }
        }
        let counted = try await attack { peer, _ in
            try await peer.send(Raw.opening + bomb(1))
            _ = await peer.receive { RawFrame.all(in: $0).contains { $0.stream == 1 && $0.type == 3 } }
            try await peer.send(bomb(3))
            #expect(await peer.receive().goAway?.text == "too_many_oversized_headers")
        }
        // Twice four times the limit of 16 KiB, in fields of 3,933 bytes, and the six before them.
        #expect(counted.frames.headerFields <= 2 * (4 * 16_384 / 3_933 + 7) + 20)
        #expect(counted.connectionsRefused == ["too_many_oversized_headers": 1])
    }

    @Test("ATT-10, FC-9: a window that stays at 0 costs the unsent limit, and the stream is given up")
    func windowZero() async throws {
        let flood = RPCMethod.serverStreaming(path("Flood"), request: .bytes, response: .bytes) { _, _, writer in
            while true { try await writer.write([UInt8](repeating: 1, count: 1_000)) }
        }
        let most = Atomic<Int>(0)
        let counted = try await attack([flood], configure: { $0.limits.stallTimeout = .milliseconds(50) }) {
            peer, server in
            try await peer.send(Raw.magic + H2.settings([(H2.initialWindowSize, 0)]) + Raw.frame(4, flags: 1))
            for stream in [1, 3, 5] as [UInt32] {
                try await peer.send(Raw.request("Flood", stream: stream) + Raw.message([], stream: stream, flags: 1))
            }
            most.store(await server.statistics.queuedBytes, ordering: .relaxed)
            for stream in [1, 3, 5] as [UInt32] {
                let bytes = await peer.receive { RawFrame.all(in: $0).contains { $0.stream == stream && $0.type == 3 } }
                #expect(RawFrame.all(in: bytes).contains { $0.stream == stream && $0.payload == Raw.big(8) })
            }
        }
        #expect(most.load(ordering: .relaxed) <= 3 * (65_536 + 1_005) + 65_536)
        #expect(counted.calls(.cancelled) == 3 && counted.queuedBytes == 0 && counted.runningHandlers == 0)
    }

    @Test("ATT-11: a preface, a header section and a request that come slowly hold nothing but their place")
    func slow() async throws {
        let counted = try await attack(configure: { $0.limits.headersTimeout = .milliseconds(30) }) { peer, _ in
            try await peer.send(Raw.opening + Raw.request("Echo", stream: 1) + Raw.frame(0, stream: 1, [0, 0, 0]))
            try await peer.send(Raw.request("Echo", stream: 3, flags: 0))
            #expect(await peer.receive().goAway?.text == "headers_timeout")
        }
        #expect(counted.connectionsRefused == ["headers_timeout": 1])
        #expect(counted.queuedBytes == 0 && counted.messagesReceived == 1)
    }

    @Test("ATT-12: a decompression bomb is inflated to the limit and one byte")
    func bomb() async throws {
        let small = RPCMethod.unary(
            path("Small"), request: .bytes, response: .bytes, options: .init(requestLimitBytes: 100_000)
        ) { request, _ in request }
        let bomb = try #require(
            MessageCompressor().compressIfWorthwhile([UInt8](repeating: 0, count: 4_000_000), .gzip))
        #expect(bomb.count < 10_000)
        let counted = try await attack([small]) { peer, _ in
            var frames: [UInt8] = []
            var rest = ([1] + Raw.big(UInt32(bomb.count)) + bomb)[...]
            while !rest.isEmpty {
                frames += Raw.frame(0, flags: rest.count <= 16_384 ? 1 : 0, stream: 1, Array(rest.prefix(16_384)))
                rest = rest.dropFirst(16_384)
            }
            try await peer.send(
                Raw.opening + Raw.request("Small", stream: 1, with: [("grpc-encoding", "gzip")]) + frames)
            _ = await peer.receive { RawFrame.all(in: $0).contains { $0.type == 1 && $0.flags & 1 == 1 } }
        }
        #expect(counted.calls(.resourceExhausted) == 1)
        #expect(counted.inflatedBytes <= 100_001)
        #expect(counted.queuedBytes == 0)
    }

    @Test("ATT-12, MSG-4: messages that announce 4 MiB cost what has come of them")
    func announced() async throws {
        let counted = try await attack { peer, server in
            try await peer.send(Raw.opening)
            for number in 0..<90 as Range<UInt32> {
                let stream = number * 2 + 1
                try await peer.send(
                    Raw.request("Echo", stream: stream)
                        + Raw.frame(0, stream: stream, [0] + Raw.big(4_194_304) + [1, 2, 3]))
            }
            try await peer.send(Raw.request("Echo", stream: 201) + Raw.message([7], stream: 201, flags: 1))
            _ = await peer.receive { RawFrame.all(in: $0).contains { $0.stream == 201 && $0.flags & 1 == 1 } }
            #expect(await server.statistics.queuedBytes < 65_536)
            try await peer.send(
                Raw.request("Echo", stream: 203) + Raw.frame(0, stream: 203, [0, 0xff, 0xff, 0xff, 0xff, 1]))
            _ = await peer.receive { RawFrame.all(in: $0).contains { $0.stream == 203 && $0.type == 3 } }
        }
        #expect(counted.calls(.resourceExhausted) == 1)  // 4 GiB are refused when they are announced
    }

    @Test("ATT-13, LIM-5: a lower stream number starts nothing, and a high one begins a drain")
    func streamNumbers() async throws {
        let counted = try await attack { peer, _ in
            try await peer.send(
                Raw.opening + Raw.request("Echo", stream: 5) + Raw.message([5], stream: 5, flags: 1)
                    + Raw.request("Echo", stream: 3) + Raw.message([3], stream: 3, flags: 1))
            _ = await peer.receive { RawFrame.all(in: $0).contains { $0.stream == 5 && $0.flags & 1 == 1 } }
            let high: UInt32 = 0x6000_0001
            try await peer.send(Raw.request("Echo", stream: high) + Raw.message([9], stream: high, flags: 1))
            let first = await peer.receive { RawFrame.all(in: $0).contains { $0.type == 6 } }
            let ping = try #require(RawFrame.all(in: first).first { $0.type == 6 })
            try await peer.send(Raw.frame(6, flags: 1, ping.payload))
            let all = RawFrame.all(in: await peer.receive())
            #expect(all.compactMap(\.goAway).map(\.text) == ["", "stream_ids"])
            #expect(all.contains { $0.stream == high && $0.type == 0 })
            #expect(!all.contains { $0.stream == 3 })
        }
        #expect(counted.messagesReceived == 3)
        #expect(counted.goAwaysSent["stream_ids"] == 1)
    }

    @Test("ATT-14, OV-3: connections over the limits are closed at once, from one address sooner than from all")
    func manyConnections() async throws {
        for (total, perAddress) in [(20, nil), (100, 20)] as [(Int, Int?)] {
            let counted = try await attack(configure: {
                $0.maxConnections = total
                $0.maxConnectionsPerAddress = perAddress
            }) { first, server in
                try await first.send(Raw.opening)
                _ = await first.receive { !RawFrame.all(in: $0).isEmpty }
                let port = try await server.boundPort
                var idle: [RawConnection] = []
                for _ in 0..<19 {
                    let peer = try await RawConnection.open(port: port)
                    try await peer.send(Raw.opening)
                    _ = await peer.receive { !RawFrame.all(in: $0).isEmpty }
                    idle.append(peer)
                }
                let oneMore = try await RawConnection.open(port: port)
                #expect(await oneMore.receive() == [])
                #expect(await server.statistics.connectionsOpen == 20)
                await idle.removeLast().close()
                for peer in idle { try await peer.send(Raw.goAway(last: 0)) }
                for peer in idle { _ = await peer.receive() }
            }
            #expect(counted.connectionsTurnedAway == 1)
            #expect(counted.connectionsOpen <= 2)
        }
    }

    @Test(
        "ATT-15: CONNECT, odd methods and odd types get an answer in HTTP and no handler",
        arguments: [
            ("CONNECT", "application/grpc"), ("GET", "application/grpc"), ("TRACE", ""), ("PRI", "text/html"),
            ("post", "application/grpc"), ("POST", "application/grpcx"),
        ])
    func oddMethods(verb: String, type: String) async throws {
        let counted = try await attack { peer, _ in
            var block = Raw.literal(":method", verb) + Raw.literal(":authority", "x")
            if verb != "CONNECT" {
                block += Raw.literal(":scheme", "http") + Raw.literal(":path", "/test.Service/Echo")
            }
            block += Raw.literal("content-type", type)
            try await peer.send(Raw.opening + Raw.frame(1, flags: 0x5, stream: 1, block))
            let bytes = await peer.receive { RawFrame.all(in: $0).contains { $0.stream == 1 && $0.flags & 1 == 1 } }
            #expect(RawFrame.all(in: bytes).contains { $0.stream == 1 && $0.type == 0 })
        }
        #expect(counted.foreignAnswers == 1)
        #expect(counted.messagesReceived == 1)
    }

    @Test("ATT-16: what follows a fatal error is not even looked at")
    func afterFatal() async throws {
        let counted = try await attack { peer, _ in
            let fatal = Raw.request("Echo", stream: 1, flags: 0) + (0..<40).flatMap { _ in Raw.frame(9, stream: 1) }
            try await peer.send(Raw.opening + fatal)
            try await peer.send(Raw.request("Echo", stream: 3) + Raw.message([1], stream: 3, flags: 1))
            let frames = RawFrame.all(in: await peer.receive())
            #expect(frames.last?.goAway != nil && !frames.contains { $0.stream == 3 })
        }
        #expect(counted.messagesReceived == 1)
    }

    @Test("ATT-17: CR, LF and NUL in a value never reach a handler", arguments: ["a\r\nb: c", "a\nb", "a\u{0}b"])
    func smuggling(value: String) async throws {
        let tell = RPCMethod.unary(path("Tell"), request: .bytes, response: .bytes) { _, call in
            Array("\(call.metadata["x"] ?? "none") \(call.metadata["b"] ?? "none")".utf8)
        }
        _ = try await attack([tell]) { peer, _ in
            try await peer.send(
                Raw.opening + Raw.request("Tell", stream: 1, with: [("x", value)])
                    + Raw.message([], stream: 1, flags: 1))
            let bytes = await peer.receive { RawFrame.all(in: $0).contains { $0.stream == 1 && $0.flags & 1 == 1 } }
            let data = try #require(RawFrame.all(in: bytes).first { $0.type == 0 })
            #expect(String(decoding: data.payload.dropFirst(5), as: UTF8.self) == "none none")
        }
    }

    @Test("OV-3, OVL-5: over its budget a server refuses calls and does not read from who holds most; then it goes on")
    func budget() async throws {
        let gate = Gate()
        let lazy = RPCMethod.clientStreaming(path("Lazy"), request: .bytes, response: .bytes) { requests, _ in
            await gate.wait()
            var size = 0
            for try await request in requests { size += request.count }
            return Array("\(size)".utf8)
        }
        try await withServer(
            [lazy, echo],
            configure: {
                $0.maxBufferedBytes = 300_000
                $0.limits.http2.streamWindowBytes = 65_535
            }
        ) { channel, server in
            let calls = (0..<8).map { _ in
                Task {
                    try await channel.clientStreaming(path("Lazy"), request: .bytes, response: .bytes) { writer in
                        for _ in 0..<100 { try await writer.write([UInt8](repeating: 1, count: 1_000)) }
                    }
                }
            }
            let other = try RPCChannel(
                target: "127.0.0.1:\(await server.boundPort)", configuration: .quick(), time: SystemTime(),
                logger: quiet)
            var refused: RPCStatus?
            while refused == nil {  // until the eight have sent what they may
                do {
                    _ = try await other.unary(path("Echo"), [1], request: .bytes, response: .bytes)
                } catch let status as RPCStatus { refused = status }
            }
            #expect(refused?.code == .resourceExhausted)
            #expect(refused?.message == "the server's buffers are full: their limit is 300000 bytes")
            let pause = try #require(refused?.metadata["grpc-retry-pushback-ms"].flatMap(Int.init))
            #expect((800...1_201).contains(pause))
            #expect(await server.statistics.queuedBytes < 8 * 65_535 + 65_536 * 2)
            gate.open()
            for call in calls { #expect(try await call.value == Array("100000".utf8)) }
            let answer = try await other.unary(path("Echo"), [1], request: .bytes, response: .bytes)
            #expect(answer == [1])
            #expect(await server.statistics.queuedBytes == 0)
            await other.close()
        }
    }
}
