import Testing

@testable import AVSHTTP2

@Suite("The numbers of a session")
struct StreamNumberTests {
    @Test("LIM-5: the last stream number can be used, and then there is none")
    func usedUp() throws {
        var client = try HTTP2Session.open(.client)
        client.skipStreams(to: .maximum)
        let request: HeaderBlock = [":method": "POST", ":scheme": "http", ":path": "/", ":authority": "x"]
        #expect(try client.request(request, endsStream: true) == .maximum)
        do throws(HTTP2Error) {
            _ = try client.request(request, endsStream: true)
            Issue.record("there is no number above 2^31 - 1")
        } catch {
            #expect(error.isStreamIDNotAvailable)
        }
    }
}

@Suite("The guard of a connection")
struct AbuseGuardTests {
    private let start = ContinuousClock.now

    private func charge(
        _ guardian: inout AbuseGuard, at seconds: Double = 0, hasCalls: Bool = true, _ set: (inout FrameCounts) -> Void
    ) -> AbuseGuard.Violation? {
        var counts = FrameCounts()
        set(&counts)
        return guardian.charge(counts, hasCalls: hasCalls, at: start + .seconds(seconds))
    }

    @Test(
        "section 27: allows the burst, then the rate",
        arguments: [
            (\FrameCounts.resetsReceived, 200, 50, AbuseGuard.Violation.resets), (\.resetsProvoked, 200, 50, .resets),
            (\.invalidFrames, 200, 50, .resets), (\.idleFrames, 10_000, 330, .glitches),
            (\.windowUpdates, 10_000, 330, .glitches), (\.settings, 10, 1, .settings),
            (\.emptyData, 100, 10, .emptyData),
            (\.tinyData, 10_000, 5_000, .tinyData),
        ] as [(any WritableKeyPath<FrameCounts, Int> & Sendable, Int, Int, AbuseGuard.Violation)])
    func buckets(
        path: any WritableKeyPath<FrameCounts, Int> & Sendable, burst: Int, rate: Int, violation: AbuseGuard.Violation
    ) {
        var guardian = AbuseGuard(pings: PingPolicy())
        #expect(charge(&guardian) { $0[keyPath: path] = burst } == nil)
        #expect(charge(&guardian, at: 1) { $0[keyPath: path] = rate } == nil)
        #expect(charge(&guardian, at: 1) { $0[keyPath: path] = 2 } == violation)
    }

    @Test("ATT-9: window updates for data that we sent are excused")
    func windowUpdates() {
        var guardian = AbuseGuard(pings: PingPolicy())
        for _ in 0..<100 {
            let violation = charge(&guardian) { counts in
                counts.dataSent = 1_000
                counts.windowUpdates = 2_000
            }
            #expect(violation == nil)
        }
    }

    @Test("ATT-4: the second oversized header section ends the connection")
    func oversizedHeaders() {
        var guardian = AbuseGuard(pings: PingPolicy())
        #expect(charge(&guardian) { $0.oversizedHeaders = 1 } == nil)
        #expect(charge(&guardian) { $0.oversizedHeaders = 1 } == .oversizedHeaders)
    }

    @Test("KA-1: the third ping too early is one too many; HEADERS or DATA forgive")
    func pings() {
        var guardian = AbuseGuard(pings: PingPolicy())
        for _ in 0..<3 { #expect(charge(&guardian) { $0.pings = 1 } == nil) }
        #expect(charge(&guardian) { $0.pings = 1 } == .pings)
        for forgiving in [\FrameCounts.headersSent, \.dataSent] {
            var guardian = AbuseGuard(pings: PingPolicy())
            for _ in 0..<20 {
                let violation = charge(&guardian) { counts in
                    counts.pings = 1
                    counts[keyPath: forgiving] = 1
                }
                #expect(violation == nil)
            }
        }
    }

    @Test("KA-1: pings at the permitted interval are fine with calls, and too many without")
    func pingsWithoutCalls() {
        var guardian = AbuseGuard(pings: PingPolicy())
        for number in 0..<20 { #expect(charge(&guardian, at: Double(number) * 300) { $0.pings = 1 } == nil) }
        var idle = AbuseGuard(pings: PingPolicy())
        let violations = (0..<4).map { number in
            charge(&idle, at: Double(number) * 300, hasCalls: false) { $0.pings = 1 }
        }
        #expect(violations == [nil, nil, nil, .pings])
        var permitted = AbuseGuard(pings: PingPolicy(minimumInterval: .seconds(10), permitsWithoutCalls: true))
        for number in 0..<20 {
            #expect(charge(&permitted, at: Double(number) * 10, hasCalls: false) { $0.pings = 1 } == nil)
        }
    }

    @Test("a clock that stands still or steps back gives nothing")
    func clock() {
        var bucket = TokenBucket(burst: 2, perSecond: 1)
        let taken = [0, -100, -99.5].map { bucket.take($0 == 0 ? 2 : 1, at: start + .seconds($0)) }
        #expect(taken == [true, false, false])
    }
}
