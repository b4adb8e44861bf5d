import AVSHTTP2
import AVSPrimitives
import AVSRPC
import AVSTesting
import NIOCore
import NIOEmbedded
import Testing

@testable import AVSTransport

/// A connection's handler as a client has it, with no calls of its own but what a test says.
private final class ClientRig {
    let channel = EmbeddedChannel()
    let time = ManualTime()
    let handler: HTTP2Handler
    let delegate = Recorder()

    final class Recorder: HTTP2Delegate {
        var events: [HTTP2Event] = []
        var ends: [ConnectionEnd] = []
        var callCount = 0
        func mustPauseReading() -> Bool { false }
        func handle(_ event: HTTP2Event, of bytes: borrowing ByteBuffer) { events.append(event) }
        func deadlinePassed(_ stream: StreamID) {}
        func handle(_ duty: ConnectionTimers.Duty) {}
        func flushed() {}
        func connectionEnded(_ end: ConnectionEnd) { ends.append(end) }
        func isOpen(_ stream: StreamID) -> Bool { false }
    }

    init(_ limits: ConnectionLimits) throws {
        handler = try HTTP2Handler(
            role: .client, limits: limits, pings: .unlimited, loop: LoopContext(channel.embeddedEventLoop, time: time),
            time: time,
            logger: quiet, delegate: delegate)
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.writeInbound(ByteBuffer(bytes: Raw.frame(4) + Raw.frame(4, flags: 1)))
    }

    func advance(_ duration: Duration) {
        time.advance(by: duration)
        channel.embeddedEventLoop.advanceTime(by: TimeAmount(duration))
    }

    /// Frames written since the last look.
    func frames() throws -> [RawFrame] {
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return RawFrame.all(in: bytes.starts(with: Raw.magic) ? Array(bytes.dropFirst(24)) : bytes)
    }
}

@Suite("A client's rules", .timeLimit(.minutes(1)))
struct ClientRuleTests {
    private static var keepalive: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.keepaliveTime = .seconds(60)
        return limits
    }

    @Test("KA-5: with calls silence is asked about, without them it is not; a call after silence asks first")
    func keepaliveTime() throws {
        let rig = try ClientRig(Self.keepalive)
        _ = try rig.frames()
        rig.advance(.seconds(61))
        #expect(try rig.frames().isEmpty)
        rig.handler.pingIfQuiet()
        rig.handler.scheduleFlush()
        rig.channel.embeddedEventLoop.run()
        #expect(try rig.frames().isEmpty)  // still no calls; the call itself counts as one
        rig.delegate.callCount = 1
        rig.handler.pingIfQuiet()
        rig.handler.scheduleFlush()
        rig.channel.embeddedEventLoop.run()
        let ping = try #require(try rig.frames().first { $0.type == 6 })
        try rig.channel.writeInbound(ByteBuffer(bytes: Raw.frame(6, flags: 1, ping.payload)))
        rig.advance(.seconds(59))
        #expect(try rig.frames().isEmpty)
        #expect(rig.delegate.ends.isEmpty)
        rig.advance(.seconds(2))
        #expect(try rig.frames().map(\.type) == [6])
    }

    @Test("KA-6: a ping that nothing answers ends the connection, and any byte is an answer")
    func unanswered() throws {
        let rig = try ClientRig(Self.keepalive)
        rig.delegate.callCount = 1
        rig.advance(.seconds(61))
        rig.advance(.seconds(10))
        try rig.channel.writeInbound(ByteBuffer(bytes: Raw.frame(8, Raw.big(1))))  // not the answer, but life
        rig.advance(.seconds(20))
        #expect(rig.delegate.ends.isEmpty)
        rig.advance(.seconds(61))
        rig.advance(.seconds(21))
        #expect(rig.delegate.ends == [.lost("keepalive: nothing came back in time")])
    }

    @Test("CON-2, CON-5: a client speaks first, and its connection is ready when the server's SETTINGS are here")
    func ready() async throws {
        let goOn = Slot<Void>()
        try await withRawServer { server, _ in
            let first = await server.receive { $0.count >= 24 + 9 }
            #expect(Array(first.prefix(24)) == Raw.magic && first[27] == 4)
            await goOn.take()
            try await server.open()
            await server.request(on: 1)
            try await server.send(Raw.answer([1], stream: 1))
            _ = await server.receive()
        } _: { channel in
            let call = Task { try await channel.unary(path("Echo"), [], request: .bytes, response: .bytes) }
            var changes = channel.connectivityChanges.makeAsyncIterator()
            while let next = await changes.next(), next != .connecting {}
            #expect(await channel.connectivity == .connecting)
            goOn.put(())
            let answer = try await call.value
            #expect(answer == [1])
            #expect(await channel.connectivity == .ready)
        }
    }

    @Test("HDR-15, CH-5, STA-7: the server hears our name and the authority; we hear its trailers, OK or not")
    func heads() async throws {
        let tell = RPCMethod.unary(path("Tell"), request: .bytes, response: .bytes) { request, call in
            var trailing = Metadata()
            try trailing.add("agent", call.metadata["user-agent"] ?? "")
            try trailing.add("authority", call.authority)
            // code 5, message "gone": what grpc-status-details-bin holds (STA-5)
            try trailing.add("grpc-status-details-bin", bytes: [8, 5, 18, 4] + Array("gone".utf8))
            call.setTrailingMetadata(trailing)
            if !request.isEmpty { throw RPCStatus(.notFound, "gone") }
            return []
        }
        try await withServer(
            [tell],
            client: {
                $0.userAgentPrefix = "app/2"
                $0.authority = "other.example"
            }
        ) { channel, _ in
            let answer = try await channel.unaryResponse(path("Tell"), [], request: .bytes, response: .bytes)
            #expect(answer.trailingMetadata["agent"]?.hasPrefix("app/2 grpc-swift-") == true)
            #expect(answer.trailingMetadata["authority"] == "other.example")
            let status = await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(path("Tell"), [1], request: .bytes, response: .bytes)
            }
            #expect(status?.code == .notFound && status?.message == "gone")
            #expect(status?.metadata.bytes("grpc-status-details-bin") == [[8, 5, 18, 4] + Array("gone".utf8)])
            #expect(status?.metadata["agent"]?.hasPrefix("app/2") == true)
        }
    }

    @Test("STA-5: where the details say something else, grpc-status counts and the details are handed up")
    func disagreeingDetails() async throws {
        let status = try await withRawServer { server, _ in
            try await server.open()
            await server.request(on: 1)
            try await server.send(
                Raw.headers(
                    [
                        (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "9"),
                        ("grpc-status-details-bin", "CAU"),
                    ], stream: 1, flags: 0x5))
            _ = await server.receive()
        } _: { channel in
            await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(path("Echo"), [], request: .bytes, response: .bytes)
            }
        }
        #expect(status?.code == .failedPrecondition)
        #expect(status?.metadata.bytes("grpc-status-details-bin") == [[8, 5]])
    }

    @Test("MSG-11, MD-7: the end of the requests is END_STREAM; credentials never enter the HPACK table")
    func wire() async throws {
        let seen = Slot<[RawFrame]>()
        try await withRawServer { server, _ in
            try await server.open()
            await server.request(on: 1)
            try await server.send(Raw.answer([1], stream: 1))
            await server.request(on: 3)
            try await server.send(Raw.answer([1], stream: 3))
            seen.put(RawFrame.all(in: Array(await server.receive { $0.count > 100 }.dropFirst(24))))
            _ = await server.receive()
        } _: { channel in
            var metadata = Metadata()
            try metadata.add("authorization", "Bearer secret")
            _ = try await channel.clientStreaming(
                path("Echo"), request: .bytes, response: .bytes, options: CallOptions(metadata: metadata)
            ) { writer in try await writer.write([7] as [UInt8]) }
            _ = try await channel.clientStreaming(path("Echo"), request: .bytes, response: .bytes) { _ in }
            let frames = try #require(await seen.take())
            let first = frames.filter { $0.stream == 1 && $0.type <= 1 }
            #expect(first.last?.flags == 1 && first.last?.type == 0)
            let empty = frames.filter { $0.stream == 3 && $0.type <= 1 }
            #expect(empty.last.map { $0.flags & 1 } == 1 && empty.allSatisfy { $0.type == 1 || $0.payload.isEmpty })
            // `authorization` is name 23 of the static table: 0x1f 0x08 is "never indexed" with that name.
            let head = try #require(first.first?.payload)
            #expect(head.indices.dropLast().contains { head[$0] == 0x1f && head[$0 + 1] == 0x08 })
        }
    }

    @Test("DR-6: after GOAWAY and the last call a channel is idle, and connects when it is called")
    func idleAfterGoAway() async throws {
        try await withRawServer { server, number in
            try await server.open()
            await server.request(on: 1)
            try await server.send(Raw.answer([UInt8(number)], stream: 1) + Raw.goAway(last: 1))
            _ = await server.receive()
        } _: { channel in
            for number in 0..<3 as Range<UInt8> {
                let answer = try await channel.unary(path("Echo"), [], request: .bytes, response: .bytes)
                #expect(answer == [number])
                var changes = channel.connectivityChanges.makeAsyncIterator()
                while let next = await changes.next(), next != .idle {}
                #expect(await channel.connectivity == .idle)
            }
        }
    }

    @Test("DL-6: a call made from a handler has the handler's deadline, or its own where that is sooner")
    func inherited() async throws {
        let inner = RPCMethod.unary(path("Inner"), request: .bytes, response: .bytes) { _, call in
            let left = call.deadline.map { ContinuousClock.now.duration(to: $0) }
            return Array("\(left.map { $0 > .seconds(50) ? "long" : "short" } ?? "none")".utf8)
        }
        try await withServer([inner]) { channel, _ in
            let outer = RPCMethod.unary(path("Outer"), request: .bytes, response: .bytes) { request, _ in
                let options = CallOptions(timeout: request.isEmpty ? nil : .seconds(10))
                return try await channel.unary(path("Inner"), [], request: .bytes, response: .bytes, options: options)
            }
            try await withServer([outer]) { front, _ in
                for (timeout, request, answer) in [
                    (nil, [], "none"), (Duration.seconds(100), [], "long"), (.seconds(100), [1], "short"),
                    (nil, [1], "short"), (.seconds(20), [], "short"),
                ] as [(Duration?, [UInt8], String)] {
                    let got = try await front.unary(
                        path("Outer"), request, request: .bytes, response: .bytes,
                        options: CallOptions(timeout: timeout))
                    #expect(String(decoding: got, as: UTF8.self) == answer)
                }
            }
        }
    }

    @Test("CH-8: interceptors see each call on both sides, change it, and can end it")
    func interceptors() async throws {
        let log = LogLinesOfCalls()
        try await withServer([echo], interceptors: [log], client: { $0.interceptors = [log] }) { channel, _ in
            _ = try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes)
            let refused = await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(path("No"), [1], request: .bytes, response: .bytes)
            }
            #expect(refused?.code == .permissionDenied)
            #expect(
                Set(log.lines) == ["prepare Echo", "admit Echo marked", "ended OK", "client ended OK", "prepare No"])
        }
    }

    @Test("RF-1: both versions of reflection answer; HL-3: health lists its services, up to a hundred")
    func reflectionAndHealth() async throws {
        let health = HealthBoard()
        health.set(.notServing, for: "a")
        try await withServer(ReflectionIndex(files: []).methods + health.methods) { channel, _ in
            for version in ["v1", "v1alpha"] {
                let info = MethodPath(
                    service: "grpc.reflection.\(version).ServerReflection", method: "ServerReflectionInfo")
                let answer = try await channel.bidirectional(info, request: .bytes, response: .bytes) {
                    writer, responses in
                    try await writer.write([0x3a, 0])  // list_services
                    writer.finish()
                    var all: [[UInt8]] = []
                    for try await response in responses { all.append(response) }
                    return all
                }
                #expect(answer.count == 1)
                #expect(
                    String(decoding: answer.first ?? [], as: UTF8.self).contains("grpc.reflection.v1.ServerReflection"))
            }
            let list = MethodPath(service: HealthBoard.serviceName, method: "List")
            let answer = try await channel.unary(list, [], request: .bytes, response: .bytes)
            #expect(answer == [0x0a, 6, 0x0a, 0, 0x12, 2, 8, 1, 0x0a, 7, 0x0a, 1, 0x61, 0x12, 2, 8, 2])
            for number in 0..<99 { health.set(.serving, for: "service \(number)") }
            let full = await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(list, [], request: .bytes, response: .bytes)
            }
            #expect(full?.code == .resourceExhausted)
        }
    }
}
