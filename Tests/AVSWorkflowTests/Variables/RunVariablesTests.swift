import AVSModel
import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSWorkflow

private func rest(_ id: String, _ url: String) -> Node { Sample.rest(id, url: url) }

/// What a node sees: the texts of templates, resolved in a run.
private func values(
    _ expressions: [String], trigger: Trigger = Sample.trigger(["env": "prod"]), output: JSONValue? = nil,
    input: [String: JSONValue] = [:], overrides: [String: JSONValue] = [:], secrets: [String: String] = [:],
    salt: UInt256? = nil
) async -> [String] {
    let http = FakeServer()
    let url = "https://x/" + expressions.map { "{{\($0)}}" }.joined(separator: ";")
    let task = Sample.task(trigger: trigger, nodes: [rest("n", url)], edges: "T>n", input: input)
    let outcome = await task.run(
        Sample.environment(http: http), trigger: output, input: overrides, secrets: secrets, salt: salt)
    let resolved = outcome.step("n")?.output?["url"]?.stringValue?.dropFirst("https://x/".count)
    return resolved.map { $0.split(separator: ";", omittingEmptySubsequences: false).map(String.init) }
        ?? [outcome.step("n")?.error ?? "no step"]
}

@Suite("The variables of a run")
struct RunVariablesTests {
    @Test("EE-V2 hold settings and every other input variable")
    func settings() async {
        let input: [String: JSONValue] = ["amount": 1_000_000, "list": [1, 2], "o": ["a": ["b": true]]]
        #expect(
            await values(["settings.name", "amount", "list[1]", "o.a.b", "list.length"], input: input)
                == ["test", "1000000", "2", "true", "2"])
    }

    @Test("EE-V3 hold a manual trigger's data, input, headers and path parameters")
    func manualTrigger() async {
        let trigger = Sample.trigger(["env": "prod"], headers: ["x-test": "h"], pathParameters: ["mode": "m"])
        #expect(
            await values(
                [
                    "t.data.env", "t.input.data.env", "t.headers[\"x-test\"]", "t.headers.x-test", "t.pathParams.mode",
                    "t.input.lang",
                ],
                trigger: trigger) == ["prod", "prod", "h", "h", "m", "LANG_JSON"])
    }

    @Test("take run-time data over configured data, for the variable and the step (Q22)")
    func runtimeData() async {
        #expect(await values(["t.data.env", "t.input.data.env"], output: ["env": "live"]) == ["live", "prod"])
        let outcome = await Sample.task(nodes: [], edges: "").run(trigger: ["env": "live"])
        #expect(outcome.steps.first?.output == ["env": "live"])
    }

    @Test("EE-V5 hold the body of a REST answer while its step shows the envelope")
    func unwrapping() async {
        let http = FakeServer(body: #"{"data":{"id":"7"}}"#)
        let task = Sample.task(
            nodes: [rest("r", "https://x"), rest("s", "https://x/{{r.data.data.id}}")], edges: "T>r r>s")
        let outcome = await task.run(Sample.environment(http: http))
        #expect(http.requests.last?.url == "https://x/7")
        #expect(outcome.step("r")?.output?["data"] == ["data": ["id": "7"]])
        #expect(outcome.step("r")?.output?["status"] == 200)
    }

    @Test("EE-V6 hold the task's mutable fields as context")
    func context() async {
        #expect(
            await values(["context.status", "context.executionCount", "context.lastRanAt", "context.completedAt"])
                == ["Enabled", "3", "0", "0"])
        #expect(await values(["context.id"]) == ["could not resolve variable context.id in url"])
    }

    @Test("EE-V7 are overridden by the trigger's input for this run, top-level keys only")
    func overrides() async {
        #expect(
            await values(
                ["a", "o.y"], input: ["a": 1, "o": ["x": 1, "y": 2]], overrides: ["a": 9, "o": ["y": 3]]) == ["9", "3"])
    }

    @Test("EE-V10 hold secrets; a missing one gives no hint")
    func secrets() async {
        #expect(await values(["apContext.configVars.key"], secrets: ["key": "abcd"]) == ["abcd"])
        #expect(
            await values(["apContext.configVars.nope"]) == [
                "could not resolve variable apContext.configVars.nope in url"
            ])
    }

    @Test("follow the order of precedence: input over context, trigger over input, the wallet over all")
    func precedence() async {
        #expect(await values(["context"], input: ["context": "mine"]) == ["mine"])
        #expect(await values(["t.data.env"], input: ["t": "mine"]) == ["prod"])
        #expect(
            await values(
                ["aa_sender", "aa_salt"], input: ["aa_sender": "0xevil", "aa_salt": "evil"], salt: UInt256(UInt64(7)))
                == [Sample.wallet.checksummed, "7"])
        let unknown = await values(["aa_salt"], input: ["aa_salt": "evil"])
        #expect(unknown[0].hasPrefix("could not resolve variable aa_salt in url"))
        #expect(
            await values(["triggerConfig.type", "triggerConfig.data.lang"], input: ["triggerConfig": 1]) == [
                "TRIGGER_TYPE_MANUAL", "LANG_JSON",
            ])
    }

    @Test("INP-1 are the later ones where Unicode holds two names for the same, under their own bytes")
    func canonicallyEqualNames() async {
        let (composed, decomposed) = ("\u{e9}", "e\u{301}")
        #expect(await values([decomposed], input: [composed: 1], overrides: [decomposed: 2]) == ["2"])
        let lost = await values([composed], input: [composed: 1], overrides: [decomposed: 2])
        #expect(lost[0].utf8.starts(with: "could not resolve variable ".utf8))
    }

    @Test("of one node for itself hold the wallet that acts, else the caller's own", arguments: [nil, 5] as [UInt64?])
    func immediate(number: UInt64?) {
        let salt = number.map { UInt256($0) }
        let input: [String: JSONValue] = ["aa_sender": "mine", "aa_salt": "mine"]
        let none = RunVariables(secrets: [:], input: input).values
        #expect(none["aa_sender"] == "mine" && none["aa_salt"] == "mine")
        let wallet = RunVariables.Wallet(address: Sample.wallet, salt: salt)
        let values = RunVariables(secrets: [:], input: input, wallet: wallet).values
        #expect(values["aa_sender"] == .string(Sample.wallet.checksummed))
        #expect(values["aa_salt"] == salt.map { .string("\($0)") })
    }

    @Test("EE-V4 are listed by a step with their parts, without itself and triggerConfig")
    func inputs() async {
        let trigger = Sample.trigger(["env": "prod"], headers: ["a": "b"])
        let task = Sample.task(
            trigger: trigger, nodes: [rest("a", "https://x"), rest("b", "https://x")], edges: "T>a a>b",
            input: ["userToken": "x", "debugMode": true, "list": [1], "empty": [:], "x_iter_1": 1])
        let outcome = await task.run()
        #expect(
            outcome.step("b")?.inputs == [
                "a.data", "a.input", "aa_sender", "apContext.configVars", "context", "debugMode", "list", "settings",
                "t.data", "t.headers", "t.input", "t.pathParams", "userToken",
            ])
        #expect(outcome.steps.first?.inputs == [])
    }

    @Test("of parallel nodes are those from the moment when the node began")
    func snapshots() async {
        let task = Sample.task(nodes: [rest("a", "https://x"), rest("b", "https://x")], edges: "T>a T>b")
        let outcome = await task.run()
        #expect(outcome.step("a")?.inputs.contains("b.data") == false)
        #expect(outcome.step("b")?.inputs.contains("a.data") == false)
    }

    @Test("EE-V12 turn what JSON cannot say into 0")
    func nonFinite() {
        let value: JSONValue = [.number(.nan), ["a": .number(.infinity)], 1]
        #expect(value.withoutNonFiniteNumbers == [0, ["a": 0], 1])
    }

    @Test(
        "map names to variables",
        arguments: [
            ("my node-1", "my_node_1"), ("_x_", "x"), ("9lives", "trigger_9lives"), ("$fee", "fee"), ("a$b", "a_b"),
            ("", "unnamed_trigger"), ("$", "unnamed_trigger"), ("Zoë", "Zo"), ("a__b", "a__b"), ("plain", "plain"),
        ])
    func names(name: String, variable: String) {
        #expect(Identifier.variable(for: name) == variable)
        #expect(Identifier.variable(for: "", orElse: "id-1") == "id_1")
    }
}

@Suite("The redaction of secrets")
struct RedactionTests {
    @Test("takes out long values first and leaves tiny ones")
    func order() {
        let redaction = Redaction(secrets: ["short": "abcd", "long": "abcdefgh", "tiny": "abc", "none": ""])
        #expect(redaction.redact("abcdefgh abcd abc") == "<long> <short> abc")
    }

    @Test("is not fooled by a combining sign behind a value")
    func bytes() {
        #expect(Redaction(secrets: ["k": "secret"]).redact("secret\u{301}") == "<k>\u{301}")
    }
}
