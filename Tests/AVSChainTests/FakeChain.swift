import AVSEthereum
import AVSPrimitives
import Synchronization

/// A chain in memory that can be reorganised, lag and fail. Each block has one log, whose topic is the block's hash.
final class FakeChain: ChainClient {
    struct State {
        var blocks: [Block] = []
        var forks: UInt64 = 0
        /// Every so many requests fail; 0 for none.
        var failsEvery = 0
        /// Blocks at the end that are not yet to be read.
        var lag = 0
        /// Blocks whose logs are too many for an answer.
        var refused: Set<UInt64> = []
        var requests = 0
        var logRequests = 0
    }

    let chainID: UInt64 = 31337
    let state = Mutex(State())

    init(blocks: Int) { mine(blocks) }

    var blocks: [Block] { state.withLock { $0.blocks } }

    func mine(_ count: Int) {
        state.withLock { state in
            for _ in 0..<count {
                let number = UInt64(state.blocks.count)
                let parent = state.blocks.last?.hash ?? .zero
                let hash = Keccak256.hash(parent.bytes + UInt256(number).bigEndian + UInt256(state.forks).bigEndian)
                state.blocks.append(Block(number: number, hash: hash, parentHash: parent, timestamp: number))
            }
        }
    }

    func reorganise(depth: Int, length: Int) {
        state.withLock { state in
            state.blocks.removeLast(min(depth, state.blocks.count - 1))
            state.forks += 1
        }
        mine(length)
    }

    static func log(in block: Block) -> EventLog {
        EventLog(address: .zero, topics: [block.hash], data: [], blockNumber: block.number, blockHash: block.hash)
    }

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        let (blocks, fails, refused) = state.withLock { state in
            state.requests += 1
            if method == "eth_getLogs" { state.logRequests += 1 }
            let fails = state.failsEvery > 0 && state.requests % state.failsEvery == 0
            return (state.blocks.dropLast(state.lag), fails, state.refused)
        }
        if fails { throw .unavailable(reason: "told to fail") }
        switch method {
        case "eth_blockNumber":
            return .quantity(blocks.last?.number ?? 0)
        case "eth_getBlockByNumber":
            let number = parameters.first?.quantity?.uint64 ?? 0
            return blocks.last { $0.number == number }.map(Self.json) ?? .null
        case "eth_getLogs":
            let hash = Hash32(parameters.first?["blockHash"]?.stringValue ?? "")
            guard let block = blocks.last(where: { $0.hash == hash }) else {
                throw .rpc(JSONRPC.ErrorObject(code: -32000, message: "unknown block"))
            }
            if refused.contains(block.number) {
                throw .rpc(JSONRPC.ErrorObject(code: -32005, message: "query returned more than 10000 results"))
            }
            return [Self.json(Self.log(in: block))]
        default:
            throw .rpc(JSONRPC.ErrorObject(code: -32601, message: "no such method"))
        }
    }

    static func json(_ block: Block) -> JSONValue {
        [
            "number": .quantity(block.number), "hash": .string(block.hash.hex),
            "parentHash": .string(block.parentHash.hex),
            "timestamp": .quantity(block.timestamp), "gasLimit": "0x0", "gasUsed": "0x0",
        ]
    }

    static func json(_ log: EventLog) -> JSONValue {
        [
            "address": .string(log.address.lowercased), "topics": .array(log.topics.map { .string($0.hex) }),
            "data": "0x",
            "blockNumber": .quantity(log.blockNumber), "blockHash": .string(log.blockHash.hex),
            "transactionHash": .string(Hash32.zero.hex), "transactionIndex": "0x0", "logIndex": "0x0", "removed": false,
        ]
    }
}
