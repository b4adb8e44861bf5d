import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSTesting
import Synchronization
import Testing

@testable import AVSWatch

@Suite("What an event's contract says")
struct EventEnricherTests {
    /// A contract of which a test decides the answers; each call is counted.
    private final class Contract: ChainClient {
        let chainID = Sample.chainID
        let state = Mutex((answers: [String: Result<[UInt8], ChainError>](), calls: 0))

        init(_ answers: [String: [UInt8]] = [:]) {
            state.withLock { state in
                for (method, answer) in answers { state.answers[Self.selector(method)] = .success(answer) }
            }
        }

        func fail(_ method: String, _ error: ChainError) {
            state.withLock { $0.answers[Self.selector(method)] = .failure(error) }
        }

        func answer(_ method: String, _ answer: [UInt8]) {
            state.withLock { $0.answers[Self.selector(method)] = .success(answer) }
        }

        var calls: Int { state.withLock { $0.calls } }

        static func selector(_ method: String) -> String { Hex.encode0x(Keccak256.hash(method.utf8).bytes.prefix(4)) }

        func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
            let selector = parameters.first?["data"]?.stringValue.map { String($0.prefix(10)) } ?? ""
            let answer = state.withLock { state in
                state.calls += 1
                return state.answers[selector]
            }
            guard let answer else { throw .rpc(.init(code: 3, message: "execution reverted")) }
            return .data(try answer.get())
        }
    }

    private static let metadata: [String: [UInt8]] = [
        "name()": Array("Coin".utf8) + [UInt8](repeating: 0, count: 28),
        "symbol()": Array("CN".utf8) + [UInt8](repeating: 0, count: 30), "decimals()": UInt256(6).bigEndian,
    ]
    private static let block = Block(number: 7, hash: .zero, parentHash: .zero, timestamp: 1_767_225_600)

    private static func enriched(
        _ query: EventQuery, _ contract: Contract, of log: EventLog = Sample.log(block: 7, value: 1_500_000),
        time: any TimeSource = ManualTime()
    ) async throws -> JSONValue {
        var (watch, memory) = (EventWatch(), EventMemory())
        watch.watch(Sample.event(query), since: 0)
        let match = try #require(watch.judge([log], inBlock: 7, &memory, at: Sample.now).fired.first)
        let enricher = EventEnricher(chain: contract, time: time, logger: quiet)
        return try await enricher.data(of: match, in: block)
    }

    @Test("is added to a transfer whose event the ABI has (6.14, EE 4.5.4)")
    func transfer() async throws {
        let query = Sample.query(topics: [Sample.transfer.hex, Sample.reporter.checksummed])
        let data = try await Self.enriched(query, Contract(Self.metadata))
        #expect(
            data == [
                "eventName": "Transfer", "tokenName": "Coin", "tokenSymbol": "CN", "tokenDecimals": 6,
                "contractAddress": .string(Sample.token.checksummed),
                "fromAddress": .string(Sample.reporter.checksummed), "toAddress": .string(Sample.other.checksummed),
                "value": "1500000", "valueFormatted": "1.5", "direction": "sent",
                "walletAddress": .string(Sample.reporter.checksummed), "blockTimestamp": 1_767_225_600_000,
                "chainId": 31_337, "chainName": "Chain 31337", "blockNumber": 7,
                "transactionHash": .string(Sample.log(block: 7).transactionHash.hex),
            ])
    }

    @Test("EE-TE5: a transfer without ABI is the raw log, and its token is not asked")
    func raw() async throws {
        let contract = Contract(Self.metadata)
        let log = Sample.log(block: 7, value: 1_500_000)
        let query = Sample.query(topics: [Sample.transfer.hex, Sample.reporter.checksummed], abi: false)
        let data = try await Self.enriched(query, contract, of: log)
        #expect(data == log.rawJSON && contract.calls == 0)
        #expect(data["topics"]?.arrayValue?.count == 3 && data["contractAddress"] == .string(Sample.token.checksummed))
    }

    @Test("tells the watched side of a transfer") func direction() async throws {
        let contract = Contract(Self.metadata)
        let received = Sample.query(topics: [Sample.transfer.hex, "", Sample.other.checksummed])
        #expect(try await Self.enriched(received, contract)["walletAddress"] == .string(Sample.other.checksummed))
        #expect(try await Self.enriched(Sample.query(), contract)["direction"] == "unknown")
        let both = Sample.query(topics: [Sample.transfer.hex, Sample.reporter.checksummed, Sample.other.checksummed])
        let data = try await Self.enriched(both, contract)
        #expect(data["direction"] == "unknown" && data["walletAddress"] == nil, "nobody says which of both watches")
    }

    @Test("is as of an unknown token where a contract says nothing") func unknown() async throws {
        let data = try await Self.enriched(Sample.query(), Contract())
        #expect(data["tokenName"] == "Unknown Token" && data["tokenSymbol"] == "UNKNOWN" && data["tokenDecimals"] == 18)
        #expect(data["valueFormatted"] == "0.0000000000015")
    }

    @Test("is asked once for each contract") func remembered() async throws {
        let contract = Contract(Self.metadata)
        let enricher = EventEnricher(chain: contract, time: ManualTime(), logger: quiet)
        var (watch, memory) = (EventWatch(), EventMemory())
        watch.watch(Sample.event(Sample.query()), since: 0)
        let logs = (0..<5).map { Sample.log(block: 7, index: $0) }
        for match in watch.judge(logs, inBlock: 7, &memory, at: Sample.now).fired {
            _ = try await enricher.data(of: match, in: Self.block)
        }
        #expect(contract.calls == 3)
    }

    @Test("is asked for again while the chain is away", .timeLimit(.minutes(1))) func away() async throws {
        let (contract, time) = (Contract(Self.metadata), ManualTime())
        contract.fail("name()", .unavailable(reason: "down"))
        async let data = Self.enriched(Sample.query(), contract, time: time)
        await time.waitForSleepers(1)
        contract.answer("name()", Array("Late".utf8) + [UInt8](repeating: 0, count: 28))
        time.advance(by: .milliseconds(250))
        #expect(try await data["tokenName"] == "Late")
    }

    @Test("is left out when the chain stays away: the event is reported", .timeLimit(.minutes(1)))
    func staysAway() async throws {
        let (contract, time) = (Contract(Self.metadata), ManualTime())
        contract.fail("symbol()", .timeout)
        async let data = Self.enriched(Sample.query(), contract, time: time)
        for pause in [Duration.milliseconds(250), .seconds(1), .seconds(4)] {
            await time.waitForSleepers(1)
            time.advance(by: pause)
        }
        let members = try await data
        #expect(members["tokenSymbol"] == "UNKNOWN" && members["tokenName"] == "Coin")
    }

    // MARK: Method calls

    private static let priceABI: [JSONValue] = [
        [
            "type": "event", "name": "AnswerUpdated",
            "inputs": [
                ["name": "current", "type": "int256", "indexed": true],
                ["name": "roundId", "type": "uint256", "indexed": true],
                ["name": "updatedAt", "type": "uint256", "indexed": false],
            ],
        ],
        ["type": "function", "name": "scale", "inputs": [["name": "of", "type": "uint256"]],
            "outputs": [["name": "", "type": "uint256"]], "stateMutability": "view"],
    ]

    private static func price(_ calls: MethodCall...) -> EventQuery {
        EventQuery(
            addresses: [Sample.token.checksummed],
            topics: [Keccak256.hash("AnswerUpdated(int256,uint256,uint256)".utf8).hex], contractABI: priceABI,
            methodCalls: calls)
    }

    private static var answer: EventLog {
        var log = Sample.log(block: 7)
        log.topics = [
            Keccak256.hash("AnswerUpdated(int256,uint256,uint256)".utf8),
            Hash32(bytes: UInt256(250_000_000_000).bigEndian) ?? .zero, Sample.hash(5),
        ]
        return log
    }

    static let calls: [(MethodCall, formatted: Bool)] = [
        (MethodCall(methodName: "decimals", applyToFields: ["AnswerUpdated.current"]), true),
        (MethodCall(methodName: "decimals", applyToFields: ["current"]), true),
        (MethodCall(methodName: "decimals", callData: "0x313ce567", applyToFields: ["current"]), true),
        (MethodCall(methodName: "scale", parameters: ["1"], applyToFields: ["AnswerUpdated.current"]), true),
        (MethodCall(methodName: "decimals", applyToFields: []), false),
        (MethodCall(methodName: "decimals", applyToFields: ["Other.current", "AnswerUpdated.other", "a.b.c"]), false),
        (MethodCall(methodName: "scale", parameters: ["{{settings.of}}"], applyToFields: ["current"]), false),
        (MethodCall(methodName: "scale", parameters: [], applyToFields: ["current"]), false),
        (MethodCall(methodName: "missing", applyToFields: ["current"]), false),
        (MethodCall(methodName: "decimals", callData: "0xzz", applyToFields: ["current"]), false),
    ]

    @Test("formats the fields that a method call names, and keeps what they were (EE 4.5.6)", arguments: calls)
    func methodCalls(_ row: (call: MethodCall, formatted: Bool)) async throws {
        let eight = UInt256(8).bigEndian
        let contract = Contract(["decimals()": eight, "scale(uint256)": eight])
        let event = try await Self.enriched(Self.price(row.call), contract, of: Self.answer)["AnswerUpdated"]
        #expect(event?["current"] == (row.formatted ? "2500" : "250000000000"))
        #expect(event?["currentRaw"] == (row.formatted ? "250000000000" : nil))
        #expect(event?["decimals"] == (row.formatted ? 8 : nil))
        #expect(event?["roundId"] == "5")
    }

    @Test("formats a transfer's value beside what its token says") func transferCall() async throws {
        var query = Sample.query()
        query.methodCalls = [MethodCall(methodName: "decimals", applyToFields: ["Transfer.value"])]
        let data = try await Self.enriched(query, Contract(Self.metadata))
        #expect(data["value"] == "1.5" && data["valueRaw"] == "1500000" && data["decimals"] == 6)
    }

    @Test("is not believed where it is no number of decimals", arguments: [256, UInt64.max])
    func absurd(decimals: UInt64) async throws {
        let call = MethodCall(methodName: "scale", parameters: ["1"], applyToFields: ["current"])
        let contract = Contract(["scale(uint256)": UInt256(decimals).bigEndian])
        let event = try await Self.enriched(Self.price(call), contract, of: Self.answer)["AnswerUpdated"]
        #expect(event?["current"] == "250000000000")
    }
}
