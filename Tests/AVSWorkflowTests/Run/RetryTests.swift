import AVSModel
import AVSPrimitives
import AVSTesting
import Synchronization
import Testing

@testable import AVSWorkflow

private func node(_ retry: NodeRetry?, url: String = "https://example.org/") -> Node {
    var node = Sample.rest("r", url: url)
    node.retry = retry
    return node
}

/// Answers with these statuses, one after the other, then with 200.
private func server(_ statuses: Int...) -> FakeServer {
    let left = Mutex(statuses)
    return FakeServer { _ in
        HTTPResponse(status: left.withLock { $0.isEmpty ? 200 : $0.removeFirst() }, body: Array("{}".utf8))
    }
}

/// Runs a node while its pauses pass at once.
private func run(_ node: Node, pauses: Int, _ server: FakeServer) async -> Step {
    let time = ManualTime()
    async let finished = Sample.run(node, in: Sample.environment(http: server, time: time))
    for _ in 0..<pauses {
        await time.waitForSleepers(1)
        time.advance(by: .seconds(300))
    }
    return await finished.step
}

@Suite("A node with a retry policy")
struct RetryTests {
    @Test("runs again until it succeeds, and shows the attempts before")
    func succeeds() async {
        let server = server(503, 429)
        let step = await run(node(NodeRetry(attempts: 5)), pauses: 2, server)
        #expect(step.success && step.error.isEmpty && server.requests.count == 3)
        #expect(
            step.failedAttempts.map(\.error) == [
                "invalid request: HTTP 503: Service Unavailable", "invalid request: HTTP 429: Too Many Requests",
            ])
        #expect(step.failedAttempts.allSatisfy { $0.errorCode == .invalidRequest && $0.endAt >= $0.startAt })
        #expect(step.failedAttempts.first?.startAt == step.startAt)
        #expect(step.failedAttempts.last.map { $0.endAt < step.endAt } == true)
        #expect(step.log.contains("Attempt 2 failed: invalid request: HTTP 429"))
    }

    @Test("gives up after its attempts, with the last failure as its own")
    func givesUp() async {
        let server = server(500, 502, 503)
        let step = await run(node(NodeRetry(attempts: 3)), pauses: 2, server)
        #expect(!step.success && step.error == "invalid request: HTTP 503: Service Unavailable")
        #expect(step.failedAttempts.count == 2 && server.requests.count == 3)
    }

    @Test(
        "runs once where the failure is none of those it names",
        arguments: [
            (nil, 503), (NodeRetry(attempts: 0), 503), (NodeRetry(attempts: 1), 503), (NodeRetry(attempts: 5), 404),
            (NodeRetry(attempts: 5, reasons: [.network, .timeout]), 503),
        ] as [(NodeRetry?, Int)])
    func once(retry: NodeRetry?, status: Int) async {
        let server = server(status, status)
        let step = await run(node(retry), pauses: 0, server)
        #expect(!step.success && step.failedAttempts.isEmpty && server.requests.count == 1)
    }

    @Test("runs again after any failure when it says so")
    func any() async {
        let server = server(404)
        let step = await run(node(NodeRetry(attempts: 2, reasons: [.any])), pauses: 1, server)
        #expect(step.success && step.failedAttempts.count == 1)
    }

    @Test("tells an unreachable server from a slow one")
    func transport() async {
        for (kind, reason) in [
            (HTTPTransportError.Kind.connection, NodeRetry.Reason.network), (.timeout, .timeout),
        ] {
            let server = FakeServer { _ in throw HTTPTransportError("no answer", kind: kind) }
            let step = await run(node(NodeRetry(attempts: 2, reasons: [reason])), pauses: 1, server)
            #expect(step.failedAttempts.count == 1 && server.requests.count == 2)
            let other = await run(node(NodeRetry(attempts: 2, reasons: [.rateLimited])), pauses: 0, server)
            #expect(other.failedAttempts.isEmpty)
        }
        let refusing = FakeServer { _ in throw HTTPTransportError("blocked address", kind: .refused) }
        let refused = await run(node(NodeRetry(attempts: 9)), pauses: 0, refusing)
        #expect(refused.failedAttempts.isEmpty && refusing.requests.count == 1)
    }

    @Test("ends at once when its run is stopped")
    func cancelled() async {
        let time = ManualTime()
        let server = server(503, 503)
        let task = Task {  // cancelled and awaited below
            await Sample.run(
                node(NodeRetry(attempts: 9)), in: Sample.environment(http: server, time: time)
            ).step
        }
        await time.waitForSleepers(1)
        task.cancel()
        let step = await task.value
        #expect(!step.success && server.requests.count == 1)
    }

    @Test("hides secrets in what it shows of attempts")
    func redaction() async {
        let time = ManualTime()
        let server = FakeServer { _ in throw HTTPTransportError("no route to hunter2hunter2") }
        async let finished = Sample.run(
            node(NodeRetry(attempts: 2)), in: Sample.environment(http: server, time: time),
            secrets: ["key": "hunter2hunter2"])
        await time.waitForSleepers(1)
        time.advance(by: .seconds(300))
        let step = await finished.step
        #expect(step.failedAttempts.first?.error.contains("hunter2") == false && !step.log.contains("hunter2"))
    }

    @Test("waits between half of a doubling pause and all of it", arguments: 1...200 as ClosedRange<UInt64>)
    func pauses(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let first = UInt32.random(in: 1...300_000, using: &random)
        let longest = UInt32.random(in: 0...300_000, using: &random)
        let retry = NodeRetry(attempts: 10, firstBackoffMilliseconds: first, longestBackoffMilliseconds: longest)
        for attempt in UInt32(1)...9 {
            let most = longest == 0 ? 30_000 : longest
            let whole = min(Double(first) * Double(1 << (attempt - 1)), Double(max(first, most)))
            let pause = try #require(
                retry.pause(after: attempt, reason: .network, jitter: UInt64.random(in: 0 ... .max, using: &random)))
            let milliseconds = Double(pause / .milliseconds(1))
            #expect(milliseconds <= whole && milliseconds >= (whole / 2).rounded(.down))
        }
        #expect(retry.pause(after: 10, reason: .network, jitter: 0) == nil)
        #expect(retry.pause(after: .max, reason: .network, jitter: 0) == nil)
        #expect(retry.pause(after: 1, reason: nil, jitter: 0) == nil)
    }

    @Test("is refused beyond its limits, and on nodes that send transactions")
    func refusals() {
        let request = Node.Config.restAPI(RestAPINode(url: "https://a", method: "GET"))
        let transfer = ETHTransferNode(destination: "0x1", amount: "1")
        let loop = LoopNode(
            inputVariable: "a", iterationValue: "v", iterationKey: "", mode: .parallel, runner: .ethTransfer(transfer))
        #expect(NodeRetry(attempts: 10).refusal(for: request) == nil)
        #expect(NodeRetry(attempts: 11).refusal(for: request)?.contains("at most 10") == true)
        #expect(
            NodeRetry(attempts: 2, firstBackoffMilliseconds: 300_001).refusal(for: request)?.contains("300000") == true)
        for config in [Node.Config.ethTransfer(transfer), .loop(loop)] {
            #expect(NodeRetry(attempts: 2).refusal(for: config)?.contains("transactions") == true)
            #expect(NodeRetry(attempts: 1).refusal(for: config) == nil)
        }
    }
}
