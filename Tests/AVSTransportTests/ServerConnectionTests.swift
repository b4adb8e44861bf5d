import AVSHTTP2
import AVSPrimitives
import AVSRPC
import AVSTesting
import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import AVSTransport

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

    @Test("CON-3: a connection that is closed leaves nothing behind, though its timers were set for hours")
    func leavesNothing() throws {
        let rig = try Rig()
        weak let handler = rig.connection.handler
        #expect(handler != nil)
        rig.channel.close(promise: nil)
        rig.channel.embeddedEventLoop.run()
        #expect(rig.ends == 1)
        #expect(handler == nil)
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

    @Test("KA-4: a connection whose last call was refused is idle as well")
    func idleAfterRefusal() throws {
        let rig = try Rig(configure: { $0.maximumIdle = .seconds(60) })
        _ = try rig.call("Nothing", [[1]])
        try rig.advance(.seconds(59))
        #expect(rig.goAways.isEmpty)
        try rig.advance(.seconds(2))
        #expect(rig.goAways.map(\.last) == [.maximum])
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

    @Test("CMP-6: compressed messages are inflated a mebibyte in a turn of the loop, and then others have their turn")
    func inflateTurns() throws {
        let taken = TakenSizes()
        let sink = RPCMethod.clientStreaming(path("Sink"), request: .bytes, response: .bytes) { requests, _ in
            for try await request in requests { taken.append(request.count) }
            return []
        }
        let rig = try Rig([sink, echo])
        let bomb = try #require(
            MessageCompressor().compressIfWorthwhile([UInt8](repeating: 0, count: 1 << 20), .gzip))
        let stream = try rig.request("Sink", endsStream: false, with: [("grpc-encoding", "gzip")])
        for _ in 0..<4 { rig.client.session.send(bomb, after: ChunkLead(1, UInt32(bomb.count)), on: stream) }
        rig.client.session.finish(stream, trailers: nil)
        try rig.exchange()
        #expect(taken.all == [1 << 20])
        let other = try rig.request("Echo", endsStream: false)  // is served between two of them
        rig.client.session.send([0, 0, 0, 0, 0], on: other)
        rig.client.session.finish(other, trailers: nil)
        try rig.exchange()
        #expect(rig.client.events.contains(.closed(other, .noError)))
        #expect(taken.all.count == 1)
        for count in 2...4 {
            try rig.advance(.milliseconds(1))
            #expect(taken.all.count == count)
        }
        #expect(rig.client.events.contains(.closed(stream, .noError)))
    }

    @Test(
        "ATT-11: a header section that was malformed or far too large is over; only one that does not end is waited for",
        arguments: [
            (Raw.frame(1, flags: 0x5, stream: 1, Raw.literal(":bad", "x")), 0),
            (bombedSection, 0),
            (Raw.request("Echo", stream: 1, flags: 0x1), 1),
        ] as [([UInt8], Int)])
    func headersTimeout(bytes: [UInt8], ends: Int) throws {
        let rig = try Rig([echo])
        try rig.receive(bytes)  // past the client, which knows of no stream 1
        rig.time.advance(by: .seconds(11))
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(11))
        #expect(rig.ends == ends)
        #expect(try rig.output().goAway?.text == (ends == 0 ? nil : "headers_timeout"))
    }

    /// Eight times the limit of LIM-1, over several CONTINUATION frames.
    private static let bombedSection: [UInt8] = {
        let fields = (0..<100).flatMap { _ in Raw.literal("a", String(repeating: "b", count: 126)) }
        let more = (0..<9).flatMap { Raw.frame(9, flags: $0 == 8 ? 0x4 : 0, stream: 1, fields) }
        return Raw.request("Echo", stream: 1, flags: 0x1) + more
    }()

    @Test("OV-4: a handler that yields for ever leaves the loop its turns, and ends when its call does")
    func yielding() throws {
        let restless = RPCMethod.unary(path("Restless"), request: .bytes, response: .bytes) { _, _ in
            while !Task.isCancelled { await Task.yield() }
            return []
        }
        let rig = try Rig([restless])
        let stream = try rig.request("Restless", endsStream: false)
        rig.client.session.send([0, 0, 0, 0, 0], on: stream)
        rig.client.session.finish(stream, trailers: nil)
        try rig.exchange()  // returns, though the handler never rests
        #expect(rig.loop.jobCount >= LoopContext.longestChain)
        #expect(rig.service.handlers.count == 1)
        rig.client.session.reset(stream, .cancel)
        try rig.exchange()
        try rig.advance(.milliseconds(1))
        #expect(rig.service.handlers.count == 0)
    }

    @Test("OV-4: a handler that works long each time before it yields leaves the loop its turns after milliseconds")
    func working() throws {
        let time = Mutex<ManualTime?>(nil)
        let busy = RPCMethod.unary(path("Busy"), request: .bytes, response: .bytes) { _, _ in
            while !Task.isCancelled {
                time.withLock { $0?.advance(by: .milliseconds(1)) }
                await Task.yield()
            }
            return []
        }
        let rig = try Rig([busy])
        time.withLock { $0 = rig.time }
        let stream = try rig.request("Busy", endsStream: false)
        let before = rig.loop.jobCount
        rig.client.session.send([0, 0, 0, 0, 0], on: stream)
        rig.client.session.finish(stream, trailers: nil)
        try rig.exchange()  // a turn or two of the loop
        #expect(rig.service.handlers.count == 1)
        #expect((4...16).contains(rig.loop.jobCount - before))
        rig.client.session.reset(stream, .cancel)
        try rig.exchange()
        try rig.advance(.milliseconds(1))
        #expect(rig.service.handlers.count == 0)
    }
}

private final class TakenSizes: Sendable {
    private let sizes = Mutex<[Int]>([])
    var all: [Int] { sizes.withLock { $0 } }
    func append(_ size: Int) { sizes.withLock { $0.append(size) } }
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
