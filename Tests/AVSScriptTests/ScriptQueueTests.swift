import AVSPrimitives
import Testing

@testable import AVSScript

@Suite("The queue of scripts")
struct ScriptQueueTests {
    private func job(_ id: UInt64, _ owner: UInt8, expiry: ContinuousClock.Instant = .now + .seconds(60)) -> ScriptJob {
        ScriptJob(
            id: id, owner: Address(bytes: [UInt8](repeating: owner, count: 20)) ?? .zero, body: [], limit: .seconds(1),
            expiry: expiry, finish: { _ in })
    }

    /// Whether each had room, and what came out then.
    private func add(_ jobs: [ScriptJob], to queue: inout ScriptQueue) -> [Bool] {
        var answers: [Bool] = []
        for job in jobs { answers.append(queue.add(job)) }
        return answers
    }

    private func takeIDs(_ count: Int, from queue: inout ScriptQueue) -> [UInt64?] {
        var ids: [UInt64?] = []
        for _ in 0..<count { ids.append(queue.take()?.id) }
        return ids
    }

    private func drain(_ queue: inout ScriptQueue) -> [UInt64] {
        var ids: [UInt64] = []
        while let job = queue.take() {
            ids.append(job.id)
            queue.finish(job.owner)
        }
        return ids
    }

    @Test("OVL-6 serves owners in turn: one's hundred delay another's single script by one")
    func turns() {
        var queue = ScriptQueue(limit: 256, perOwner: 2)
        let jobs = (0..<100).map { job(UInt64($0), 1) } + [job(200, 2), job(201, 2), job(300, 3)]
        let answers = add(jobs, to: &queue)
        #expect(!answers.contains(false))
        let ids = drain(&queue)
        #expect(Array(ids.prefix(6)) == [0, 200, 300, 1, 201, 2])
        #expect(ids.count == 103 && queue.count == 0 && queue.nextExpiry == nil)
    }

    @Test("lets no owner have more places than its share, whoever waits")
    func share() {
        var queue = ScriptQueue(limit: 256, perOwner: 2)
        let first = job(0, 1)
        _ = add([first] + (1..<5).map { job(UInt64($0), 1) }, to: &queue)
        let some = takeIDs(3, from: &queue)
        #expect(some == [0, 1, nil] && queue.count == 3)
        _ = add([job(9, 2)], to: &queue)
        let other = takeIDs(2, from: &queue)
        #expect(other == [9, nil])
        queue.finish(first.owner)
        let next = takeIDs(2, from: &queue)
        #expect(next == [2, nil])
    }

    @Test("wakes a thread only for a script that may run: not for one whose owner has all its places")
    func ready() {
        var queue = ScriptQueue(limit: 256, perOwner: 1)
        #expect(!queue.isReady)
        _ = add([job(0, 1), job(1, 1)], to: &queue)
        let before = queue.isReady
        _ = queue.take()
        #expect(before && !queue.isReady && queue.count == 1)
        _ = add([job(2, 2)], to: &queue)
        #expect(queue.isReady)
        _ = queue.take()
        let none = queue.isReady
        queue.finish(job(0, 1).owner)
        #expect(!none && queue.isReady)
    }

    @Test("OVL-1 is bounded, and OVL-3 gives up what has waited too long")
    func bounds() {
        var queue = ScriptQueue(limit: 3, perOwner: 1)
        let start = ContinuousClock.now
        let jobs = (0..<3).map { job(UInt64($0), UInt8($0), expiry: start + .seconds($0)) } + [job(3, 9)]
        let answers = add(jobs, to: &queue)
        #expect(answers == [true, true, true, false] && queue.nextExpiry == start)
        let late = queue.remove { $0.expiry <= start + .seconds(1) }.map(\.id).sorted()
        #expect(late == [0, 1] && queue.count == 1)
        _ = add([job(4, 9)], to: &queue)
        let left = drain(&queue)
        #expect(left == [2, 4])
    }
}
