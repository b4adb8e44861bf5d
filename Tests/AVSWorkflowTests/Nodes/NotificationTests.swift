import AVSModel
import AVSPrimitives
import Testing

@testable import AVSWorkflow

private func notification(_ url: String, body: String, _ id: String = "tell") -> Node {
    Node(
        id: id, name: id,
        config: .restAPI(
            RestAPINode(
                url: url, headers: ["Content-Type": "application/json"], body: body, method: "POST",
                options: ["summarize": true])))
}

private let mailURL = "https://api.sendgrid.com/v3/mail/send"
private let chatURL = "https://api.telegram.org/bot{{apContext.configVars.token}}/sendMessage"
private let mail =
    #"{"from":{"email":"a@b.c"},"personalizations":[{"to":[{"email":"x@y.z"}]}],"content":[{"type":"text/plain","value":"old"}]}"#

private func environment(_ server: FakeServer, template: String? = nil) -> WorkflowEnvironment {
    var environment = Sample.environment(http: server)
    environment.services.secrets["sendgrid_template_id"] = template
    return environment
}

private func sent(_ server: FakeServer) throws -> JSONValue {
    try JSONValue(parsing: try #require(server.requests.last).body)
}

/// A workflow `a`, then whatever is given, then the notification.
private func run(
    _ node: Node, failing: Bool = false, simulated: Bool = false, branch: Bool = false, server: FakeServer
) async -> RunOutcome {
    let first = Sample.rest("a", url: failing ? "ftp://nowhere" : "https://example.org/")
    let fork = Sample.branch("fork", ("yes", "if", "true"), ("no", "else", ""))
    let nodes = branch ? [first, fork, Sample.rest("left"), Sample.rest("out"), node] : [first, node]
    let edges = branch ? "T>a a>fork fork.yes>left fork.no>out left>tell out>tell" : "T>a a>tell"
    let task = Sample.task(nodes: nodes, edges: edges)
    var run = WorkflowRun(
        task: task, executionID: ExecutionID(ULID(value: 0)), trigger: TriggerOutput(kind: .manual, data: nil),
        secrets: ["token": "123:abc"])
    if simulated { run.trial = TriggerTrial.Outcome(output: .null) }
    return await run.run(in: environment(server))
}

@Suite("A notification")
struct NotificationTests {
    @Test("EE-NA14 puts a summary into a mail", arguments: ["d-1234", nil] as [String?])
    func mails(template: String?) async throws {
        let server = FakeServer(status: 202)
        let finished = await Sample.run(
            notification(mailURL, body: mail), variables: ["settings": Sample.settings],
            in: environment(server, template: template))
        #expect(finished.step.success, "\(finished.step.error)")
        let body = try sent(server)
        #expect(body["categories"] == ["workflow-summary"] && body["from"]?["name"]?.stringValue?.isEmpty == false)
        let data = try #require(body["dynamic_template_data"])
        #expect(body["personalizations"]?.arrayValue?.first?["dynamic_template_data"] == data)
        #expect(body["personalizations"]?.arrayValue?.first?["to"] == [["email": "x@y.z"]])
        #expect(data["subject"] == "Run Node: test succeeded" && data["status"] == "success")
        #expect(
            Set(data.objectValue?.keys ?? [:].keys) == [
                "subject", "body", "summaryLine", "status", "network", "trigger", "triggeredAt", "executions", "errors",
                "smartWallet", "annotation", "transfers", "balances", "workflow",
            ])
        #expect(body["template_id"]?.stringValue == template)
        #expect((body["content"] == nil) == (template != nil))
        // The service answers without a body: the step shows what was sent.
        #expect(finished.step.output?["data"]?["subject"] == "Run Node: test succeeded")
        #expect((finished.step.output?["data"]?["body"]?.stringValue?.utf8.count ?? 0) >= 40)
    }

    @Test("EE-NA14 puts a summary into a chat's message")
    func chats() async throws {
        let server = FakeServer(body: #"{"ok":true}"#)
        let outcome = await run(notification(chatURL, body: #"{"chat_id":7}"#), server: server)
        #expect(outcome.status == .success, "\(outcome.error)")
        let body = try sent(server)
        #expect(body["chat_id"] == 7 && body["parse_mode"] == "HTML")
        let text = try #require(body["text"]?.stringValue)
        #expect(text.hasPrefix("✅ <code>test</code>: succeeded (2 out of 2 steps)\n"))
        #expect(
            text.contains("<b>Network:</b> Sepolia") && text.contains("<b>Trigger:</b> Manually started on Sepolia"))
        #expect(outcome.step("tell")?.output?["data"] == ["ok": true])
        #expect(outcome.step("tell")?.log.contains("123:abc") == false)
    }

    @Test(
        "EE-NA14 leaves a body alone that is no object, and requests that are no notification",
        arguments: [
            (chatURL, "[1]", true), (chatURL, #""text""#, true), ("https://example.org/hook", #"{"a":1}"#, true),
            (chatURL, #"{"a":1}"#, false),
        ])
    func untouched(url: String, body: String, isAskedFor: Bool) async throws {
        let server = FakeServer()
        var node = notification(url, body: body)
        if !isAskedFor, case .restAPI(var config) = node.config {
            config.options = ["summarize": false]
            node.config = .restAPI(config)
        }
        let finished = await Sample.run(node, in: environment(server), secrets: ["token": "123:abc"])
        #expect(finished.step.success && server.requests.first?.body == Array(body.utf8))
        #expect(finished.step.output?["data"] == "")
    }

    @Test("EE-NA14 says how the run went", arguments: [(false, false), (true, false), (false, true), (true, true)])
    func subjects(failing: Bool, simulated: Bool) async throws {
        let server = FakeServer()
        _ = await run(notification(mailURL, body: mail), failing: failing, simulated: simulated, server: server)
        let data = try #require(try sent(server)["dynamic_template_data"])
        let expected =
            switch (failing, simulated) {
            case (false, false): "test: succeeded (2 out of 2 steps)"
            case (true, false): "test: failed at a (2 out of 2 steps)"
            case (false, true): "Simulation: test successfully completed"
            case (true, true): "Simulation: test failed to execute"
            }
        #expect(data["subject"]?.stringValue == expected)
        #expect(data["status"] == (failing ? "failure" : "success"))
        #expect(data["summaryLine"] == "Your workflow 'test' executed 2 out of 2 total steps")
        #expect(data["errors"]?.arrayValue?.count == (failing ? 1 : 0))
        #expect(data["trigger"]?.stringValue?.hasPrefix("(Simulated) ") == simulated)
        #expect(data["workflow"]?["isSimulation"] == .bool(simulated))
        #expect(data["workflow"]?["runNumber"] == (simulated ? nil : 3))
    }

    @Test("EE-NA14 tells of nodes that a branch left out", arguments: [false, true])
    func skipped(simulated: Bool) async throws {
        let server = FakeServer()
        _ = await run(notification(mailURL, body: mail), simulated: simulated, branch: true, server: server)
        let data = try #require(try sent(server)["dynamic_template_data"])
        #expect(data["status"] == "partial_success" && data["errors"] == ["out - skipped due to branch condition"])
        #expect(
            data["subject"]?.stringValue
                == (simulated ? "Simulation: test partially executed" : "Run #3: test succeeded (4 out of 5 steps)"))
    }

    @Test("EE-NA14 tells of a transfer where there is nothing else to tell")
    func transfer() throws {
        let event: JSONValue = [
            "eventName": "Transfer", "direction": "received", "valueFormatted": "1.5", "tokenSymbol": "<USDC>",
            "fromAddress": "0x12", "toAddress": "0x34", "blockTimestamp": 1_767_366_245_000,
        ]
        let report = RunReport(
            of: notification(chatURL, body: "{}"), variables: ["settings": Sample.settings], chainID: 8_453,
            at: Timestamp(milliseconds: 0))
        let summary = RunSummary(report, variables: ["transfer_monitor": ["data": event]])
        #expect(
            TelegramText.text(of: summary)
                == "⬇️ Received <b>1.5 &lt;USDC&gt;</b> from <code>0x12</code> on <b>Base</b> (<i>2026-01-02 15:04</i>)")
        #expect(RunSummary(report, variables: ["transfer_monitor": ["data": ["eventName": "Other"]]]).transfer == nil)
    }

    @Test("lists what was written to contracts, with a link only to what was really sent", arguments: [true, false])
    func effects(isSimulated: Bool) {
        let hash = "0x" + String(repeating: "ab", count: 32)
        let now = Timestamp(milliseconds: 1_767_366_245_000)
        var report = RunReport(of: Sample.rest("n"), variables: [:], chainID: 8_453, at: now)
        let write = Node(id: "w", name: "w", config: .contractWrite(ContractWriteNode(contractAddress: "0x1")))
        report.nodes = [write]
        report.steps = [
            Step(
                id: "w", name: "w", kind: .node(.contractWrite),
                metadata: [
                    ["methodName": "approve", "success": true, "receipt": ["transactionHash": .string(hash)]],
                    ["methodName": "swap", "success": false],
                ], executionContext: ["is_simulated": .bool(isSimulated)], startAt: now, endAt: now)
        ]
        let summary = RunSummary(report, variables: [:])
        #expect(summary.effects == [.init(description: "w: approve", transaction: isSimulated ? nil : hash)])
        #expect(summary.triggeredAt == "Jan 2, 2026 at 3:04 PM UTC")
        let text = TelegramText.text(of: summary)
        #expect(text.contains("https://basescan.org/tx/\(hash)") == !isSimulated)
        #expect(
            TelegramText.marked("a `b<c` d") == "a <code>b&lt;c</code> d" && TelegramText.marked("a ` b") == "a ` b")
    }

    @Test("EE-5.5.4, INP-1 escapes what opens a tag also where an accent follows")
    func escaping() {
        let text = TelegramText.escaped("<\u{301}b>\u{200D}&\u{FE0F}\"\u{20DD}\r\nZoë")
        let expected = "&lt;\u{301}b&gt;\u{200D}&amp;\u{FE0F}&quot;\u{20DD}\r\nZoë"
        #expect(text.unicodeScalars.elementsEqual(expected.unicodeScalars))
    }
}
