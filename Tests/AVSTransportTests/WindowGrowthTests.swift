import AVSHTTP2
import AVSPrimitives
import AVSRPC
import AVSTesting
import NIOCore
import NIOEmbedded
import Testing

@testable import AVSTransport

@Suite("The windows of a connection", .timeLimit(.minutes(1)))
struct WindowGrowthTests {
    /// A server's connection and a peer whose every frame the test writes.
    private struct Peer {
        let rig: Rig
        let window: Int

        init(window: Int = 65_536, configure: (inout RPCServer.Configuration) -> Void = { _ in }) throws {
            self.window = window
            rig = try Rig([collect]) {
                $0.limits.http2.streamWindowBytes = UInt32(window)
                $0.limits.streamWindowLimitBytes = WindowEstimate.greatestBytes
                configure(&$0)
            }
            try rig.receive(Raw.request("Collect", stream: 1) + [])
            _ = try frames()
        }

        /// DATA in frames of 4 KiB, which the handler takes as they come.
        func send(_ bytes: Int) throws {
            for _ in 0..<(bytes / 4_096) {
                try rig.receive(Raw.message([UInt8](repeating: 1, count: 4_091), stream: 1))
                rig.channel.embeddedEventLoop.run()
            }
        }

        func answer(after time: Duration) throws {
            rig.time.advance(by: time)
            try rig.receive(Raw.frame(6, flags: 1, Raw.big(0) + Raw.big(3)))
        }

        func frames() throws -> [RawFrame] {
            rig.channel.embeddedEventLoop.run()
            return RawFrame.all(in: try rig.output())
        }

        /// The windows that were announced since the last look.
        func windows() throws -> [UInt32] {
            try frames().filter { $0.type == 4 && $0.flags == 0 }.map {
                $0.payload.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
            }
        }
    }

    @Test("FC-10: one PING behind new data, none more before its answer, none without data")
    func pings() throws {
        let peer = try Peer()
        let isPing = { (frame: RawFrame) in frame.type == 6 && frame.flags == 0 }
        #expect(try peer.frames().isEmpty)
        try peer.send(4_096)
        let first = try peer.frames()
        #expect(first.filter(isPing).count == 1)
        let ping = try #require(first.firstIndex(where: isPing))
        #expect(ping > 0 && first[ping - 1].type == 8 && first[ping - 1].stream == 0)
        try peer.send(32_768)
        #expect(try peer.frames().contains(where: isPing) == false)
        try peer.rig.advance(.seconds(100))
        #expect(try peer.frames().contains(where: isPing) == false)
        try peer.answer(after: .milliseconds(1))
        try peer.rig.advance(.seconds(100))
        #expect(try peer.frames().contains(where: isPing) == false)
        try peer.send(4_096)
        #expect(try peer.frames().filter(isPing).count == 1)
    }

    @Test("FC-10: windows double while samples fill them, up to 16 MiB; then nothing is asked any more")
    func grows() throws {
        let peer = try Peer(window: 1 << 20) { $0.maxBufferedBytes = 100 * WindowEstimate.greatestBytes }
        var announced: [UInt32] = []
        for round in 0..<8 {
            try peer.send(1 << 20)
            for _ in 0..<(1 << round) where round < 4 { try peer.send(1 << 20) }
            try peer.answer(after: .milliseconds(1))
            announced += try peer.windows()
            try peer.rig.receive(Raw.frame(4, flags: 1))
        }
        #expect(announced == [2 << 20, 4 << 20, 8 << 20, 16 << 20])
        #expect(peer.rig.loop.counters.windowGrowths == 4)
        try peer.send(16 << 20)
        #expect(try peer.frames().contains { $0.type == 6 } == false)
    }

    @Test("FC-10: a sample that leaves room changes nothing")
    func leavesRoom() throws {
        let peer = try Peer()
        try peer.send(4_096)
        try peer.send(40_960)
        try peer.answer(after: .milliseconds(1))
        #expect(try peer.windows().isEmpty)
        #expect(peer.rig.loop.counters.windowGrowths == 0)
    }

    @Test(
        "FC-10: not so far that the streams of one connection could fill the budget; not at all while it is half full")
    func budget() throws {
        let narrow = try Peer { $0.maxBufferedBytes = 100 * 65_536 + 65_536 }  // 100 streams
        try narrow.send(4_096)
        try narrow.send(65_536)
        try narrow.answer(after: .milliseconds(1))
        #expect(try narrow.windows().isEmpty)
        let full = try Peer { $0.maxBufferedBytes = 100 * 131_072 }
        full.rig.service.budget.report(change: 100 * 131_072 / 2 + 1)
        try full.send(4_096)
        try full.send(65_536)
        try full.answer(after: .milliseconds(1))
        #expect(try full.windows().isEmpty)
        full.rig.service.budget.report(change: -(100 * 131_072 / 2 + 1))
        full.rig.time.advance(by: .seconds(1))
        try full.send(4_096)
        try full.send(65_536)
        try full.answer(after: .microseconds(500))
        #expect(try full.windows() == [131_072])
    }

    @Test("FC-10: off, nothing is measured and nothing grows")
    func off() throws {
        let peer = try Peer { $0.limits.streamWindowLimitBytes = nil }
        try peer.send(65_536)
        #expect(try peer.frames().contains { $0.type == 6 } == false)
        try peer.answer(after: .milliseconds(1))
        #expect(try peer.windows().isEmpty)
    }

    @Test("FC-10, CON-4: the SETTINGS of a growth want an acknowledgement in time as well")
    func acknowledgement() throws {
        let peer = try Peer()
        try peer.send(4_096)
        try peer.send(65_536)
        try peer.answer(after: .milliseconds(1))
        #expect(try peer.windows() == [131_072])
        peer.rig.time.advance(by: .seconds(11))
        peer.rig.channel.embeddedEventLoop.advanceTime(by: .seconds(11))
        #expect(try peer.rig.output().goAway?.text == "settings_timeout")
    }

    @Test("FC-10: a client does the same with its server")
    func client() async throws {
        let configuration = RPCChannel.Configuration.quick { $0.limits.http2.streamWindowBytes = 65_535 }
        let script = { @Sendable (peer: RawConnection, _: Int) async throws in
            try await peer.open()
            await peer.request(on: 1)
            let sent = { @Sendable (bytes: [UInt8]) in RawFrame.all(in: Array(bytes.dropFirst(24))) }
            // The head of a message, so that what comes is taken off the window only as it is waited for.
            try await peer.send(
                Raw.responseHeaders(stream: 1)
                    + Raw.frame(0, stream: 1, [0] + Raw.big(150_000) + [UInt8](repeating: 1, count: 8_000)))
            let bytes = await peer.receive { sent($0).contains { $0.type == 6 } }
            let frames = sent(bytes)
            if let ping = frames.firstIndex(where: { $0.type == 6 }) {
                #expect(frames[ping - 1].type == 8 && frames[ping - 1].stream == 0)
                #expect(frames[ping].payload == Raw.big(0) + Raw.big(3))
            }
            try await peer.send(
                (0..<5).flatMap { _ in Raw.frame(0, stream: 1, [UInt8](repeating: 1, count: 10_000)) }
                    + Raw.frame(6, flags: 1, Raw.big(0) + Raw.big(3)))
            let isGrowth = { @Sendable (frame: RawFrame) in
                frame.type == 4 && frame.flags == 0 && frame.payload == [0, 4] + Raw.big(131_070)
            }
            let all = await peer.receive { sent($0).contains(where: isGrowth) }
            #expect(sent(all).contains(where: isGrowth))
            try await peer.send(
                Raw.frame(4, flags: 1)
                    + (0..<9).flatMap { _ in Raw.frame(0, stream: 1, [UInt8](repeating: 1, count: 10_000)) }
                    + Raw.frame(0, stream: 1, [UInt8](repeating: 1, count: 2_000)) + Raw.trailers(stream: 1))
            await peer.waitUntilClosed()
        }
        let size = try await withRawServer(configuration, script) { channel in
            do {
                return try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes).count
            } catch {
                Issue.record(error)
                return 0
            }
        }
        #expect(size == 150_000)
    }
}
