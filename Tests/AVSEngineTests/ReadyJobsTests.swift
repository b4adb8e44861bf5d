import AVSModel
import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSEngine

@Suite("The order of runs")
struct ReadyJobsTests {
    /// - Parameters: small numbers that name a task and an owner.
    private func job(_ number: UInt64, task: UInt64, owner: UInt8) -> WaitingJob {
        WaitingJob(
            number: number, taskID: TaskID(ULID(value: UInt128(task))),
            executionID: ExecutionID(ULID(value: UInt128(number))),
            owner: Address(bytes: [UInt8](repeating: owner, count: 20)) ?? .zero)
    }

    private func bounds(_ inAll: Int, perOwner: Int) -> EngineLimits {
        var limits = EngineLimits()
        limits.runningInAll = inAll
        limits.runningPerOwner = perOwner
        return limits
    }

    /// Runs everything one after another: the numbers of the jobs in their order.
    private func order(_ ready: inout ReadyJobs) -> [UInt64] {
        var order: [UInt64] = []
        while let job = ready.next() {
            order.append(job.number)
            ready.finished(job)
        }
        return order
    }

    @Test("a caller who waits goes first, and of five runs in a row one is of the others")
    func awaited() {
        var ready = ReadyJobs(limits: EngineLimits())
        for number in 1...3 as ClosedRange<UInt64> { ready.add(job(number, task: number, owner: 1)) }
        for number in 11...20 as ClosedRange<UInt64> { ready.add(job(number, task: number, owner: 2), .awaited) }
        #expect(order(&ready) == [11, 12, 13, 14, 1, 15, 16, 17, 18, 2, 19, 20, 3])
        #expect(ready.waiting == 0 && ready.running == 0)
    }

    @Test("a caller who waits goes before what its own task has queued, which keeps its order")
    func awaitedOfOneTask() {
        var ready = ReadyJobs(limits: EngineLimits())
        for number in 1...3 as ClosedRange<UInt64> { ready.add(job(number, task: 7, owner: 1)) }
        ready.add(job(4, task: 7, owner: 1), .awaited)
        #expect(order(&ready) == [4, 1, 2, 3])
    }

    @Test("OVL-6: an owner with many jobs delays another's single job by one round")
    func fair() {
        var ready = ReadyJobs(limits: EngineLimits())
        for number in 1...1_000 as ClosedRange<UInt64> { ready.add(job(number, task: number, owner: 1)) }
        ready.add(job(2_000, task: 2_000, owner: 2))
        #expect(order(&ready).firstIndex(of: 2_000) == 1)
    }

    @Test("runs that hang leave the last quarter of the places to owners without a run")
    func reserve() {
        var ready = ReadyJobs(limits: bounds(32, perOwner: 8))
        for owner in 1...4 as ClosedRange<UInt8> {
            for number in 0..<10 as Range<UInt64> {
                let id = UInt64(owner) * 100 + number
                ready.add(job(id, task: id, owner: owner))
            }
        }
        var hanging = 0
        while ready.next() != nil { hanging += 1 }
        #expect(hanging == 24)
        for owner in 5...12 as ClosedRange<UInt8> {
            ready.add(job(UInt64(owner) * 100, task: UInt64(owner) * 100, owner: owner))
            #expect(ready.next()?.number == UInt64(owner) * 100)
        }
        ready.add(job(1_300, task: 1_300, owner: 13))
        #expect(ready.next() == nil, "all places are taken")
    }

    @Test("a deleted task's jobs are forgotten, of either kind")
    func removed() {
        var ready = ReadyJobs(limits: EngineLimits())
        ready.add(job(1, task: 1, owner: 1))
        ready.add(job(2, task: 1, owner: 1), .awaited)
        ready.add(job(3, task: 2, owner: 1))
        ready.remove(task: job(1, task: 1, owner: 1).taskID, of: job(1, task: 1, owner: 1).owner)
        #expect(ready.waiting == 1 && ready.waiting(of: job(1, task: 1, owner: 1).owner) == 1)
        #expect(order(&ready) == [3])
    }

    @Test("XO-22: holds its bounds and loses no job, whatever comes in what order", arguments: 0..<50 as Range<UInt64>)
    func random(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let limits = bounds(
            Int.random(in: 1...9, using: &generator), perOwner: Int.random(in: 1...4, using: &generator))
        var ready = ReadyJobs(limits: limits)
        var running: [WaitingJob] = []
        var lastOfTask: [TaskID: [Bool: UInt64]] = [:]
        var awaited: Set<UInt64> = []
        var added: UInt64 = 0
        var begun: Set<UInt64> = []
        for _ in 0..<2_000 {
            switch UInt8.random(in: 0..<5, using: &generator) {
            case 0, 1:
                added += 1
                let task = UInt64.random(in: 0..<12, using: &generator)
                let isAwaited = Bool.random(using: &generator)
                if isAwaited { awaited.insert(added) }
                ready.add(job(added, task: task, owner: UInt8(task % 5)), isAwaited ? .awaited : .queued)
            case 2, 3:
                guard let job = ready.next() else { break }
                #expect(begun.insert(job.number).inserted)
                #expect(!running.contains { $0.taskID == job.taskID }, "two runs of one task")
                #expect(running.count { $0.owner == job.owner } < limits.runningPerOwner)
                #expect(running.count < limits.runningInAll)
                let isAwaited = awaited.contains(job.number)
                #expect(lastOfTask[job.taskID]?[isAwaited] ?? 0 < job.number, "out of order")
                lastOfTask[job.taskID, default: [:]][isAwaited] = job.number
                running.append(job)
            default:
                guard let index = running.indices.randomElement(using: &generator) else { break }
                ready.finished(running.remove(at: index))
            }
            #expect(ready.running == running.count)
            #expect(ready.waiting == Int(added) - begun.count)
        }
        for job in running { ready.finished(job) }
        #expect(order(&ready).count == Int(added) - begun.count)
        #expect(ready.waiting == 0 && ready.running == 0)
    }
}
