import AVSTesting
import Testing

@testable import AVSHTTP2

@Suite("The estimate of a window")
struct WindowEstimateTests {
    private let start = ContinuousClock.now
    private let window = 64 * 1_024

    /// In a class, so that an expectation may ask it.
    private final class Box {
        var estimate: WindowEstimate
        var windowBytes: Int { estimate.windowBytes }

        init(windowBytes: Int, limitBytes: Int) {
            estimate = WindowEstimate(windowBytes: windowBytes, limitBytes: limitBytes)
        }

        func received(_ bytes: Int, at now: ContinuousClock.Instant) -> Bool { estimate.received(bytes, at: now) }

        func answered(at now: ContinuousClock.Instant, mayGrow: (Int) -> Bool) -> Int? {
            estimate.answered(at: now, mayGrow: mayGrow)
        }
    }

    /// One sample: data that begins it, data during it, and the answer.
    private func sample(
        _ estimate: Box, at began: ContinuousClock.Instant, bytes: Int, takes: Duration
    ) -> Int? {
        #expect(estimate.received(estimate.windowBytes, at: began))
        #expect(!estimate.received(bytes, at: began))
        return estimate.answered(at: began + takes) { _ in true }
    }

    @Test("FC-10: a PING goes out behind data that is worth one, and no other one before its answer")
    func onePing() {
        let estimate = Box(windowBytes: window, limitBytes: .max)
        #expect(!estimate.received(window / 16 - 1, at: start))
        #expect(estimate.received(1, at: start))
        for _ in 0..<100 { #expect(!estimate.received(window, at: start + .seconds(100))) }
        _ = estimate.answered(at: start + .seconds(100)) { _ in false }
        #expect(estimate.answered(at: start + .seconds(101)) { _ in true } == nil)  // of nothing
        #expect(!estimate.received(1, at: start + .seconds(200)))  // nothing new that is worth one
    }

    @Test("FC-10: a sample of two thirds of the window doubles it, one byte less does not", arguments: [0, 1])
    func twoThirds(missing: Int) {
        let estimate = Box(windowBytes: 60_000, limitBytes: .max)
        let grown = sample(estimate, at: start, bytes: 40_000 - missing, takes: .milliseconds(10))
        #expect(grown == (missing == 0 ? 120_000 : nil))
        #expect(estimate.windowBytes == (missing == 0 ? 120_000 : 60_000))
    }

    @Test("FC-10: only at the highest rate that was seen")
    func highestRate() {
        let estimate = Box(windowBytes: window, limitBytes: .max)
        #expect(sample(estimate, at: start, bytes: 30_000, takes: .milliseconds(1)) == nil)  // 30 MB/s
        let later = start + .seconds(10)
        #expect(sample(estimate, at: later, bytes: window, takes: .milliseconds(20)) == nil)  // 3 MB/s
        #expect(sample(estimate, at: later + .seconds(10), bytes: window, takes: .milliseconds(2)) == 2 * window)
    }

    @Test("FC-10: it ends at 16 MiB, at the limit, or where it is not allowed; then nothing is measured any more")
    func bounds() {
        for (limit, most) in [(Int.max, 16 << 20), (200_000, 200_000), (1_000, window)] {
            let estimate = Box(windowBytes: window, limitBytes: limit)
            var now = start
            while estimate.received(estimate.windowBytes, at: now) {
                _ = estimate.received(estimate.windowBytes, at: now)
                now += .milliseconds(1)
                #expect(estimate.answered(at: now) { _ in true } != nil)
            }
            #expect(estimate.windowBytes == most)
            #expect(!estimate.received(1 << 30, at: now + .seconds(1_000)))
        }
        let estimate = Box(windowBytes: window, limitBytes: .max)
        _ = estimate.received(window, at: start)
        _ = estimate.received(window, at: start)
        #expect(estimate.answered(at: start + .seconds(1)) { size in size > 2 * window } == nil)
        #expect(estimate.windowBytes == window)
    }

    @Test("FC-10: samples that change nothing are soon a second apart; one that does ends the pause")
    func pauses() {
        let estimate = Box(windowBytes: window, limitBytes: .max)
        var now = start
        var pauses: [Duration] = []
        for _ in 0..<8 {
            let before = now
            while !estimate.received(window, at: now) { now += .milliseconds(10) }
            pauses.append(before.duration(to: now))
            #expect(estimate.answered(at: now) { _ in true } == nil)
        }
        #expect(pauses == [0, 50, 100, 200, 400, 800, 1_000, 1_000].map { .milliseconds($0) })
        #expect(sample(estimate, at: now + .seconds(1), bytes: window, takes: .milliseconds(1)) == 2 * window)
        #expect(estimate.received(window, at: now + .seconds(1)))
    }

    // MARK: On a session

    @Test("FC-10: the PING is behind a credit for exactly what came, however often; the windows are as they were")
    func creditFirst() throws {
        let server = try Endpoint(.server)
        try server.receive(Raw.opening + Raw.headers(Raw.requestBlock, stream: 1))
        _ = try server.drain()
        let window = server.session.connectionWindowBytes
        var random = SeededGenerator(seed: 7)
        var (received, credited) = (0, 0)
        for number in 0..<3_000 as Range<UInt64> {  // 24 MB in all, which a drift would show in
            let size = Int.random(in: 1...16_384, using: &random)
            try server.receive(Raw.frame(0, stream: 1, Array(repeating: 1, count: size)))
            server.session.consume(size, on: StreamID(1))
            received += size
            if number % 3 == 0 { try server.session.measure(ping: number) }
            let frames = WireFrame.all(in: try server.drain())
            credited += frames.filter { $0.type == 8 && $0.stream == 0 }.reduce(0) { $0 + Int($1.number(at: 0)) }
            guard number % 3 == 0 else { continue }
            let credit = try #require(frames.firstIndex { $0.type == 8 && $0.stream == 0 })
            #expect(frames[credit + 1].type == 6 && frames[credit + 1].number(at: 4) == UInt32(number))
            #expect(frames.filter { $0.type == 6 }.count == 1)
            #expect(credited == received)
        }
        #expect(server.session.connectionWindowBytes == window)
        #expect(server.session.sentGoAway == nil)
    }

    @Test(
        "FC-10, NG-21: a window that grows is a setting, and an update of the connection where that is the smaller one")
    func setWindow() throws {
        var configuration = HTTP2Configuration()
        configuration.streamWindowBytes = 65_535
        configuration.connectionWindowBytes = 1 << 20
        let pair = try Pair(client: configuration)
        let stream = try pair.client.session.request(request, endsStream: true)
        try pair.settle()
        try pair.server.session.respond(on: stream, headers: response)
        pair.server.session.send(Array(repeating: 1, count: 4 << 20), on: stream)
        try pair.settle()
        #expect(pair.client.data[stream]?.count == 65_535)
        try pair.client.session.setStreamWindow(131_070)
        #expect(pair.client.session.connectionWindowBytes == 1 << 20)
        try pair.settle()
        #expect(pair.client.data[stream]?.count == 131_070)  // also for a stream that was open before
        try pair.client.session.setStreamWindow(2 << 20)
        try pair.settle()
        #expect(pair.client.data[stream]?.count == 2 << 20)
        #expect(pair.client.session.connectionWindowBytes == 2 << 20)
    }
}
