import AVSHTTP2
import AVSRPC
import AVSTesting
import Foundation
import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import Testing

@testable import AVSTransport

/// Section 23: what makes calls cheap, seen where it can be counted. Times are the business of `tools/bench`.
@Suite("The ways of a call that cost little")
struct SpeedRuleTests {
    private func path(_ method: String) -> MethodPath { MethodPath(service: "test.Service", method: method) }

    private var echo: RPCMethod { .unary(path("Echo"), request: .bytes, response: .bytes) { request, _ in request } }

    /// What the server writes for these requests, buffer by buffer as the socket gets them.
    private func buffers(
        _ rig: Rig, _ requests: [[UInt8]], _ stream: (StreamID) -> Void = { _ in }
    ) throws -> [[UInt8]] {
        for request in requests {
            let id = try rig.request("Echo", endsStream: false)
            stream(id)
            rig.client.session.send(request, after: ChunkLead(0, UInt32(request.count)), on: id)
            rig.client.session.finish(id, trailers: nil)
        }
        try rig.receive(rig.client.drain())
        rig.channel.embeddedEventLoop.run()
        var buffers: [[UInt8]] = []
        while let buffer = try rig.channel.readOutbound(as: ByteBuffer.self) {
            buffers.append(Array(buffer.readableBytesView))
        }
        return buffers
    }

    /// Type, flags, stream and payload of each frame.
    private func frames(_ bytes: [UInt8]) -> [(type: UInt8, stream: Int, payload: [UInt8])] {
        var frames: [(UInt8, Int, [UInt8])] = []
        var rest = bytes[...]
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            let stream = head[5...8].reduce(0) { $0 << 8 | Int($1) }
            frames.append((head[3], stream, Array(rest.dropFirst(9).prefix(length))))
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }

    @Test("SP-2: the calls of one read are answered by one write", arguments: [1, 2, 50])
    func oneWrite(count: Int) throws {
        let rig = try Rig([echo])
        let writes = rig.loop.counters.answersPerWrite.count
        let written = try buffers(rig, Array(repeating: [1, 2, 3], count: count))
        #expect(written.count == 1)
        #expect(frames(written.joined().map { $0 }).filter { $0.type == 1 }.count == 2 * count)  // headers and trailers
        #expect(rig.loop.counters.answersPerWrite.count == writes + 1)
    }

    @Test("SP-3: results that come from other threads while the loop is busy are run in one batch, with one flush")
    func batched() async throws {
        final class Connection: Flushable {
            var count = 0
            private var isQueued = false

            /// As a connection does: once for all that a batch has for it.
            func schedule(on loop: LoopContext) {
                if !isQueued { loop.scheduleFlush(self) }
                isQueued = true
            }

            func flushNow() {
                isQueued = false
                count += 1
            }
        }
        final class Held: @unchecked Sendable {  // touched on the loop only
            let connection = Connection()
            var results = 0
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = LoopContext(group.next(), time: SystemTime())
        let held = Held()
        let (gate, all, blocked) = (Promise<Void>(), Promise<Void>(), Promise<Void>())
        for _ in 0..<100 {
            Task(executorPreference: loop) {
                try await gate.value()
                held.results += 1
                held.connection.schedule(on: loop)
                if held.results == 100 { all.fulfil(.success(())) }
            }
        }
        var before = 0
        // The tasks' beginnings.
        while before < 100 { before = try await loop.eventLoop.submit { loop.jobCount }.get() }
        let release = DispatchSemaphore(value: 0)
        loop.eventLoop.execute {
            blocked.fulfil(.success(()))
            release.wait()
        }
        try await blocked.value()
        gate.fulfil(.success(()))  // a hundred results from this thread
        release.signal()
        try await all.value()
        let after = try await loop.eventLoop.submit { (loop.jobCount, held.connection.count, held.results) }.get()
        #expect(after.0 - before == 100)
        #expect(after.1 >= 1 && after.1 <= 2)  // the last one's flush may come behind the look
        #expect(after.2 == 100)
        try await group.shutdownGracefully()
    }

    @Test("SP-5: headers that are the last call's are taken apart once, and each call sees its own",
        arguments: [1, 2, 3, 4] as [UInt64])
    func sameHeaders(seed: UInt64) throws {
        let seen = Mutex<[String]>([])
        let tells = RPCMethod.unary(path("Echo"), request: .bytes, response: .bytes) { request, call in
            seen.withLock {
                $0.append("\(call.metadata["tag"] ?? "none") \(call.authority) \(call.deadline != nil) \(request)")
            }
            return request
        }
        let rig = try Rig([tells])
        var random = SeededGenerator(seed: seed)
        var (expected, taken, previous) = ([String](), Set<ObjectIdentifier>(), -1)
        var requests: [AcceptedRequest] = []  // held, so that no address comes twice
        for number in 0..<200 as Range<UInt8> {
            let variant = Bool.random(using: &random) ? max(previous, 0) : Int.random(in: 0..<4, using: &random)
            let fields: [(String, String)] = [[], [("tag", "a")], [("tag", "b")], [("grpc-timeout", "9S")]][variant]
            _ = try rig.call("Echo", [[number]], with: fields)
            let last = try #require(rig.connection.lastRequest)
            #expect(taken.contains(ObjectIdentifier(last)) == (variant == previous))
            requests.append(last)
            taken.insert(ObjectIdentifier(last))
            previous = variant
            expected.append("\(["none", "a", "b", "none"][variant]) x \(variant == 3) [\(number)]")
        }
        #expect(seen.withLock { $0 } == expected)
    }

    @Test("SP-5: headers of more than a KiB are not kept for the next call")
    func largeHeaders() throws {
        let rig = try Rig([echo])
        _ = try rig.call("Echo", [[1]], with: [("tag", String(repeating: "a", count: 2_000))])
        #expect(rig.connection.lastRequest == nil)
        _ = try rig.call("Echo", [[1]])
        #expect(rig.connection.lastRequest != nil)
    }

    @Test("SP-6: from the second call on each response header and the OK trailers are a byte")
    func indexed() throws {
        let rig = try Rig([echo])
        _ = try buffers(rig, [[1]])
        for _ in 0..<3 {
            let sections = frames(try buffers(rig, [[1]]).joined().map { $0 }).filter { $0.type == 1 }
            #expect(sections.map(\.payload.count) == [3, 1])
            #expect(sections.joined(\.payload).allSatisfy { $0 & 0x80 != 0 })  // RFC 7541, 6.1: indexed field
        }
    }

    @Test("SP-7: prefix and message are one frame, and the whole answer is one buffer, also when it is empty",
        arguments: [0, 1, 2_047, 2_048, 16_379])
    func oneFrame(size: Int) throws {
        let rig = try Rig([echo])
        let message = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        let written = try buffers(rig, [message])
        #expect(written.count == 1)
        let data = frames(written.joined().map { $0 }).filter { $0.type == 0 }
        #expect(data.map(\.payload) == [[0] + withUnsafeBytes(of: UInt32(size).bigEndian) { Array($0) } + message])
    }

    /// Gives the server the windows back that its answers have used, until nothing more comes.
    private func takeAll(_ rig: Rig) throws {
        var seen = 0
        while seen < rig.client.events.count {
            for case .data(let stream, let range) in rig.client.events[seen...] {
                rig.client.session.consume(range.count, on: stream)
            }
            seen = rig.client.events.count
            try rig.exchange()
        }
    }

    @Test("SP-9: a megabyte goes out in the largest frames that the peer takes, and the copies of it are let go")
    func bulk() throws {
        let rig = try Rig([echo])
        let message = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let stream = try rig.call("Echo", [message])
        try takeAll(rig)
        let lengths = rig.client.events.compactMap { event in
            if case .data(stream, let range) = event { return range.count }
            return nil
        }
        #expect(lengths.reduce(0, +) == message.count + 5)
        #expect(lengths.max() == 16_384)  // what a peer takes that announces nothing; larger ones: see NG-14
        #expect(rig.connection.callCount == 0)
        #expect(rig.service.budget.bytes == 0)
    }

    @Test("SP-10: a connection that has had calls holds none of their bytes")
    func idle() throws {
        let rig = try Rig([echo])
        for size in [0, 10, 5_000, 300_000] {
            for _ in 0..<20 { _ = try rig.call("Echo", [Array(repeating: 7, count: size)]) }
            try takeAll(rig)
        }
        #expect(rig.connection.callCount == 0)
        #expect(rig.connection.handler?.session.unsentBytes == 0)
        #expect(rig.service.budget.bytes == 0)
        #expect(rig.service.handlers.count == 0)
    }
}

extension Sequence {
    fileprivate func joined<Part: Sequence>(_ part: (Element) -> Part) -> [Part.Element] { flatMap(part) }
}
