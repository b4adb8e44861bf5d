import Testing

@testable import AVSFetch

@Suite("A circuit breaker")
struct CircuitBreakerTests {
    let start = ContinuousClock.now

    @Test("OVL-7: opens after five failures in a row") func inARow() {
        var breaker = CircuitBreaker()
        for _ in 0..<4 { breaker.record(success: false, at: start) }
        breaker.record(success: true, at: start)
        for _ in 0..<4 { breaker.record(success: false, at: start) }
        #expect(breaker.isClosed)
        breaker.record(success: false, at: start)
        #expect(!breaker.isClosed && breaker.opensAgainAt == start + .seconds(5))
    }

    @Test("OVL-7: opens when half of the last twenty failed") func half() {
        var breaker = CircuitBreaker()
        for index in 0..<19 { breaker.record(success: index.isMultiple(of: 2), at: start) }
        #expect(breaker.isClosed)
        breaker.record(success: false, at: start)
        #expect(!breaker.isClosed)
        var healthier = CircuitBreaker()
        for index in 0..<100 { healthier.record(success: !index.isMultiple(of: 3), at: start) }
        #expect(healthier.isClosed)
    }

    @Test("OVL-7: lets one through after 5 s, doubling to 60 s, and closes on its success") func halfOpen() {
        var breaker = CircuitBreaker()
        for _ in 0..<5 { breaker.record(success: false, at: start) }
        var now = start
        for pause in [5, 10, 20, 40, 60, 60] {
            let early = breaker.admits(at: now + .seconds(pause) - .milliseconds(1))
            now += .seconds(pause)
            let first = breaker.admits(at: now)
            let second = breaker.admits(at: now)
            #expect(!early && first && !second, "after \(pause) s")
            breaker.record(success: false, at: now)
        }
        now += .seconds(60)
        let probe = breaker.admits(at: now)
        breaker.record(success: true, at: now)
        #expect(probe && breaker.isClosed && breaker == CircuitBreaker())
    }

    @Test("does not stay half open when a probe has no outcome") func lost() {
        var breaker = CircuitBreaker()
        for _ in 0..<5 { breaker.record(success: false, at: start) }
        var admitted = [breaker.admits(at: start + .seconds(5))]
        breaker.abandon()
        admitted.append(breaker.admits(at: start + .seconds(5)))
        admitted.append(breaker.admits(at: start + .seconds(64)))
        admitted.append(breaker.admits(at: start + .seconds(65)))
        #expect(admitted == [true, true, false, true])
    }

    @Test("ignores late failures while it is open, and takes late successes") func late() {
        var breaker = CircuitBreaker()
        for _ in 0..<5 { breaker.record(success: false, at: start) }
        breaker.record(success: false, at: start + .seconds(4))
        #expect(breaker.opensAgainAt == start + .seconds(5))
        breaker.record(success: true, at: start + .seconds(4))
        #expect(breaker.isClosed)
    }
}

@Suite("The breakers of hosts")
struct HostBreakersTests {
    let start = ContinuousClock.now

    @Test("OVL-7: leave an owner's failing host alone, and no other") func scope() {
        var breakers = HostBreakers()
        let key = HostBreakers.Key(owner: "a", origin: "http://h:80")
        for _ in 0..<5 { breakers.record(key, success: false, at: start) }
        let admitted = [
            breakers.admits(key, at: start), breakers.admits(.init(owner: "b", origin: "http://h:80"), at: start),
            breakers.admits(.init(owner: "a", origin: "http://h:81"), at: start),
            breakers.admits(key, at: start + .seconds(5)),
        ]
        #expect(admitted == [false, true, true, true])
        breakers.record(key, success: true, at: start + .seconds(5))
        #expect(breakers.count == 0)
    }

    @Test("are bounded, and forget closed ones first") func bound() {
        var breakers = HostBreakers(capacity: 3)
        let bad = HostBreakers.Key(owner: "a", origin: "bad")
        for _ in 0..<5 { breakers.record(bad, success: false, at: start) }
        for index in 0..<50 { breakers.record(.init(owner: "a", origin: "\(index)"), success: false, at: start) }
        breakers.record(.init(owner: "a", origin: "good"), success: true, at: start)
        let admitted = breakers.admits(bad, at: start)
        #expect(breakers.count == 3 && !admitted)
    }
}
