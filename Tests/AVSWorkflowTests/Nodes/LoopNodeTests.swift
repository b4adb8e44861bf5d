import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSTesting
import Synchronization
import Testing

@testable import AVSWorkflow

private func loop(
    _ runner: LoopNode.Runner?, over input: String = "{{t.data}}", value: String = "value", key: String = "index",
    mode: LoopNode.Mode = .sequential, seconds: UInt32 = 0
) -> Node {
    Node(
        id: "L1", name: "l",
        config: .loop(
            LoopNode(
                inputVariable: input, iterationValue: value, iterationKey: key, mode: mode,
                iterationTimeoutSeconds: seconds, runner: runner)))
}

private func rest(_ url: String) -> LoopNode.Runner { .restAPI(RestAPINode(url: url, method: "GET")) }

private func list(_ elements: JSONValue) -> [String: JSONValue] { ["t": ["data": elements]] }

@Suite("A loop node")
struct LoopNodeTests {
    @Test("EE-NL3 runs a request per element and keeps the envelopes", arguments: LoopNode.Mode.allCases)
    func requests(mode: LoopNode.Mode) async {
        let server = FakeServer { request in HTTPResponse(status: 200, body: Array(#"{"at":"\#(request.url)"}"#.utf8)) }
        let finished = await Sample.run(
            loop(rest("https://example.org/posts/{{value}}?i={{index}}"), mode: mode), variables: list([7, "x", 9]),
            in: Sample.environment(http: server))
        #expect(finished.step.success, "\(finished.step.error)")
        let output = finished.step.output?.arrayValue ?? []
        #expect(output.map { $0["status"] } == [200, 200, 200])
        #expect(
            output.map { $0["data"]?["at"] } == [
                "https://example.org/posts/7?i=0", "https://example.org/posts/x?i=1", "https://example.org/posts/9?i=2",
            ])
        #expect(finished.step.log.contains(mode == .parallel ? "parallel mode with 3 workers" : "sequential mode"))
    }

    @Test("EE-NL13 keeps the data of queries")
    func queries() async {
        let server = FakeServer { request in
            let variables = try JSONValue(parsing: request.body)["variables"] ?? .null
            return HTTPResponse(status: 200, body: JSONValue.object(["data": variables]).serializedBytes)
        }
        let query = GraphQLQueryNode(url: "https://example.org/", query: "{a}", variables: ["id": "{{value}}"])
        let finished = await Sample.run(
            loop(.graphQLQuery(query)), variables: list([1, 2]), in: Sample.environment(http: server))
        #expect(finished.step.success && finished.step.output == [["id": "1"], ["id": "2"]])
    }

    @Test("EE-NL4 reads a contract per element")
    func reads() async {
        let chain = FakeChain(answers: ["0x313ce567": .success(word(8))])
        let abi: [JSONValue] = [
            ["type": "function", "name": "decimals", "inputs": [], "outputs": [["type": "uint8", "name": ""]]]
        ]
        let read = ContractReadNode(
            contractAddress: "{{value}}", contractABI: abi, methodCalls: [MethodCall(methodName: "decimals")])
        let finished = await Sample.run(
            loop(.contractRead(read)), variables: list([.string(Sample.contract), .string(Sample.contract)]),
            in: Sample.environment(chain: chain))
        #expect(finished.step.success, "\(finished.step.error)")
        #expect(finished.step.output == [["decimals": "8"], ["decimals": "8"]])
    }

    @Test("EE-NL2 shows each of thirty parallel iterations its own element")
    func isolation() async {
        let server = FakeServer { request in
            for _ in 0..<3 { await Task.yield() }
            return HTTPResponse(status: 200, body: request.body)
        }
        let post = RestAPINode(url: "https://example.org/", body: "{{value.id}}-{{index}}", method: "POST")
        let elements = (0..<30).map { JSONValue.object(["id": .number(Double($0 * 3))]) }
        let finished = await Sample.run(
            loop(.restAPI(post), mode: .parallel), variables: list(.array(elements)),
            in: Sample.environment(http: server))
        let bodies = finished.step.output?.arrayValue?.map { $0["data"] ?? .null } ?? []
        #expect(bodies == (0..<30).map { .string("\($0 * 3)-\($0)") })
    }

    @Test("EE-NL12 runs 500 elements, at most ten at a time")
    func many() async {
        let running = Mutex((now: 0, most: 0))
        let server = FakeServer { _ in
            running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            for _ in 0..<5 { await Task.yield() }
            running.withLock { $0.now -= 1 }
            return HTTPResponse(status: 204)
        }
        let elements = JSONValue.array((0..<500).map { .number(Double($0)) })
        let finished = await Sample.run(
            loop(rest("https://example.org/{{value}}"), mode: .parallel), variables: list(elements),
            in: Sample.environment(http: server))
        #expect(finished.step.success && finished.step.output?.arrayValue?.count == 500)
        let most = running.withLock { $0.most }
        #expect((2...10).contains(most), "\(most) at once")
    }

    @Test(
        "EE-NL6, EE-NL15 takes a list only",
        arguments: [
            ("{{t.data.none}}", "loop input expression {{t.data.none}} could not be resolved"),
            ("nowhere", "loop input expression {{nowhere}} could not be resolved"),
            ("{{t}}", "loop input expression {{t}} resolved to object, expected array"),
            ("{{n}}", "resolved to number, expected array"), ("{{s}}", "resolved to string, expected array"),
            ("", "inputVariable is required"),
        ])
    func input(text: String, error: String) async {
        let finished = await Sample.run(
            loop(rest("https://example.org/"), over: text), variables: ["t": ["data": [1]], "n": 1, "s": "[1]"])
        #expect(!finished.step.success && finished.step.error.contains(error), "\(finished.step.error)")
        #expect(finished.step.output == nil)
    }

    @Test(
        "EE-NL6, EE-NL15 an empty list is a success", arguments: ["{{a.data.list}}", "a.data.list", "{{settings.to}}"])
    func empty(text: String) async {
        let finished = await Sample.run(
            loop(rest("https://example.org/"), over: text, mode: .parallel),
            variables: ["a": ["data": ["list": []]], "settings": ["to": []]])
        #expect(finished.step.success && finished.step.output == [])
    }

    @Test("EE-NL7 leaves null where an iteration failed, and keeps the rest", arguments: LoopNode.Mode.allCases)
    func failures(mode: LoopNode.Mode) async {
        let server = FakeServer { HTTPResponse(status: $0.url.hasSuffix("1") ? 500 : 200) }
        let finished = await Sample.run(
            loop(rest("https://example.org/{{value}}"), mode: mode), variables: list([0, 1, 2]),
            in: Sample.environment(http: server))
        #expect(!finished.step.success && finished.step.errorCode == .invalidRequest)
        #expect(finished.step.error == "1 of 3 iterations failed: HTTP 500: Internal Server Error")
        let output = finished.step.output?.arrayValue ?? []
        #expect(output.count == 3 && output[1] == .null && output[0]["status"] == 200 && output[2]["status"] == 200)
        #expect(finished.data == finished.step.output)
        #expect(finished.step.log.contains("Iteration 1 failed: HTTP 500"))
    }

    @Test("refuses more elements than are allowed")
    func limit() async {
        var environment = Sample.environment()
        environment.limits.loopElements = 2
        let finished = await Sample.run(loop(rest("https://x.org/")), variables: list([1, 2, 3]), in: environment)
        #expect(finished.step.error == "loop over 3 elements, at most 2 are allowed")
    }

    @Test("EE-NL8 needs a name for the element, none for its index")
    func names() async {
        let server = FakeServer()
        let environment = Sample.environment(http: server)
        let finished = await Sample.run(
            loop(rest("https://example.org/{{v}}"), value: "v", key: ""), variables: list([1]), in: environment)
        #expect(finished.step.success && server.requests.map(\.url) == ["https://example.org/1"])
        let nameless = await Sample.run(loop(rest("https://x.org/"), value: ""), variables: list([1]))
        #expect(nameless.step.error == "iterVal is required" && nameless.step.errorCode == .missingRequiredField)
        let runnerless = await Sample.run(loop(nil), variables: list([1]))
        #expect(runnerless.step.error == "runner is required")
    }

    @Test("EE-NL10 ends when an iteration runs out of time", arguments: LoopNode.Mode.allCases)
    func timeout(mode: LoopNode.Mode) async {
        let time = ManualTime()
        let server = FakeServer { _ in
            // An answer that never comes: only cancellation ends the wait.
            try await time.sleep(until: time.monotonic + .seconds(3_600))
            return HTTPResponse(status: 200)
        }
        async let finished = Sample.run(
            loop(rest("https://example.org/{{value}}"), mode: mode, seconds: 1), variables: list([0, 1]),
            in: Sample.environment(http: server, time: time))
        await time.waitForSleepers(mode == .parallel ? 4 : 2)
        time.advance(by: .seconds(1))
        let step = await finished.step
        // Of two that are late at the same time either may be noticed first.
        let errors = (0...1).map { "iteration \($0) timed out after 1s" }
        #expect(!step.success && errors.contains(step.error) && step.output == nil)
    }

    @Test("EE-5.9.2 gives an iteration 30 s, one that writes 240 s, on the main network 360 s, or what it is told")
    func standardTimes() throws {
        let transfer = LoopNode.Runner.ethTransfer(ETHTransferNode(destination: "0x1", amount: "1"))
        let write = LoopNode.Runner.contractWrite(ContractWriteNode(contractAddress: "0x1"))
        let rows: [(LoopNode.Runner, UInt64?, UInt32, Int64)] = [
            (rest("https://a.org"), 1, 0, 30), (rest("https://a.org"), nil, 0, 30), (transfer, 1, 0, 360),
            (transfer, 11_155_111, 0, 240), (write, 8_453, 0, 240), (write, 1, 0, 360), (write, nil, 0, 240),
            (write, 1, 5, 5), (rest("https://a.org"), 1, 7, 7),
        ]
        for (runner, chainID, given, seconds) in rows {
            guard case .loop(let config) = loop(runner, seconds: given).config else { continue }
            #expect(config.timeout(of: runner.config, chainID: chainID) == .seconds(seconds))
        }
    }

    @Test("EE-NL11 echoes its configuration and names its source among its inputs")
    func echo() async {
        let finished = await Sample.run(
            loop(rest("https://example.org/"), mode: .parallel, seconds: 5), variables: list([1]))
        #expect(
            finished.step.config == [
                "inputVariable": "{{t.data}}", "iterVal": "value", "iterKey": "index", "iterationTimeout": 5,
                "executionMode": "parallel",
                "runner": ["type": "restApi", "config": ["url": "https://example.org/", "method": "GET", "body": ""]],
            ])
        #expect(finished.step.inputs.contains("t.data") && !finished.step.inputs.contains("value"))
    }

    @Test("INP-1 has its element under the bytes of the name that it was given")
    func nameBytes() async {
        let (composed, decomposed) = ("\u{e9}", "e\u{301}")
        let node = loop(rest("https://x/{{\(decomposed)}}"), value: decomposed)
        let variables = list([7]).merging([composed: 1]) { $1 }
        #expect(await Sample.run(node, variables: variables).step.success)
        let other = loop(rest("https://x/{{\(composed)}}"), value: decomposed)
        #expect(await Sample.run(other, variables: variables).step.success == false)
    }

    @Test("EE-V9 leaves no variable of an iteration behind")
    func scope() async {
        let server = FakeServer()
        let outcome = await Sample.task(
            trigger: Sample.trigger([1, 2]),
            nodes: [loop(rest("https://example.org/")), Sample.rest("after")], edges: "T>L1 L1>after"
        ).run(Sample.environment(http: server))
        let inputs = outcome.step("after")?.inputs ?? []
        #expect(outcome.status == .success && inputs.contains("l.data"))
        #expect(!inputs.contains { $0.contains("_iter_") || $0.hasPrefix("value") || $0.hasPrefix("index") })
    }

    @Test("API-10.4.25 sums the gas of its iterations: EE 6.7's example")
    func gas() throws {
        func use(_ used: UInt64, _ cost: UInt64) -> GasUse { GasUse(used: UInt256(used), totalCost: UInt256(cost)) }
        let total = try #require(
            GasUse.total(of: [use(65_000, 65_000_000_000_000), use(100_000, 111_000_000_000_000)]))
        #expect("\(total.used) \(total.totalCost) \(total.price)" == "165000 176000000000000 1066666666")
        #expect(GasUse.total(of: []) == nil && use(0, 0).price == .zero)
        let most = GasUse(used: .max, totalCost: .max)
        #expect(GasUse.total(of: [most, most]) == most)
    }

    @Test("EE-NL14, API-10.4.25 shows in its step the sums and the context of its iterations")
    func totals() throws {
        let gas = [65_000: 65_000_000_000_000, 100_000: 111_000_000_000_000].sorted { $0.key < $1.key }
        let endings = [LoopIteration.Ending(failure: NodeFailure("invalid request: reverted"))]
            + gas.map { used, cost in
                LoopIteration.Ending(
                    result: ["transfer": [:]],
                    gas: GasUse(used: UInt256(UInt64(used)), totalCost: UInt256(UInt64(cost))),
                    executionContext: ["is_simulated": false, "provider": "bundler"])
            }
        let node = loop(rest("https://example.org/"))
        guard case .loop(let config) = node.config else { return }
        var log: [String] = []
        let now = Timestamp(milliseconds: 0)
        let (step, _) = StepBuilder(chainID: 1, redaction: Redaction(secrets: [:])).step(
            of: node, config.outcome(endings, log: &log), log: log, inputs: [], startAt: now, endAt: now)
        #expect(step.gasUsed == "165000" && step.totalGasCost == "176000000000000" && step.gasPrice == "1066666666")
        #expect(step.executionContext == ["is_simulated": false, "provider": "bundler", "chain_id": 1])
        #expect(step.error == "1 of 3 iterations failed: reverted")
        #expect(step.output == [nil, ["transfer": [:]], ["transfer": [:]]])
    }

    @Test("adds to what transactions produced which ones they were")
    func transactions() {
        let transfer = LoopIteration.result(
            of: .ethTransfer(ETHTransferNode(destination: "0x1", amount: "1")),
            NodeOutcome(output: ["transfer": ["value": "1"]], metadata: ["transactionHash": "0xab", "gasUsed": "1"]))
        #expect(transfer == ["transfer": ["value": "1"], "metadata": ["transactionHash": "0xab"]])
        let write = LoopIteration.result(
            of: .contractWrite(ContractWriteNode(contractAddress: "0x1")),
            NodeOutcome(
                output: ["approve": true],
                metadata: [["methodName": "approve", "receipt": ["transactionHash": "0xcd", "to": "0x12"]]],
                contract: Address(Sample.contract)))
        // Not the receipt's target: that is the entry point of user operations.
        let address = JSONValue.string(Address(Sample.contract)?.checksummed ?? "")
        #expect(write == ["approve": true, "metadata": ["transactionHash": "0xcd", "contractAddress": address]])
    }

    @Test("API-10.4.25 runs nodes that send transactions one after the other, whatever it is told")
    func order() async {
        let transfer = ETHTransferNode(destination: "{{value}}", amount: "1")
        let finished = await Sample.run(loop(.ethTransfer(transfer), mode: .parallel), variables: list([1, 2]))
        #expect(finished.step.log.contains("sequential mode: NODE_TYPE_ETH_TRANSFER"))
        #expect(finished.step.config?["executionMode"] == "parallel")
    }

    @Test("XO-21 ends at the deadline of a run for itself")
    func deadline() async {
        let time = ManualTime()
        let server = FakeServer { _ in
            try await time.sleep(until: time.monotonic + .seconds(20))
            return HTTPResponse(status: 200)
        }
        var trial = NodeTrial(
            node: loop(rest("https://example.org/{{value}}")), input: list([1, 2, 3]), secrets: [:], chainID: 1,
            owner: .zero, wallet: nil, executionID: ExecutionID(ULID(value: 0)))
        trial.deadline = time.monotonic + .seconds(25)
        async let step = trial.run(in: Sample.environment(http: server, time: time))
        for seconds in [20, 5] {
            await time.waitForSleepers(3)  // the deadline, the iteration's time and its request
            time.advance(by: .seconds(seconds))
        }
        let ended = await step
        #expect(!ended.success && server.requests.count == 2, "\(ended.error)")
    }
}
