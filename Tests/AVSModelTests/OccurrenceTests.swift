import AVSModel
import AVSPrimitives
import Testing

@Suite("An occurrence")
struct OccurrenceTests {
    private let task = Sample.id(1).description

    private func occurrence(_ report: TriggerFired, _ kind: TriggerKind) throws -> Occurrence? {
        try Occurrence(of: report, trigger: kind, chainID: 1)
    }

    @Test("XO-4: of a block is its chain and number, whatever its id")
    func block() throws {
        let data: JSONValue = ["blockNumber": 42]
        let byContent = try occurrence(Sample.report(.block, data: data), .block)
        let byBoth = try occurrence(Sample.report(.block, id: "\(task):42", data: data), .block)
        let byOpaqueID = try occurrence(Sample.report(.block, id: "whatever", data: data), .block)
        #expect(byContent == .block(chainID: 1, number: 42))
        #expect(byBoth == byContent)
        #expect(byOpaqueID == byContent)
        #expect(try occurrence(Sample.report(.block, data: data, chain: 1), .block) == byContent)
    }

    @Test("XO-7: of an event is its transaction and log index; the block is only its position")
    func event() throws {
        let hash = Sample.transaction.hex
        let data: JSONValue = ["transactionHash": .string(hash), "logIndex": 3, "blockNumber": 9]
        let found = try occurrence(Sample.report(.event, id: "\(task):\(hash):3", data: data), .event)
        let elsewhere: JSONValue = ["transactionHash": .string(hash), "logIndex": "3", "blockNumber": 10]
        let other = try occurrence(Sample.report(.event, data: elsewhere), .event)
        #expect(found?.identity == other?.identity)
        #expect(found?.position == .init(axis: .chain(1), value: 9))
    }

    @Test("D-17: of a time is its minute, from a marker in milliseconds or nanoseconds")
    func time() throws {
        let minute = Occurrence.minute(30_000_000)
        let milliseconds = 30_000_000 * 60_000 + 59_999
        #expect(try occurrence(Sample.report(.cron, id: "\(task):\(milliseconds)"), .cron) == minute)
        #expect(try occurrence(Sample.report(.cron, id: "\(task):\(milliseconds)000000"), .cron) == minute)
        let data: JSONValue = ["timestamp": .number(Double(milliseconds))]
        #expect(try occurrence(Sample.report(.fixedTime, data: data), .fixedTime) == minute)
        // A fixed time that is reported as cron (6.8): the task's own kind decides.
        #expect(try occurrence(Sample.report(.cron, data: data), .fixedTime) == minute)
    }

    @Test(
        "XO-5: of a report that contradicts itself or names nothing is refused",
        arguments: [
            Sample.report(.block),
            Sample.report(.block, data: ["blockNumber": -1]),
            Sample.report(.block, data: ["blockNumber": 1.5]),
            Sample.report(.block, id: "\(Sample.id(1)):7", data: ["blockNumber": 8]),
            Sample.report(.block, id: "\(Sample.id(2)):8", data: ["blockNumber": 8]),
            Sample.report(.block, id: String(repeating: "x", count: 257), data: ["blockNumber": 8]),
            Sample.report(.event, data: ["logIndex": 1]),
            // Another chain than the task's would make a second occurrence of one block.
            Sample.report(.block, data: ["blockNumber": 8], chain: 2),
            Sample.report(.event, id: "\(Sample.id(1)):0x12:1"),
            Sample.report(.cron, id: "\(Sample.id(1)):+5"),
            Sample.report(.cron),
        ])
    func malformed(_ report: TriggerFired) {
        #expect(throws: MalformedTrigger.self) {
            _ = try Occurrence(of: report, trigger: report.output.kind, chainID: 1)
        }
    }

    @Test("of a manual trigger has no identity")
    func manual() throws {
        #expect(try occurrence(Sample.report(.manual), .manual) == nil)
    }
}
