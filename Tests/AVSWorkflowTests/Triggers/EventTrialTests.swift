import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSTesting
import BigInt
import Testing

@testable import AVSWorkflow

/// ABI entries of events, and queries on them.
private enum Event {
    static let transfer = event(
        "Transfer", ("from", "address", true), ("to", "address", true), ("value", "uint256", false))
    static let answer = event(
        "AnswerUpdated", ("current", "int256", true), ("roundId", "uint256", true), ("updatedAt", "uint256", false))

    static func event(_ name: String, _ inputs: (String, String, Bool)...) -> JSONValue {
        [
            "type": "event", "name": .string(name),
            "inputs": .array(inputs.map { ["name": .string($0.0), "type": .string($0.1), "indexed": .bool($0.2)] }),
        ]
    }

    static func topic0(_ signature: String) -> String { Keccak256.hash(signature.utf8).hex }
    static let transferTopic = topic0("Transfer(address,address,uint256)")
    static let answerTopic = topic0("AnswerUpdated(int256,uint256,uint256)")

    static func padded(_ address: Address) -> String { Hex.encode0x([UInt8](repeating: 0, count: 12) + address.bytes) }

    static func condition(
        _ field: String, _ comparison: String, _ value: String, _ type: String = "uint256"
    ) -> EventCondition {
        EventCondition(fieldName: field, comparison: comparison, value: value, fieldType: type)
    }
}

/// Tries event triggers on Sepolia, at a second that ends on 42,000.
private func trial(
    _ queries: EventQuery..., input: [String: JSONValue] = [:], chain: (any ChainClient)? = FakeChain(),
    time: ManualTime = ManualTime(now: Timestamp(seconds: 1_767_242_000))
) async throws(NodeFailure) -> TriggerTrial.Outcome {
    let trigger = Trigger(id: "T", name: "t", config: .event(EventTrigger(queries: queries)))
    return try await TriggerTrial(trigger: trigger, input: input, chainID: 11_155_111)
        .run(in: Sample.environment(chain: chain, time: time))
}

private func query(_ topics: String..., abi: JSONValue..., conditions: [EventCondition] = [], calls: [MethodCall] = [])
    -> EventQuery
{
    EventQuery(
        addresses: [Sample.contract], topics: topics, contractABI: abi, conditions: conditions, methodCalls: calls)
}

/// Answers as a feed with 8 decimals and the price of 3,123.4567 does.
private let feed = FakeChain(answers: [
    "0xfeaf968c": .success(word(7) + word(312_345_670_000) + word(1) + word(2) + word(7)),
    "0x313ce567": .success(word(8)),
])

@Suite("A simulated transfer")
struct SimulatedTransferTests {
    private let wallet = Sample.wallet
    private let token = FakeChain(answers: ["0x313ce567": .success(word(6))])

    @Test("EE-TE3: has the side that is given, and somebody at the other")
    func sides() async throws {
        let sent = try await trial(query(Event.transferTopic, Event.padded(wallet), abi: Event.transfer)).output
        #expect(sent["fromAddress"] == .string(wallet.checksummed) && sent["direction"] == "sent")
        #expect(
            sent["toAddress"] == "0x0000000000000000000000000000000000000002"
                && sent["walletAddress"] == sent["fromAddress"])
        let received = try await trial(query(Event.transferTopic, "", wallet.lowercased, abi: Event.transfer)).output
        #expect(received["toAddress"] == .string(wallet.checksummed) && received["direction"] == "received")
        #expect(received["fromAddress"] == "0x0000000000000000000000000000000000000001")
        await #expect(throws: NodeFailure(
                code: .invalidTriggerConfig,
                "transfer event simulation requires at least one address (FROM or TO) in topics")
        ) {
            try await trial(query(Event.transferTopic, "", "null", abi: Event.transfer))
        }
    }

    @Test("EE-TE4: is flat, with every field, where the ABI has the event")
    func flat() async throws {
        let outcome = try await trial(
            query(Event.transferTopic, Event.padded(wallet), abi: Event.transfer), chain: token)
        var output = try #require(outcome.output.objectValue)
        let hash = try #require(output.removeValue(forKey: "transactionHash")?.stringValue)
        #expect(Hash32(hash) != nil && outcome.metadata?["transactionHash"]?.stringValue == hash)
        #expect(
            output == [
                "eventName": "Transfer", "tokenName": "Unknown Token", "tokenSymbol": "UNKNOWN", "tokenDecimals": 6,
                "contractAddress": .string(Sample.contract), "blockNumber": 6_542_000,
                "blockTimestamp": 1_767_242_000_000,
                "fromAddress": .string(wallet.checksummed), "toAddress": "0x0000000000000000000000000000000000000002",
                "value": "1500000", "valueFormatted": "1.5", "direction": "sent",
                "walletAddress": .string(wallet.checksummed), "chainId": 11_155_111,
            ])
    }

    @Test("is the decoded event where no chain knows the token, and the raw log where no ABI has the event (EE-TE5)")
    func otherShapes() async throws {
        let nested = try await trial(query(Event.transferTopic, Event.padded(wallet), abi: Event.transfer), chain: nil)
            .output
        #expect(
            nested == [
                "Transfer": [
                    "from": .string(wallet.checksummed), "to": "0x0000000000000000000000000000000000000002",
                    "value": "1500000000000000000",
                ]
            ])
        for abi in [[], [Event.answer]] as [[JSONValue]] {
            var raw = query(Event.transferTopic, wallet.checksummed)
            raw.contractABI = abi
            let output = try await trial(raw, chain: token).output
            #expect(
                output["topics"]?.arrayValue?.prefix(2) == [
                    .string(Event.transferTopic), .string(Event.padded(wallet)),
                ])
            #expect(output["data"] == .string(Hex.encode0x(word(1_500_000))) && output["logIndex"] == 0)
            #expect(output["removed"] == false && output["contractAddress"] == .string(Sample.contract))
        }
    }

    @Test(
        "EE-4.5.3: is in a block near the head of its chain",
        arguments: [(1, 19_542_000), (11_155_111, 6_542_000), (8_453, 11_542_000), (84_532, 14_442_000)])
    func blocks(chainID: UInt64, number: Double) async throws {
        let event = EventTrigger(queries: [query(Event.transferTopic, wallet.checksummed, abi: Event.transfer)])
        let time = ManualTime(now: Timestamp(seconds: 1_767_242_000))
        let outcome = try await TriggerTrial(
            trigger: Trigger(id: "T", name: "t", config: .event(event)), input: [:], chainID: chainID
        ).run(in: Sample.environment(chain: token, time: time))
        #expect(outcome.output["blockNumber"] == .number(number) && outcome.metadata?["blockNumber"] == .number(number))
        #expect(outcome.output["chainId"] == .number(Double(chainID)))
    }

    @Test("is one unit of a token without fractions", arguments: [(0, "1"), (1, "15"), (255, "1")])
    func fractions(decimals: UInt64, value: String) async throws {
        let chain = FakeChain(answers: ["0x313ce567": .success(word(decimals))])
        let output = try await trial(query(Event.transferTopic, wallet.checksummed, abi: Event.transfer), chain: chain)
            .output
        #expect(output["value"] == .string(value))
    }

    @Test(
        "EE-TE10: has an amount with which the conditions on it hold",
        arguments: [
            ([("gt", "99")], "100"), ([("greater_than_or_equal", "99")], "99"), ([("lt", "7")], "6"),
            ([("eq", "5")], "5"),
            ([("ne", "5")], "6"), ([("gt", "99"), ("lt", "200")], "100"), ([("lt", "200"), ("gt", "199")], "199"),
            ([("gt", UInt256.max.description)], "1500000"),
        ] as [([(String, String)], String)])
    func amounts(conditions: [(String, String)], value: String) async throws {
        for field in ["Transfer.value", "value", "amount"] {
            let own = conditions.map { Event.condition(field, $0.0, $0.1) }
            let outcome = try await trial(
                query(Event.transferTopic, wallet.checksummed, abi: Event.transfer, conditions: own), chain: token)
            #expect(outcome.output["value"] == .string(value))
            let isPossible = value != "199" && value != "1500000"  // between 199 and 200 is nothing
            #expect(outcome.failure == nil || !isPossible, "\(field)")
        }
    }

    @Test(
        "EE-TE10: where its value is formatted, has an amount in tokens with which the conditions hold",
        arguments: [
            ([("gt", "100")], "100.000001"), ([("gte", "100.5")], "100.5"), ([("gt", "0.0000001")], "0.000001"),
            ([("gte", "0.0000011")], "0.000002"), ([("lt", "2.5")], "2.499999"), ([("lt", "0.0000011")], "0.000001"),
            ([("lte", "7.0000009")], "7"), ([("eq", "12.34")], "12.34"), ([("lt", "2"), ("gt", "1")], "1.999999"),
        ] as [([(String, String)], String)])
    func amountsInTokens(conditions: [(String, String)], value: String) async throws {
        for field in ["Transfer.value", "value", "amount"] {
            let own = conditions.map { Event.condition(field, $0.0, $0.1, "decimal") }
            let formatted = field == "value" ? "value" : "Transfer.value"
            let call = MethodCall(methodName: "decimals", applyToFields: [formatted])
            let outcome = try await trial(
                query(Event.transferTopic, wallet.checksummed, abi: Event.transfer, conditions: own, calls: [call]),
                chain: token)
            #expect(outcome.failure == nil && outcome.output["value"] == .string(value), "\(field): \(outcome.output)")
            #expect(outcome.output["valueFormatted"] == .string(value))
        }
    }

    @Test("tells whose it is when both sides are given, by the wallet that runs")
    func watched() async throws {
        let other = Sample.owner
        let both = query(Event.transferTopic, other.checksummed, wallet.checksummed, abi: Event.transfer)
        #expect(try await trial(both).output["direction"] == "unknown")
        let received = try await trial(both, input: ["settings": Sample.settings]).output
        #expect(received["direction"] == "received" && received["walletAddress"] == .string(wallet.checksummed))
    }

    @Test("of a deed is an event like any other")
    func deeds() async throws {
        let deed = Event.event(
            "Transfer", ("from", "address", true), ("to", "address", true), ("tokenId", "uint256", true))
        let output = try await trial(query(Event.transferTopic, "", "", Hex.encode0x(word(9)), abi: deed)).output
        #expect(output["Transfer"]?["tokenId"] == "9")
    }
}

@Suite("A simulated event")
struct SimulatedEventTests {
    private let decimals = MethodCall(methodName: "decimals", applyToFields: ["AnswerUpdated.current"])

    @Test("EE-TE6: of a feed is one round after its latest")
    func priceUpdate() async throws {
        let outcome = try await trial(query(Event.answerTopic, abi: Event.answer), chain: feed)
        #expect(
            outcome.output == [
                "AnswerUpdated": ["current": "312345670000", "roundId": "8", "updatedAt": "1767242000"]
            ])
        let metadata = try #require(outcome.metadata?.objectValue)
        #expect(
            metadata["address"] == .string(Sample.contract)
                && metadata["topics"]?.arrayValue?.first == .string(Event.answerTopic))
        #expect(metadata["blockNumber"] == 6_542_000 && metadata["chainId"] == 11_155_111)
        #expect(
            metadata.keys.sorted() == [
                "address", "blockHash", "blockNumber", "chainId", "data", "logIndex", "removed", "topics",
                "transactionHash",
                "transactionIndex",
            ])
        #expect(outcome.isSimulated && outcome.failure == nil)
    }

    @Test("EE-TE8: has fields formatted by what its contract says of decimals")
    func formatted() async throws {
        for call in [
            decimals, MethodCall(methodName: "decimals", applyToFields: ["current"]),
            MethodCall(methodName: "any", callData: "0x313ce567", applyToFields: ["current"]),
        ] {
            let output = try await trial(query(Event.answerTopic, abi: Event.answer, calls: [call]), chain: feed).output
            let fields = output["AnswerUpdated"]
            #expect(
                fields?["current"] == "3123.4567" && fields?["currentRaw"] == "312345670000" && fields?["decimals"] == 8
            )
        }
    }

    @Test("has sample values where its contract is no feed, and where there is no chain", arguments: [true, false])
    func samples(hasChain: Bool) async throws {
        let output = try await trial(
            query(Event.answerTopic, abi: Event.answer, calls: [decimals]), chain: hasChain ? FakeChain() : nil
        ).output
        #expect(
            output["AnswerUpdated"] == [
                "current": "2500", "currentRaw": "250000000000", "decimals": 8, "roundId": "92233720368547758",
                "updatedAt": "1767242000",
            ])
    }

    @Test("of a query that has no topics but asks methods is a feed's, and nothing is asked")
    func direct() async throws {
        let chain = FakeChain()
        let output = try await trial(query(calls: [decimals]), chain: chain).output
        #expect(
            output == [
                "AnswerUpdated": [
                    "current": "2500", "currentRaw": "250000000000", "decimals": 8, "roundId": "92233720368547758",
                    "updatedAt": "1767242000",
                ]
            ])
        #expect(chain.calls.isEmpty)
    }

    @Test("EE-TE14: of any other kind has sample values; topics that are not given are zeros")
    func generic() async throws {
        let supply = Event.event(
            "Supply", ("who", "address", true), ("amount", "uint256", false), ("at", "uint64", false))
        let signature = Event.topic0("Supply(address,uint256,uint64)")
        for topics in [[], [""], [signature]] {
            var query = query(abi: supply)
            query.topics = topics
            let outcome = try await trial(query)
            #expect(
                outcome.output == [
                    "Supply": [
                        "who": "0x0000000000000000000000000000000000000000", "amount": "1000000000000000000",
                        "at": "1000000",
                    ]
                ])
            #expect(outcome.metadata?["data"]?.stringValue?.utf8.count == 2 + 2 * 64)
        }
        let given = try await trial(query(signature, Sample.wallet.checksummed, abi: supply)).output
        #expect(given["Supply"]?["who"] == .string(Sample.wallet.checksummed))
    }

    @Test("has a value of every type")
    func types() async throws {
        let event: JSONValue = [
            "type": "event", "name": "All",
            "inputs": .array(
                ["uint8", "int16", "uint24", "int64", "bool", "string", "bytes", "bytes4", "uint8[]", "uint16[2]"]
                    .enumerated().map { ["name": .string("f\($0)"), "type": .string($1), "indexed": false] } + [
                        [
                            "name": "t", "type": "tuple", "indexed": false,
                            "components": [["name": "a", "type": "address"], ["name": "n", "type": "int256"]],
                        ]
                    ]),
        ]
        #expect(
            try await trial(query(abi: event)).output["All"] == [
                "f0": "1", "f1": "100", "f2": "100000", "f3": "1000000", "f4": true, "f5": "sample", "f6": "0x00",
                "f7": "0x00000000", "f8": [], "f9": ["100", "100"],
                "t": ["a": "0x0000000000000000000000000000000000000001", "n": "1000000000000000000"],
            ])
    }

    @Test("of a type that would fill the memory is refused", arguments: ["uint8[2000]", "string[30000][30000][30000]"])
    func hugeTypes(type: String) async {
        await #expect(throws: NodeFailure.self) { try await trial(query(abi: Event.event("Big", ("a", type, false)))) }
    }

    @Test("without ABI is a raw log: the topics of the query and 32 bytes")
    func raw() async throws {
        let topic = Event.topic0("Ping(uint256)")
        let output = try await trial(query(topic, "", Sample.wallet.checksummed)).output
        #expect(output["topics"] == [.string(topic), .string(Hash32.zero.hex), .string(Event.padded(Sample.wallet))])
        #expect(output["data"] == .string(Hash32.zero.hex))
    }

    @Test("fails when its chain cannot be reached, or does not answer in time")
    func chainFailures() async throws {
        let away = FakeChain(answers: ["0xfeaf968c": .failure(.unavailable(reason: "down"))])
        let failure = await #expect(throws: NodeFailure.self) {
            try await trial(query(Event.answerTopic, abi: Event.answer), chain: away)
        }
        #expect(failure?.code == .rpcNodeError)
        let time = ManualTime()
        async let slow = trial(query(Event.answerTopic, abi: Event.answer), chain: SilentChain(time: time), time: time)
        await time.waitForSleepers(2)
        time.advance(by: TriggerTrial.budget)
        do {
            _ = try await slow
            Issue.record("it answered")
        } catch let failure as NodeFailure {
            #expect(failure.code == .rpcNodeError && failure.message.contains("took longer than 15"))
        }
    }
}

/// Answers after an hour.
private struct SilentChain: ChainClient {
    let chainID: UInt64 = 11_155_111
    let time: ManualTime

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        do { try await time.sleep(until: time.monotonic + .seconds(3_600)) } catch { throw .cancelled }
        return .null
    }
}

@Suite("Conditions on a simulated event")
struct SimulatedConditionTests {
    private func outcome(
        _ conditions: EventCondition..., calls: [MethodCall] = []
    ) async throws -> (failure: NodeFailure?, verdicts: [JSONValue], isMet: JSONValue?) {
        let outcome = try await trial(
            query(Event.answerTopic, abi: Event.answer, conditions: conditions, calls: calls), chain: feed)
        #expect(outcome.output["AnswerUpdated"] != nil)
        return (
            outcome.failure, outcome.metadata?["matchedConditions"]?.arrayValue ?? [],
            outcome.metadata?["conditionsMet"]
        )
    }

    @Test("EE-TE9: that hold are told one by one")
    func met() async throws {
        let (failure, verdicts, isMet) = try await outcome(
            Event.condition("AnswerUpdated.current", "gt", "200000000000", "int256"))
        #expect(failure == nil && isMet == true)
        #expect(
            verdicts == [
                [
                    "fieldName": "AnswerUpdated.current", "operator": "gt", "expectedValue": "200000000000",
                    "actualValue": "312345670000", "passed": true,
                    "reason": "312345670000 gt 200000000000 as int256 holds",
                ]
            ])
    }

    @Test("EE-TE9: all have to hold, and the event is shown all the same")
    func unmet() async throws {
        let (failure, verdicts, isMet) = try await outcome(
            Event.condition("current", "gt", "1", "int256"), Event.condition("AnswerUpdated.roundId", "less_than", "8"),
            Event.condition("AnswerUpdated.nothing", "eq", "8"))
        #expect(failure?.message == "Conditions not met for simulated event" && isMet == false)
        #expect(verdicts.map { $0["passed"] } == [true, false, false])
        #expect(verdicts.last?["actualValue"] == .null)
    }

    @Test(
        "on a formatted field are read as decimals, exactly",
        arguments: [
            ("gt", "3123.4566", true), ("gt", "3123.4567", false), ("eq", "3123.4567", true),
            ("gt", "200000000000", false),
        ])
    func decimals(comparison: String, value: String, passes: Bool) async throws {
        let call = MethodCall(methodName: "decimals", applyToFields: ["AnswerUpdated.current"])
        let (failure, _, _) = try await outcome(
            Event.condition("AnswerUpdated.current", comparison, value, "int256"), calls: [call])
        #expect((failure == nil) == passes)
    }

    @Test("that fail leave the choice to the next query; EE-TE15: the first that can be simulated wins")
    func alternatives() async throws {
        let bad = query(Event.transferTopic)
        let unmet = query(
            Event.answerTopic, abi: Event.answer,
            conditions: [Event.condition("AnswerUpdated.current", "lt", "0", "int256")])
        let good = query(Event.transferTopic, Sample.wallet.checksummed, abi: Event.transfer)
        #expect(try await trial(bad, good).output["eventName"] == "Transfer")
        #expect(try await trial(unmet, good).output["eventName"] == "Transfer")
        #expect(try await trial(good, unmet).output["eventName"] == "Transfer")
        let first = try await trial(bad, unmet)
        #expect(first.failure != nil && first.output["AnswerUpdated"] != nil)
    }
}
