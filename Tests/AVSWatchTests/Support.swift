import AVSEthereum
import AVSModel
import AVSOperator
import AVSPrimitives
import AVSRPC
import AVSWatch
import Logging
import Synchronization

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Values that tests start from.
enum Sample {
    /// 2030-03-17T17:46:40Z
    static let now = Timestamp(milliseconds: 1_900_000_000_000)
    static let reporter = Address("0x00000000000000000000000000000000000000c3") ?? .zero
    static let token = Address("0x00000000000000000000000000000000000000a1") ?? .zero
    static let other = Address("0x00000000000000000000000000000000000000b2") ?? .zero
    static let chainID: UInt64 = 31_337

    /// Made a minute before ``now``.
    static func id(_ number: UInt64, madeAt: Timestamp = now.adding(.seconds(-60))) -> TaskID {
        TaskID(ULID(value: UInt128(madeAt.milliseconds) << 80 | UInt128(number)))
    }

    static func check(
        _ config: Trigger.Config, _ number: UInt64 = 1, startAt: Timestamp? = nil, chainID: UInt64 = chainID
    ) -> TaskCheck {
        TaskCheck(
            taskID: id(number), trigger: Trigger(id: "t", name: "trigger", config: config), chainID: chainID,
            startAt: startAt)
    }

    static func cron(_ schedules: String..., number: UInt64 = 1, startAt: Timestamp? = nil) -> TaskCheck {
        check(.cron(CronTrigger(schedules: schedules)), number, startAt: startAt)
    }

    static func fixed(_ epochs: [Timestamp], number: UInt64 = 1, startAt: Timestamp? = nil) -> TaskCheck {
        check(.fixedTime(FixedTimeTrigger(epochs: epochs)), number, startAt: startAt)
    }

    static func block(_ interval: Int64, number: UInt64 = 1, startAt: Timestamp? = nil) -> TaskCheck {
        check(.block(BlockTrigger(interval: interval)), number, startAt: startAt)
    }

    static let transfer = Keccak256.hash("Transfer(address,address,uint256)".utf8)
    static let transferABI: JSONValue = [
        "type": "event", "name": "Transfer",
        "inputs": [
            ["name": "from", "type": "address", "indexed": true], ["name": "to", "type": "address", "indexed": true],
            ["name": "value", "type": "uint256", "indexed": false],
        ],
    ]

    static func query(
        addresses: [Address] = [token], topics: [String]? = nil, limit: UInt32? = nil, abi: Bool = true,
        conditions: [EventCondition] = []
    ) -> EventQuery {
        EventQuery(
            addresses: addresses.map(\.checksummed), topics: topics ?? [transfer.hex], maxEventsPerBlock: limit,
            contractABI: abi ? [transferABI] : [], conditions: conditions)
    }

    static func event(_ queries: EventQuery..., cooldown: UInt32? = 0, number: UInt64 = 1) -> TaskCheck {
        check(.event(EventTrigger(queries: queries, cooldownSeconds: cooldown)), number)
    }

    /// A transfer of `value` from `reporter` to `other`.
    static func log(
        block: UInt64, index: UInt64 = 0, value: UInt64 = 1, at address: Address = token, removed: Bool = false,
        transaction: Hash32? = nil
    ) -> EventLog {
        EventLog(
            address: address, topics: [transfer, padded(reporter), padded(other)], data: UInt256(value).bigEndian,
            blockNumber: block, blockHash: hash(block),
            transactionHash: transaction ?? hash(1_000_000 + block * 1_000 + index), logIndex: index, removed: removed)
    }

    static func padded(_ address: Address) -> Hash32 {
        Hash32(bytes: [UInt8](repeating: 0, count: 12) + address.bytes) ?? .zero
    }

    static func hash(_ number: UInt64) -> Hash32 { Hash32(bytes: UInt256(number).bigEndian) ?? .zero }
}

extension Timestamp {
    static func + (instant: Timestamp, duration: Duration) -> Timestamp { instant.adding(duration) }
}

/// A chain of which a test decides the height and the logs. A log is in the block of its number, whatever
/// that block's hash is.
final class FakeChain: ChainClient {
    struct State {
        var head: UInt64
        var logs: [EventLog] = []
        /// From which block on there is another chain, and how often that was so.
        var forks: [UInt64] = []

        func hash(_ number: UInt64) -> Hash32 { Sample.hash(number + UInt64(forks.count { $0 <= number }) << 32) }
    }

    let chainID: UInt64
    let state: Mutex<State>

    init(head: UInt64, chainID: UInt64 = Sample.chainID) {
        self.chainID = chainID
        state = Mutex(State(head: head))
    }

    var head: UInt64 { state.withLock { $0.head } }

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        let state = state.withLock { $0 }
        switch method {
        case "eth_blockNumber": return .quantity(state.head)
        case "eth_getBlockByNumber":
            let number = parameters.first?.quantity?.uint64 ?? 0
            return number <= state.head ? Self.header(number, state) : .null
        case "eth_getLogs":
            let logs = logs(parameters.first ?? .null, state)
            return .array(logs)
        default: throw .rpc(.init(code: -32_601, message: "no method \(method)"))
        }
    }

    private func logs(_ filter: JSONValue, _ state: State) -> [JSONValue] {
        let hash = filter["blockHash"]?.stringValue
        let addresses = filter["address"]?.arrayValue?.compactMap { $0.stringValue.flatMap { Address($0) } }
        return state.logs.filter { log in
            state.hash(log.blockNumber).hex == hash && (addresses?.contains(log.address) ?? true)
        }.map { log in
            var log = log
            log.blockHash = state.hash(log.blockNumber)
            return log.json
        }
    }

    static func header(_ number: UInt64, _ state: State) -> JSONValue {
        [
            "number": .quantity(number), "hash": .string(state.hash(number).hex),
            "parentHash": .string(state.hash(max(number, 1) - 1).hex), "timestamp": "0x64", "difficulty": "0x7",
            "gasLimit": "0x1c9c380", "gasUsed": "0x5208",
        ]
    }
}

extension EventLog {
    var json: JSONValue {
        [
            "address": .string(address.lowercased), "topics": .array(topics.map { .string($0.hex) }),
            "data": .string(Hex.encode0x(data)), "blockNumber": .quantity(blockNumber),
            "blockHash": .string(blockHash.hex), "transactionHash": .string(transactionHash.hex),
            "transactionIndex": .quantity(transactionIndex), "logIndex": .quantity(logIndex), "removed": .bool(removed),
        ]
    }
}

/// An aggregator's ear: keeps what it hears and answers as a test decides.
final class FakeSink: ReportSink {
    struct State {
        var fired: [TriggerFired] = []
        var overloads: [EventOverload] = []
        var answer: @Sendable (TriggerFired) -> ReportOutcome
    }

    static let goOn = ReportOutcome.answered(
        ReportAnswer(status: "enabled", remainingExecutions: -1, taskStillEnabled: true))

    let state: Mutex<State>

    init(_ answer: @escaping @Sendable (TriggerFired) -> ReportOutcome = { _ in FakeSink.goOn }) {
        state = Mutex(State(answer: answer))
    }

    var ids: [String] { state.withLock { $0.fired.map(\.requestID) } }
    var overloads: [EventOverload] { state.withLock { $0.overloads } }

    func report(_ fired: TriggerFired) async throws -> ReportOutcome {
        let answer = state.withLock { state in
            state.fired.append(fired)
            return state.answer
        }
        return answer(fired)
    }

    func report(_ overload: EventOverload) async throws { state.withLock { $0.overloads.append(overload) } }
}
