import AVSTesting
import Testing

@testable import AVSChain

@Suite("A token bucket")
struct TokenBucketTests {
    @Test("grants so many at once and so many a second") func rate() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(perSecond: 10, capacity: 3, at: start)
        let waits = (0..<4).map { _ in bucket.take(at: start) }
        #expect(waits[0..<3].allSatisfy { $0 == nil } && waits[3] == .milliseconds(100))
        let later = bucket.take(at: start + .milliseconds(100))
        let again = bucket.take(at: start + .milliseconds(100))
        #expect(later == nil && again == .milliseconds(100))
    }

    @Test("never grants more than it may, whatever the times", arguments: 0..<20 as Range<UInt64>)
    func property(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let start = ContinuousClock.now
        var bucket = TokenBucket(perSecond: 5, capacity: 5, at: start)
        var now = start
        var granted = 0
        for _ in 0..<500 {
            now += .milliseconds(Int.random(in: -20...60, using: &random))
            if bucket.take(at: now) == nil { granted += 1 }
            let latest = max(now, start) - start
            #expect(Double(granted) <= 5 + (latest + .seconds(1)) / .seconds(1) * 5)
        }
    }
}

@Suite("The choice of an endpoint")
struct EndpointStatesTests {
    let now = ContinuousClock.now

    static func states(_ count: Int, inFlight: Int = 2, rate: Double? = nil, at now: ContinuousClock.Instant)
        -> EndpointStates
    {
        let endpoints = (0..<count).map { ChainEndpoint(url: "http://e\($0)", requestsPerSecond: rate) }
        return EndpointStates(endpoints, inFlightMaximum: inFlight, at: now)
    }

    @Test("prefers the first, then those that are less busy") func order() {
        var states = Self.states(2, at: now)
        let choices = (0..<5).map { _ in states.choose(except: [], at: now) }
        #expect(choices == [.use(0), .use(0), .use(1), .use(1), .use(0)])
        states.finished(1, success: true, at: now)
        let next = states.choose(except: [], at: now)
        #expect(next == .use(1))
    }

    @Test("leaves out what was tried and what fails") func health() {
        var states = Self.states(2, at: now)
        let second = states.choose(except: [0], at: now)
        let none = states.choose(except: [0, 1], at: now)
        #expect(second == .use(1) && none == .none)
        states.verified(0)
        for _ in 0..<5 {
            _ = states.choose(except: [1], at: now)
            states.finished(0, success: false, at: now)
        }
        let healthy = states.choose(except: [], at: now)
        #expect(healthy == .use(1) && !states.isVerified(0))
    }

    @Test("waits when all are at their rate, but not for one that fails") func rates() {
        var states = Self.states(1, rate: 1, at: now)
        let first = states.choose(except: [], at: now)
        let second = states.choose(except: [], at: now)
        #expect(first == .use(0) && second == .wait(.seconds(1)))
    }
}
