import AVSClient
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTesting
import AVSWire
import Testing

@Suite("A call to the aggregator")
struct CallTests {
    /// Fails `failures` times, then answers.
    private func flaky(_ failures: Int, _ code: RPCCode, seen: Seen<Void>) -> RPCMethod {
        .unary(Wire.AggregatorMethods.getExecutionStatus) { _, _ in
            if seen.append(()) <= failures { throw RPCStatus(code, "not now") }
            return .with { $0.status = .success }
        }
    }

    @Test("repeats a read that was UNAVAILABLE, after a pause")
    func repeatsReads() async throws {
        let (seen, time) = (Seen<Void>(), ManualTime())
        let session = try Known.session()
        try await withAggregator([flaky(2, .unavailable, seen: seen)], session: session, time: time) { client in
            async let status = client.getExecutionStatus(Known.executionID, of: Known.taskID)
            for _ in 0..<2 {
                await time.waitForSleepers(1)
                time.advance(by: .seconds(2))
            }
            let answer = try await status
            #expect(answer == .success)
        }
        #expect(seen.all.count == 3)
    }

    @Test("gives up after the configured number of attempts")
    func givesUp() async throws {
        let (seen, time) = (Seen<Void>(), ManualTime())
        let method = flaky(9, .unavailable, seen: seen)
        try await withAggregator([method], session: try Known.session(), time: time) { client in
            async let status = client.getExecutionStatus(Known.executionID, of: Known.taskID)
            for _ in 0..<2 {
                await time.waitForSleepers(1)
                time.advance(by: .seconds(2))
            }
            do {
                _ = try await status
                Issue.record("the call succeeded")
            } catch {
                #expect((error as? AggregatorError)?.code == .unavailable)
            }
        }
        #expect(seen.all.count == 3)
    }

    @Test("does not begin a pause that passes the deadline")
    func noPauseBeyondDeadline() async throws {
        let (seen, time) = (Seen<Void>(), ManualTime())
        let method = flaky(9, .unavailable, seen: seen)
        let error = try await withAggregator(
            [method], session: try Known.session(), time: time, configure: { $0.backoff = Backoff(first: .seconds(60)) }
        ) { client in
            await #expect(throws: AggregatorError.self) {
                try await client.getExecutionStatus(Known.executionID, of: Known.taskID)
            }
        }
        #expect(error?.code == .unavailable)
        #expect(seen.all.count == 1)
    }

    @Test(
        "does not repeat other failures",
        arguments: [RPCCode.resourceExhausted, .deadlineExceeded, .internal, .notFound, .unauthenticated])
    func doesNotRepeat(code: RPCCode) async throws {
        let seen = Seen<Void>()
        try await withAggregator([flaky(1, code, seen: seen)], session: try Known.session()) { client in
            let error = await #expect(throws: AggregatorError.self) {
                try await client.getExecutionStatus(Known.executionID, of: Known.taskID)
            }
            #expect(error?.code == code)
        }
        #expect(seen.all.count == 1)
    }

    @Test("never repeats a change without a key: nobody knows whether it was made")
    func neverRepeatsChanges() async throws {
        let seen = Seen<String>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.createTask) { _, call in
                seen.append("create")
                throw RPCStatus(.unavailable)
            },
            .unary(Wire.AggregatorMethods.triggerTask) { _, call in
                seen.append("trigger")
                throw RPCStatus(.unavailable)
            },
            .unary(Wire.AggregatorMethods.deleteTask) { _, call in
                seen.append("delete")
                throw RPCStatus(.unavailable)
            },
        ]
        let task = try TaskTests.newTask()
        try await withAggregator(methods, session: try Known.session()) { client in
            await #expect(throws: AggregatorError.self) { try await client.createTask(task) }
            await #expect(throws: AggregatorError.self) { try await client.triggerTask(Known.taskID) }
            await #expect(throws: AggregatorError.self) { try await client.deleteTask(Known.taskID) }
        }
        #expect(seen.all == ["create", "trigger", "delete"])
    }

    @Test("repeats a change that has an idempotency key, with the same key")
    func repeatsChangesWithKey() async throws {
        let (seen, time) = (Seen<String?>(), ManualTime())
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.createTask) { _, call in
                if seen.append(call.metadata["idempotency-key"]) < 3 { throw RPCStatus(.unavailable, "gone") }
                return .with { $0.id = Known.task }
            }
        ]
        let (task, key) = (try TaskTests.newTask(), try #require(IdempotencyKey("order-17")))
        try await withAggregator(methods, session: try Known.session(), time: time) { client in
            async let id = client.createTask(task, idempotencyKey: key)
            for _ in 0..<2 {
                await time.waitForSleepers(1)
                time.advance(by: .seconds(2))
            }
            let (made, expected) = (try await id, try Known.taskID)
            #expect(made == expected)
        }
        #expect(seen.all == ["order-17", "order-17", "order-17"])
    }

    @Test("waits as long as the aggregator says when a limit is reached, if the call may be repeated")
    func comesBackLater() async throws {
        let (seen, time) = (Seen<Void>(), ManualTime())
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getExecutionStatus) { _, _ in
                if seen.append(()) == 1 { throw try Self.tooMany(after: "7000") }
                return .with { $0.status = .success }
            },
            .unary(Wire.AggregatorMethods.createTask) { _, _ in throw try Self.tooMany(after: "7000") },
        ]
        let task = try TaskTests.newTask()
        try await withAggregator(methods, session: try Known.session(), time: time) { client in
            async let status = client.getExecutionStatus(Known.executionID, of: Known.taskID)
            await time.waitForSleepers(1)
            time.advance(by: .milliseconds(6_999))
            #expect(seen.all.count == 1)
            time.advance(by: .milliseconds(1))
            let answer = try await status
            #expect(answer == .success)
            let error = await #expect(throws: AggregatorError.self) { _ = try await client.createTask(task) }
            #expect(error?.limit == .init(name: "writes per caller", retryAfter: .seconds(7)))
        }
        #expect(seen.all.count == 2)
    }

    @Test("does not come back to an aggregator that asks it not to")
    func staysAway() async throws {
        let seen = Seen<Void>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getExecutionStatus) { _, _ in
                seen.append(())
                throw try Self.tooMany(after: "-1")
            }
        ]
        try await withAggregator(methods, session: try Known.session()) { client in
            let error = await #expect(throws: AggregatorError.self) {
                try await client.getExecutionStatus(Known.executionID, of: Known.taskID)
            }
            #expect(error?.code == .resourceExhausted)
        }
        #expect(seen.all.count == 1)
    }

    private static func tooMany(after milliseconds: String) throws -> RPCStatus {
        var status = try failure(.resourceExhausted, "too many writes per caller", .tooManyRequests)
        try status.metadata.add("grpc-retry-pushback-ms", milliseconds)
        return status
    }

    @Test("takes the times that a view of the client has, over the same connection and session")
    func views() async throws {
        let seen = Seen<Duration>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getExecutionStatus) { request, call in
                seen.append(try #require(call.deadline) - ContinuousClock.now)
                return .with { $0.status = .success }
            }
        ]
        try await withAggregator(methods) { client in
            let quick = client.with { $0.timeout = .seconds(5) }
            client.session = try Known.session()
            #expect(quick.session == client.session)
            _ = try await quick.getExecutionStatus(Known.executionID, of: Known.taskID)
        }
        #expect(try #require(seen.all.first) <= .seconds(5))
    }

    @Test("has a deadline: 30 seconds, 120 for a trigger that is waited for")
    func deadlines() async throws {
        let seen = Seen<Duration>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.triggerTask) { request, call in
                seen.append(try #require(call.deadline) - ContinuousClock.now)
                return .with {
                    $0.executionId = Known.execution
                    $0.status = request.isBlocking ? .success : .pending
                }
            }
        ]
        try await withAggregator(methods, session: try Known.session()) { client in
            _ = try await client.triggerTask(Known.taskID)
            _ = try await client.triggerTask(Known.taskID, isBlocking: true)
        }
        let limits = seen.all
        try #require(limits.count == 2)
        #expect(limits[0] <= .seconds(30) && limits[0] > .seconds(1))
        #expect(limits[1] <= .seconds(120) && limits[1] > .seconds(30))
    }

    @Test("an answer that cannot be read is INTERNAL, whatever is wrong with it")
    func malformedAnswers() async throws {
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.createTask) { _, _ in .with { $0.id = "NOT AN ID" } },
            .unary(Wire.AggregatorMethods.getNonce) { _, _ in .with { $0.nonce = "-1" } },
            .unary(Wire.AggregatorMethods.getExecutionStatus) { _, _ in .with { $0.status = .init(rawValue: 77) } },
            .unarySpliced(Wire.AggregatorMethods.getExecution) { _, _ in [0xff, 0xff, 0xff] },
            .unary(Wire.AggregatorMethods.getTask) { _, _ in .init() },
            .unary(Wire.AggregatorMethods.getWallet) { _, _ in .with { $0.address = "0x12" } },
            .unary(Wire.AggregatorMethods.getKey) { _, _ in .with { $0.key = "no token" } },
        ]
        let task = try TaskTests.newTask()
        try await withAggregator(methods, session: try Known.session()) { client in
            let calls: [(AggregatorClient) async throws -> Void] = [
                { _ = try await $0.createTask(task) },
                { _ = try await $0.getNonce(of: Known.walletAddress) },
                { _ = try await $0.getExecutionStatus(Known.executionID, of: Known.taskID) },
                { _ = try await $0.getExecution(Known.executionID, of: Known.taskID) },
                { _ = try await $0.getTask(Known.taskID) },
                { _ = try await $0.getWallet() },
                { _ = try await $0.getKey(message: "m", proof: "p") },
            ]
            for call in calls {
                let error = await #expect(throws: AggregatorError.self) { try await call(client) }
                #expect(error?.code == .internal)
            }
        }
    }

    @Test("without a server it is UNAVAILABLE")
    func nobodyThere() async throws {
        var configuration = AggregatorClient.Configuration()
        configuration.attempts = 1
        let client = try AggregatorClient(
            target: "unix:/nonexistent/aggregator", configuration: configuration, session: try Known.session())
        let error = await #expect(throws: AggregatorError.self) { try await client.getTask(Known.taskID) }
        #expect(error?.code == .unavailable)
        await client.close()
    }

    @Test("a target that names nothing is refused", arguments: ["", "host:port", "[::1"])
    func badTargets(text: String) throws {
        let error = try #require(throws: AggregatorError.self) { try AggregatorClient(target: text) }
        #expect(error.code == .invalidArgument)
    }

    @Test("that is cancelled ends CANCELLED")
    func cancellation() async throws {
        let entered = AsyncStream<Void>.makeStream()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getExecutionStatus) { _, _ in
                entered.continuation.yield()
                for await _ in AsyncStream<Void>.makeStream().stream {}  // until the caller gives up
                return .init()
            }
        ]
        try await withAggregator(methods, session: try Known.session()) { client in
            let call = Task { try await client.getExecutionStatus(Known.executionID, of: Known.taskID) }  // ends below
            for await _ in entered.stream { break }
            call.cancel()
            let error = await #expect(throws: AggregatorError.self) { try await call.value }
            #expect(error?.code == .cancelled)
        }
    }
}
