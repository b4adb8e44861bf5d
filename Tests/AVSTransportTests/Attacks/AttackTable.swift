import AVSHTTP2
import AVSRPC
import AVSTransport
import Testing

/// Runs an attack against a live server, then a normal call over another connection. Returns what the server counted.
///
/// The bounds that tests assert are counts of work and of what is kept, never time.
func attack(
    _ methods: [RPCMethod] = [echo, count, collect], configure: (inout RPCServer.Configuration) -> Void = { _ in },
    reads: Bool = true, _ body: (RawConnection, RPCServer) async throws -> Void
) async throws -> TransportStatistics {
    try await withServer(methods + [alive], configure: configure) { channel, server in
        let peer = try await RawConnection.open(port: try await server.boundPort, reads: reads)
        try await body(peer, server)
        await peer.close()
        let answer = try await channel.unary(path("Alive"), [1], request: .bytes, response: .bytes)
        #expect(answer == [1])
        return await server.statistics
    }
}

private let alive = RPCMethod.unary(path("Alive"), request: .bytes, response: .bytes) { request, _ in request }

/// What one read of 64 KiB may bring after the frame that was one too many.
private func oneRead(ofFrames bytes: Int) -> Int { 65_536 / bytes + 1 }

@Suite("The attacks of section 21: frames", .timeLimit(.minutes(2)))
struct FrameAttackTests {
    @Test("ATT-1: rapid reset starts no handler and ends the connection within a read of the limit")
    func rapidReset() async throws {
        let bytes = (0..<5_000 as Range<UInt32>).flatMap { number in
            Raw.request("Echo", stream: number * 2 + 1) + Raw.frame(3, stream: number * 2 + 1, Raw.big(8))
        }
        let counted = try await attack { peer, _ in
            try await peer.send(Raw.opening + bytes)
            let goAway = await peer.receive().goAway
            #expect(goAway?.code == 11 && goAway?.text == "too_many_resets")
        }
        #expect(counted.connectionsRefused == ["too_many_resets": 1])
        #expect(counted.frames.resetsReceived <= 200 + oneRead(ofFrames: 13))
        #expect(counted.messagesReceived == 1)  // the normal call's
        #expect(counted.runningHandlers == 0 && counted.queuedBytes == 0)
    }

    @Test("ATT-1: rapid reset is bounded during a drain as well, when the library's own limit is off")
    func rapidResetInDrain() async throws {
        let (started, goOn) = (Slot<Void>(), Slot<Void>())
        let slow = RPCMethod.unary(path("Slow"), request: .bytes, response: .bytes) { request, _ in
            started.put(())
            await goOn.take()
            return request
        }
        try await withServer([slow, echo]) { _, server in
            let peer = try await RawConnection.open(port: try await server.boundPort)
            try await peer.send(Raw.opening + Raw.request("Slow", stream: 1) + Raw.message([], stream: 1, flags: 1))
            await started.take()
            server.beginDrain()
            _ = await peer.receive { $0.goAway != nil }  // the first of the two; its PING is not answered
            let bytes = (1..<5_000 as Range<UInt32>).flatMap { number in
                Raw.request("Echo", stream: number * 2 + 1) + Raw.frame(3, stream: number * 2 + 1, Raw.big(8))
            }
            try await peer.send(bytes)
            let answer = await peer.receive()
            #expect(RawFrame.all(in: answer).compactMap(\.goAway).last?.text == "too_many_resets")
            #expect(await server.statistics.frames.resetsReceived <= 200 + oneRead(ofFrames: 13))
            goOn.put(())
        }
    }

    @Test("ATT-1: handlers that ignore their cancellation count until they return")
    func stubbornHandlers() async throws {
        let (gate, started) = (Gate(), Slot<Void>())
        let stubborn = RPCMethod.unary(path("Stubborn"), request: .bytes, response: .bytes) { request, _ in
            started.put(())
            await gate.wait()
            return request
        }
        let counted = try await attack(
            [stubborn],
            configure: {
                $0.maxRunningCallsPerConnection = 10
                $0.maxWaitingCallsPerConnection = 0
            }
        ) { peer, server in
            let calls = { (streams: Range<UInt32>) in
                streams.flatMap {
                    Raw.request("Stubborn", stream: $0 * 2 + 1) + Raw.message([], stream: $0 * 2 + 1, flags: 1)
                }
            }
            try await peer.send(Raw.opening + calls(0..<10))
            for _ in 0..<10 { await started.take() }
            try await peer.send((0..<10 as Range<UInt32>).flatMap { Raw.frame(3, stream: $0 * 2 + 1, Raw.big(8)) })
            try await peer.send(calls(10..<15))
            for number in 10..<15 as Range<UInt32> {
                let bytes = await peer.receive { bytes in
                    RawFrame.all(in: bytes).contains { $0.type == 3 && $0.stream == number * 2 + 1 }
                }
                #expect(RawFrame.all(in: bytes).filter { $0.type == 3 }.allSatisfy { $0.payload == Raw.big(7) })
            }
            #expect(await server.statistics.runningHandlers == 10)
            gate.open()
        }
        #expect(counted.calls(.cancelled) == 10 && counted.calls(.unavailable) == 5)
    }

    @Test("ATT-2: resets that the peer provokes count in the same bucket", arguments: Provocation.all)
    func madeYouReset(way: Provocation) async throws {
        let counted = try await attack { peer, _ in
            try await peer.send(Raw.opening)
            for batch in 0..<20 as Range<UInt32> {  // below the limit of streams each
                try await peer.send((0..<50 as Range<UInt32>).flatMap { way.bytes((batch * 50 + $0) * 2 + 1) })
                let last = (batch * 50 + 49) * 2 + 1
                let bytes = await peer.receive { bytes in
                    RawFrame.all(in: bytes).contains { $0.goAway != nil || $0.type == 3 && $0.stream == last }
                }
                if bytes.goAway != nil { break }
            }
            #expect(await peer.receive().goAway?.text == "too_many_resets")
        }
        #expect(counted.connectionsRefused == ["too_many_resets": 1])
        #expect(counted.frames.resetsProvoked + counted.frames.invalidFrames <= 2 * 250)
        #expect(counted.messagesReceived == 1 && counted.queuedBytes == 0)
    }

    @Test("ATT-3: a CONTINUATION flood is cut off by the library, and the GOAWAY is ours")
    func continuations() async throws {
        let counted = try await attack { peer, _ in
            let flood = (0..<5_000).flatMap { _ in Raw.frame(9, stream: 1, Raw.literal("a", "b")) }
            try await peer.send(Raw.opening + Raw.request("Echo", stream: 1, flags: 0) + flood)
            #expect(await peer.receive().goAway?.text.contains("-905") == true)
            #expect(await peer.receive().goAway?.code == 11)
        }
        #expect(counted.frames.headerFields <= 5 + 32 + 10)
    }

    @Test("ATT-5: a SETTINGS flood, and one frame of more than 32 settings")
    func settings() async throws {
        let counted = try await attack { peer, _ in
            try await peer.send(Raw.opening + (0..<5_000).flatMap { _ in Raw.frame(4) })
            #expect(await peer.receive().goAway?.text == "too_many_settings")
        }
        #expect(counted.frames.settings <= 10 + oneRead(ofFrames: 9))
        _ = try await attack { peer, _ in
            try await peer.send(Raw.opening + H2.settings((0..<33).map { (UInt16($0 + 100), 1) }))
            #expect(await peer.receive().goAway?.code == 11)
        }
    }

    @Test("ATT-6: a PING flood")
    func pings() async throws {
        let counted = try await attack { peer, _ in
            try await peer.send(Raw.opening + (0..<5_000).flatMap { _ in Raw.frame(6, Raw.big(1) + Raw.big(2)) })
            #expect(await peer.receive().goAway?.text == "too_many_pings")
        }
        #expect(counted.frames.pings <= 3 + oneRead(ofFrames: 17))
    }

    @Test("ATT-7, FC-9: a peer that does not read what it causes is not read from either, and then closed")
    func doesNotRead() async throws {
        let name = String(repeating: "x", count: 200)  // comes back in the status
        let counted = try await attack(configure: { $0.limits.stallTimeout = .milliseconds(100) }, reads: false) {
            peer, server in
            try await peer.send(Raw.opening)
            // Until it is cut off, since only writing shows a peer that does not read that it was.
            let flood = Task {
                var next: UInt32 = 1
                while !Task.isCancelled {
                    var bytes: [UInt8] = []
                    for _ in 0..<50 {
                        bytes += Raw.request(name, stream: next, flags: 0x5)
                        next += 2
                    }
                    try await peer.send(bytes)
                }
            }
            await peer.waitUntilClosed()
            flood.cancel()
        }
        #expect(counted.calls(.unimplemented) < 50_000)
        #expect(counted.queuedBytes == 0)
    }

    @Test(
        "ATT-8: floods of empty and of tiny DATA frames",
        arguments: [(0, "too_many_empty_data_frames"), (1, "too_many_tiny_data_frames")])
    func data(size: Int, reason: String) async throws {
        let counted = try await attack(
            configure: { $0.limits.abuse.tinyData = TokenBucket(burst: 1_000, perSecond: 1) }
        ) { peer, _ in
            let frame = Raw.frame(0, stream: 1, [UInt8](repeating: 0, count: size))
            try await peer.send(Raw.opening + Raw.request("Collect", stream: 1) + (0..<20_000).flatMap { _ in frame })
            #expect(await peer.receive().goAway?.text == reason)
        }
        #expect(counted.frames.emptyData + counted.frames.tinyData <= 1_000 + oneRead(ofFrames: 9))
    }

    @Test(
        "ATT-9: floods of PRIORITY, WINDOW_UPDATE and unknown frames",
        arguments: [
            Raw.frame(2, stream: 1, Raw.big(0) + [1]), Raw.frame(8, Raw.big(1)), Raw.frame(0xbe, [1, 2, 3]),
        ])
    func glitches(frame: [UInt8]) async throws {
        let counted = try await attack { peer, _ in
            try await peer.send(Raw.opening + (0..<20_000).flatMap { _ in frame })
            #expect(await peer.receive().goAway?.text == "too_many_glitches")
        }
        #expect(counted.frames.idleFrames + counted.frames.windowUpdates <= 10_000 + 330 + oneRead(ofFrames: 12))
    }
}

/// A way to make a server reset a stream.
struct Provocation: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: @Sendable (UInt32) -> [UInt8]

    static let all = [
        Provocation(testDescription: "window overflow") {
            Raw.request("Echo", stream: $0) + Raw.frame(8, stream: $0, Raw.big(0x7fff_ffff))
        },
        Provocation(testDescription: "bad content-length") {
            Raw.request("Echo", stream: $0, flags: 0x5, with: [("content-length", "9")])
        },
        Provocation(testDescription: "bad trailers") {
            Raw.request("Echo", stream: $0) + Raw.frame(1, flags: 0x5, stream: $0, Raw.literal(":path", "/"))
        },
        Provocation(testDescription: "an invalid field") {
            Raw.request("Echo", stream: $0, flags: 0x5, with: [("Upper", "x")])
        },
    ]
}

/// Closed until it is opened, for any number of tasks, and deaf to their cancellation.
final class Gate: Sendable {
    private let waiter = Slot<Void>()
    private let task: Task<Void, Never>

    init() {
        let waiter = self.waiter
        task = Task { await waiter.take() }  // ends with open()
    }

    func open() { waiter.put(()) }
    func wait() async { await task.value }
}
