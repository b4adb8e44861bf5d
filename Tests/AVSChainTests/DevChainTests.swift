import AVSEthereum
import AVSFetch
import AVSPrimitives
import AVSTransport
import BigInt
import Logging
import Synchronization
import TestDevChain
import Testing

@testable import AVSChain

/// Against a real EVM. Needs the Python environment that `tools/setup` makes.
@Suite("A chain", .enabled(if: DevChain.isAvailable))
struct DevChainTests {
    static func client(_ chain: DevChain) throws -> HTTPChainClient {
        let time = SystemTime()
        return HTTPChainClient(
            chainID: chain.chainID, endpoints: [ChainEndpoint(url: chain.http)],
            fetcher: try EndpointFetcher(time: time), time: time)
    }

    static func abi(_ name: String, _ client: HTTPChainClient) async throws -> ABIContract {
        try ABIContract(entries: try await client.request("dev_abi", [.string(name)]).arrayValue ?? [])
    }

    @Test("is read and written by ABI, over JSON-RPC") func contracts() async throws {
        let chain = try await DevChain.start()
        let client = try Self.client(chain)
        let token = try #require(chain.contracts["token"])
        let holder = try #require(chain.accounts["account 0"])
        let abi = try await Self.abi("token", client)
        #expect(try await client.reportedChainID() == chain.chainID)
        let decimals = try abi.function(named: "decimals")
        let answer = try await client.call(to: token, data: try decimals.encodeCall([]))
        #expect(decimals.outputJSON(try decimals.decodeOutputs(answer)) == "6")

        // A transfer, and its event from the receipt.
        let ones = try #require(Address(String(repeating: "11", count: 20)))
        let data = try abi.encodeCall("transfer", parameters: [ones.checksummed, "1500000"])
        let hash = try await client.request(
            "eth_sendTransaction",
            [["from": .string(holder.checksummed), "to": .string(token.checksummed), "data": .data(data)]])
        let transaction = try #require(Hash32(hash.stringValue ?? ""))
        let receipt = try #require(try await client.receipt(of: transaction))
        #expect(receipt.succeeded && receipt.logs.count == 1 && receipt.gasUsed > 21000)
        let log = try #require(receipt.logs.first)
        let event = try #require(abi.event(of: log)).decode(log)
        #expect(event.name == "Transfer" && event.arguments.objectValue?.values.contains("1500000") == true)
        let value = try #require(event.fields.last)
        #expect(
            FieldCondition(
                fieldName: "Transfer.\(value.name)", comparison: "gte", value: "1500000", fieldType: "uint256"
            ).evaluate(on: event).passed)
        let filter = try LogFilter(addresses: [token.checksummed], topics: [log.topics[0].hex, "", ones.lowercased])
        #expect(filter.matches(log))
        var query = filter
        query.fromBlock = .earliest
        #expect(try await client.logs(query) == [log])

        // Values, blocks, code, and what is not there.
        #expect(try await client.balance(of: holder) > .zero)
        #expect(try await !client.code(at: token).isEmpty)
        #expect(try await client.code(at: ones).isEmpty)
        let header = try #require(try await client.block(.number(receipt.blockNumber)))
        #expect(header.hash == receipt.blockHash && header.gasLimit > 0 && header.baseFeePerGas != nil)
        #expect(try await client.block(.number(1_000_000)) == nil)
        #expect(try await client.receipt(of: .zero) == nil)
        #expect(try await client.transactionCount(of: holder) == 1)
        #expect(try await client.gasPrice() > .zero)
    }

    @Test("says why a call is reverted") func revert() async throws {
        let chain = try await DevChain.start()
        let client = try Self.client(chain)
        let counter = try #require(chain.contracts["counter"])
        let data = try await Self.abi("counter", client).encodeCall("fail", parameters: ["too low"])
        do throws(ChainError) {
            _ = try await client.call(to: counter, data: data)
            Issue.record("was not reverted")
        } catch {
            guard case .rpc(let error) = error else { throw error }
            #expect(error.revertData.flatMap { RevertReason.text(of: $0) } == "too low")
        }
    }

    /// What a feed reported, and a way to wait for it.
    actor Record {
        private(set) var updates: [ChainUpdate] = []
        private(set) var position: ChainPosition?
        private var waiters:
            [(condition: @Sendable ([ChainUpdate]) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []

        func add(_ update: ChainUpdate, _ position: ChainPosition) {
            updates.append(update)
            self.position = position
            let ready = waiters.filter { $0.condition(updates) }
            waiters.removeAll { $0.condition(updates) }
            for waiter in ready { waiter.continuation.resume() }
        }

        func wait(until condition: @escaping @Sendable ([ChainUpdate]) -> Bool) async {
            if condition(updates) { return }
            await withCheckedContinuation { waiters.append((condition, $0)) }
        }

        func waitForBlock(_ number: UInt64) async {
            await wait { updates in
                updates.contains { if case .block(let block) = $0 { block.header.number == number } else { false } }
            }
        }
    }

    static func feed(_ chain: DevChain, _ client: HTTPChainClient, webSocket: Bool) -> ChainFeed {
        var configuration = ChainFeed.Configuration(webSocketURL: webSocket ? chain.webSocket : nil)
        configuration.pollInterval = webSocket ? .seconds(3600) : .milliseconds(50)
        configuration.stallTimeout = .seconds(3600)
        return ChainFeed(
            client: client, configuration: configuration, time: SystemTime(), logger: Logger(label: "test"))
    }

    @Test("is followed block by block through a reorganisation", .timeLimit(.minutes(5)), arguments: [true, false])
    func following(webSocket: Bool) async throws {
        let chain = try await DevChain.start()
        let client = try Self.client(chain)
        let counter = try #require(chain.contracts["counter"])
        let sender = try #require(chain.accounts["account 1"])
        let increment = try await Self.abi("counter", client).encodeCall("increment", parameters: [])
        let feed = Self.feed(chain, client, webSocket: webSocket)
        let record = Record()
        let start = try await client.blockNumber()
        let run = Task {
            try await feed.run(
                after: ChainPosition(number: start), filters: { [LogFilter(addresses: [counter])] },
                { await record.add($0, $1) })
        }
        defer { run.cancel() }

        _ = try await client.request("dev_mine", [20])
        await record.waitForBlock(start + 20)
        _ = try await client.request(
            "eth_sendTransaction",
            [["from": .string(sender.checksummed), "to": .string(counter.checksummed), "data": .data(increment)]])
        await record.waitForBlock(start + 21)
        _ = try await client.request("dev_reorg", [2, 4])
        await record.waitForBlock(start + 23)

        var model = ChainReaderTests.Model(next: start + 1)
        let updates = await record.updates
        for update in updates { model.apply(update) }
        #expect(await record.position?.hashes == Array(model.blocks.map(\.header.hash)))
        let headers = try await (start + 1...start + 23).asyncMap { try await client.block(.number($0)) }
        #expect(model.blocks.map(\.header) == headers.compactMap { $0 })
        let logs = updates.flatMap { update -> [EventLog] in
            switch update {
            case .block(let block): block.logs
            case .began, .removed, .skipped: []
            }
        }
        // The transaction goes back to the pool and into a new block.
        #expect(logs.count == 2 && Set(logs.map(\.transactionHash)).count == 1)
        #expect(Set(logs.map(\.blockHash)).count == 2 && logs.allSatisfy { $0.address == counter && !$0.removed })
        #expect(
            feed.status.reported == start + 23 && feed.status.problem == nil && feed.status.isSubscribed == webSocket)
    }

    @Test("is caught up with after the endpoint failed for a while", .timeLimit(.minutes(5))) func outage() async throws
    {
        let chain = try await DevChain.start()
        let client = try Self.client(chain)
        let feed = Self.feed(chain, client, webSocket: false)
        let record = Record()
        let start = try await client.blockNumber()
        let run = Task { try await feed.run(after: ChainPosition(number: start)) { await record.add($0, $1) } }
        defer { run.cancel() }
        _ = try await client.request("dev_mine", [1])
        await record.waitForBlock(start + 1)
        _ = try await client.request(
            "dev_setFaults", [[["method": "eth_getBlockByNumber", "count": 3, "status": 503]]])
        _ = try await client.request("dev_mine", [5])
        await record.waitForBlock(start + 6)
        var model = ChainReaderTests.Model(next: start + 1)
        for update in await record.updates { model.apply(update) }
        #expect(model.blocks.count == 6)
    }

    @Test("is followed by asking while its socket is broken, and by the next socket then", .timeLimit(.minutes(5)))
    func brokenSocket() async throws {
        let chain = try await DevChain.start()
        let client = try Self.client(chain)
        var configuration = ChainFeed.Configuration(webSocketURL: chain.webSocket)
        configuration.pollInterval = .milliseconds(50)
        let feed = ChainFeed(
            client: client, configuration: configuration, time: SystemTime(), logger: Logger(label: "test"))
        let record = Record()
        let start = try await client.blockNumber()
        let run = Task { try await feed.run(after: ChainPosition(number: start)) { await record.add($0, $1) } }
        defer { run.cancel() }
        while !feed.status.isSubscribed { await Task.yield() }
        // The first attempts to subscribe again fail, so that what follows is found by asking.
        _ = try await client.request("dev_setFaults", [[["method": "eth_subscribe", "count": 2, "close": true]]])
        _ = try await client.request("dev_cutSockets", [])
        while feed.status.isSubscribed { await Task.yield() }
        _ = try await client.request("dev_mine", [30])
        await record.waitForBlock(start + 30)
        _ = try await client.request("dev_reorg", [2, 4])
        await record.waitForBlock(start + 32)
        #expect(!feed.status.isSubscribed)
        while !feed.status.isSubscribed { await Task.yield() }
        _ = try await client.request("dev_mine", [1])
        await record.waitForBlock(start + 33)
        var model = ChainReaderTests.Model(next: start + 1)
        for update in await record.updates { model.apply(update) }
        let headers = try await (start + 1...start + 33).asyncMap { try await client.block(.number($0)) }
        #expect(model.blocks.map(\.header) == headers.compactMap { $0 })
    }

    @Test("ends a feed with what its handler throws", .timeLimit(.minutes(5))) func handlerError() async throws {
        struct Full: Error {}
        let chain = try await DevChain.start()
        let client = try Self.client(chain)
        let feed = Self.feed(chain, client, webSocket: false)
        _ = try await client.request("dev_mine", [2])
        await #expect(throws: Full.self) {
            try await feed.run(after: ChainPosition(number: 0)) { _, _ in throw Full() }
        }
    }
}

extension Sequence where Self: Sendable, Element: Sendable {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
