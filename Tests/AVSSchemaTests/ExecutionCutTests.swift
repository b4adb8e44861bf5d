import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Testing

@Suite("limits.execution_record_size: a record of a run")
struct ExecutionCutTests {
    private static let now = Timestamp(milliseconds: 1_900_000_000_123)

    private static func step(
        _ id: String, output: JSONValue? = nil, log: String = "", config: JSONValue? = nil
    ) -> Step {
        Step(
            id: id, name: "node \(id)", kind: .node(.restAPI), log: log, inputs: ["a.data"], config: config,
            output: output,
            startAt: now, endAt: now)
    }

    private static func execution(_ steps: [Step], error: String = "") -> Execution {
        Execution(
            id: ExecutionID(ULID(value: 1)), taskID: TaskID(ULID(value: 2)), index: 1, startAt: now, endAt: now,
            status: .success, error: error, steps: steps)
    }

    private static func text(_ count: Int) -> JSONValue { .string(String(repeating: "x", count: count)) }

    @Test("that fits stays as it is, to the byte")
    func fits() {
        let whole = Self.execution([Self.step("a", output: Self.text(5_000))])
        #expect(whole.cut(toFit: whole.stored.count) == whole)
        #expect(whole.cut(toFit: whole.stored.count - 1) != whole)
    }

    @Test("loses its largest outputs first, each for a mark with its length and its beginning")
    func largestFirst() throws {
        let sizes = [2_000, 90_000, 300, 50_000]
        let whole = Self.execution(sizes.map { Self.step("\($0)", output: Self.text($0)) })
        let cut = whole.cut(toFit: 60_000)
        #expect(cut.stored.count <= 60_000)
        #expect(cut.steps.map { $0.output?["truncated"] == true } == [false, true, false, false])
        let mark = try #require(cut.steps[1].output)
        #expect(mark["bytes"]?.doubleValue == 90_002)
        #expect(mark["beginning"]?.stringValue?.hasPrefix("\"xxxx") == true)
        var others = (whole, cut)
        (others.0.steps[1].output, others.1.steps[1].output) = (nil, nil)
        #expect(others.0 == others.1, "nothing else is touched")
    }

    @Test("loses logs before configurations, and steps only where all of that is not enough, and says so")
    func order() {
        let whole = Self.execution(
            (0..<40).map {
                Self.step("\($0)", log: String(repeating: "l", count: 20_000), config: ["text": Self.text(2_000)])
            }, error: "failed")
        let withoutLogs = whole.cut(toFit: 200_000)
        #expect(withoutLogs.steps.count == 40 && withoutLogs.steps.contains { $0.log.hasSuffix("…") })
        #expect(withoutLogs.steps.allSatisfy { $0.config?["text"] != nil } && withoutLogs.error == "failed")
        let bare = whole.cut(toFit: 4_000)
        #expect(bare.stored.count <= 4_000 && !bare.steps.isEmpty)
        #expect(bare.error == "failed; \(40 - bare.steps.count) steps are left out: the record was too large")
    }

    @Test("fits whatever is in it, and can be read again", arguments: 0..<40 as Range<UInt64>)
    func anything(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func size(_ most: Int) -> Int { Int.random(in: 0...most, using: &random) }
        let steps = (0..<size(60)).map { number -> Step in
            var step = Self.step(
                "n\(number)", output: Bool.random(using: &random) ? Self.text(size(20_000)) : nil,
                log: String(repeating: "ö", count: size(3_000)), config: ["c": Self.text(size(3_000))])
            step.metadata = .array(Array(repeating: 1, count: size(2_000)))
            step.inputs = (0..<size(20)).map { "input\($0).data" }
            step.error = String(repeating: "e", count: size(4_000))
            return step
        }
        let whole = Self.execution(steps, error: String(repeating: "é", count: size(5_000)))
        for limit in [500_000, 100_000, 20_000, 3_000] {
            let cut = whole.cut(toFit: limit)
            #expect(cut.stored.count <= max(limit, 6_000), "\(cut.stored.count) for \(limit)")
            let read = try Execution(stored: cut.stored)
            #expect((read == cut) as Bool)
        }
    }
}
