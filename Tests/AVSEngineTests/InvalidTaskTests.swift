import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import Testing

@testable import AVSEngine

@Suite("A stored task, at start") struct InvalidTaskTests {
    private static let bad: [Trigger.Config] = [
        .block(BlockTrigger(interval: 0)), .block(BlockTrigger(interval: -5)), .cron(CronTrigger(schedules: [])),
        .cron(CronTrigger(schedules: ["not a schedule"])), .fixedTime(FixedTimeTrigger(epochs: [])),
        .event(EventTrigger(queries: [])),
    ]

    @Test("API-10.8.12: becomes Failed when it is invalid; its operators stop, its promised runs end", arguments: bad)
    func invalid(trigger: Trigger.Config) async throws {
        let harness = Harness()
        // As an older release, which checked less, has stored it.
        let id = try await harness.createTask(trigger)
        let well = try await harness.createTask()
        let promised = RunOfTask(id, ExecutionID(try #require(ULID("01jaaaaaaaaaaaaaaaaaaaaaaa"))))
        try await harness.store.update { transaction in
            try transaction.promise(promised, index: try transaction.takeIndex(of: id))
            guard let old = try transaction.task(id) else { return }
            var task = old
            task.reserve()
            try transaction.save(task, replacing: old)
        }
        #expect(try await harness.engine.failInvalidTasks() == 1)
        let task = try harness.task(id)
        #expect(task.status == .failed && task.reserved == 0)
        #expect(try harness.task(well).status == .enabled)
        #expect(try harness.executions(id).map(\.status) == [.failed])
        #expect(try harness.findings() == [])
        #expect(try await harness.engine.failInvalidTasks() == 0, "a second start finds nothing")
    }

    @Test("API-10.8.12: becomes Failed for a name that no expression could use")
    func name() async throws {
        let harness = Harness()
        let id = try await harness.createTask { $0.nodes[0].name = "not a name" }
        let reserved = try await harness.createTask { $0.trigger.name = "while" }
        #expect(try await harness.engine.failInvalidTasks() == 2)
        #expect(try harness.task(id).status == .failed && harness.task(reserved).status == .failed)
    }

    @Test("that nobody can read is passed over, and those behind it are looked at")
    func unreadable() async throws {
        let harness = Harness()
        var ids: [TaskID] = []
        for _ in 0..<450 { ids.append(try await harness.createTask()) }
        let (broken, last) = (ids[200], try #require(ids.last))
        try await harness.store.update { try $0.put(TaskKey(status: .enabled, id: broken).bytes, [0xff]) }
        try await harness.store.update { transaction in
            guard let old = try transaction.task(last) else { return }
            var task = old
            task.trigger.config = .block(BlockTrigger(interval: 0))
            try transaction.save(task, replacing: old)
        }
        #expect(try await harness.engine.failInvalidTasks() == 1)
        #expect(try harness.task(last).status == .failed)
        #expect(try harness.store.read { try $0.get(TaskKey(status: .enabled, id: broken).bytes) } == [0xff])
    }

    @Test("that is beyond limits which were lowered since stays what it is")
    func limits() async throws {
        let harness = Harness()
        let id = try await harness.createTask(.cron(CronTrigger(schedules: (0..<50).map { "\($0) * * * *" })))
        #expect(try await harness.engine.failInvalidTasks() == 0)
        #expect(try harness.task(id).status == .enabled)
    }
}
