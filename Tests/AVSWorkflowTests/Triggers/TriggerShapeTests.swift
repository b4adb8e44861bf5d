import AVSModel
import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSWorkflow

private let now = Timestamp(milliseconds: 1_767_225_600_000)

private func trigger(_ config: Trigger.Config) -> Trigger { Trigger(id: "T", name: "t", config: config) }

private func output(_ config: Trigger.Config, _ data: JSONValue?) -> JSONValue? {
    TriggerShape.output(of: trigger(config), TriggerOutput(kind: config.kind, data: data), now: now)
}

@Suite("A trigger's step and variable")
struct TriggerShapeTests {
    @Test("EE-TB3 of a time trigger have a time in milliseconds and as text")
    func time() {
        let expected: JSONValue = ["timestamp": 1_767_225_600_000, "timestampIso": "2026-01-01T00:00:00.000Z"]
        let cron = Trigger.Config.cron(CronTrigger(schedules: ["@daily"]))
        #expect(output(cron, expected) == expected)
        #expect(output(cron, ["timestamp": 1_767_225_600_000]) == expected)
        #expect(output(cron, ["timestamp": "1767225600000", "timestampIso": ""]) == expected)
        #expect(output(.fixedTime(FixedTimeTrigger(epochs: [now])), nil) == expected)
        #expect(output(cron, ["timestamp": 1e300])?["timestamp"] == 1_767_225_600_000)
        let variable = TriggerShape.variable(of: trigger(cron), output: expected)
        #expect(variable["data"]?["timestamp_iso"] == "2026-01-01T00:00:00.000Z")
        #expect(variable["data"]?["timestampIso"] == "2026-01-01T00:00:00.000Z")
        #expect(variable["input"] == ["schedules": ["@daily"]])
    }

    @Test("EE-TB1 of a block trigger have all seven fields with their types")
    func block() {
        let config = Trigger.Config.block(BlockTrigger(interval: 5))
        let zero: JSONValue = [
            "blockNumber": 0, "blockHash": "", "timestamp": 0, "parentHash": "", "difficulty": "0", "gasLimit": 0,
            "gasUsed": 0,
        ]
        #expect(output(config, nil) == zero)
        #expect(output(config, .null) == zero)
        let given: JSONValue = [
            "blockNumber": "21000000", "blockHash": "0xab", "difficulty": 7, "gasUsed": 5, "extra": true,
        ]
        #expect(
            output(config, given) == [
                "blockNumber": 21_000_000, "blockHash": "0xab", "timestamp": 0, "parentHash": "", "difficulty": "7",
                "gasLimit": 0, "gasUsed": 5, "extra": true,
            ])
        #expect(TriggerShape.config(of: trigger(config)) == ["interval": 5])
    }

    @Test("EE-TB4 EE-V8 of a real run: success, the configuration, the reported output, no context")
    func step() async {
        let task = Sample.task(trigger: trigger(.cron(CronTrigger(schedules: ["* * * * *"]))), nodes: [], edges: "")
        let step = await task.run(trigger: ["timestamp": 1_767_225_600_000]).steps.first
        #expect(step?.kind.wireName == "TRIGGER_TYPE_CRON")
        #expect(step?.success == true && step?.error == "" && step?.errorCode == .unspecified)
        #expect(step?.log == "Trigger: t executed successfully")
        #expect(step?.config == ["schedules": ["* * * * *"]])
        #expect(step?.executionContext == nil && step?.inputs == [])
        #expect(step?.startAt == step?.endAt)
        let manual = await Sample.task(nodes: [], edges: "").run().steps.first
        #expect(
            manual?.config == ["data": ["env": "prod"], "headers": [:], "pathParams": [:], "lang": "LANG_JSON"])
    }

    @Test(
        "of a simulation show when the trial began and ended, and the names of the input variables",
        arguments: [nil, "no"])
    func trialStep(failure: String?) async {
        let time = ManualTime()
        let begun = time.now
        time.advance(by: .seconds(2))
        var run = WorkflowRun(
            task: Sample.task(nodes: [], edges: "", input: ["greeting": 1]), executionID: ExecutionID(ULID(value: 1)),
            trigger: TriggerOutput(kind: .manual, data: 5), startedAt: begun)
        run.trial = TriggerTrial.Outcome(
            output: 5, metadata: ["conditionsMet": false],
            failure: failure.map { NodeFailure(code: .invalidRequest, $0) })
        let outcome = await run.run(in: Sample.environment(time: time))
        let step = outcome.steps.first
        #expect(outcome.steps.count == 1 && step?.startAt == begun && step?.endAt == time.now)
        #expect(step?.inputs == ["greeting", "settings"] && step?.output == 5)
        #expect(step?.executionContext == ["is_simulated": true, "provider": "tenderly", "chain_id": 11_155_111])
        #expect(step?.metadata == (failure == nil ? nil : ["conditionsMet": false]))
        #expect(step?.success == (failure == nil))
        let state = failure == nil ? "executed successfully" : "conditions not met"
        #expect(step?.log == "Simulated trigger: t \(state)" && outcome.status == (failure == nil ? .success : .failed))
    }

    @Test("EE-TE13 of an event trigger show the cooldown only if it was set", arguments: [nil, 0, 300] as [UInt32?])
    func event(cooldown: UInt32?) {
        let query = EventQuery(
            addresses: ["0xab"], topics: ["0xdd"], maxEventsPerBlock: 5,
            conditions: [EventCondition(fieldName: "A.b", comparison: "gt", value: "1", fieldType: "int256")],
            methodCalls: [MethodCall(methodName: "decimals", applyToFields: ["A.b"])])
        let event = trigger(.event(EventTrigger(queries: [query], cooldownSeconds: cooldown)))
        let config = TriggerShape.config(of: event)
        #expect(config["cooldownSeconds"]?.doubleValue == cooldown.map { Double($0) })
        #expect(
            config["queries"] == [
                [
                    "addresses": ["0xab"], "topics": ["0xdd"], "maxEventsPerBlock": 5,
                    "conditions": [["fieldName": "A.b", "operator": "gt", "value": "1", "fieldType": "int256"]],
                    "methodCalls": [["methodName": "decimals", "callData": "", "applyToFields": ["A.b"]]],
                ]
            ])
        let variable = TriggerShape.variable(of: event, output: nil)
        #expect(variable["data"] == config)
        #expect(variable["input"]?["cooldown_seconds"]?.doubleValue == cooldown.map { Double($0) })
        #expect(
            TriggerShape.variable(of: event, output: ["Transfer": ["value": "1"]])["data"]?["Transfer"]?["value"] == "1"
        )
    }
}

@Suite("A manual trigger's data")
struct ManualTriggerDataTests {
    private func failure(_ data: JSONValue?, _ language: Language? = .json) -> NodeFailure? {
        do throws(NodeFailure) {
            try ManualTrigger.check(data: data, language: language)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "EE-TM1 EE-TM2 is any JSON, and text only if it is JSON",
        arguments: [
            ["a": 1, "b": [true, nil]], [], [:], 0, false, "{\"k\":1}", "5", ["x": ["y": nil]],
        ] as [JSONValue])
    func accepted(data: JSONValue) { #expect(failure(data) == nil) }

    @Test("EE-TM1 EE-TM5 is refused when it is missing, no JSON, or too long")
    func refused() {
        #expect(failure(nil)?.message == "ManualTrigger data is required and cannot be null")
        #expect(failure(.null)?.code == .invalidTriggerConfig)
        #expect(failure("plain words")?.message.hasPrefix("Data must be valid JSON: ") == true)
        #expect(failure("plain words")?.details["field"] == "data")
        #expect(failure(1, nil)?.message == "language field (lang) is required and cannot be LANG_UNSPECIFIED")
        let long = failure(.string(String(repeating: " ", count: 1_048_577)))
        #expect(long?.code == .invalidTriggerConfig)
        #expect(long?.message.hasPrefix("ManualTrigger data exceeds maximum size limit") == true)
        #expect(failure("anything", .handlebars) == nil)
        #expect(failure(.string(String(repeating: "x", count: 102_401)), .graphQL)?.code == .invalidNodeConfig)
    }

    @Test(
        "EE-TM3 has a language in any spelling",
        arguments: [
            (2, .json), (2.0, .json), ("LANG_JSON", .json), ("json", .json), ("JSON", .json),
            ("javascript", .javaScript),
            ("js", .javaScript), ("GraphQL", .graphQL), ("python", nil), (0, nil), (2.5, nil), (nil, nil), (1e300, nil),
        ] as [(JSONValue, Language?)])
    func languages(spelling: JSONValue, language: Language?) { #expect(Language(spelling: spelling) == language) }

    @Test("EE-TM4 has headers as an object or as a list")
    func pairs() {
        #expect(ManualTrigger.pairs(["a": "b", "n": 1]) == ["a": "b", "n": "1"])
        #expect(ManualTrigger.pairs([["key": "a", "value": "b"], ["c": "d"], 5]) == ["a": "b", "c": "d"])
        #expect(ManualTrigger.pairs(nil) == [:])
    }
}
