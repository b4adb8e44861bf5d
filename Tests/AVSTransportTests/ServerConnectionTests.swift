import AVSHTTP2
import AVSPrimitives
import AVSRPC
import AVSTesting
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import AVSTransport

/// Counts the reads that come through to the socket.
private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var count = 0

    func read(context: ChannelHandlerContext) {
        count += 1
        context.read()
    }
}

/// A server's connection on a channel without a socket, with both clocks in the test's hand.
private final class Rig {
    let channel = EmbeddedChannel()
    let reads = ReadCounter()
    let time = ManualTime()
    let client: HTTP2Session.Box
    private let endCount = EndCount()
    var ends: Int { endCount.value }

    private final class EndCount { var value = 0 }

    init(_ methods: [RPCMethod] = [], configure: (inout RPCServer.Configuration) -> Void = { _ in }) throws {
        var configuration = RPCServer.Configuration()
        configure(&configuration)
        let service = ServiceBundle(
            configuration: configuration, methods: methods, interceptors: [], time: time, logger: quiet)
        client = try HTTP2Session.Box()
        loop = LoopContext(channel.embeddedEventLoop)
        let connection = ServerConnection(service: service, loop: loop, peer: Peer(address: "test")) { [endCount] _ in
            endCount.value += 1
        }
        self.connection = connection
        try channel.pipeline.syncOperations.addHandler(reads)
        try channel.pipeline.syncOperations.addHandler(connection.makeHandler())
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try exchange()
    }

    let connection: ServerConnection
    let loop: LoopContext

    /// Carries bytes both ways until nothing moves.
    func exchange() throws {
        while true {
            let up = try client.drain()
            if !up.isEmpty { try receive(up) }
            channel.embeddedEventLoop.run()
            let down = try output()
            if !down.isEmpty { try client.receive(down) }
            if up.isEmpty, down.isEmpty { return }
        }
    }

    func receive(_ bytes: [UInt8]) throws { try channel.writeInbound(ByteBuffer(bytes: bytes)) }

    /// What the server wrote since the last look.
    func output() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return bytes
    }

    func advance(_ duration: Duration) throws {
        time.advance(by: duration)
        channel.embeddedEventLoop.advanceTime(by: TimeAmount(duration))
        try exchange()
    }

    var goAways: [(last: StreamID, code: HTTP2ErrorCode, text: String)] {
        client.events.compactMap { event in
            if case .goAway(let last, let code, let data) = event {
                return (last, code, String(decoding: data, as: UTF8.self))
            }
            return nil
        }
    }

    func request(_ method: String, endsStream: Bool = true) throws -> StreamID {
        try client.session.request(
            [
                ":method": "POST", ":scheme": "http", ":path": "/test.Service/\(method)", ":authority": "x",
                "content-type": "application/grpc",
            ], endsStream: endsStream)
    }
}

extension HTTP2Session {
    /// A client's end, in a class since a session cannot be copied.
    fileprivate final class Box {
        var session: HTTP2Session
        var events: [HTTP2Event] = []

        init() throws { session = try HTTP2Session.open(.client) }

        func receive(_ bytes: [UInt8]) throws { events += try session.receive(bytes.span) }

        func drain() throws -> [UInt8] {
            var buffer = ByteBuffer()
            var more = true
            while more {
                let before = buffer.readableBytes
                try buffer.writeWithOutputRawSpan(minimumWritableBytes: HTTP2Session.outputRoomBytes) {
                    output throws(HTTP2Error) in
                    more = try session.drain(into: &output)
                }
                if buffer.readableBytes == before { break }
            }
            events += session.takeEvents()
            return Array(buffer.readableBytesView)
        }
    }
}

@Suite("A server's connection")
struct ServerConnectionTests {
    @Test("KA-3: silence for two hours is asked about, and 20 s of silence after that is the end")
    func keepalive() throws {
        let rig = try Rig()
        try rig.advance(.seconds(7_199))
        #expect(!rig.client.events.contains(.ping))
        try rig.advance(.seconds(2))
        #expect(rig.client.events.filter { $0 == .ping }.count == 1)
        try rig.advance(.seconds(25))  // the client's session answered
        #expect(rig.ends == 0)
        rig.time.advance(by: .seconds(7_300))
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(7_300))
        _ = try rig.output()  // this PING is lost
        rig.time.advance(by: .seconds(21))
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(21))
        #expect(rig.ends == 1)
    }

    @Test("KA-4: an idle connection is drained with max_idle, a busy one is not")
    func idle() throws {
        let rig = try Rig([collect], configure: { $0.maximumIdle = .seconds(60) })
        try rig.advance(.seconds(50))
        let stream = try rig.request("Collect", endsStream: false)
        try rig.exchange()
        try rig.advance(.seconds(200))
        #expect(rig.goAways.isEmpty)
        rig.client.session.reset(stream, .cancel)
        try rig.exchange()
        try rig.advance(.seconds(59))
        #expect(rig.goAways.isEmpty)
        try rig.advance(.seconds(2))
        #expect(rig.goAways.map(\.last) == [.maximum])
        #expect(rig.ends == 0)
        rig.time.advance(by: .seconds(6))  // libnghttp2 without calls reads and answers nothing more
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(6))
        #expect(try rig.output().goAway?.text == "max_idle")
        #expect(rig.ends == 1)
    }

    @Test("KA-4: an old connection is drained with max_age, and closed after the grace")
    func age() throws {
        let rig = try Rig([collect]) {
            $0.maximumAge = .seconds(100)
            $0.maximumAgeGrace = .seconds(30)
        }
        _ = try rig.request("Collect", endsStream: false)
        try rig.exchange()
        try rig.advance(.seconds(89))
        #expect(rig.goAways.isEmpty)
        try rig.advance(.seconds(22))
        #expect(rig.goAways.map(\.last) == [.maximum, StreamID(1)])
        #expect(rig.goAways.last?.text == "max_age")
        #expect(rig.ends == 0)
        try rig.advance(.seconds(31))
        #expect(rig.ends == 1)
    }

    @Test("DR-1: without an answer to the PING the second GOAWAY follows after five seconds")
    func drainPing() throws {
        let rig = try Rig()
        rig.connection.beginDrain("shutdown")
        rig.channel.embeddedEventLoop.run()
        #expect(try rig.output().goAway?.text == "")  // and nothing reaches the client
        rig.time.advance(by: .seconds(4))
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        #expect(try rig.output().isEmpty)
        rig.time.advance(by: .seconds(2))
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(try rig.output().goAway?.text == "shutdown")
        #expect(rig.ends == 1)
    }

    @Test("SP-4: a call whose handler does not suspend is one job on the loop, however many writes it makes")
    func hops() throws {
        let writes = RPCMethod.serverStreaming(path("Writes"), request: .bytes, response: .bytes) { _, _, writer in
            for number in 0..<20 as Range<UInt8> { try await writer.write([number]) }
        }
        let rig = try Rig([echo, writes])
        for method in ["Echo", "Writes"] {
            let jobs = rig.loop.jobCount
            let stream = try rig.request(method, endsStream: false)
            rig.client.session.send([0, 0, 0, 0, 1, 7], on: stream)
            rig.client.session.finish(stream, trailers: nil)
            try rig.exchange()
            #expect(rig.client.events.last == .closed(stream, .noError))
            #expect(rig.loop.jobCount - jobs == 1)
        }
    }

    @Test("FC-9: a socket that takes nothing for a minute is closed")
    func stalledSocket() throws {
        let rig = try Rig()
        rig.channel.isWritable = false
        rig.channel.pipeline.fireChannelWritabilityChanged()
        try rig.advance(.seconds(59))
        #expect(rig.ends == 0)
        try rig.advance(.seconds(2))
        #expect(rig.ends == 1)
        #expect(!rig.channel.isActive)
    }

    @Test("ATT-7: answers that the socket does not take stop the reading, and too many of them the connection")
    func queuedFrames() throws {
        let rig = try Rig(configure: { $0.limits.queuedFrameLimit = 20 })
        rig.channel.isWritable = false
        rig.channel.pipeline.fireChannelWritabilityChanged()
        for number in 0..<90 as Range<UInt32> {
            try rig.receive(Raw.request("Nothing", stream: number * 2 + 1, flags: 0x5))
        }
        let reads = rig.reads.count
        rig.channel.read()
        #expect(rig.reads.count == reads)
        for number in 0..<300 as Range<UInt32> where rig.ends == 0 {
            try rig.receive(Raw.frame(6, Raw.big(number) + Raw.big(0)))
        }
        #expect(rig.ends == 1)
    }

    @Test("FC-8: nothing is lost while the socket takes nothing")
    func unwritable() throws {
        let rig = try Rig()
        rig.channel.isWritable = false
        rig.channel.pipeline.fireChannelWritabilityChanged()
        let stream = try rig.request("Nothing")
        try rig.exchange()
        #expect(!rig.client.events.contains { if case .headers = $0 { true } else { false } })
        rig.channel.isWritable = true
        rig.channel.pipeline.fireChannelWritabilityChanged()
        try rig.exchange()
        #expect(rig.client.events.contains { if case .headers(stream, _, true) = $0 { true } else { false } })
    }
}

@Suite("The timers of a connection")
struct ConnectionTimersTests {
    private let start = ContinuousClock.now

    @Test("give deadlines back in order, and forget those of calls that ended", arguments: 0..<20 as Range<UInt64>)
    func order(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var timers = ConnectionTimers()
        var open: Set<StreamID> = []
        for number in 0..<2_000 as Range<Int32> {
            let id = StreamID(number * 2 + 1)
            open.insert(id)
            if open.count > 50, let ended = open.randomElement(using: &random) { open.remove(ended) }
            timers.add(id, at: start + .milliseconds(Int.random(in: 0...10_000, using: &random))) { open.contains($0) }
            #expect(timers.deadlineCount <= 300)
        }
        var last = start
        var found: Set<StreamID> = []
        while let next = timers.next {
            #expect(next >= last)
            last = next
            if case .deadline(let id) = timers.expire(at: next) { found.insert(id) }
        }
        #expect(found.isSuperset(of: open))
    }

    @Test("know each duty once, and nothing before its time")
    func duties() {
        var timers = ConnectionTimers()
        timers.set(.idle, start + .seconds(2))
        timers.set(.idle, start + .seconds(3))
        timers.set(.keepalive, start + .seconds(1))
        #expect(timers.next == start + .seconds(1))
        #expect(timers.expire(at: start) == nil)
        #expect(timers.expire(at: start + .seconds(5)) == .duty(.keepalive))
        #expect(timers.expire(at: start + .seconds(5)) == .duty(.idle))
        #expect(timers.expire(at: start + .seconds(5)) == nil)
        #expect(timers.next == nil)
    }
}
