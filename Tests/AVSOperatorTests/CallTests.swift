import AVSCrypto
import AVSModel
import AVSOperator
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTesting
import Testing

@Suite("An operator's call")
struct CallTests {
    @Test("carries a fresh signature over its address and the time (3.5)") func authorization() throws {
        let credentials = try Sample.credentials()
        let text = try credentials.authorization(at: Timestamp(milliseconds: 1_900_000_000_999))
        #expect(text.hasPrefix("Bearer 1900000000."))
        let hex = String(text.dropFirst("Bearer 1900000000.".count))
        #expect(hex.utf8.count == 130)
        #expect(!hex.hasPrefix("0x"))
        let signature = try #require(Signature(hex: hex))
        let signed = "Operator:0x7E5F4552091A69125d5DfCb7b8C2659029395BdfEpoch:1900000000"
        #expect(signature.isValid(for: SignedMessage.digest(of: Array(signed.utf8)), by: credentials.address))
        #expect(signature.v == 27 || signature.v == 28)
    }

    @Test("names the operator's own address also when an alias signs") func alias() throws {
        let own = try #require(Address("0x00000000000000000000000000000000000000a1"))
        let credentials = OperatorCredentials(address: own, key: try Sample.key())
        #expect(credentials.usesAlias)
        let text = try credentials.authorization(at: Sample.now)
        let signature = try #require(Signature(hex: String(text.dropFirst("Bearer 1900000000.".count))))
        let signed = "Operator:\(own.checksummed)Epoch:1900000000"
        #expect(signature.isValid(for: SignedMessage.digest(of: Array(signed.utf8)), by: try Sample.key().address))
    }

    @Test("is signed whatever the rpc") func everyCall() async throws {
        let aggregator = FakeAggregator(streams: [{ _ in }])
        try await withClient(aggregator) { client in
            try await client.healthCheck()
            _ = try await client.ping(CheckIn(metricsPort: 9_090, blockNumber: 7, eventCount: 3))
            try await client.withChecks { checks in for try await _ in checks {} }
            _ = try await client.reportOverload(
                EventOverload(taskID: Sample.id(1), blockNumber: 5, eventCount: 9, limit: 2, queryIndex: 1))
        }
        #expect(aggregator.authorizations.count == 4)
        #expect(aggregator.authorizations.allSatisfy { $0.hasPrefix("Bearer 1900000000.") })
        let checkIn = try #require(aggregator.requests(Wire.Checkin.self).first)
        #expect((checkIn.metricsPort, checkIn.blockNumber, checkIn.eventCount) == (9_090, 7, 3))
        #expect(checkIn.id.utf8.count == 64)
        let sync = try #require(aggregator.requests(Wire.SyncMessagesReq.self).first)
        #expect(sync.monotonicClock == 1_900_000_000)
        #expect(
            sync.capabilities
                == .with {
                    ($0.eventMonitoring, $0.blockMonitoring, $0.timeMonitoring) = (true, true, true)
                })
        let alert = try #require(aggregator.requests(Wire.EventOverloadAlert.self).first)
        #expect((alert.blockNumber, alert.eventsDetected, alert.safetyLimit, alert.queryIndex) == (5, 9, 2, "1"))
    }

    @Test("tells how far the clocks are apart") func offset() async throws {
        try await withClient(FakeAggregator()) { client in
            let answer = try await client.ping(CheckIn())
            #expect(answer.clockOffset == .seconds(40))
        }
    }
}

@Suite("A report")
struct ReportTests {
    @Test("has the reference operator's payload and request id (6.7, 6.8)") func payloads() throws {
        let reporter = try Sample.key().address
        let id = Sample.id(1)
        let cron = Wire.NotifyTriggersReq(.time(id, kind: .cron, at: Sample.now, reporter: reporter))
        #expect(cron.triggerRequestId == "\(id):1900000000000")
        #expect(cron.triggerType == .init(rawValue: TriggerKind.cron.rawValue))
        #expect(cron.signature == "pending")
        #expect(
            cron.triggerOutput
                == .cronTrigger(
                    .with {
                        $0.data = ["timestamp": 1_900_000_000_000, "timestampIso": "2030-03-17T17:46:40.000Z"]
                    }))
        let fixed = Wire.NotifyTriggersReq(.time(id, kind: .fixedTime, at: Sample.now, reporter: reporter))
        #expect(fixed.triggerType == .init(rawValue: TriggerKind.fixedTime.rawValue))
        let block = Wire.NotifyTriggersReq(
            .block(id, number: 12, header: ["blockNumber": 12], chainID: 5, reporter: reporter))
        #expect((block.triggerRequestId, block.chainId) == ("\(id):12", 5))
        let event = TriggerFired.event(
            id, event: ["Transfer": ["value": "1"]], transaction: Sample.transaction, logIndex: 3, block: 9, chainID: 5,
            reporter: reporter)
        #expect(event.requestID == "\(id):\(Sample.transaction.hex):3")
        #expect(
            event.output.data == [
                "Transfer": ["value": "1"], "blockNumber": 9, "logIndex": 3,
                "transactionHash": .string(Sample.transaction.hex),
            ])
        #expect(TriggerFired(Wire.NotifyTriggersReq(event)) == event)
        // What we send is what an aggregator reads: content and id name the same occurrence (XO-5).
        #expect(throws: Never.self) { try Occurrence(of: event, trigger: .event, chainID: 5) }
    }

    static let answers: [(status: String, remaining: Int64, enabled: Bool, keeps: Bool)] = [
        ("enabled", -1, true, true), ("enabled", 3, true, true), ("enabled", 0, true, false),
        ("exhausted", 0, false, false), ("not_started", -1, true, true), ("deduplicated", -1, true, true),
        ("not_found", 0, false, false), ("disabled", 5, false, false),
    ]

    @Test("is answered with whether to go on watching (6.6)", arguments: answers)
    func answer(_ row: (status: String, remaining: Int64, enabled: Bool, keeps: Bool)) async throws {
        let aggregator = FakeAggregator(notifies: [
            { _, _ in
                .with {
                    ($0.status, $0.remainingExecutions, $0.taskStillEnabled) = (row.status, row.remaining, row.enabled)
                }
            }
        ])
        try await withClient(aggregator) { client in
            var random = SeededGenerator(seed: 1)
            guard case .answered(let answer) = try await client.report(Sample.fired(), using: &random) else {
                Issue.record("no answer")
                return
            }
            #expect(answer.status == row.status)
            #expect(answer.keepsWatching == row.keeps)
        }
    }

    @Test(
        "is sent again after failures that pass, under the same id",
        arguments: [RPCCode.unavailable, .resourceExhausted, .deadlineExceeded, .aborted])
    func retried(_ code: RPCCode) async throws {
        let time = ManualTime(now: Sample.now)
        let refuse: FakeAggregator.Notify = { _, _ in throw RPCStatus(code, "not now") }
        let aggregator = FakeAggregator(notifies: [
            refuse, refuse,
            { _, _ in
                .with { ($0.status, $0.remainingExecutions, $0.taskStillEnabled) = ("enabled", -1, true) }
            },
        ])
        try await withClient(aggregator, time: time) { client in
            async let outcome = { () async throws -> ReportOutcome in
                var random = SeededGenerator(seed: 2)
                return try await client.report(Sample.fired(), using: &random)
            }()
            for _ in 0..<2 {
                await time.waitForSleepers(1)
                time.advance(by: .seconds(5))
            }
            let answer = ReportAnswer(status: "enabled", remainingExecutions: -1, taskStillEnabled: true)
            let result = try await outcome
            #expect(result == .answered(answer))
        }
        let ids = aggregator.requests(Wire.NotifyTriggersReq.self).map(\.triggerRequestId)
        let id = try Sample.fired().requestID
        #expect(ids == [id, id, id])
        #expect(Set(aggregator.authorizations).count == 3)  // each attempt is signed at its own time
    }

    @Test("is postponed when all attempts fail") func exhausted() async throws {
        let time = ManualTime(now: Sample.now)
        let aggregator = FakeAggregator(notifies: [{ _, _ in throw RPCStatus(.unavailable, "gone") }])
        try await withClient(aggregator, time: time, configure: { $0.retry.attempts = 3 }) { client in
            async let outcome = { () async throws -> ReportOutcome in
                var random = SeededGenerator(seed: 3)
                return try await client.report(Sample.fired(), using: &random)
            }()
            for _ in 0..<2 {
                await time.waitForSleepers(1)
                time.advance(by: .seconds(10))
            }
            guard case .postponed(let status) = try await outcome else {
                Issue.record("not postponed")
                return
            }
            #expect(status.code == .unavailable)
        }
        #expect(aggregator.requests(Wire.NotifyTriggersReq.self).count == 3)
    }

    @Test("that is wrong is not sent again", arguments: [RPCCode.invalidArgument, .failedPrecondition, .outOfRange])
    func refused(_ code: RPCCode) async throws {
        let aggregator = FakeAggregator(notifies: [{ _, _ in throw RPCStatus(code, "never") }])
        try await withClient(aggregator) { client in
            var random = SeededGenerator(seed: 4)
            guard case .refused(let status) = try await client.report(Sample.fired(), using: &random) else {
                Issue.record("not refused")
                return
            }
            #expect(status.code == code)
        }
        #expect(aggregator.requests(Wire.NotifyTriggersReq.self).count == 1)
    }

    @Test("that nobody answers ends with its deadline") func silent() async throws {
        let aggregator = FakeAggregator(notifies: [
            { _, _ in
                try await Task.sleep(for: .seconds(3_600))  // ends when the call is cancelled
                return .init()
            }
        ])
        let configure: (inout OperatorClient.Configuration) -> Void = {
            $0.retry.attempts = 1
            $0.retry.attemptTimeout = .milliseconds(50)
        }
        try await withClient(aggregator, configure: configure) { client in
            var random = SeededGenerator(seed: 5)
            guard case .postponed(let status) = try await client.report(Sample.fired(), using: &random) else {
                Issue.record("not postponed")
                return
            }
            #expect(status.code == .deadlineExceeded)
        }
    }

    @Test("waits twice as long each time, up to the longest pause", arguments: 1...20) func pauses(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let policy = RetryPolicy()
        for (attempt, least) in [(1, 250), (2, 500), (3, 1_000), (6, 5_000), (100, 5_000)] {
            let pause = policy.pause(after: attempt, using: &random)
            #expect(pause >= .milliseconds(least))
            #expect(pause <= .milliseconds(least) * 1.25)
        }
    }
}
