import AVSModel
import AVSPrimitives
import Testing

@testable import AVSWorkflow

private let now = Timestamp(milliseconds: 1_767_225_600_999)

private func draft(
    trigger: Trigger? = Trigger(id: "T", name: "t", config: .block(BlockTrigger(interval: 5))),
    nodes: [Node] = [Sample.rest("a")], edges: String = "T>a",
    input: [String: JSONValue] = ["settings": Sample.settings],
    expiredAt: Timestamp? = nil
) -> TaskDraft {
    TaskDraft(trigger: trigger, nodes: nodes, edges: Sample.edges(edges), inputVariables: input, expiredAt: expiredAt)
}

private func trigger(_ config: Trigger.Config, name: String = "t") -> Trigger {
    Trigger(id: "T", name: name, config: config)
}

private func event(_ queries: EventQuery...) -> Trigger { trigger(.event(EventTrigger(queries: queries))) }

private func refusal(_ draft: TaskDraft) -> InvalidArgument? {
    do throws(InvalidArgument) {
        _ = try TaskValidator().check(draft, now: now)
        return nil
    } catch {
        return error
    }
}

private let address = "0x694AA1769357215DE4FAC081bf1f309aDC325306"
private let topic = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"

@Suite("A new task")
struct TaskValidatorTests {
    @Test("EE-W1 API-10.3.1 needs nodes and edges")
    func empty() {
        #expect(
            refusal(draft(edges: ""))
                == InvalidArgument(.invalidWorkflow, "invalid: edges field cannot be an empty array"))
        #expect(
            refusal(draft(nodes: []))
                == InvalidArgument(.invalidWorkflow, "invalid: nodes field cannot be an empty array"))
    }

    @Test(
        "EE-W2 needs settings with a name and a runner",
        arguments: [
            ([:], ErrorCode.missingRequiredField, "inputVariables is required"),
            (["x": 1], .missingRequiredField, "inputVariables.settings is required"),
            (["settings": "text"], .invalidRequest, "inputVariables.settings must be an object"),
            (["settings": ["name": "  "]], .missingRequiredField, "inputVariables.settings.name is required"),
            (["settings": ["name": 5]], .missingRequiredField, "inputVariables.settings.name is required"),
            (["settings": ["name": "n"]], .missingRequiredField, "inputVariables.settings.runner is required"),
            (
                ["settings": ["name": "n", "runner": " "]], .missingRequiredField,
                "inputVariables.settings.runner is required"
            ),
            (
                ["settings": ["name": "n", "runner": "0x12"]], .invalidAddress,
                "inputVariables.settings.runner must be a valid hex address"
            ),
        ] as [([String: JSONValue], ErrorCode, String)])
    func settings(input: [String: JSONValue], code: ErrorCode, text: String) {
        #expect(refusal(draft(input: input)) == InvalidArgument(code, "invalid task argument: \(text)"))
    }

    @Test("D-11 takes name and wallet from the request's own fields when there are no settings")
    func legacy() throws {
        var old = draft(input: [:])
        old.legacyName = "old"
        old.legacyWallet = Sample.wallet.lowercased
        let checked = try TaskValidator().check(old, now: now)
        #expect(checked.settings.name == "old" && checked.settings.runner == Sample.wallet)
        #expect(checked.inputVariables["settings"]?["name"] == "old")
        old.legacyWallet = ""
        #expect(refusal(old)?.message == "invalid task argument: inputVariables is required")
        old = draft(input: ["settings": ["name": "n"]])
        old.legacyName = "old"
        old.legacyWallet = Sample.wallet.lowercased
        #expect(refusal(old)?.message == "invalid task argument: inputVariables.settings.runner is required")
    }

    @Test(
        "EE-W3 API-10.3.7 has names that are identifiers",
        arguments: [
            ("my-node", "is not a valid JavaScript identifier - "), ("1abc", "is not a valid JavaScript identifier - "),
            ("a b", "is not a valid JavaScript identifier - "), ("Zoë", "is not a valid JavaScript identifier - "),
            ("class", "is a JavaScript reserved word and cannot be used"), ("Class", "is a JavaScript reserved word"),
            ("CLASS", "is a JavaScript reserved word"), ("", "node name cannot be empty"),
        ])
    func names(name: String, why: String) {
        var node = Sample.rest("a")
        node.name = name
        let ofNode = refusal(draft(nodes: [node]))
        #expect(ofNode?.code == .invalidNodeConfig)
        #expect(ofNode?.message.hasPrefix("Invalid task argument: node 'a' validation failed: node name ") == true)
        #expect(ofNode?.message.contains(why) == true)
        let ofTrigger = refusal(draft(trigger: trigger(.block(BlockTrigger(interval: 5)), name: name)))
        if name.isEmpty {
            // The trigger's name may be empty (aggregator-api 1.4.4).
            #expect(ofTrigger == nil)
        } else {
            #expect(ofTrigger?.code == .invalidTriggerConfig)
            #expect(
                ofTrigger?.message.hasPrefix("Invalid task argument: trigger name validation failed: node name '")
                    == true)
        }
    }

    @Test("EE-W3 accepts other names", arguments: ["_a", "$a", "a1", "cLass", "classes", "await", "undefined"])
    func goodNames(name: String) {
        var node = Sample.rest("a")
        node.name = name
        #expect(refusal(draft(nodes: [node])) == nil)
    }

    @Test("EE-W15 has no cycle and no id twice, whatever else its edges say")
    func graph() {
        let nodes = [Sample.rest("a"), Sample.rest("b")]
        #expect(
            refusal(draft(nodes: nodes, edges: "T>a a>b b>a"))
                == InvalidArgument(.invalidWorkflow, "Invalid task argument: nodes form a cycle: a -> b -> a"))
        #expect(
            refusal(draft(nodes: [Sample.rest("a"), Sample.rest("a")]))
                == InvalidArgument(.invalidWorkflow, "Invalid task argument: node id 'a' is used more than once"))
        #expect(refusal(draft(nodes: nodes, edges: "T>a x>b b>zzz a.no>b")) == nil)
        #expect(refusal(draft(nodes: nodes, edges: "a>b")) == nil)
    }

    @Test(
        "is accepted with a warning when its graph does what was hardly meant (1.2)",
        arguments: [
            ("T>a a>b b.if>c b.else>d", []),
            (
                "T>a T>b T>c b.if>d b.no>d a.if>d zzz.if>d",
                ["no branch has the condition of the edge 'b.no', 'a.if', 'zzz.if'"]
            ),
            ("T>a b>c c>d", ["no path from the trigger leads to 'b', 'c', 'd'"]),
        ] as [(String, [String])])
    func warnings(edges: String, expected: [String]) {
        let branch = Sample.branch("b", ("if", "if", "true"), ("else", "else", ""))
        let nodes = [Sample.rest("a"), branch, Sample.rest("c"), Sample.rest("d")]
        #expect(refusal(draft(nodes: nodes, edges: edges)) == nil)
        #expect(Sample.task(nodes: nodes, edges: edges).graphWarnings == expected)
    }

    @Test("is accepted with a warning when names share a variable, of which five are named (1.2)")
    func sharedNames() {
        var nodes = (0..<14).map { Sample.rest("n\($0)") }
        for index in nodes.indices { nodes[index].name = "\(index % 2 == 0 ? "$" : "_")x\(index / 2)" }
        nodes.append(Sample.rest("t"))
        let task = Sample.task(nodes: nodes, edges: nodes.map { "T>\($0.id)" }.joined(separator: " "))
        #expect(
            task.graphWarnings
                == ["several nodes or the trigger share the variable 't', 'x0', 'x1', 'x2', 'x3' and 3 more"])
    }

    @Test("EE-W18 API-10.3.3 ends at least an hour from now")
    func expiry() {
        func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_767_225_600_000 + milliseconds) }
        #expect(
            refusal(draft(expiredAt: at(600_000)))
                == InvalidArgument(
                    .invalidRequest,
                    "task expiration date is too close to current time. The task must expire at least 1 hour from now."
                        + " Current remaining time: 10.0 minutes"
                ))
        #expect(refusal(draft(expiredAt: at(-90_000)))?.message.hasSuffix("time: -1.5 minutes") == true)
        #expect(refusal(draft(expiredAt: at(3_599_999))) != nil)
        // Now is truncated to whole seconds: exactly an hour is enough.
        #expect(refusal(draft(expiredAt: at(3_600_000))) == nil)
        #expect(refusal(draft(expiredAt: at(7_200_000))) == nil)
        #expect(refusal(draft(expiredAt: Timestamp(milliseconds: 0))) == nil)
        #expect(refusal(draft(expiredAt: Timestamp(milliseconds: .min))) == nil)
        #expect(refusal(draft(expiredAt: Timestamp(milliseconds: .max))) == nil)
    }

    @Test(
        "API-10.3.2 EE-TB2 has a usable trigger",
        arguments: [
            (.block(BlockTrigger(interval: 0)), "block trigger interval must be greater than 0, got 0"),
            (.block(BlockTrigger(interval: -3)), "block trigger interval must be greater than 0, got -3"),
            (.cron(CronTrigger(schedules: [])), "cron trigger must have at least one schedule"),
            (
                .cron(CronTrigger(schedules: ["0 0 * * *", "60 * * * *"])),
                "cron schedule '60 * * * *' cannot be used: minute '60' is outside 0-59"
            ),
            (
                .cron(CronTrigger(schedules: [String](repeating: "@daily", count: 11))),
                "cron trigger has 11 schedules, at most 10 are allowed"
            ),
            (.fixedTime(FixedTimeTrigger(epochs: [])), "fixed time trigger must have at least one epoch"),
            (.event(EventTrigger(queries: [])), "event trigger must have at least one query"),
            (
                .event(EventTrigger(queries: [EventQuery(addresses: [address, "topics"])])),
                "event trigger query[0].addresses[1] 'topics' is not a hex address"
            ),
            (
                .event(EventTrigger(queries: [EventQuery(), EventQuery(topics: ["0x0xdd"])])),
                "event trigger query[1].topics[0] '0x0xdd' is not 0x and hex digits"
            ),
            (
                .event(EventTrigger(queries: [EventQuery(topics: [topic, topic, topic, topic, topic])])),
                "event trigger query[0] has 5 topics, at most 4 are allowed"
            ),
            (
                .event(EventTrigger(queries: [EventQuery(contractABI: ["[]"])])),
                "event trigger query[0].contractAbi[0] must be an object"
            ),
        ] as [(Trigger.Config, String)])
    func triggers(config: Trigger.Config, text: String) {
        #expect(
            refusal(draft(trigger: trigger(config)))
                == InvalidArgument(.invalidTriggerConfig, "Invalid task argument: \(text)"))
    }

    @Test("has a trigger")
    func noTrigger() {
        #expect(
            refusal(draft(trigger: nil))
                == InvalidArgument(.invalidTriggerConfig, "Invalid task argument: trigger is required"))
    }

    @Test(
        "may have wildcard topics, past epochs, a manual trigger without data",
        arguments: [
            event(
                EventQuery(
                    addresses: [address], topics: [topic, "", "null", "0x" + String(repeating: "0", count: 40)])),
            event(EventQuery()), trigger(.fixedTime(FixedTimeTrigger(epochs: [Timestamp(milliseconds: 1)]))),
            trigger(.manual(ManualTrigger())), trigger(.cron(CronTrigger(schedules: ["@hourly", "*/5 * * * *"]))),
        ])
    func goodTriggers(trigger: Trigger) { #expect(refusal(draft(trigger: trigger)) == nil) }

    @Test("EE-W19 API-10.3.9 gets the templates of its event queries replaced")
    func eventTemplates() throws {
        let input: [String: JSONValue] = [
            "settings": Sample.settings, "tokens": [.string(address)], "t0": .string(topic),
        ]
        let query = EventQuery(addresses: [address, "{{tokens[0]}}"], topics: ["{{t0}}", "", "{{settings.runner}}"])
        let checked = try TaskValidator().check(draft(trigger: event(query), input: input), now: now)
        guard case .event(let resolved) = checked.trigger.config else {
            Issue.record("another trigger")
            return
        }
        #expect(resolved.queries[0].addresses == [address, address])
        #expect(resolved.queries[0].topics == [topic, "", Sample.wallet.checksummed])
    }

    @Test(
        "EE-W19 API-10.3.9 is refused when one has no value, or none of its kind",
        arguments: [
            (
                EventQuery(addresses: [address, "{{settings.token}}"]),
                "query[0].addresses[1]: could not resolve variable settings.token in query[0].addresses[1]"
            ),
            (EventQuery(addresses: ["{{settings.name}}"]), "query[0].addresses[0]: 'test' is not a hex address"),
            (EventQuery(topics: [topic, "{{empty}}"]), "query[0].topics[1]: '' is not 0x and hex digits"),
            (EventQuery(topics: [topic, "{{ }}"]), "query[0].topics[1]: '' is not 0x and hex digits"),
            (
                EventQuery(topics: ["0x{{settings.runner}}"]),
                "query[0].topics[0]: '0x\(Sample.wallet.checksummed)' is not 0x and hex digits"
            ),
            (
                EventQuery(topics: ["{{f(1)}}"]),
                "query[0].topics[0]: could not resolve variable f(1) in query[0].topics[0]: '(' at this"
                    + " place of an expression needs the JavaScript engine, which does not run here"
            ),
        ])
    func badEventTemplates(query: EventQuery, text: String) {
        let input: [String: JSONValue] = ["settings": Sample.settings, "empty": ""]
        #expect(
            refusal(draft(trigger: event(query), input: input))
                == InvalidArgument(.invalidTriggerConfig, "EventTrigger template resolution failed: \(text)"))
    }

    @Test("has a bounded size")
    func sizes() {
        let nodes = (0...1000).map { Sample.rest("n\($0)") }
        #expect(
            refusal(draft(nodes: nodes))?.message
                == "Invalid task argument: task has 1001 nodes, at most 1000 are allowed")
        let edges = [String](repeating: "T>a", count: 4001).joined(separator: " ")
        #expect(
            refusal(draft(edges: edges))?.message
                == "Invalid task argument: task has 4001 edges, at most 4000 are allowed")
        var deep: JSONValue = 1
        for _ in 0..<51 { deep = [deep] }
        #expect(
            refusal(draft(input: ["settings": Sample.settings, "deep": deep]))?.message.contains(
                "input variable 'deep'") == true)
        #expect(
            refusal(
                draft(nodes: [
                    .init(id: "a", name: "a", config: .restAPI(RestAPINode(url: "", method: "", options: deep)))
                ]))?.message.contains("configuration of node 'a'") == true)
        let many = EventQuery(addresses: [String](repeating: address, count: 101))
        #expect(refusal(draft(trigger: event(many)))?.message.contains("has 101 addresses, at most 100") == true)
        let condition = EventCondition(fieldName: "a", comparison: "gt", value: "1", fieldType: "int256")
        let conditions = EventQuery(conditions: [EventCondition](repeating: condition, count: 51))
        #expect(refusal(draft(trigger: event(conditions)))?.message.contains("has 51 conditions, at most 50") == true)
        let item: JSONValue = ["name": .string(String(repeating: "x", count: 102_400))]
        #expect(refusal(draft(trigger: event(EventQuery(contractABI: [item]))))?.code == .invalidNodeConfig)
    }

    @Test(
        "names its chain as a number or a text",
        arguments: [
            (1, 1), ("11155111", 11_155_111), ("0xaa36a7", 11_155_111), (nil, nil),
        ] as [(JSONValue, UInt64?)])
    func chains(value: JSONValue, chain: UInt64?) throws {
        var settings = Sample.settings.objectValue ?? [:]
        settings["chain_id"] = value
        let checked = try TaskValidator().check(draft(input: ["settings": .object(settings)]), now: now)
        let id = try #require(TaskID(Sample.id))
        #expect(checked.task(id: id, owner: Sample.owner, defaultChain: 77).chainID == chain ?? 77)
    }

    @Test("is refused with a chain that is none", arguments: [0, -1, 1.5, "", "x", "-5", true, 1e300] as [JSONValue])
    func badChains(value: JSONValue) {
        var settings = Sample.settings.objectValue ?? [:]
        settings["chain_id"] = value
        #expect(
            refusal(draft(input: ["settings": .object(settings)]))?.message.contains("settings.chain_id must be")
                == true)
    }

    @Test("runs a number of times that is not negative")
    func maxExecution() {
        var task = draft()
        task.maxExecution = -1
        #expect(refusal(task)?.message == "Invalid task argument: maxExecution must not be negative, got -1")
        task.maxExecution = 1
        #expect(refusal(task) == nil)
    }

    @Test("XO-21: may give its runs a day at most")
    func executionDeadline() {
        var task = draft()
        for seconds in [0, 1, 86_400] as [UInt32] {
            task.executionDeadlineSeconds = seconds
            #expect(refusal(task) == nil)
        }
        for seconds in [86_401, .max] as [UInt32] {
            task.executionDeadlineSeconds = seconds
            #expect(
                refusal(task)?.message
                    == "Invalid task argument: executionDeadlineSeconds must be at most 86400, got \(seconds)")
        }
    }

    @Test("is checked in the documented order")
    func order() {
        var all = draft(trigger: nil, nodes: [], edges: "", input: [:], expiredAt: now)
        #expect(refusal(all)?.message.hasPrefix("task expiration") == true)
        all.expiredAt = nil
        #expect(refusal(all)?.message.contains("edges") == true)
        all.edges = Sample.edges("T>a")
        #expect(refusal(all)?.message.contains("nodes") == true)
        var bad = Sample.rest("a")
        bad.name = "1"
        all.nodes = [bad]
        #expect(refusal(all)?.message.contains("inputVariables is required") == true)
        all.inputVariables = ["settings": Sample.settings]
        #expect(refusal(all)?.message.contains("trigger is required") == true)
        all.trigger = trigger(.block(BlockTrigger(interval: 0)), name: "1")
        #expect(refusal(all)?.message.contains("trigger name") == true)
        all.trigger?.name = "t"
        #expect(refusal(all)?.message.contains("node 'a'") == true)
        all.nodes = [Sample.rest("a")]
        #expect(refusal(all)?.message.contains("block trigger interval") == true)
    }
}
