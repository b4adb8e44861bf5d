import AVSModel
import AVSPrimitives
import Testing

@Suite("A task")
struct TaskRunTests {
    @Test(
        "API-10.3.29: may run below its limit, in its time and while it accepts triggers",
        arguments: [
            (Sample.task(), nil),
            (Sample.task { $0.maxExecution = 3; $0.executionCount = 2 }, nil),
            (Sample.task { $0.maxExecution = 3; $0.executionCount = 3 }, RunRefusal.exhausted(count: 3, limit: 3)),
            (
                Sample.task { $0.maxExecution = 3; $0.executionCount = 1; $0.reserved = 2 },
                .exhausted(count: 1, limit: 3)
            ),
            (Sample.task { $0.expiredAt = Sample.now }, .expired),
            (Sample.task { $0.expiredAt = Sample.now.adding(.milliseconds(1)) }, nil),
            (Sample.task { $0.startAt = Sample.now.adding(.milliseconds(1)) }, .notStarted),
            (Sample.task { $0.startAt = Sample.now }, nil),
            (Sample.task { $0.status = .running }, nil),
            (Sample.task { $0.status = .disabled }, .status(.disabled)),
            (Sample.task { $0.status = .canceled }, .status(.canceled)),
            (Sample.task { $0.status = .failed }, .status(.failed)),
            (Sample.task { $0.status = .completed }, .status(.completed)),
        ] as [(AutomationTask, RunRefusal?)])
    func refusal(task: AutomationTask, expected: RunRefusal?) {
        #expect(task.refusal(at: Sample.now) == expected)
    }

    @Test("completes when its last run ends, whatever the run's outcome")
    func lastRun() {
        var task = Sample.task { $0.maxExecution = 1 }
        task.reserve()
        task.beginRun(at: Sample.now)
        #expect(task.status == .running)
        task.endRun(at: Sample.now)
        #expect(task.status == .completed)
        #expect(task.completedAt == Sample.now)
    }

    @Test("stays running until the last of several runs ends (R2)")
    func severalRuns() {
        var task = Sample.task()
        for _ in 0..<2 {
            task.reserve()
            task.beginRun(at: Sample.now)
        }
        task.endRun(at: Sample.now)
        #expect(task.status == .running)
        task.endRun(at: Sample.now)
        #expect(task.status == .enabled)
    }

    @Test(
        "API-10.3.27: becomes what its owner asked for during the run (C1, R3)",
        arguments: [TaskStatus.disabled, .canceled])
    func wish(_ wish: TaskStatus) {
        var task = Sample.task { $0.maxExecution = 1 }
        task.reserve()
        task.beginRun(at: Sample.now)
        task.requestedStatus = wish
        task.endRun(at: Sample.now)
        #expect(task.status == wish)
        #expect(task.requestedStatus == nil)
    }

    @Test("never promises more runs than its limit (I6)", arguments: 0..<20 as Range<UInt64>)
    func promises(seed: UInt64) {
        var random = Counting(value: seed &* 0x9e37_79b9_7f4a_7c15)
        var task = Sample.task { $0.maxExecution = 3 }
        for _ in 0..<200 {
            switch random.next() % 4 {
            case 0 where task.refusal(at: Sample.now) == nil: task.reserve()
            case 1 where task.reserved > 0: task.beginRun(at: Sample.now)
            case 2 where task.runsInFlight > 0: task.endRun(at: Sample.now)
            case 3: task.release()
            default: break
            }
            #expect(task.executionCount + task.reserved <= 3)
            #expect((task.status == .running) == (task.runsInFlight > 0))
        }
    }

    @Test("has one letter and one name per status")
    func letters() {
        #expect(Set(TaskStatus.allCases.map(\.letter)) == ["a", "c", "f", "l", "x", "i"])
        for status in TaskStatus.allCases { #expect(TaskStatus(letter: status.letter) == status) }
        #expect(TaskStatus(letter: "z") == nil)
    }
}
