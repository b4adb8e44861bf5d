import AVSHTTP2
import AVSRPC
import NIOCore
import NIOEmbedded
import Testing

@testable import AVSTransport

@Suite("The budget of a server's buffers")
struct BufferBudgetTests {
    @Test("OV-3: the largest consumer is not read from, then new calls are refused, then it is drained; others stay")
    func threeSteps() throws {
        let gate = Promise<Void>()
        let lazy = RPCMethod.clientStreaming(path("Lazy"), request: .bytes, response: .bytes) { requests, _ in
            try await gate.value()
            var size = 0
            for try await request in requests { size += request.count }
            return Array("\(size)".utf8)
        }
        let large = try Rig([lazy, echo]) {
            $0.maxBufferedBytes = 200_000
            $0.limits.http2.streamWindowBytes = 65_535
        }
        let small = try Rig(besides: large)
        let calls = try (0..<8).map { _ in try large.request("Lazy", endsStream: false) }
        try large.exchange()
        let other = try small.request("Lazy", endsStream: false)
        send(60_000, to: other, of: small)
        try small.exchange()
        #expect(!large.service.budget.isSpent)

        for stream in calls.prefix(5) { send(60_000, to: stream, of: large) }
        try large.exchange()
        #expect(large.service.budget.isSpent && !large.service.budget.isOverspent)
        #expect(try reads(large) == 0)
        #expect(try reads(small) == 1)  // holds less than what one stream may
        for rig in [large, small] {
            let refused = try rig.call("Echo", [[1]])
            #expect(rig.sections(refused).last?["grpc-status"] == "8")
        }
        #expect(large.goAways.isEmpty)

        for stream in calls.suffix(3) { send(60_000, to: stream, of: large) }
        try large.exchange()
        try small.exchange()
        #expect(large.service.budget.isOverspent)
        #expect(large.goAways.map(\.last) == [.maximum, StreamID(17)])
        #expect(large.goAways.last?.text == "buffers_full")
        #expect(small.goAways.isEmpty)

        for stream in calls { large.client.session.finish(stream, trailers: nil) }
        gate.fulfil(.success(()))
        try large.exchange()
        try small.exchange()
        #expect(calls.allSatisfy { large.sections($0).last?["grpc-status"] == "0" })
        #expect(large.ends == 1 && small.ends == 0)
        small.client.session.finish(other, trailers: nil)
        try small.exchange()
        #expect(large.service.budget.bytes == 0)
        let served = try small.call("Echo", [[1]])
        #expect(small.sections(served).last?["grpc-status"] == "0")
    }

    private func send(_ size: Int, to stream: StreamID, of rig: Rig) {
        rig.client.session.send([UInt8](repeating: 1, count: size), after: ChunkLead(0, UInt32(size)), on: stream)
    }

    /// Whether a read that is asked for reaches the socket.
    private func reads(_ rig: Rig) throws -> Int {
        let before = rig.reads.count
        rig.channel.read()
        return rig.reads.count - before
    }
}
