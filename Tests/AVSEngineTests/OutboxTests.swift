import AVSInspection
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Synchronization
import Testing

@testable import AVSEngine

/// Takes messages, refuses them, or holds them until it is cancelled.
private final class Receiver: NotificationSink {
    enum Mood { case taking, refusing, holding }

    private struct State {
        var mood: Mood
        var attempts: [OutboxMessage] = []
        var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    struct Refused: Error, CustomStringConvertible { let description = "not now" }

    private let state: Mutex<State>
    private let time: ManualTime

    init(_ mood: Mood = .taking, time: ManualTime = ManualTime()) {
        state = Mutex(State(mood: mood))
        self.time = time
    }

    var attempts: [OutboxMessage] { state.withLock { $0.attempts } }
    func become(_ mood: Mood) { state.withLock { $0.mood = mood } }

    func deliver(_ message: OutboxMessage) async throws {
        let (mood, ready) = state.withLock { state in
            state.attempts.append(message)
            let count = state.attempts.count
            defer { state.waiting.removeAll { $0.count <= count } }
            return (state.mood, state.waiting.filter { $0.count <= count }.map(\.continuation))
        }
        for continuation in ready { continuation.resume() }
        switch mood {
        case .taking: return
        case .refusing: throw Refused()
        case .holding: try await time.sleep(until: time.monotonic + .seconds(3_600))
        }
    }

    /// Returns once so many deliveries were tried.
    func waitForAttempts(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                guard state.attempts.count < count else { return true }
                state.waiting.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}

extension Harness {
    fileprivate func messages() throws -> [OutboxMessage] {
        try store.read { try $0.rows(Rows<OutboxKey>.all, limit: 1_000).map(\.value) }
    }

    /// Delivers while `body` runs; what is under way at its end is given up.
    fileprivate func delivering(_ body: @Sendable @escaping () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [engine] in
                do { try await engine.runOutbox() } catch is CancellationError {}
            }
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// One run of a new task, from its report to its record.
    fileprivate func runOnce() async throws -> TaskID {
        let id = try await createTask()
        let before = runner.started.count
        try await working { harness in
            _ = try await harness.engine.accept(Harness.report(id, block: 1))
            await harness.runner.waitForStarted(before + 1)
        }
        return id
    }
}

@Suite("The outbox")
struct OutboxTests {
    @Test("XO-23: has a message with the end of a run, before anybody was told, and none once it was taken")
    func delivered() async throws {
        let receiver = Receiver()
        let harness = Harness { $0.notifications = receiver }
        let id = try await harness.runOnce()
        let execution = try #require(try harness.executions(id).first)
        #expect(receiver.attempts.isEmpty)
        let message = try #require(try harness.messages().first)
        #expect(message.eventID == "execution.ended/\(execution.id)")
        #expect(message.payload["id"] == .string(message.eventID) && message.payload["status"] == "success")
        #expect(message.payload["taskId"] == .string("\(id)") && !message.isUrgent)
        try await harness.delivering { await receiver.waitForAttempts(1) }
        #expect(receiver.attempts == [message])
        #expect(try harness.messages().isEmpty)
        #expect(try harness.findings() == [])
    }

    @Test("is not written where nobody is to be told")
    func off() async throws {
        let harness = Harness()
        _ = try await harness.runOnce()
        #expect(try harness.keys("outbox") == [])
    }

    @Test("XO-23 B11: delivers again under the same event id what a process had sent and not noted when it ended")
    func sentTwice() async throws {
        let time = ManualTime()
        let first = Receiver(.holding, time: time)
        let harness = Harness(time: time) { $0.notifications = first }
        _ = try await harness.runOnce()
        try await harness.delivering { await first.waitForAttempts(1) }
        #expect(try harness.messages().count == 1)
        let second = Receiver()
        let next = Harness(store: harness.store, time: time, epoch: 2, seed: 2) { $0.notifications = second }
        try await next.delivering { await second.waitForAttempts(1) }
        #expect(second.attempts.map(\.eventID) == first.attempts.map(\.eventID))
        #expect(try next.messages().isEmpty)
    }

    @Test("XO-23: tries again after a pause, and the pauses survive the process")
    func retried() async throws {
        let time = ManualTime()
        let receiver = Receiver(.refusing)
        let harness = Harness(time: time) { $0.notifications = receiver }
        _ = try await harness.runOnce()
        try await harness.delivering {
            await receiver.waitForAttempts(1)
            await time.waitForSleepers(1)
            time.advance(by: .seconds(1))
            await receiver.waitForAttempts(2)
            await time.waitForSleepers(1)
        }
        let message = try #require(try harness.messages().first)
        #expect(message.attempts == 2 && message.error == "not now" && !message.isDead)
        #expect(message.nextAttemptAt > time.now && message.nextAttemptAt <= time.now.adding(.seconds(2)))
        let next = Receiver()
        let later = Harness(store: harness.store, time: time, epoch: 2, seed: 2) { $0.notifications = next }
        try await later.delivering {
            await time.waitForSleepers(1)
            #expect(next.attempts.isEmpty, "its pause is not over")
            time.advance(by: .seconds(2))
            await next.waitForAttempts(1)
        }
        #expect(try later.messages().isEmpty)
    }

    @Test("XO-23: pauses double from a second to an hour, and after a day the message is dead")
    func pauses() {
        let start = Timestamp(seconds: 1_000_000)
        var message = OutboxMessage(eventID: "e", payload: [:], isUrgent: false, createdAt: start)
        var now = start
        var attempts = 0
        while !message.isDead {
            message.fail("no", at: now, EngineTimes())
            let pause = message.nextAttemptAt.duration(since: now)
            let whole = min(Duration.seconds(1) * (1 << min(attempts, 20)), .seconds(3_600))
            #expect(pause >= whole / 2 && pause <= whole)
            now = message.nextAttemptAt
            attempts += 1
        }
        #expect(now.duration(since: start) > .seconds(86_400) && now.duration(since: start) < .seconds(90_001))
        #expect(message.attempts == UInt32(attempts) && (30...60).contains(attempts))
    }

    @Test("XO-23: keeps a dead message for people to see, does not deliver it, and forgets it after a week")
    func dead() async throws {
        let time = ManualTime()
        let receiver = Receiver(.refusing)
        let harness = Harness(time: time) {
            $0.notifications = receiver
            $0.times.outboxGivenUpAfter = .zero
        }
        _ = try await harness.runOnce()
        try await harness.delivering {
            await receiver.waitForAttempts(1)
            // Its turn is over once a message that came later was tried.
            receiver.become(.taking)
            let later = OutboxMessage(eventID: "later", payload: [:], isUrgent: false, createdAt: time.now)
            let number = try await harness.store.update { try $0.post(later) }
            await harness.engine.outbox?.added(number)
            await receiver.waitForAttempts(2)
        }
        #expect(try harness.messages().map(\.isDead) == [true])
        #expect(await harness.engine.outbox?.load.dead == 1)
        try await harness.delivering {}
        #expect(receiver.attempts.count == 2)
        #expect(try await harness.engine.sweep().purgedMessages == 0)
        time.jump(by: .seconds(7 * 86_400 + 60))
        #expect(try await harness.engine.sweep().purgedMessages == 1)
        #expect(try harness.messages().isEmpty)
        #expect(try harness.findings() == [])
    }

    @Test("4.3: is bounded: the oldest that is not urgent gives way, and the next one counts it")
    func bounded() async throws {
        let harness = Harness()
        let urgent = [1]
        for number in 0..<6 {
            let message = OutboxMessage(
                eventID: "\(number)", payload: [:], isUrgent: urgent.contains(number), createdAt: Timestamp(seconds: 0))
            _ = try await harness.store.update { try $0.post(message, limit: 3) }
        }
        let kept = try harness.messages()
        #expect(kept.map(\.eventID) == ["1", "4", "5"])
        #expect(kept.map(\.merged) == [0, 3, 0])
        #expect(try harness.findings() == [])
    }

    @Test("4.3: that holds urgent messages only gives way all the same")
    func boundedUrgent() async throws {
        let harness = Harness()
        for number in 0..<4 {
            let message = OutboxMessage(
                eventID: "\(number)", payload: [:], isUrgent: true, createdAt: Timestamp(seconds: 0))
            _ = try await harness.store.update { try $0.post(message, limit: 2) }
        }
        #expect(try harness.messages().map(\.eventID) == ["2", "3"])
        #expect(try harness.messages().map(\.merged) == [2, 0])
    }

    @Test("a count that is not that of its messages is found by the check")
    func check() async throws {
        let harness = Harness()
        try await harness.store.update { try $0.put(OutboxCountKey(), DecimalText(1)) }
        #expect(try harness.findings().map(\.rule) == ["XO-23"])
    }
}

@Suite("A task whose runs the process does not survive")
struct PoisonedTaskTests {
    /// A harness per start of the process; each leaves the run that it began.
    private func interrupt(_ count: Int, of id: TaskID, store: any KeyValueStore, time: ManualTime) async throws {
        for epoch in 2..<UInt64(2 + count) {
            try await Harness.process(epoch, over: store, time, ending: .death) { $0.limits.attemptsPerExecution = 2 }
        }
    }

    @Test("XO-20: is disabled after five such executions in a row; its owner sees why, and may enable it again")
    func disabled() async throws {
        let store = MemoryStore()
        let time = ManualTime()
        let first = Harness(store: store, time: time)
        let id = try await first.createTask()
        for block in 1...6 { _ = try await first.engine.accept(Harness.report(id, block: block)) }
        try await interrupt(5, of: id, store: store, time: time)
        #expect(try first.task(id).interruptedRuns == 4, "the fifth is not given up yet")
        let receiver = Receiver()
        let last = Harness(store: store, time: time, epoch: 9, seed: 9) {
            $0.limits.attemptsPerExecution = 2
            $0.notifications = receiver
        }
        let probe = try await last.createTask()
        try await last.working { last in
            _ = try await last.engine.accept(Harness.report(probe, block: 1))
            await last.runner.waitForStarted(1)
        }
        let task = try last.task(id)
        #expect(task.status == .disabled)
        #expect(task.statusReason == "5 executions in a row were stopped after interrupted attempts")
        #expect(await last.engine.executions.switchedOff == 1)
        try await last.delivering { await receiver.waitForAttempts(3) }
        #expect(receiver.attempts.contains { $0.isUrgent && $0.payload["reason"] == .string(task.statusReason) })
        #expect(try await last.engine.setEnabled(true, task: id, owner: Harness.owner).success)
        #expect(try last.task(id).statusReason == "" && last.task(id).interruptedRuns == 0)
        #expect(try last.findings() == [])
    }

    @Test("XO-20: an execution that comes to its end, also to a bad one, begins the count anew")
    func reset() async throws {
        let store = MemoryStore()
        let time = ManualTime()
        let first = Harness(store: store, time: time)
        let id = try await first.createTask()
        for block in 1...3 { _ = try await first.engine.accept(Harness.report(id, block: block)) }
        try await interrupt(2, of: id, store: store, time: time)
        #expect(try first.task(id).interruptedRuns == 1)
        let last = Harness(store: store, time: time, epoch: 9, seed: 9) { $0.limits.attemptsPerExecution = 2 }
        try await last.working { last in await last.runner.waitForStarted(1) }
        #expect(try last.executions(id).map(\.status) == [.success, .error, .error])
        #expect(try last.task(id).interruptedRuns == 0 && last.task(id).status == .enabled)
    }
}
