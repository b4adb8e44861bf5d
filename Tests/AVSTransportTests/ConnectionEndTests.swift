import AVSHTTP2
import AVSRPC
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import AVSTransport

/// A connection that is lost or broken, and what becomes of the calls on it.
@Suite("The end of a connection")
struct ConnectionEndTests {
    /// Who was cancelled, in order.
    private final class Journal: Sendable {
        private let state = Mutex<[String]>([])
        var lines: [String] { state.withLock { $0 } }
        func note(_ line: String) { state.withLock { $0.append(line) } }
    }

    /// Runs until it is cancelled.
    private func endless(_ journal: Journal) -> RPCMethod {
        .bidirectional(path("Endless"), request: .bytes, response: .bytes) { requests, _, writer in
            do {
                for try await request in requests where request == [1] {
                    while true { try await writer.write([UInt8](repeating: 7, count: 10_000)) }
                }
                journal.note("ended")
            } catch is CancellationError {
                journal.note("cancelled")
            }
        }
    }

    @Test("NG-4, CAN-2: each call that is open when the connection is lost ends once, in whatever state it is")
    func lostWithCalls() throws {
        let journal = Journal()
        let rig = try Rig([endless(journal), echo]) {
            $0.maxRunningCallsPerConnection = 3
            $0.limits.http2.streamWindowBytes = 65_535
        }
        let incomplete = try rig.request("Echo", endsStream: false)  // no message yet: no handler
        let reading = try rig.request("Endless", endsStream: false)
        let writing = try rig.request("Endless", endsStream: false)
        rig.client.session.send([0, 0, 0, 0, 1, 1], on: writing)  // answers until nobody takes more
        let queued = try rig.request("Endless", endsStream: false)
        rig.client.session.send([UInt8](repeating: 0, count: 60_000), on: queued)
        try rig.exchange()
        let waiting = try rig.call("Echo", [[1]])  // for one of three handlers to return
        #expect(rig.connection.callCount == 5 && rig.service.handlers.count == 3)
        #expect(rig.service.budget.bytes > 0)
        rig.channel.close(promise: nil)
        rig.channel.embeddedEventLoop.run()
        #expect(rig.ends == 1)
        #expect(rig.connection.callCount == 0 && rig.service.handlers.count == 0)
        #expect(rig.service.budget.bytes == 0)
        #expect(journal.lines == ["cancelled", "cancelled", "cancelled"])
        var sum = TransportStatistics()
        rig.loop.counters.add(to: &sum, paths: [path("Endless"), path("Echo")])
        #expect(sum.calls(.cancelled) == 5)
        #expect(sum.methods.map(\.total).reduce(0, +) == 5)
        #expect(Set([incomplete, reading, writing, queued, waiting]).count == 5)
    }

    @Test("NG-6, ATT-3: a fatal answer of the library ends the connection with a GOAWAY of ours, and every call on it")
    func fatal() throws {
        let journal = Journal()
        let rig = try Rig([endless(journal)])
        _ = try rig.request("Endless", endsStream: false)
        try rig.exchange()
        #expect(rig.service.handlers.count == 1)
        let flood = Raw.request("Endless", stream: 3, flags: 0) + (0..<100).flatMap { _ in Raw.frame(9, stream: 3) }
        try rig.receive(flood)
        rig.channel.embeddedEventLoop.run()
        let goAway = try #require(try rig.output().goAway)
        #expect(goAway.code == HTTP2ErrorCode.enhanceYourCalm.rawValue)
        #expect(goAway.text.contains("-905"))
        #expect(rig.ends == 1)
        #expect(journal.lines == ["cancelled"])
        try rig.receive(Raw.frame(6, Array(repeating: 1, count: 8)))  // is not looked at
        rig.channel.embeddedEventLoop.run()
        #expect(try rig.output().isEmpty)
        var sum = TransportStatistics()
        rig.loop.counters.add(to: &sum, paths: [])
        #expect(sum.connectionsRefused.values.reduce(0, +) == 1)
    }

    @Test("NG-7: the answers to all requests of one read are one write")
    func oneWrite() throws {
        let rig = try Rig([echo])
        for number in 0..<80 as Range<UInt8> {
            let stream = try rig.request("Echo", endsStream: false)
            rig.client.session.send([0, 0, 0, 0, 1, number], on: stream)
            rig.client.session.finish(stream, trailers: nil)
        }
        try rig.receive(try rig.client.drain())
        rig.channel.embeddedEventLoop.run()
        let first = try #require(try rig.channel.readOutbound(as: ByteBuffer.self))
        let frames = RawFrame.all(in: Array(first.readableBytesView))
        #expect(frames.filter { $0.type == 1 && $0.flags & 1 == 1 }.count == 80)
        #expect(try rig.channel.readOutbound(as: ByteBuffer.self) == nil)
    }

    @Test("NG-17: after GOAWAY for an abuse nothing that comes has an effect")
    func nothingAfterTermination() throws {
        let journal = Journal()
        let rig = try Rig([endless(journal)])
        rig.connection.close("enough")
        #expect(try rig.output().goAway?.text == "enough")
        try rig.receive(Raw.request("Endless", stream: 1))
        rig.channel.embeddedEventLoop.run()
        #expect(rig.service.handlers.count == 0 && rig.ends == 1)
        #expect(try rig.output().isEmpty)
    }
}
