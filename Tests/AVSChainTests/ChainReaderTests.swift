import AVSEthereum
import AVSPrimitives
import AVSTesting
import Synchronization
import Testing

@testable import AVSChain

@Suite("A reader of a chain")
struct ChainReaderTests {
    /// What a consumer of updates believes the chain to be.
    struct Model {
        var blocks: [ChainBlock] = []
        var next: UInt64?

        mutating func apply(_ update: ChainUpdate) {
            switch update {
            case .began: break
            case .block(let block):
                if let next { #expect(block.header.number == next) }
                if let last = blocks.last { #expect(block.header.parentHash == last.header.hash) }
                #expect(block.logs.allSatisfy { !$0.removed && $0.blockHash == block.header.hash })
                blocks.append(block)
                next = block.header.number + 1
            case .removed(let number, let hash):
                #expect(number == blocks.last?.header.number && hash == blocks.last?.header.hash)
                blocks.removeLast()
                next = number
            case .skipped(let range):
                if let next { #expect(range.lowerBound == next) }
                blocks = []
                next = range.upperBound + 1
            }
        }
    }

    static func updates(
        _ reader: inout ChainReader, to head: HeadAnnouncement, filters: [LogFilter] = []
    ) async throws -> [ChainUpdate] {
        var updates: [ChainUpdate] = []
        while let update = try await reader.next(to: head, filters: filters) { updates.append(update) }
        return updates
    }

    static func numbers(_ updates: [ChainUpdate]) -> [Int] {
        updates.map { update in
            switch update {
            case .began: 0
            case .block(let block): Int(block.header.number)
            case .removed(let number, _): -Int(number)
            case .skipped(let range): 1000 + range.count
            }
        }
    }

    @Test("starts behind the first head, and then leaves out no number") func gaps() async throws {
        let chain = FakeChain(blocks: 10)
        var reader = ChainReader(client: chain, position: nil, catchUpLimit: 100)
        #expect(try await Self.updates(&reader, to: .init(number: 9)) == [.began])
        #expect(reader.position == ChainPosition(number: 9, hashes: [chain.blocks[9].hash]))
        chain.mine(40)
        let caughtUp = try await Self.updates(&reader, to: .init(number: 49))
        #expect(Self.numbers(caughtUp) == Array(10...49))
        #expect(try await Self.updates(&reader, to: .init(number: 49)) == [])
        #expect(try await Self.updates(&reader, to: .init(number: 20)) == [])
    }

    @Test("goes on where it ended before a restart") func restart() async throws {
        let chain = FakeChain(blocks: 10)
        var reader = ChainReader(client: chain, position: ChainPosition(number: 4), catchUpLimit: 100)
        #expect(Self.numbers(try await Self.updates(&reader, to: .init(number: 9))) == Array(5...9))
    }

    @Test("takes back what was replaced while it was away") func reorganisationDuringRestart() async throws {
        let chain = FakeChain(blocks: 10)
        var reader = ChainReader(client: chain, position: ChainPosition(number: 4), catchUpLimit: 100)
        _ = try await Self.updates(&reader, to: .init(number: 9))
        chain.reorganise(depth: 3, length: 5)
        var second = ChainReader(client: chain, position: reader.position, catchUpLimit: 100)
        #expect(Self.numbers(try await Self.updates(&second, to: .init(number: 11))) == [-9, -8, -7, 7, 8, 9, 10, 11])
    }

    @Test("T44: goes nowhere for a head that no endpoint has", arguments: [11, 1 << 40, UInt64.max])
    func inventedHead(number: UInt64) async throws {
        let chain = FakeChain(blocks: 10)
        var fresh = ChainReader(client: chain, position: nil, catchUpLimit: 100)
        #expect(try await Self.updates(&fresh, to: .init(number: number)) == [])
        #expect(fresh.position == nil)
        var reader = ChainReader(client: chain, position: ChainPosition(number: 4), catchUpLimit: 100)
        #expect(Self.numbers(try await Self.updates(&reader, to: .init(number: number))) == Array(5...9))
        #expect(reader.position?.number == 9)
    }

    @Test("passes over the logs of a block that the node always refuses, and says so") func refusal() async throws {
        let chain = FakeChain(blocks: 10)
        chain.state.withLock { $0.refused = [6] }
        var reader = ChainReader(client: chain, position: ChainPosition(number: 4), catchUpLimit: 100)
        let filters = [LogFilter()]
        #expect(
            Self.numbers(Array([try await reader.next(to: .init(number: 9), filters: filters)].compactMap(\.self))) == [
                5
            ])
        for _ in 1..<ChainReader.refusalLimit {
            await #expect(throws: ChainError.self) { try await reader.next(to: .init(number: 9), filters: filters) }
        }
        let rest = try await Self.updates(&reader, to: .init(number: 9), filters: filters)
        #expect(Self.numbers(rest) == Array(6...9))
        let blocks = rest.compactMap { if case .block(let block) = $0 { block } else { nil } }
        #expect(
            blocks.map(\.logs.count) == [0, 1, 1, 1] && blocks.map { $0.refusal != nil } == [true, false, false, false])
    }

    @Test("waits for the logs of a block that the endpoint does not have yet, however long") func unknownBlock()
        async throws
    {
        let chain = FakeChain(blocks: 10)
        let head = HeadAnnouncement(number: 9, header: chain.blocks[9])
        chain.state.withLock { $0.lag = 1 }
        var reader = ChainReader(client: chain, position: ChainPosition(number: 8), catchUpLimit: 100)
        for _ in 0...2 * ChainReader.refusalLimit {
            await #expect(throws: ChainError.self) { try await reader.next(to: head, filters: [LogFilter()]) }
        }
        chain.state.withLock { $0.lag = 0 }
        let blocks = try await Self.updates(&reader, to: head, filters: [LogFilter()])
        #expect(blocks == [.block(ChainBlock(header: chain.blocks[9], logs: [FakeChain.log(in: chain.blocks[9])]))])
    }

    @Test("says what it skips") func skipping() async throws {
        let chain = FakeChain(blocks: 100)
        var reader = ChainReader(client: chain, position: ChainPosition(number: 4), catchUpLimit: 10)
        let updates = try await Self.updates(&reader, to: .init(number: 99))
        #expect(updates.first == .skipped(5...89) && Self.numbers(Array(updates.dropFirst())) == Array(90...99))
    }

    @Test("takes a head that a subscription told without asking again") func header() async throws {
        let chain = FakeChain(blocks: 10)
        var reader = ChainReader(client: chain, position: ChainPosition(number: 8), catchUpLimit: 10)
        let head = chain.blocks[9]
        let updates = try await Self.updates(&reader, to: .init(number: 9, header: head))
        #expect(updates == [.block(ChainBlock(header: head, logs: []))] && chain.state.withLock { $0.requests } == 0)
    }

    @Test("takes back what a reorganisation replaced, newest first") func reorganisation() async throws {
        let chain = FakeChain(blocks: 10)
        var reader = ChainReader(client: chain, position: ChainPosition(number: 4), catchUpLimit: 100)
        _ = try await Self.updates(&reader, to: .init(number: 9))
        chain.reorganise(depth: 3, length: 5)
        #expect(Self.numbers(try await Self.updates(&reader, to: .init(number: 11))) == [-9, -8, -7, 7, 8, 9, 10, 11])
    }

    @Test("takes the newest block back when another of the same number is announced") func sameHeight() async throws {
        let chain = FakeChain(blocks: 10)
        var reader = ChainReader(client: chain, position: ChainPosition(number: 8), catchUpLimit: 100)
        _ = try await Self.updates(&reader, to: .init(number: 9))
        chain.reorganise(depth: 1, length: 1)
        let head = HeadAnnouncement(number: 9, header: chain.blocks[9])
        #expect(Self.numbers(try await Self.updates(&reader, to: head)) == [-9, 9])
        #expect(try await Self.updates(&reader, to: head) == [])
    }

    @Test("stops before blocks that the endpoint does not have yet") func lag() async throws {
        let chain = FakeChain(blocks: 10)
        chain.state.withLock { $0.lag = 3 }
        var reader = ChainReader(client: chain, position: ChainPosition(number: 4), catchUpLimit: 100)
        #expect(Self.numbers(try await Self.updates(&reader, to: .init(number: 9))) == [5, 6])
        #expect(!reader.hasReached(.init(number: 9)))
        chain.state.withLock { $0.lag = 0 }
        #expect(Self.numbers(try await Self.updates(&reader, to: .init(number: 9))) == [7, 8, 9])
    }

    @Test("asks for logs once per block, whatever the number of filters, and gives those that match") func logs()
        async throws
    {
        let chain = FakeChain(blocks: 10)
        let wanted = chain.blocks[7].hash
        let filters = [
            LogFilter(addresses: [.zero], topics: [[wanted]]), LogFilter(topics: [[.zero]]),
            LogFilter(topics: [[wanted], nil]),
        ]
        var reader = ChainReader(client: chain, position: ChainPosition(number: 4), catchUpLimit: 100)
        let updates = try await Self.updates(&reader, to: .init(number: 9), filters: filters)
        let logs = updates.flatMap { update -> [EventLog] in
            if case .block(let block) = update { block.logs } else { [] }
        }
        #expect(logs.map(\.blockNumber) == [7] && chain.state.withLock { $0.logRequests } == 5)
    }

    @Test("T44: refuses logs of another block") func foreignLogs() async throws {
        struct Liar: ChainClient {
            let chain: FakeChain
            var chainID: UInt64 { chain.chainID }
            func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
                if method == "eth_getLogs" { return [FakeChain.json(FakeChain.log(in: chain.blocks[0]))] }
                return try await chain.request(method, parameters)
            }
        }
        var reader = ChainReader(
            client: Liar(chain: FakeChain(blocks: 3)), position: ChainPosition(number: 0), catchUpLimit: 9)
        await #expect(throws: ChainError.self) {
            try await Self.updates(&reader, to: .init(number: 2), filters: [LogFilter()])
        }
    }

    @Test("tells one consistent chain through reorganisations, failures and lag", arguments: 0..<24 as Range<UInt64>)
    func property(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let chain = FakeChain(blocks: 30)
        var reader = ChainReader(client: chain, position: ChainPosition(number: 19), catchUpLimit: 10_000)
        var model = Model(next: 20)
        let filters = [LogFilter()]
        for step in 0..<40 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: chain.mine(Int.random(in: 0...25, using: &random))
            case 1:
                let depth = Int.random(in: 1...8, using: &random)
                chain.reorganise(depth: depth, length: depth + Int.random(in: 0...3, using: &random))
            default: chain.mine(1)
            }
            chain.state.withLock { state in
                state.failsEvery = step < 30 ? Int.random(in: 0...9, using: &random) : 0
                state.lag = step < 30 ? Int.random(in: 0...2, using: &random) : 0
            }
            if Int.random(in: 0..<6, using: &random) == 0 {  // a restart
                reader = ChainReader(client: chain, position: reader.position, catchUpLimit: 10_000)
            }
            let newest = try #require(chain.blocks.last)
            let tellsHeader = Bool.random(using: &random)
            let head = HeadAnnouncement(number: newest.number, header: tellsHeader || step >= 30 ? newest : nil)
            // A few tries, as the feed has; a failure may come at any of them.
            for _ in 0..<4 {
                do throws(ChainError) {
                    while let update = try await reader.next(to: head, filters: filters) { model.apply(update) }
                } catch {
                    continue
                }
            }
        }
        let blocks = chain.blocks
        #expect(model.blocks.last?.header == blocks.last)
        #expect(model.blocks.map(\.header) == Array(blocks[20...]))
        #expect(model.blocks.allSatisfy { $0.logs == [FakeChain.log(in: $0.header)] })
    }
}
