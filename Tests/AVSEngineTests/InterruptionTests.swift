import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import AVSWorkflow
import Testing

@testable import AVSEngine

@Suite("A run in the middle of which its process ends")
struct InterruptionTests {
    private let store = MemoryStore()
    private let time = ManualTime()

    /// A task with a report that waits.
    private func accepted() async throws -> TaskID {
        let first = Harness(store: store, time: time)
        let id = try await first.createTask()
        _ = try await first.engine.accept(Harness.report(id, block: 1))
        return id
    }

    /// The last process, which carries out what it finds.
    private func finish(
        _ epoch: UInt64, _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) async throws -> Harness {
        let last = Harness(store: store, time: time, epoch: epoch, seed: epoch, change)
        try await last.working { last in
            while await last.hasWork { await Task.yield() }
        }
        return last
    }

    private static func step(_ id: String) -> NodeRecord {
        let now = Timestamp(milliseconds: 5)
        let step = Step(id: id, name: id, kind: .node(.restAPI), startAt: now, endAt: now)
        return NodeRecord(nodeID: id, inputDigest: Keccak256.hash(id.utf8), finished: FinishedNode(step: step))
    }

    @Test("XO-20: is not held against its task when the process ends in order, and goes on from its journal")
    func orderly() async throws {
        let id = try await accepted()
        for epoch in 2...8 as ClosedRange<UInt64> {
            let begun = try await Harness.process(
                epoch, over: store, time, ending: .orderly, records: epoch == 2 ? [(Self.step("a"), true)] : [])
            #expect(begun.map(\.recorded) == [epoch == 2 ? [] : [Self.step("a")]])
            #expect(try Harness(store: store, time: time).findings() == [])
        }
        let claim = try #require(try store.read { try $0.rows(Rows<ClaimKey>.all, limit: 2).map(\.value) }.first)
        #expect(claim.attempt == 7 && claim.givenBack == 7 && claim.deaths == 0)
        let last = try await finish(9)
        #expect(last.runner.started.first?.recorded == [Self.step("a")])
        #expect(try last.executions(id).map(\.status) == [.success])
        #expect(try last.task(id).interruptedRuns == 0 && last.task(id).executionCount == 1)
        #expect(try last.keys("claim:") == [] && last.keys("journal:") == [])
    }

    static let ends: [(ends: [Harness.End], limit: UInt32, isStopped: Bool)] = [
        ([.death, .death], 3, true), ([.death], 3, false), ([.orderly, .orderly, .orderly], 3, false),
        ([.orderly, .death, .orderly], 3, false), ([.death, .orderly, .orderly, .death], 3, true),
        ([.orderly, .death, .orderly, .death, .orderly], 3, true), ([.orderly, .orderly], 1, false),
        ([.death], 1, true), ([.orderly, .death], 2, true), ([.orderly], 0, false), ([.death], 0, true),
        ([.death, .death], .max, false),
    ]

    @Test("XO-20: only the death of a process counts, before and after orderly ends", arguments: ends)
    func mixed(_ row: (ends: [Harness.End], limit: UInt32, isStopped: Bool)) async throws {
        let id = try await accepted()
        var epoch: UInt64 = 2
        for (index, end) in row.ends.enumerated() {
            let deaths = row.ends[..<index].count { $0 == .death }
            // A run that is given up is not begun: there is nothing to end in the middle of.
            guard deaths == 0 || deaths + 1 < row.limit else { break }
            let begun = try await Harness.process(epoch, over: store, time, ending: end) {
                $0.limits.attemptsPerExecution = row.limit
            }
            #expect(begun.count == 1)
            epoch += 1
        }
        let last = try await finish(epoch) { $0.limits.attemptsPerExecution = row.limit }
        let record = try #require(try last.executions(id).first)
        #expect(record.status == (row.isStopped ? .error : .success))
        #expect(record.error == (row.isStopped ? "stopped after \(row.limit) interrupted attempts" : ""))
        #expect(try last.task(id).interruptedRuns == (row.isStopped ? 1 : 0))
        #expect(try last.findings() == [])
    }

    @Test("XO-20: six orderly restarts in the middle of it neither end it nor disable its task, whose next ones wait")
    func restarts() async throws {
        let id = try await accepted()
        let reporter = Harness(store: store, time: time, seed: 100)
        for block in 2...6 { _ = try await reporter.engine.accept(Harness.report(id, block: block)) }
        for epoch in 2...7 as ClosedRange<UInt64> {
            let begun = try await Harness.process(epoch, over: store, time, ending: .orderly) {
                $0.limits.attemptsPerExecution = 2
            }
            #expect(begun.count == 1)
        }
        let last = try await finish(8) { $0.limits.attemptsPerExecution = 2 }
        #expect(try last.task(id).status == .enabled && last.task(id).statusReason == "")
        #expect(try last.executions(id).map(\.status) == Array(repeating: .success, count: 6))
    }

    @Test("XO-14: writes nothing any more once it was given back, and is given back once")
    func fenced() async throws {
        let id = try await accepted()
        let times = EngineTimes()
        let book = RunBook(limits: EngineLimits(), times: times, epoch: 2, rates: FeeRates(), tellsOutside: false)
        let job = try #require(try store.read { try $0.rows(JobKey.rows(.waiting), limit: 1).map(\.value) }.first)
        let now = time.now
        let answer = try await store.update { try book.claim(WaitingJob(job), now: now, in: &$0) }
        guard case .run(let run) = answer else { throw Unclaimed(answer: answer) }
        for _ in 0..<2 { try await store.update { try book.giveBack(job.executionID, in: &$0) } }
        let claim = try #require(try store.read { try $0.value(for: ClaimKey(job.executionID)) })
        #expect(claim.attempt == 1 && claim.givenBack == 1)
        let execution = Execution(
            id: job.executionID, taskID: id, index: 0, startAt: now, endAt: now, status: .success, error: "", steps: [])
        await #expect(throws: LostClaim(execution: job.executionID)) {
            try await store.update { _ = try book.end(run, execution, now: now, in: &$0) }
        }
        // Neither is one of another process, nor one that has ended.
        let other = RunBook(limits: EngineLimits(), times: times, epoch: 3, rates: FeeRates(), tellsOutside: false)
        let taken = try await store.update { try other.claim(WaitingJob(job), now: now, in: &$0) }
        guard case .run(let second) = taken else { throw Unclaimed(answer: taken) }
        try await store.update { try book.giveBack(job.executionID, in: &$0) }
        _ = try await store.update { try other.end(second, execution, now: now, in: &$0) }
        try await store.update { try other.giveBack(job.executionID, in: &$0) }
        let harness = Harness(store: store, time: time)
        #expect(try harness.keys("claim:") == [] && harness.keys("q:default:q:") == [])
        #expect(try harness.executions(id).map(\.status) == [.success] && harness.findings() == [])
    }

    @Test(
        "XO-21 TIM-2: gets what is left of its own task's deadline, whatever the service's is",
        arguments: Harness.End.allCases)
    func ownDeadline(_ end: Harness.End) async throws {
        for (own, standard) in [(60, 900), (86_400, 900), (60, 5)] as [(Int, Int)] {
            let (store, time) = (MemoryStore(), ManualTime())
            let first = Harness(store: store, time: time)
            let id = try await first.createTask { $0.executionDeadline = .seconds(own) }
            _ = try await first.engine.accept(Harness.report(id, block: 1))
            let change: (inout EngineConfiguration) -> Void = {
                $0.times.executionDeadline = .seconds(standard)
                $0.limits.attemptsPerExecution = 9  // deaths are not what this is about
            }
            let begun = try await Harness.process(2, over: store, time, ending: end, change)
            #expect(begun.first?.deadline == time.monotonic + .seconds(own))
            time.jump(by: .seconds(20))
            let again = try await Harness.process(3, over: store, time, ending: end, change)
            #expect(again.first?.deadline == time.monotonic + .seconds(own - 20))
            time.jump(by: .seconds(-100_000))
            let past = try await Harness.process(4, over: store, time, ending: .orderly, change)
            #expect(past.first?.deadline == time.monotonic + .seconds(own), "a clock that went back lends no time")
        }
    }
}

/// What a test could not begin with.
private struct Unclaimed: Error {
    let answer: ClaimAnswer
}
