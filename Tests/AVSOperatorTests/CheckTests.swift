import AVSModel
import AVSOperator
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTesting
import AVSWire
import Testing

@Suite("A check")
struct CheckTests {
    static let triggers: [Trigger.Config] = [
        .cron(CronTrigger(schedules: ["* * * * *"])), .fixedTime(FixedTimeTrigger(epochs: [Sample.now])),
        .block(BlockTrigger(interval: 5)),
        .event(EventTrigger(queries: [EventQuery(addresses: ["0x00000000000000000000000000000000000000a1"])])),
    ]

    @Test("is read back as it was sent", arguments: triggers) func roundTrip(_ config: Trigger.Config) throws {
        let check = Sample.check(config)
        let wire = Wire.SyncMessagesResp(monitoring: check)
        #expect(try OperatorCheck(wire) == .monitor(check))
        #expect(try TaskCheck(Wire.SyncMessagesResp(serialized: wire.serialized())) == check)
    }

    @Test("names the task by the message when there is no metadata (6.4)") func withoutMetadata() throws {
        let id = Sample.id(1)
        #expect(try OperatorCheck(.with { ($0.id, $0.op) = (id.description, .disableTask) }) == .disable(id))
        #expect(try OperatorCheck(.with { ($0.id, $0.op) = (id.description, .deleteTask) }) == .delete(id))
    }

    @Test("that we do not know is told from one that lacks something") func unknown() {
        #expect(throws: UnknownCheck.self) { try OperatorCheck(.with { $0.op = .completedTask }) }
        #expect(throws: UnknownCheck.self) { try OperatorCheck(.with { $0.op = .monitorTaskTrigger }) }
        #expect(throws: UnknownCheck.self) { try OperatorCheck(.with { ($0.id, $0.op) = ("x", .deleteTask) }) }
    }
}

@Suite("A reconnect")
struct ReconnectTests {
    @Test("waits 1 s, doubling to 60 s, and starts over after two good minutes (6.1)", arguments: 1...10)
    func pauses(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var policy = ReconnectPolicy()
        for least in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = policy.pause(after: .closed, lasted: .seconds(1), using: &random)
            #expect(pause >= .seconds(least))
            #expect(pause <= .seconds(least) * 1.25)
        }
        #expect(policy.pause(after: .unreachable, lasted: .seconds(120), using: &random) < .seconds(2))
    }

    /// When an operator is back whose stream was ended at 0, of an aggregator that serves again at `downtime`.
    private static func back(_ number: Int, downtime: Duration, random: inout SeededGenerator) -> Duration {
        var policy = ReconnectPolicy()
        let address = Address(bytes: UInt256(UInt64(number)).bigEndian.suffix(20)) ?? .zero
        let advised = RetryAdvice(within: .seconds(10), name: address.bytes).delay
        var now = policy.pause(after: .closed, advised: advised, lasted: .seconds(3_600), using: &random)
        while now < downtime { now += policy.pause(after: .unreachable, lasted: .zero, using: &random) }
        return now
    }

    @Test("OVL-13: of 10,000 operators after a restart is over within a minute, and never many at the same moment",
        arguments: [0, 2, 5, 20])
    func storm(downtime: Int) {
        var random = SeededGenerator(seed: UInt64(downtime))
        let back = (0..<10_000).map { Self.back($0, downtime: .seconds(downtime), random: &random) }
        #expect(back.allSatisfy { $0 <= .seconds(downtime + 60) })
        var perSecond: [Int: Int] = [:]
        for instant in back { perSecond[Int(instant / .seconds(1)), default: 0] += 1 }
        #expect(perSecond.values.max().map { $0 <= 4_000 } == true, "\(perSecond.sorted { $0.key < $1.key })")
        // Without what the aggregator asks for, all of them would be there in a quarter of a second.
        if downtime == 0 { #expect(perSecond.values.max().map { $0 <= 2_200 } == true) }
    }

    @Test("OVL-13: is not before the aggregator asks for it, however long that is, up to a minute",
        arguments: [(3, 3), (59, 59), (100_000, 60), (0, 1)])
    func advised(seconds: Int, least: Int) {
        var random = SeededGenerator(seed: 1)
        for end in [ReconnectPolicy.End.closed, .unreachable, .refused] {
            var policy = ReconnectPolicy()
            let pause = policy.pause(after: end, advised: .seconds(seconds), lasted: .zero, using: &random)
            #expect(pause >= .seconds(least) && pause <= .seconds(max(least, 5)) * 1.25)
        }
    }

    @Test("respects the cooldown of 5 s after a refusal (6.3)") func cooldown() {
        var random = SeededGenerator(seed: 1)
        var policy = ReconnectPolicy()
        #expect(policy.pause(after: .refused, lasted: .zero, using: &random) >= .seconds(5))
    }

    @Test(
        "is not hasty where haste mends nothing",
        arguments: [RPCCode.unauthenticated, .permissionDenied, .internal, .unimplemented])
    func failed(_ code: RPCCode) {
        var random = SeededGenerator(seed: 1)
        var policy = ReconnectPolicy()
        let end = ReconnectPolicy.End(RPCStatus(code))
        #expect(policy.pause(after: end, lasted: .zero, using: &random) >= .seconds(60))
    }

    @Test(
        "tells the ends of a stream apart",
        arguments: [
            (RPCCode.ok, ReconnectPolicy.End.closed), (.resourceExhausted, .refused), (.unavailable, .unreachable),
            (.cancelled, .unreachable), (.unauthenticated, .failed),
        ])
    func ends(_ code: RPCCode, _ end: ReconnectPolicy.End) { #expect(ReconnectPolicy.End(RPCStatus(code)) == end) }
}

@Suite("The stream of checks")
struct FollowTests {
    /// Follows until `count` events came, in a time in which every pause is over at once.
    private func events(_ aggregator: FakeAggregator, count: Int) async throws -> [CheckEvent] {
        let seen = Recorder<CheckEvent>()
        try await withClient(aggregator, time: HastyTime()) { client in
            do {
                var random = SeededGenerator(seed: 1)
                try await client.follow(using: &random) { event in
                    if seen.append(event) >= count { throw Enough() }
                }
            } catch is Enough {}
        }
        return seen.items
    }

    private struct Enough: Error {}

    @Test("is opened again after a good end, a refusal and a failure, and nothing is lost") func reconnects()
        async throws
    {
        let check = Sample.check(.block(BlockTrigger(interval: 5)))
        let monitor = Wire.SyncMessagesResp(monitoring: check)
        let aggregator = FakeAggregator(streams: [
            { writer in try await writer.write(monitor) },
            { _ in throw RPCStatus(.resourceExhausted, "reconnecting too fast, wait 5s (last connect was 1s ago)") },
            { writer in
                try await writer.write(.with { ($0.id, $0.op) = ("?", .init(rawValue: 99)) })  // passed over
                try await writer.write(.with { ($0.id, $0.op) = (check.taskID.description, .deleteTask) })
                throw RPCStatus(.unavailable, "going away")
            },
            { writer in try await writer.write(monitor) },
        ])
        let events = try await events(aggregator, count: 9)
        let checks = events.compactMap { event in if case .check(let check) = event { check } else { nil } }
        #expect(checks.prefix(3) == [.monitor(check), .delete(check.taskID), .monitor(check)])
        let ends = events.compactMap { event in
            if case .disconnected(let status, _) = event { status.code } else { nil }
        }
        #expect(ends.prefix(3) == [.ok, .resourceExhausted, .unavailable])
        #expect(aggregator.requests(Wire.HealthCheckRequest.self).count >= 4)
    }

    @Test("hands the handler's own error on") func handler() async throws {
        struct Broken: Error {}
        let aggregator = FakeAggregator(streams: [{ writer in try await writer.sendHeaders() }])
        try await withClient(aggregator) { client in
            await #expect(throws: Broken.self) {
                var random = SeededGenerator(seed: 1)
                try await client.follow(using: &random) { _ in throw Broken() }
            }
        }
    }
}
