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

@Suite("A server's rules, frame by frame")
struct ServerRuleTests {
    @Test(
        "HDR-3: an answer has the content-type of its request",
        arguments: [
            ("application/grpc", "application/grpc"), ("application/grpc+proto", "application/grpc+proto"),
            ("application/grpc;x=y", "application/grpc"), ("application/grpc+json", "application/grpc"),
        ])
    func contentType(asked: String, answered: String) throws {
        let rig = try Rig([echo])
        let stream = try rig.call("Echo", [[1]], contentType: asked)
        #expect(rig.sections(stream).first?["content-type"] == answered)
        #expect(rig.sections(stream).last?["grpc-status"] == (asked.hasSuffix("json") ? "12" : "0"))
        let none = try rig.call("Nothing", [[1]], contentType: asked)
        #expect(rig.sections(none).first?["content-type"] == answered)
    }

    @Test("HDR-12: trailers of a request that was refused are not another request")
    func trailersOfRefused() throws {
        let rig = try Rig([echo])
        let trailers = Raw.frame(1, flags: 0x5, stream: 1, Raw.literal("a", "b"))
        try rig.receive(
            Raw.request("Echo", stream: 1, contentType: "text/plain") + Raw.message([1], stream: 1) + trailers)
        rig.channel.embeddedEventLoop.run()
        let frames = RawFrame.all(in: try rig.output())
        #expect(frames.map(\.type) == [1, 0])  // 415 and its text
        #expect(frames.last?.flags == 1)
        var sum = TransportStatistics()
        rig.loop.counters.add(to: &sum, paths: [])
        #expect(sum.foreignAnswers == 1)
    }

    @Test("HDR-7, CMP-2: an unknown encoding is UNIMPLEMENTED on the headers, and the known ones are listed")
    func unknownEncoding() throws {
        let rig = try Rig([echo])
        let stream = try rig.request("Echo", endsStream: false, with: [("grpc-encoding", "br")])
        try rig.exchange()
        let answer = try #require(rig.sections(stream).first)
        #expect(answer["grpc-status"] == "12" && answer["grpc-accept-encoding"] == "identity,deflate,gzip")
    }

    @Test("HDR-8: two hosts are refused by the library already; MAP-2: a gRPC error has HTTP status 200")
    func httpStatus() throws {
        let rig = try Rig([echo])
        let hosts = try rig.call("Echo", [[1]], with: [("host", "a"), ("host", "b")])
        #expect(rig.sections(hosts).isEmpty && rig.client.events.contains(.closed(hosts, .protocolError)))
        for (method, fields) in [("Nothing", []), ("Echo", [("grpc-timeout", "x")]), ("Echo", [("a-bin", "*")])] {
            let stream = try rig.call(method, [[1]], with: fields)
            #expect(rig.sections(stream).first?[":status"] == "200")
            #expect(rig.sections(stream).last?["grpc-status"] != "0")
        }
    }

    @Test("HDR-11: a request of headers only is an empty stream, and no message where one is wanted")
    func headersOnly() throws {
        let rig = try Rig([collect, echo])
        #expect(rig.sections(try rig.call("Collect", [])).last?["grpc-status"] == "0")
        #expect(rig.sections(try rig.call("Echo", [])).last?["grpc-status"] == "12")
    }

    @Test("MSG-6: empty messages are messages; RSP-1: END_STREAM is on the trailers")
    func emptyMessages() throws {
        let rig = try Rig([mirror, count])
        let stream = try rig.call("Mirror", [[], [], []])
        let bytes = rig.client.events.reduce(0) { sum, event in
            if case .data(stream, let range) = event { return sum + range.count }
            return sum
        }
        #expect(bytes == 15)
        #expect(!rig.client.events.contains(.endOfStream(stream)))
        #expect(rig.sections(stream).last?["grpc-status"] == "0")
    }

    @Test("CMP-8: grpc-encoding is in the headers before the first message, and only if the client takes it")
    func encoding() throws {
        let rig = try Rig([echo], configure: { $0.compressesResponses = true })
        let both = [("grpc-encoding", "gzip"), ("grpc-accept-encoding", "identity, gzip")]
        #expect(rig.sections(try rig.call("Echo", [[1]], with: both)).first?["grpc-encoding"] == "gzip")
        #expect(rig.sections(try rig.call("Echo", [[1]], with: [both[0]])).first?["grpc-encoding"] == nil)
    }

    @Test("MAP-4: RST_STREAM with any code cancels the handler", arguments: [0, 1, 5, 8, 0xff] as [UInt32])
    func reset(code: UInt32) throws {
        let rig = try Rig([waiting])
        let stream = try rig.call("Wait", [[1]])
        #expect(rig.service.handlers.count == 1)
        rig.client.session.reset(stream, HTTP2ErrorCode(rawValue: code))
        try rig.exchange()
        #expect(rig.service.handlers.count == 0)
        #expect(rig.connection.callCount == 0)
    }

    /// Waits for a second request, which does not come.
    private var waiting: RPCMethod {
        .bidirectional(path("Wait"), request: .bytes, response: .bytes) { requests, _, writer in
            var iterator = requests.makeAsyncIterator()
            _ = try await iterator.next()
            try await withCheckedThrowingContinuationUntilCancelled()
            _ = writer
        }
    }

    @Test("DL-3, DL-4: a deadline runs from the headers, also before there is a request; what is queued then is reset")
    func deadline() throws {
        let rig = try Rig([waiting, echo])
        let early = try rig.request("Echo", endsStream: false, with: [("grpc-timeout", "10S")])
        let running = try rig.call("Wait", [[1]], with: [("grpc-timeout", "20S")])
        try rig.advance(.seconds(9))
        #expect(rig.sections(early).isEmpty)
        try rig.advance(.seconds(2))
        #expect(rig.sections(early).first?["grpc-status"] == "4")
        #expect(rig.service.handlers.count == 1)
        try rig.advance(.seconds(10))
        #expect(rig.sections(running).first?["grpc-status"] == "4")
        #expect(rig.service.handlers.count == 0)
    }

    @Test("OV-2: calls over the limit of handlers wait, some of them, in order; deadlines go on; the rest is refused")
    func waitingCalls() throws {
        let gate = Waiter<Void>()
        let slow = RPCMethod.unary(path("Slow"), request: .bytes, response: .bytes) { request, _ in
            try await gate.value()
            return request
        }
        let rig = try Rig([slow, echo]) {
            $0.maxRunningCallsPerConnection = 1
            $0.maxWaitingCallsPerConnection = 3
        }
        _ = try rig.call("Slow", [[1]])
        let waiting = [try rig.call("Echo", [[1]]), try rig.call("Echo", [[2]], with: [("grpc-timeout", "1S")])]
        let given = try rig.call("Echo", [[3]])
        let refused = try rig.call("Echo", [[4]])
        #expect(rig.client.events.contains(.closed(refused, .refusedStream)))
        #expect(rig.service.handlers.count == 1)
        rig.client.session.reset(given, .cancel)
        try rig.advance(.seconds(2))
        #expect(rig.sections(waiting[1]).last?["grpc-status"] == "4")
        let another = try rig.call("Echo", [[5]])  // two places are free again
        #expect(rig.sections(another).isEmpty)
        gate.resume()
        try rig.exchange()
        #expect(rig.sections(waiting[0]).last?["grpc-status"] == "0")
        #expect(rig.sections(another).last?["grpc-status"] == "0")
        #expect(rig.service.handlers.count == 0)
    }

    @Test("MAP-5: a call that is given up in the middle of its answer is reset with CANCEL")
    func giveUp() throws {
        let flood = RPCMethod.serverStreaming(path("Flood"), request: .bytes, response: .bytes) { _, _, writer in
            while true { try await writer.write([UInt8](repeating: 1, count: 10_000)) }
        }
        let rig = try Rig([flood])
        let stream = try rig.call("Flood", [[1]], with: [("grpc-timeout", "1S")])
        try rig.advance(.seconds(2))
        #expect(rig.client.events.contains(.closed(stream, .cancel)))
        #expect(rig.service.handlers.count == 0)
        #expect(rig.service.budget.bytes == 0)
    }

    @Test("DL-7: ten thousand deadlines are one timer; every one is met", .timeLimit(.minutes(1)))
    func manyDeadlines() throws {
        let rig = try Rig(
            [waiting],
            configure: {
                $0.limits.http2.maxConcurrentStreams = 10_000
                $0.maxRunningCallsPerConnection = 10_000
            })
        try rig.exchange()
        for _ in 0..<1_000 { _ = try rig.request("Wait", endsStream: false, with: [("grpc-timeout", "1m")]) }
        try rig.exchange()
        #expect(rig.connection.callCount == 1_000)
        try rig.advance(.milliseconds(2))
        #expect(rig.connection.callCount == 0 && rig.service.handlers.count == 0)
    }

    @Test(
        "DL-8: a method's longest timeout holds for callers that ask for more, or for none",
        arguments: [nil, "1H", "3S"])
    func maximumTimeout(asked: String?) throws {
        let short = RPCMethod(
            path("Wait"), .bidirectional, options: .init(maximumTimeout: .seconds(10)), handler: waiting.handler)
        let rig = try Rig([short])
        let stream = try rig.call("Wait", [[1]], with: asked.map { [("grpc-timeout", $0)] } ?? [])
        try rig.advance(.seconds(asked == "3S" ? 4 : 9))
        #expect(rig.sections(stream).isEmpty == (asked != "3S"))
        try rig.advance(.seconds(2))
        #expect(rig.sections(stream).first?["grpc-status"] == "4")
    }

    @Test("CAN-4: a cancel that crosses the trailers is no error")
    func crossingCancel() throws {
        let rig = try Rig([echo])
        let stream = try rig.call("Echo", [[1]])
        try rig.receive(Raw.frame(3, stream: UInt32(stream.rawValue), Raw.big(8)))
        try rig.exchange()
        #expect(rig.ends == 0)
        #expect(rig.sections(try rig.call("Echo", [[2]])).last?["grpc-status"] == "0")
    }

    @Test("LIM-3: metadata that cannot be sent is RESOURCE_EXHAUSTED, and does not hang the call")
    func unsendable() throws {
        let large = RPCMethod.unary(path("Large"), request: .bytes, response: .bytes) { request, call in
            var metadata = Metadata()
            for number in 0..<70 { try metadata.add("x\(number)", String(repeating: "{", count: 1_000)) }
            call.setInitialMetadata(metadata)
            return request
        }
        let rig = try Rig([large, echo])
        let stream = try rig.call("Large", [[1]])
        #expect(rig.sections(stream).map { $0["grpc-status"] } == ["8"])
        #expect(rig.client.events.contains(.closed(stream, .noError)))
        #expect(rig.sections(try rig.call("Echo", [[2]])).last?["grpc-status"] == "0")
    }

    @Test("MD-6, NG-12: stray spaces cost a field its spaces and not the call")
    func spaces() throws {
        let tell = RPCMethod.unary(path("Tell"), request: .bytes, response: .bytes) { _, call in
            call.setTrailingMetadata(call.metadata)
            return []
        }
        let rig = try Rig([tell])
        let stream = try rig.call("Tell", [[1]], with: [("x", " a b ")])
        #expect(rig.sections(stream).last?["x"] == "a b")
    }

    @Test("KA-2: the answer to a PING does not wait behind DATA")
    func pingOvertakes() throws {
        let flood = RPCMethod.unary(path("Flood"), request: .bytes, response: .bytes) { _, _ in
            [UInt8](repeating: 1, count: 200_000)
        }
        let rig = try Rig([flood])
        rig.channel.isWritable = false
        rig.channel.pipeline.fireChannelWritabilityChanged()
        _ = try rig.call("Flood", [[1]])
        try rig.receive(Raw.frame(6, Raw.big(1) + Raw.big(2)))
        rig.channel.isWritable = true
        rig.channel.pipeline.fireChannelWritabilityChanged()
        let frames = RawFrame.all(in: try rig.output())
        #expect(frames.first?.type == 6 && frames.contains { $0.type == 0 })
    }

    @Test("ATT-18, OB-2: a refusal is logged with its peer and reason, once a second; the counters have them all")
    func refusalLog() throws {
        let log = LogLines()
        let time = ManualTime()
        let service = ServiceBundle(
            configuration: .init(), methods: [], interceptors: [], time: time, logger: log.logger)
        for number in 0..<50 { service.logRefusal(of: Peer(address: "10.0.0.\(number)"), "too_many_pings") }
        service.logRefusal(of: Peer(address: "10.0.0.1"), "too_many_resets")
        time.advance(by: .seconds(1))
        service.logRefusal(of: Peer(address: "10.0.0.9"), "too_many_pings")
        #expect(
            log.lines == [
                "connection refused 10.0.0.0 too_many_pings 0", "connection refused 10.0.0.1 too_many_resets 0",
                "connection refused 10.0.0.9 too_many_pings 49",
            ])
    }

    @Test("OB-1: the numbers add up", .timeLimit(.minutes(1)))
    func statistics() async throws {
        try await withServer([echo, count]) { channel, server in
            for size in [0, 10, 1_000] {
                let message = [UInt8](repeating: 1, count: size)
                _ = try await channel.unary(path("Echo"), message, request: .bytes, response: .bytes)
            }
            _ = try await channel.serverStreaming(path("Count"), [5] as [UInt8], request: .bytes, response: .bytes) {
                responses in for try await _ in responses {}
            }
            do { _ = try await channel.unary(path("No"), [], request: .bytes, response: .bytes) } catch {}
            let all = await server.statistics
            #expect(all.connectionsOpened == 1 && all.connectionsOpen == 1 && all.connectionsRefused.isEmpty)
            #expect(all.methods.map { $0.path?.method } == [nil, "Echo", "Count"])
            #expect(all.methods.map(\.total) == [1, 3, 1])
            #expect(all.methods[0].count(.unimplemented) == 1 && all.methods[1].count(.ok) == 3)
            #expect(all.messagesReceived == 4 && all.messagesSent == 3 + 5)
            #expect(all.messageBytes.count == 12 && all.messageBytes.sum == 2 * 1_010 + 1 + 5)
            #expect(all.latencyMicroseconds.count == 4)
            #expect(all.methods.map(\.latencyMicroseconds.count) == [0, 3, 1])
            #expect(all.answersPerWrite.sum >= 9 && all.bytesReceived > 1_000 && all.bytesSent > 1_000)
        }
    }

    @Test("OB-1: the numbers outlive the server's own event loops", .timeLimit(.minutes(1)))
    func lastStatistics() async throws {
        let server = RPCServer(
            configuration: .init(), methods: [echo], time: SystemTime(), logger: quiet, threadCount: 2)
        let running = Task { try await server.run() }
        let channel = try RPCChannel(target: "127.0.0.1:\(await server.boundPort)", time: SystemTime(), logger: quiet)
        _ = try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes)
        await channel.close()
        running.cancel()
        try await running.value
        let last = await server.statistics
        #expect(last.calls(.ok) == 1 && last.connectionsOpen == 0)
    }

    @Test("LOG-5: whatever text a connection ends with, it is counted under one of the known reasons")
    func reasons() {
        var counters = LoopCounters()
        for number in 0..<1_000 { counters.count("nghttp2_session_mem_recv: text \(number)", in: \.connectionsRefused) }
        counters.count("our SETTINGS were not acknowledged in time", in: \.connectionsRefused)
        counters.count("too_many_resets", in: \.connectionsRefused)
        #expect(counters.connectionsRefused == ["other": 1_000, "settings_timeout": 1, "too_many_resets": 1])
        #expect(TransportStatistics.reasons.isSuperset(of: counters.connectionsRefused.keys))
        #expect(TransportStatistics.reasons.contains("PROTOCOL_ERROR"))
    }

    @Test("OB-1: a histogram counts by powers of two")
    func histogram() {
        var histogram = Histogram()
        for number in [0, 1, 2, 3, 4, 1_000, .max, -5] { histogram.record(number) }
        #expect(histogram.buckets[0] == 2 && histogram.buckets[1] == 1 && histogram.buckets[2] == 2)
        #expect(histogram.buckets[3] == 1 && histogram.buckets[10] == 1 && histogram.buckets[39] == 1)
        #expect(histogram.count == 8 && histogram.quantile(0.5) == 3 && histogram.quantile(0.85) == 1_023)
    }
}

/// Suspends until the task is cancelled.
func withCheckedThrowingContinuationUntilCancelled() async throws {
    let waiter = Waiter<Void>()
    try await waiter.value()
}

/// What a logger was told: message, peer, reason, number of lines left out, frame.
final class LogLines: Sendable {
    private let state = Mutex<[String]>([])
    var lines: [String] { state.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { [self] _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let known = ["peer", "reason", "unlogged", "frame"].compactMap { event.metadata?[$0].map { "\($0)" } }
            lines.state.withLock { $0.append((["\(event.message)"] + known).joined(separator: " ")) }
        }
    }
}
