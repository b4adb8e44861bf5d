import AVSEthereum
import AVSModel
import AVSOperator
import AVSPrimitives
import Testing

@testable import AVSWatch

@Suite("Event triggers")
struct EventWatchTests {
    private let now = Sample.now

    /// Block by block.
    private func judge(
        _ watch: EventWatch, _ logs: [EventLog], _ memory: inout EventMemory, at now: Timestamp = Sample.now
    ) -> EventWatch.Verdict {
        var sum = EventWatch.Verdict()
        for (number, logs) in Dictionary(grouping: logs, by: \.blockNumber).sorted(by: { $0.key < $1.key }) {
            let verdict = watch.judge(logs, inBlock: number, &memory, at: now)
            sum.fired += verdict.fired
            sum.overloads += verdict.overloads
            sum.rests.merge(verdict.rests) { $1 }
        }
        return sum
    }

    private func fires(_ check: TaskCheck, _ log: EventLog) -> Bool {
        var (watch, memory) = (EventWatch(), EventMemory())
        watch.watch(check, since: 0)
        return !judge(watch, [log], &memory).fired.isEmpty
    }

    @Test("hold for a log that is decoded by the query's ABI (6.14)") func output() throws {
        var (watch, memory) = (EventWatch(), EventMemory())
        #expect(watch.watch(Sample.event(Sample.query()), since: 0) == [])
        let verdict = judge(watch, [Sample.log(block: 7, index: 2, value: 5)], &memory)
        let match = try #require(verdict.fired.first)
        #expect(match.log == Sample.log(block: 7, index: 2, value: 5) && match.taskID == Sample.id(1))
        let arguments: JSONValue = [
            "from": .string(Sample.reporter.checksummed), "to": .string(Sample.other.checksummed), "value": "5",
        ]
        #expect(match.data == ["Transfer": arguments])
    }

    @Test("without ABI report the raw log, and no condition holds on it") func withoutABI() {
        #expect(fires(Sample.event(Sample.query(abi: false)), Sample.log(block: 1)))
        let condition = EventCondition(fieldName: "Transfer.value", comparison: "gt", value: "0", fieldType: "uint256")
        #expect(!fires(Sample.event(Sample.query(abi: false, conditions: [condition])), Sample.log(block: 1)))
    }

    static let filters: [(addresses: [Address], topics: [String], matches: Bool)] = [
        ([Sample.token], [Sample.transfer.hex], true),
        ([], [Sample.transfer.hex], true),
        ([Sample.other, Sample.token], [Sample.transfer.hex], true),
        ([Sample.other], [Sample.transfer.hex], false),
        ([Sample.token], [], true),
        ([Sample.token], ["", "null", Sample.other.checksummed], true),
        ([Sample.token], [Sample.transfer.hex, Sample.other.checksummed], false),
        ([Sample.token], [Sample.transfer.hex, Sample.reporter.lowercased, Sample.other.lowercased], true),
        // A list longer than the log's topics does not match (DEFECT-23).
        ([Sample.token], [Sample.transfer.hex, "", "", ""], false),
    ]

    @Test("match addresses and topics by position (6.14)", arguments: filters)
    func filter(_ row: (addresses: [Address], topics: [String], matches: Bool)) {
        let check = Sample.event(Sample.query(addresses: row.addresses, topics: row.topics))
        #expect(fires(check, Sample.log(block: 1)) == row.matches)
    }

    static let conditions: [([(comparison: String, value: String)], Bool)] = [
        ([("gt", "4")], true), ([("gt", "5")], false), ([("gte", "5"), ("lte", "5"), ("eq", "5")], true),
        ([("ne", "5")], false), ([("lt", "6"), ("gt", "5")], false), ([("nonsense", "5")], false),
        ([("gt", "x")], false),
    ]

    @Test("need all their conditions (API-10.8.6)", arguments: conditions)
    func condition(_ row: ([(comparison: String, value: String)], Bool)) {
        let conditions = row.0.map {
            EventCondition(
                fieldName: "Transfer.value", comparison: $0.comparison, value: $0.value, fieldType: "uint256")
        }
        #expect(fires(Sample.event(Sample.query(conditions: conditions)), Sample.log(block: 1, value: 5)) == row.1)
    }

    @Test("of several queries fire once per log") func severalQueries() {
        var (watch, memory) = (EventWatch(), EventMemory())
        watch.watch(
            Sample.event(Sample.query(addresses: [Sample.other]), Sample.query(), Sample.query(topics: [])), since: 0)
        #expect(judge(watch, [Sample.log(block: 1)], &memory).fired.count == 1)
    }

    @Test("look at a log once, and at no removed one (API-10.8.7, DEFECT-37)") func once() {
        var (watch, memory) = (EventWatch(), EventMemory())
        watch.watch(Sample.event(Sample.query()), since: 0)
        let log = Sample.log(block: 1)
        #expect(judge(watch, [Sample.log(block: 2, removed: true), log, log], &memory).fired.count == 1)
        #expect(judge(watch, [log], &memory).fired.isEmpty)
    }

    @Test("hold once for a transaction that a reorganisation puts elsewhere, whatever its logs' places (XO-7)")
    func reincluded() throws {
        var (watch, memory) = (EventWatch(), EventMemory())
        watch.watch(Sample.event(Sample.query()), since: 0)
        let transaction = Sample.hash(77)
        // Two logs of the transaction say the same, and are two occurrences.
        let logs = [3, 4].map { Sample.log(block: 1, index: $0, transaction: transaction) }
        #expect(judge(watch, logs, &memory).fired.count == 2)
        let moved = [8, 9].map { Sample.log(block: 2, index: $0, transaction: transaction) }
        #expect(judge(watch, moved, &memory).fired.isEmpty)
        // What it says differently there is another occurrence, and so is one that is alike once more.
        let changed = Sample.log(block: 3, index: 8, value: 2, transaction: transaction)
        let more = [9, 10, 11].map { Sample.log(block: 3, index: $0, transaction: transaction) }
        #expect(judge(watch, [changed] + more, &memory).fired.map(\.log.logIndex) == [8, 11])
    }

    @Test("of another task hold for a log that was reported by one") func otherTask() {
        var (watch, memory) = (EventWatch(), EventMemory())
        watch.watch(Sample.event(Sample.query(), number: 1), since: 0)
        #expect(judge(watch, [Sample.log(block: 1)], &memory).fired.count == 1)
        watch.watch(Sample.event(Sample.query(), number: 2), since: 0)
        #expect(judge(watch, [Sample.log(block: 1)], &memory).fired.map(\.taskID) == [Sample.id(2)])
    }

    static let cooldowns: [(seconds: UInt32?, fired: [Int])] = [
        (nil, [0, 300, 600]), (0, [0, 100, 200, 300, 400, 500, 600]), (150, [0, 200, 400, 600]),
    ]

    @Test("rest after a match: 300 s unless the task says otherwise, 0 is never (API-10.8.5)", arguments: cooldowns)
    func cooldown(_ row: (seconds: UInt32?, fired: [Int])) {
        var (watch, memory) = (EventWatch(), EventMemory())
        watch.watch(Sample.event(Sample.query(), cooldown: row.seconds), since: 0)
        var fired: [Int] = []
        for step in 0...6 {
            let verdict = judge(watch, [Sample.log(block: UInt64(step + 1))], &memory, at: now + .seconds(step * 100))
            #expect(verdict.rests.isEmpty == (verdict.fired.isEmpty || row.seconds == 0))
            if !verdict.fired.isEmpty { fired.append(step * 100) }
        }
        #expect(fired == row.fired)
    }

    @Test("do not rest for what did not match, nor for a stamp from the future (TIM-2)") func cooldownEdges() {
        var watch = EventWatch()
        let condition = EventCondition(fieldName: "Transfer.value", comparison: "gt", value: "3", fieldType: "uint256")
        watch.watch(Sample.event(Sample.query(conditions: [condition]), cooldown: nil), since: 0)
        var memory = EventMemory(rests: [Sample.id(1): now + .seconds(86_400)])
        #expect(judge(watch, [Sample.log(block: 1, value: 1)], &memory).fired.isEmpty)
        #expect(judge(watch, [Sample.log(block: 2, value: 9)], &memory).fired.count == 1)
    }

    @Test("over the limit of a block lose the surplus, for that task alone, with one alert (DEFECT-36)") func overload()
    {
        var (watch, memory) = (EventWatch(), EventMemory())
        watch.watch(Sample.event(Sample.query(limit: 2), number: 1), since: 0)
        watch.watch(Sample.event(Sample.query(), number: 2), since: 0)
        let logs = (0..<5).map { Sample.log(block: 1, index: $0) } + (0..<2).map { Sample.log(block: 2, index: $0) }
        let verdict = judge(watch, logs, &memory)
        #expect(verdict.fired.count { $0.taskID == Sample.id(1) } == 4)
        #expect(verdict.fired.count { $0.taskID == Sample.id(2) } == 7)
        let alert = EventOverload(taskID: Sample.id(1), blockNumber: 1, eventCount: 5, limit: 2, queryIndex: 0)
        #expect(verdict.overloads == [alert])
    }

    @Test("with unreadable queries say so and watch the rest") func unreadable() {
        var watch = EventWatch()
        var broken = Sample.query()
        broken.topics = ["0xzz"]
        #expect(watch.watch(Sample.event(broken, Sample.query()), since: 0).count == 1)
        #expect(!watch.isEmpty)
        #expect(watch.watch(Sample.event(broken, number: 2), since: 0).count == 1)
        #expect(watch.count == 1)
    }

    @Test("ask once for queries that are alike, and keep topics apart (API-10.8.4)") func merged() throws {
        var watch = EventWatch()
        let from = [Sample.transfer.hex, Sample.reporter.checksummed]
        let to = [Sample.transfer.hex, "", Sample.reporter.checksummed]
        watch.watch(Sample.event(Sample.query(topics: from), Sample.query(topics: to), number: 1), since: 0)
        watch.watch(Sample.event(Sample.query(topics: from), number: 2), since: 0)
        watch.watch(Sample.event(Sample.query(addresses: [Sample.other], topics: from), number: 3), since: 0)
        #expect(watch.filters.count == 2)
        #expect(watch.filters.contains { $0.addresses == [Sample.token, Sample.other].sorted() })
        let both = watch.wanted()
        #expect(both?.topics == [[Sample.transfer], nil] && both?.addresses.count == 2)
        watch.watch(Sample.event(Sample.query(addresses: [], topics: to), number: 4), since: 0)
        #expect(watch.filters.count == 2)
        #expect(watch.filters.contains { $0.addresses.isEmpty })
        #expect(watch.wanted()?.addresses == [])
        watch.stop(Sample.id(4))
        watch.stop(Sample.id(1))
        #expect(watch.filters.count == 1)
        #expect(watch.wanted() == watch.filters.first)
        for number in [2, 3] as [UInt64] { watch.stop(Sample.id(number)) }
        #expect(watch.wanted() == nil)
    }

    @Test("do not look at blocks that were there before the task was told") func since() {
        var (watch, memory) = (EventWatch(), EventMemory())
        watch.watch(Sample.event(Sample.query()), since: 5)
        let verdict = judge(watch, [Sample.log(block: 5), Sample.log(block: 6)], &memory)
        #expect(verdict.fired.map(\.log.blockNumber) == [6])
    }
}
