import AVSEthereum
import AVSModel
import AVSOperator
import AVSPrimitives
import AVSRPC
import AVSStorage
import AVSTesting
import Synchronization
import Testing

@testable import AVSChain
@testable import AVSWatch

/// An operator's parts around one store, which a test can crash and start again.
struct Bench {
    var memory: MemoryStore
    let chain: FakeChain
    let sink: FakeSink
    let time: ManualTime
    var configuration: WatchConfiguration
    var store: WatchStore
    var watcher: Watcher

    init(
        head: UInt64 = 100, sink: FakeSink = FakeSink(), outboxLimit: Int = 10_000,
        configure: (inout WatchConfiguration) -> Void = { _ in }
    ) {
        memory = MemoryStore(repeatsBodies: true)
        chain = FakeChain(head: head)
        self.sink = sink
        time = ManualTime(now: Sample.now)
        configuration = WatchConfiguration()
        configuration.time.spread = .zero
        configure(&configuration)
        store = WatchStore(memory, outboxLimit: outboxLimit)
        watcher = Self.watcher(store, configuration)
    }

    private static func watcher(_ store: WatchStore, _ configuration: WatchConfiguration) -> Watcher {
        Watcher(
            store: store, configuration: configuration, reporter: Sample.reporter, chainIDs: [Sample.chainID, 5],
            logger: quiet)
    }

    /// The process dies; what was durable comes back. Unsynced rows get their 200 ms first.
    mutating func restart(losingUnsynced: Bool = false) async throws {
        if !losingUnsynced { memory.sync() }
        memory = memory.restarted()
        store = WatchStore(memory, outboxLimit: store.outboxLimit)
        watcher = Self.watcher(store, configuration)
        try await watcher.restore(at: time.now)
    }

    var reporter: Reporter {
        Reporter(
            store: store, watcher: watcher, sink: sink, configuration: configuration, time: time, logger: quiet)
    }

    func monitor(_ check: TaskCheck) async throws { try await watcher.handle(.monitor(check), at: time.now) }

    /// Looks at the chain until there is nothing new, as a feed would that goes on from the position that is kept.
    func follow(updates: Int = .max) async throws {
        var updates = updates
        if try await watcher.leave(chain.chainID) { return }
        let (head, position) = (chain.head, await watcher.position(in: chain.chainID))
        var reader = ChainReader(client: chain, position: position, catchUpLimit: configuration.missedBlocksOfEvents)
        while updates > 0, !(await watcher.isFull) {
            updates -= 1
            let filters = await watcher.filters(on: chain.chainID)
            guard let update = try await reader.next(to: HeadAnnouncement(number: head), filters: filters),
                let position = reader.position
            else { return }
            let overloads = try await watcher.take(update, to: position, on: chain.chainID, head: head, at: time.now)
            for overload in overloads { try await sink.report(overload) }
        }
    }

    func mine(to head: UInt64, _ logs: EventLog...) {
        chain.state.withLock { state in
            state.head = head
            state.logs += logs
        }
    }

    /// Another chain takes the place of this one from block `number` on.
    func reorganise(from number: UInt64, to head: UInt64, _ logs: EventLog...) {
        chain.state.withLock { state in
            state.forks.append(number)
            state.head = head
            state.logs = state.logs.filter { $0.blockNumber < number } + logs
        }
    }

    /// The ids of what waits in the outbox.
    var waiting: [String] { get throws { try store.reports(after: nil, limit: 1_000).map(\.record.report.requestID) } }
}

@Suite("An operator's watching")
struct WatcherTests {
    @Test("fires block triggers for every block, whatever was mined between two looks") func blocks() async throws {
        let bench = Bench()
        try await bench.monitor(Sample.block(3))
        try await bench.follow()
        #expect(try bench.waiting.isEmpty)  // the newest block was there before
        bench.mine(to: 110)
        try await bench.follow()
        #expect(try bench.waiting == [102, 105, 108].map { "\(Sample.id(1)):\($0)" })
        let entry = try #require(try bench.store.reports(after: nil, limit: 1).first)
        #expect(
            entry.record.report.output.data == [
                "blockNumber": 102, "blockHash": .string(Sample.hash(102).hex), "timestamp": 100,
                "parentHash": .string(Sample.hash(101).hex), "difficulty": "7", "gasLimit": 30_000_000,
                "gasUsed": 21_000,
            ])
    }

    @Test("fires event triggers and alerts overloads") func events() async throws {
        let bench = Bench()
        try await bench.monitor(Sample.event(Sample.query(limit: 1)))
        try await bench.follow()
        bench.mine(to: 103, Sample.log(block: 102), Sample.log(block: 103), Sample.log(block: 103, index: 1))
        try await bench.follow()
        #expect(bench.sink.overloads.map(\.blockNumber) == [103])
        let reports = try bench.store.reports(after: nil, limit: 9).map(\.record.report)
        let log = Sample.log(block: 102)
        #expect(reports.count == 2 && reports.first?.requestID == "\(Sample.id(1)):\(log.transactionHash.hex):0")
        #expect(reports.first?.chainID == Sample.chainID && reports.first?.output.kind == .event)
        #expect(reports.first?.output.data?["blockNumber"] == 102 && reports.first?.output.data?["logIndex"] == 0)
        #expect(reports.first?.output.data?["transactionHash"] == .string(log.transactionHash.hex))
    }

    @Test("goes back with a reorganisation, and reports nothing under two names (XO-4, XO-7)") func reorganisation()
        async throws
    {
        let bench = Bench()
        try await bench.monitor(Sample.block(1))
        try await bench.monitor(Sample.event(Sample.query(), number: 2))
        try await bench.follow()
        let transaction = Sample.hash(77)
        bench.mine(to: 103, Sample.log(block: 102, index: 4, transaction: transaction))
        try await bench.follow()
        bench.reorganise(
            from: 102, to: 104, Sample.log(block: 103, index: 9, transaction: transaction), Sample.log(block: 102))
        try await bench.follow()
        #expect(await bench.watcher.statistics.removedBlocks == 2)
        let blocks = (101...104).map { "\(Sample.id(1)):\($0)" }
        let events = [
            "\(Sample.id(2)):\(transaction.hex):4", "\(Sample.id(2)):\(Sample.log(block: 102).transactionHash.hex):0",
        ]
        #expect(try bench.waiting.sorted() == (blocks + events).sorted())
    }

    @Test("finds what a reorganisation brought while it was away, or when it died in the middle", arguments: 0...4)
    func reorganisationWhileAway(updates: Int) async throws {
        var bench = Bench()
        try await bench.monitor(Sample.event(Sample.query()))
        try await bench.follow()
        bench.mine(to: 105)
        try await bench.follow()
        bench.memory.sync()
        bench.reorganise(from: 103, to: 106, Sample.log(block: 103))
        try await bench.follow(updates: updates)  // 105, 104 and 103 go, 103 comes
        try await bench.restart(losingUnsynced: true)
        try await bench.follow()
        #expect(try bench.waiting == ["\(Sample.id(1)):\(Sample.log(block: 103).transactionHash.hex):0"])
    }

    @Test("loses nothing when it dies before reporting, and goes on from its position (E1)") func crash() async throws {
        var bench = Bench()
        try await bench.monitor(Sample.block(2))
        try await bench.monitor(Sample.event(Sample.query(), number: 2))
        try await bench.follow()
        bench.mine(to: 102)
        try await bench.follow()
        try await bench.restart()
        #expect(try bench.waiting == ["\(Sample.id(1)):102"])
        bench.mine(to: 104, Sample.log(block: 103))  // while we were away
        try await bench.follow()
        let log = Sample.log(block: 103)
        #expect(
            try Set(bench.waiting) == [
                "\(Sample.id(1)):102", "\(Sample.id(1)):104", "\(Sample.id(2)):\(log.transactionHash.hex):0",
            ])
    }

    @Test("repeats at most what the crash of the machine took back (DUR-10)") func unsynced() async throws {
        var bench = Bench()
        try await bench.monitor(Sample.block(2))
        try await bench.follow()
        bench.mine(to: 102)
        try await bench.follow()
        bench.mine(to: 103)  // nothing to report: the position moves unsynced
        try await bench.follow()
        try await bench.restart(losingUnsynced: true)
        bench.mine(to: 104)
        try await bench.follow()
        #expect(try bench.waiting == ["\(Sample.id(1)):102", "\(Sample.id(1)):104"])
    }

    @Test("keeps a cooldown over a restart") func cooldown() async throws {
        var bench = Bench()
        try await bench.monitor(Sample.event(Sample.query(), cooldown: nil))
        try await bench.follow()
        bench.mine(to: 101, Sample.log(block: 101))
        try await bench.follow()
        try await bench.restart()
        bench.mine(to: 102, Sample.log(block: 102))
        try await bench.follow()
        #expect(try bench.waiting.count == 1)
        bench.time.advance(by: .seconds(300))
        bench.mine(to: 103, Sample.log(block: 103))
        try await bench.follow()
        #expect(try bench.waiting.count == 2)
    }

    @Test("skips what was missed beyond the bound (TIM-12)") func bound() async throws {
        let bench = Bench { $0.missedBlocksOfEvents = 50 }
        try await bench.monitor(Sample.event(Sample.query()))
        try await bench.monitor(Sample.block(1, number: 2))
        try await bench.follow()
        bench.mine(to: 1_000, Sample.log(block: 500), Sample.log(block: 980))
        try await bench.follow()
        #expect(await bench.watcher.statistics.skippedBlocks == 850)
        #expect(try bench.waiting.count == 51)
    }

    @Test("of missed blocks reports the newest only, of logs all (TIM-12)") func staleBlocks() async throws {
        let bench = Bench { $0.missedBlocksOfBlocks = 10 }
        try await bench.monitor(Sample.event(Sample.query()))
        try await bench.monitor(Sample.block(1, number: 2))
        try await bench.follow()
        bench.mine(to: 400, Sample.log(block: 120))
        try await bench.follow()
        #expect(try bench.waiting.count == 11)
    }

    @Test("looks no further while reports do not get through") func full() async throws {
        let bench = Bench(outboxLimit: 2)
        try await bench.monitor(Sample.block(1))
        try await bench.follow()
        bench.mine(to: 102)
        try await bench.follow()
        bench.mine(to: 105)
        try await bench.follow()
        #expect(try bench.waiting.count == 2)
        #expect(try await bench.reporter.pass())
        try await bench.follow()
        #expect(try bench.waiting == ["\(Sample.id(1)):103", "\(Sample.id(1)):104"])
    }

    @Test("passes over logs that the node refuses, and counts it") func refusedLogs() async throws {
        let bench = Bench()
        try await bench.monitor(Sample.event(Sample.query()))
        try await bench.follow()
        let block = try #require(Block(json: FakeChain.header(101, bench.chain.state.withLock { $0 })))
        let update = ChainUpdate.block(
            ChainBlock(header: block, logs: [], refusal: .tooLarge(limitBytes: 5)))
        let position = ChainPosition(number: 101, hashes: [block.hash])
        let overloads = try await bench.watcher.take(
            update, to: position, on: Sample.chainID, head: 101, at: Sample.now)
        #expect(overloads.isEmpty)
        #expect(await bench.watcher.statistics.refusedBlocks == 1)
        #expect(await bench.watcher.position(in: Sample.chainID) == position)
    }

    @Test("T44: a head that nobody read does not stop what is told then") func inventedHead() async throws {
        let bench = Bench()
        try await bench.monitor(Sample.block(1))
        try await bench.follow()
        let position = try #require(await bench.watcher.position(in: Sample.chainID))
        _ = try await bench.watcher.take(.began, to: position, on: Sample.chainID, head: .max, at: Sample.now)
        try await bench.monitor(Sample.block(1, number: 2))
        bench.mine(to: 2_500)
        try await bench.follow()
        #expect(try bench.waiting.contains("\(Sample.id(2)):2500"))
    }

    @Test("looks at nothing before a task that is new after a restart was told") func newAfterRestart() async throws {
        var bench = Bench()
        try await bench.monitor(Sample.block(1))
        try await bench.follow()
        try await bench.restart()
        bench.mine(to: 105)
        try await bench.monitor(Sample.block(1, number: 2))
        try await bench.follow()
        bench.mine(to: 106)
        try await bench.follow()
        #expect(try bench.waiting.filter { $0.hasPrefix("\(Sample.id(1))") }.count == 6)
        #expect(try bench.waiting.filter { $0.hasPrefix("\(Sample.id(2))") } == ["\(Sample.id(2)):106"])
    }

    @Test("begins at the newest block after a time without tasks") func idle() async throws {
        let bench = Bench()
        try await bench.monitor(Sample.block(1))
        try await bench.follow()
        try await bench.watcher.handle(.disable(Sample.id(1)), at: Sample.now)
        bench.mine(to: 150)
        try await bench.follow()
        try await bench.monitor(Sample.block(1))
        try await bench.follow()
        bench.mine(to: 151)
        try await bench.follow()
        #expect(try bench.waiting == ["\(Sample.id(1)):151"])
    }

    @Test("remembers tasks and forgets those it is told to (API-10.8.8)") func tasks() async throws {
        var bench = Bench()
        try await bench.monitor(Sample.block(1, number: 1))
        try await bench.monitor(Sample.cron("* * * * *", number: 2))
        try await bench.monitor(Sample.event(Sample.query(), number: 3))
        try await bench.watcher.handle(.delete(Sample.id(1)), at: Sample.now)
        try await bench.watcher.handle(.disable(Sample.id(9)), at: Sample.now)
        try await bench.restart()
        #expect(await bench.watcher.taskCount == 2)
        #expect(await bench.watcher.isWatching(Sample.id(2)))
        #expect(await bench.watcher.nextTick == Sample.now + .seconds(20))
    }

    @Test("follows a task whose trigger changes its kind") func changedKind() async throws {
        let bench = Bench()
        try await bench.monitor(Sample.block(1))
        try await bench.monitor(Sample.event(Sample.query()))
        try await bench.follow()
        bench.mine(to: 101)
        try await bench.follow()
        try await bench.monitor(Sample.cron("* * * * *"))
        #expect(await bench.watcher.taskCount == 1)
        #expect(try bench.waiting.isEmpty)
        bench.mine(to: 102, Sample.log(block: 102))
        try await bench.follow()
        #expect(try bench.waiting.isEmpty)
    }

    @Test("refuses what it cannot watch and what is too much") func refused() async throws {
        let bench = Bench { $0.taskLimit = 1 }
        try await bench.monitor(Sample.check(.manual(ManualTrigger())))
        try await bench.monitor(Sample.check(.block(BlockTrigger(interval: 1)), chainID: 77))
        #expect(await bench.watcher.taskCount == 0)
        try await bench.monitor(Sample.block(1))
        try await bench.monitor(Sample.block(2))  // the same task again
        try await bench.monitor(Sample.block(1, number: 2))
        #expect(await bench.watcher.taskCount == 1)
        #expect(await bench.watcher.statistics.refusedTasks == 3)
    }

    @Test("takes chain 0 for its default chain") func defaultChain() async throws {
        let bench = Bench()
        try await bench.monitor(Sample.check(.block(BlockTrigger(interval: 1)), chainID: 0))
        try await bench.follow()
        bench.mine(to: 101)
        try await bench.follow()
        #expect(try bench.store.reports(after: nil, limit: 9).map(\.record.report.chainID) == [Sample.chainID])
    }

    @Test("fires ticks under the scheduled instant, and not again after a restart") func ticks() async throws {
        var bench = Bench()
        try await bench.monitor(Sample.cron("* * * * *"))
        let tick = Sample.now + .seconds(20)
        bench.time.advance(by: .milliseconds(20_400))
        try await bench.watcher.tick(at: bench.time.now)
        #expect(try bench.waiting == ["\(Sample.id(1)):\(tick.milliseconds)"])
        try await bench.restart()
        bench.time.jump(by: .seconds(-10))
        try await bench.watcher.tick(at: bench.time.now)
        #expect(await bench.watcher.nextTick == tick + .seconds(60))
        #expect(try bench.waiting.count == 1)
    }

    @Test("fires no ticks while the clocks differ by more than 30 s (3.2)") func clockOffset() async throws {
        let bench = Bench()
        try await bench.monitor(Sample.cron("* * * * *"))
        await bench.watcher.note(clockOffset: .seconds(-31))
        #expect(await bench.watcher.nextTick == nil)
        try await bench.watcher.tick(at: Sample.now + .seconds(20))
        #expect(try bench.waiting.isEmpty)
        await bench.watcher.note(clockOffset: .seconds(1))
        try await bench.watcher.tick(at: Sample.now + .seconds(21))
        #expect(try bench.waiting.count == 1)
    }
}

@Suite("Reports of an operator")
struct ReporterTests {
    private func bench(_ answer: @escaping @Sendable (TriggerFired) -> ReportOutcome) async throws -> Bench {
        let bench = Bench(sink: FakeSink(answer))
        try await bench.monitor(Sample.block(1))
        try await bench.follow()
        bench.mine(to: 103)
        try await bench.follow()
        return bench
    }

    @Test("leave the outbox with a final answer, and stay gone (E2)") func answered() async throws {
        var bench = try await bench { _ in FakeSink.goOn }
        #expect(try await bench.reporter.pass())
        // Reports are on their way side by side; which of them arrives first is not ours to say.
        #expect(bench.sink.ids.sorted() == [101, 102, 103].map { "\(Sample.id(1)):\($0)" })
        #expect(bench.store.waitingReports == 0)
        try await bench.restart(losingUnsynced: true)
        #expect(try bench.waiting.isEmpty)
        #expect(await bench.watcher.isWatching(Sample.id(1)))
    }

    @Test(
        "stop the task when the answer says so (6.6)",
        arguments: [
            ReportAnswer(status: "exhausted", remainingExecutions: 0, taskStillEnabled: false),
            ReportAnswer(status: "enabled", remainingExecutions: 0, taskStillEnabled: true),
            ReportAnswer(status: "not_found", remainingExecutions: 0, taskStillEnabled: false),
        ])
    func stopped(_ answer: ReportAnswer) async throws {
        let bench = try await bench { _ in .answered(answer) }
        #expect(try await bench.reporter.pass())
        #expect(await !bench.watcher.isWatching(Sample.id(1)))
        #expect(bench.store.waitingReports == 0)
    }

    @Test("stay until the aggregator is there again, also over a restart (E1)") func postponed() async throws {
        var bench = try await bench { _ in .postponed(RPCStatus(.unavailable, "gone")) }
        #expect(try await !bench.reporter.pass())
        try await bench.restart()
        #expect(bench.store.waitingReports == 3)
        bench.sink.state.withLock { $0.answer = { _ in FakeSink.goOn } }
        #expect(try await bench.reporter.pass())
        #expect(bench.store.waitingReports == 0)
    }

    @Test("that wait do not hold up the others") func mixed() async throws {
        let bench = try await bench { fired in
            fired.requestID.hasSuffix("102") ? .postponed(RPCStatus(.internal, "queue")) : FakeSink.goOn
        }
        #expect(try await !bench.reporter.pass())
        #expect(try bench.waiting == ["\(Sample.id(1)):102"])
    }

    @Test("that are refused for good are dropped") func refused() async throws {
        let bench = try await bench { _ in .refused(RPCStatus(.invalidArgument, "no")) }
        #expect(try await bench.reporter.pass())
        #expect(bench.store.waitingReports == 0)
    }

    @Test("that are too old are dropped unsent") func old() async throws {
        let bench = try await bench { _ in FakeSink.goOn }
        bench.time.advance(by: .seconds(3_601))
        #expect(try await bench.reporter.pass())
        #expect(bench.sink.ids.isEmpty)
        #expect(bench.store.waitingReports == 0)
    }

    @Test("of more than a page all arrive once") func many() async throws {
        let bench = Bench { $0.missedBlocksOfBlocks = 1_000 }
        try await bench.monitor(Sample.block(1))
        try await bench.follow()
        bench.mine(to: 400)
        try await bench.follow()
        #expect(bench.store.waitingReports == 300)
        #expect(try await bench.reporter.pass())
        #expect(bench.sink.ids.count == 300)
        #expect(Set(bench.sink.ids).count == 300)
    }

    @Test("are carried as soon as they are there, until the end") func run() async throws {
        let bench = Bench()
        try await bench.monitor(Sample.block(1))
        try await bench.follow()
        try await withThrowingTaskGroup(of: Void.self) { group in
            let reporter = bench.reporter
            group.addTask { try await reporter.run() }
            bench.mine(to: 101)
            try await bench.follow()
            while bench.store.waitingReports > 0 { await Task.yield() }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
        #expect(bench.sink.ids.count == 1)
    }
}

@Suite("The operator's store")
struct WatchStoreTests {
    @Test("reads back what it wrote, byte for byte") func record() throws {
        let report = TriggerFired.block(
            Sample.id(1), number: 5, header: ["blockNumber": 5], chainID: 7, reporter: Sample.reporter)
        let record = OutboxRecord(firedAt: Sample.now, report: report)
        #expect(try OutboxRecord(stored: record.stored) == record)
        for count in 0..<record.stored.count {
            // Cut anywhere it is refused or shorter, never a crash.
            do { _ = try OutboxRecord(stored: Array(record.stored.prefix(count))) } catch { continue }
        }
    }

    @Test("splits findings that are too large for one update") func large() async throws {
        let memory = MemoryStore(repeatsBodies: true)
        let store = WatchStore(memory)
        var findings = WatchStore.Findings()
        let text = JSONValue.string(String(repeating: "x", count: 900_000))
        findings.fired = (0..<9).map {
            .block(Sample.id(1), number: $0, header: ["data": text], chainID: 7, reporter: Sample.reporter)
        }
        let position = ChainPosition(number: 9, hashes: (0..<200).map { Sample.hash($0) })
        findings.position = (7, position)
        try await store.commit(findings, at: Sample.now)
        #expect(try store.reports(after: nil, limit: 100).count == 9)
        #expect(try store.load().positions == [7: position])
        #expect(store.waitingReports == 9)
    }

    @Test("passes over rows that nobody can read, and says so") func unreadable() async throws {
        let memory = MemoryStore()
        try await memory.update { transaction in
            try transaction.put(Array("watched:nonsense".utf8), [1])
            try transaction.put(Array("outbox:00000000000000000001".utf8), [1, 2, 3])
            try transaction.put(Array("position:00000000000000000001".utf8), [1, 2, 3])
            try transaction.put(WatchedKey(Sample.id(1)), [255, 255])
        }
        let store = WatchStore(memory)
        #expect(try store.load().problems.count == 4)
        #expect(try store.reports(after: nil, limit: 10).isEmpty)
    }
}
