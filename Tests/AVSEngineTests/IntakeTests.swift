import AVSEngine
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Testing

@Suite("A reported trigger")
struct IntakeTests {
    @Test("XO-1: leads to one execution, whoever repeats it under whatever id")
    func repeated() async throws {
        try await Harness().working { harness in
            let id = try await harness.createTask()
            let first = try await harness.engine.accept(Harness.report(id, block: 10))
            let reports = [
                Harness.report(id, block: 10), Harness.report(id, block: 10, by: Harness.otherNode, id: "other"),
                Harness.report(id, block: 10, id: ""),
                Harness.report(id, block: 11, by: Harness.otherNode, id: "other"),
            ]
            guard case .accepted = first else { throw Unexpected(first) }
            for report in reports.prefix(3) {
                #expect(try await harness.engine.accept(report).status == "deduplicated")
            }
            // The id "other" was seen with block 10, but as a repetition: it left no record of its own.
            #expect(try await harness.engine.accept(reports[3]).status == "enabled")
            await harness.runner.waitForStarted(2)
        }
    }

    @Test("API-10.7.10: with an empty id and new content is a new trigger; another id is another one")
    func ids() async throws {
        let harness = Harness()
        let id = try await harness.createTask()
        #expect(try await harness.engine.accept(Harness.report(id, block: 1, id: "")).status == "enabled")
        #expect(try await harness.engine.accept(Harness.report(id, block: 2, id: "")).status == "enabled")
        #expect(try await harness.engine.accept(Harness.report(id, block: 2, id: "")).status == "deduplicated")
        #expect(try await harness.engine.accept(Harness.report(id, block: 3, id: "x")).status == "enabled")
        #expect(try await harness.engine.accept(Harness.report(id, block: 4, id: "x")).status == "deduplicated")
    }

    @Test("XO-4: of one task does not use up the ids of another")
    func scoped() async throws {
        let harness = Harness()
        let (one, two) = (try await harness.createTask(), try await harness.createTask())
        #expect(try await harness.engine.accept(Harness.report(one, block: 1, id: "same")).status == "enabled")
        #expect(try await harness.engine.accept(Harness.report(two, block: 1, id: "same")).status == "enabled")
    }

    @Test("API-10.4.28, DUR-12: a limit of 3 with five notifications at once gives exactly three runs")
    func limit() async throws {
        try await Harness().working { harness in
            let id = try await harness.createTask { $0.maxExecution = 3 }
            let answers = try await withThrowingTaskGroup(of: NotifyAnswer.self) { group in
                for block in 1...5 {
                    group.addTask { try await harness.engine.accept(Harness.report(id, block: block)) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count { $0.status == "enabled" } == 3)
            #expect(answers.count { $0.status == "exhausted" } == 2)
            #expect(answers.contains { $0.status == "enabled" && $0.remaining == 0 })
            await harness.runner.waitForStarted(3)
        }
    }

    @Test("API-10.7.11: every row of the answer table", arguments: Row.all)
    func table(row: Row) async throws {
        let harness = Harness()
        let id = try await harness.createTask(.block(BlockTrigger(interval: 5)), row.change)
        let status = row.status
        if status != .enabled {
            try await harness.store.update { transaction in
                guard let old = try transaction.task(id) else { return }
                var task = old
                task.status = status
                try transaction.save(task, replacing: old)
            }
        }
        let answer = try await harness.engine.accept(Harness.report(id, block: 10))
        #expect(answer.status == row.word)
        #expect(answer.keepsWatching == row.keeps)
        #expect(answer.remaining == row.remaining)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var word: String
        var keeps: Bool
        var remaining: Int64
        var status = TaskStatus.enabled
        var change: @Sendable (inout AutomationTask) -> Void = { _ in }
        var testDescription: String { "\(status) \(word)" }

        static let now = Timestamp(milliseconds: 1_900_000_000_000)
        static let all = [
            Row(word: "enabled", keeps: true, remaining: -1),
            Row(word: "enabled", keeps: true, remaining: 4) { $0.maxExecution = 5 },
            Row(word: "exhausted", keeps: false, remaining: 0) { $0.maxExecution = 1; $0.executionCount = 1 },
            Row(word: "expired", keeps: false, remaining: 0) { $0.expiredAt = now },
            Row(word: "not_started", keeps: true, remaining: -1) { $0.startAt = now.adding(.seconds(9)) },
            Row(word: "not_started", keeps: true, remaining: 2) {
                $0.startAt = now.adding(.seconds(9))
                $0.maxExecution = 2
            },
            Row(word: "disabled", keeps: false, remaining: 0, status: .disabled),
            Row(word: "cancelled", keeps: false, remaining: 0, status: .canceled),
            Row(word: "failed", keeps: false, remaining: 0, status: .failed),
            Row(word: "exhausted", keeps: false, remaining: 0, status: .completed),
        ]
    }

    @Test("of a task that does not exist is told so")
    func unknown() async throws {
        let harness = Harness()
        let id = try await harness.createTask()
        _ = try await harness.engine.delete(task: id, owner: Harness.owner)
        #expect(try await harness.engine.accept(Harness.report(id, block: 1)) == .notFound)
    }

    @Test("XO-10: that is not due yet leaves no record, so that it counts later")
    func notStarted() async throws {
        let harness = Harness()
        let start = harness.time.now.adding(.seconds(10))
        let id = try await harness.createTask { $0.startAt = start }
        #expect(try await harness.engine.accept(Harness.report(id, block: 1)).status == "not_started")
        harness.time.advance(by: .seconds(10))
        #expect(try await harness.engine.accept(Harness.report(id, block: 1)).status == "enabled")
    }

    @Test("API-10.7.16: two operators that fire the same cron minute start one run (D-17)")
    func cronMinute() async throws {
        let harness = Harness()
        let id = try await harness.createTask(.cron(CronTrigger(schedules: ["* * * * *"])))
        let minute = harness.time.now.milliseconds / 60_000 * 60_000
        func report(_ node: Address, _ offset: Int64) -> TriggerFired {
            TriggerFired(
                taskID: id, reporter: node,
                output: TriggerOutput(kind: .cron, data: ["timestamp": .number(Double(minute + offset))]),
                requestID: "\(id):\(minute + offset)")
        }
        #expect(try await harness.engine.accept(report(Harness.node, 3)).status == "enabled")
        #expect(try await harness.engine.accept(report(Harness.otherNode, 950)).status == "deduplicated")
        #expect(try await harness.engine.accept(report(Harness.node, 60_001)).status == "enabled")
    }

    @Test("TIM-12: of an instant too far back or ahead is refused")
    func untimely() async throws {
        let harness = Harness()
        let id = try await harness.createTask(.cron(CronTrigger(schedules: ["* * * * *"])))
        func report(_ offset: Int64) -> TriggerFired {
            let instant = harness.time.now.milliseconds + offset
            return TriggerFired(
                taskID: id, reporter: Harness.node, output: TriggerOutput(kind: .cron, data: nil),
                requestID: "\(id):\(instant)")
        }
        #expect(try await harness.engine.accept(report(-300_000)).status == "expired")
        #expect(try await harness.engine.accept(report(300_000)).status == "not_started")
        #expect(try harness.task(id).status == .enabled)
    }

    @Test("of an operator that is not approved is refused")
    func notApproved() async throws {
        let harness = Harness()
        let id = try await harness.createTask()
        await #expect(throws: EngineError.notApproved(Harness.stranger)) {
            try await harness.engine.accept(Harness.report(id, block: 1, by: Harness.stranger))
        }
    }

    @Test("of an expired task completes it and tells the operators once")
    func expired() async throws {
        let harness = Harness()
        let id = try await harness.createTask { $0.expiredAt = harness.time.now.adding(.seconds(1)) }
        harness.time.advance(by: .seconds(1))
        #expect(try await harness.engine.accept(Harness.report(id, block: 1)).status == "expired")
        #expect(try harness.task(id).status == .completed)
    }

    @Test("XO-8: below the low mark is refused for ever, and the records above it are kept")
    func retention() async throws {
        let harness = Harness { $0.limits.dedupRecordsPerTask = 4 }
        let id = try await harness.createTask { _ in }
        for block in 1...10 {
            #expect(try await harness.engine.accept(Harness.report(id, block: block, id: "")).status == "enabled")
            harness.time.advance(by: .seconds(1))
        }
        harness.time.advance(by: .seconds(8 * 24 * 3_600))
        for block in 11...14 {
            #expect(try await harness.engine.accept(Harness.report(id, block: block, id: "")).status == "enabled")
            harness.time.advance(by: .seconds(1))
        }
        let report = try await harness.engine.sweep()
        #expect(report.purgedDedupRecords == 10)
        #expect(try await harness.engine.accept(Harness.report(id, block: 3, id: "")).status == "expired")
        #expect(try await harness.engine.accept(Harness.report(id, block: 12, id: "")).status == "deduplicated")
        #expect(try await harness.engine.accept(Harness.report(id, block: 15, id: "")).status == "enabled")
    }
}

struct Unexpected: Error {
    var what: String
    init(_ what: some Any) { self.what = "\(what)" }
}
