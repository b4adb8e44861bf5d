import AVSTesting
import Testing

@testable import AVSFetch

@Suite("The queue for connections")
struct AdmissionQueueTests {
    static func limits(open: Int, perHost: Int, perPlace: Int, waiting: Int = 1000) -> FetchLimits {
        var limits = FetchLimits()
        limits.open = open
        limits.openPerHost = perHost
        limits.openPerOwnerAndHost = perPlace
        limits.waiting = waiting
        return limits
    }

    @Test("OVL-6: delays an owner's single request by at most one round") func fairness() {
        var queue = AdmissionQueue<String>(limits: Self.limits(open: 1, perHost: 9, perPlace: 9))
        for index in 0..<100 { #expect(queue.add(.init(id: "a\(index)", host: "h", owner: "a")) == true) }
        #expect(queue.next() == "a0")
        #expect(queue.add(.init(id: "b", host: "h", owner: "b")) == true)
        #expect(queue.next() == nil)
        queue.remove("a0")
        let second = queue.next()
        queue.remove(second ?? "")
        #expect([second, queue.next()].contains("b"))
    }

    @Test("lets others pass whose host has room") func hosts() {
        var queue = AdmissionQueue<Int>(limits: Self.limits(open: 9, perHost: 1, perPlace: 1))
        for (id, host) in [(0, "slow"), (1, "slow"), (2, "quick")] {
            _ = queue.add(.init(id: id, host: host, owner: "a"))
        }
        let first = [queue.next(), queue.next(), queue.next()]
        #expect(first == [0, 2, nil])
        queue.remove(0)
        #expect(queue.next() == 1)
        #expect(queue.waitingCount == 0)
    }

    @Test("is bounded") func bound() {
        var queue = AdmissionQueue<Int>(limits: Self.limits(open: 1, perHost: 1, perPlace: 1, waiting: 2))
        #expect(queue.add(.init(id: 0, host: "h", owner: "a")) == true)
        #expect(queue.next() == 0)
        #expect(queue.add(.init(id: 1, host: "h", owner: "b")) == true)
        #expect(queue.add(.init(id: 2, host: "h", owner: "c")) == true)
        #expect(queue.add(.init(id: 3, host: "h", owner: "d")) == false)
        queue.remove(1)
        queue.remove(99)
        #expect(queue.add(.init(id: 4, host: "h", owner: "d")) == true)
    }

    @Test("is bounded per owner, and never refuses what can start at once") func boundPerOwner() {
        var limits = Self.limits(open: 2, perHost: 1, perPlace: 1, waiting: 2)
        limits.waitingPerOwner = 1
        var queue = AdmissionQueue<Int>(limits: limits)
        #expect(queue.add(.init(id: 0, host: "h", owner: "a")) == true)
        #expect(queue.next() == 0)
        #expect(queue.add(.init(id: 1, host: "h", owner: "a")) == true)
        #expect(queue.add(.init(id: 2, host: "h", owner: "a")) == false)
        #expect(queue.add(.init(id: 3, host: "h", owner: "b")) == true)
        #expect(queue.add(.init(id: 4, host: "h", owner: "c")) == false)
        #expect(queue.add(.init(id: 5, host: "other", owner: "c")) == true)
        #expect(queue.next() == 5)
    }

    @Test("keeps every limit and loses nothing", arguments: 0..<50 as Range<UInt64>)
    func property(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let limits = Self.limits(open: 6, perHost: 3, perPlace: 2)
        var queue = AdmissionQueue<Int>(limits: limits)
        var entries: [Int: (host: Int, owner: Int)] = [:]
        var open: Set<Int> = []
        var waiting: Set<Int> = []
        for id in 0..<300 {
            let entry = (host: Int.random(in: 0..<4, using: &random), owner: Int.random(in: 0..<4, using: &random))
            entries[id] = entry
            #expect(queue.add(.init(id: id, host: "h\(entry.host)", owner: "o\(entry.owner)")) == true)
            waiting.insert(id)
            while let next = queue.next() {
                #expect(waiting.remove(next) != nil)
                open.insert(next)
            }
            #expect(open.count <= limits.open && queue.waitingCount == waiting.count)
            for host in 0..<4 {
                let there = open.filter { entries[$0]?.host == host }
                #expect(there.count <= limits.openPerHost)
                for owner in 0..<4 {
                    #expect(there.count { entries[$0]?.owner == owner } <= limits.openPerOwnerAndHost)
                }
            }
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                guard let gone = (Bool.random(using: &random) ? open : waiting).randomElement(using: &random) else {
                    continue
                }
                queue.remove(gone)
                open.remove(gone)
                waiting.remove(gone)
            }
        }
        while !open.isEmpty || !waiting.isEmpty {
            for id in open { queue.remove(id) }
            open = []
            while let next = queue.next() {
                waiting.remove(next)
                open.insert(next)
            }
        }
        #expect(queue.waitingCount == 0)
    }
}
