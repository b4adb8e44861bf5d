import AVSEthereum
import AVSFetch
import AVSModel
import AVSOperator
import AVSPrimitives
import AVSStorage
import AVSTransport
import TestDevChain
import Testing

@testable import AVSChain
@testable import AVSWatch

/// Against a real EVM and over real sockets. Needs the Python environment that `tools/setup` makes.
@Suite("Following a chain", .enabled(if: DevChain.isAvailable))
struct FollowerTests {
    /// An operator's look at a development chain, which a test can end and begin again.
    struct Bench {
        let chain: DevChain
        let client: HTTPChainClient
        let counter: Address
        var memory = MemoryStore()
        var store: WatchStore
        var watcher: Watcher
        var feed: ChainFeed

        init(webSocket: Bool = true) async throws {
            chain = try await DevChain.start()
            let time = SystemTime()
            client = HTTPChainClient(
                chainID: chain.chainID, endpoints: [ChainEndpoint(url: chain.http)],
                fetcher: try EndpointFetcher(time: time), time: time)
            counter = try #require(chain.contracts["counter"])
            store = WatchStore(memory)
            watcher = Self.watcher(store, chain)
            feed = Self.feed(client, webSocket ? chain.webSocket : nil)
        }

        private static func watcher(_ store: WatchStore, _ chain: DevChain) -> Watcher {
            Watcher(store: store, reporter: Sample.reporter, chainIDs: [chain.chainID], logger: quiet)
        }

        private static func feed(_ client: HTTPChainClient, _ webSocket: String?) -> ChainFeed {
            var configuration = ChainFeed.Configuration(webSocketURL: webSocket)
            configuration.pollInterval = webSocket == nil ? .milliseconds(50) : .seconds(3_600)
            return ChainFeed(client: client, configuration: configuration, time: SystemTime(), logger: quiet)
        }

        mutating func restart() async throws {
            memory.sync()
            memory = memory.restarted()
            store = WatchStore(memory)
            watcher = Self.watcher(store, chain)
            feed = Self.feed(client, chain.webSocket)
            try await watcher.restore(at: SystemTime().now)
        }

        func run<Result>(_ body: () async throws -> Result) async throws -> Result {
            let follower = ChainFollower(
                feed: feed, enricher: EventEnricher(chain: client, time: SystemTime(), logger: quiet),
                watcher: watcher, sink: FakeSink(), configuration: WatchConfiguration(),
                time: SystemTime(), logger: quiet)
            // Ended below.
            let task = Task { try await follower.run() }
            defer { task.cancel() }
            return try await body()
        }

        /// Watches every block and everything that the counter says, and waits until the chain is followed.
        func monitor() async throws {
            for check in [Sample.block(1, number: 1), countedCheck] {
                var check = check
                check.chainID = chain.chainID
                try await watcher.handle(.monitor(check), at: SystemTime().now)
            }
            while await watcher.position(in: chain.chainID) == nil { await Task.yield() }
        }

        private var countedCheck: TaskCheck {
            Sample.event(
                EventQuery(
                    addresses: [counter.checksummed],
                    topics: [Keccak256.hash("Counted(address,uint256,int256)".utf8).hex]), number: 2)
        }

        func increment() async throws {
            let sender = try #require(chain.accounts["account 1"])
            let selector = Array(Keccak256.hash("increment()".utf8).bytes.prefix(4))
            _ = try await client.request(
                "eth_sendTransaction",
                [["from": .string(sender.checksummed), "to": .string(counter.checksummed), "data": .data(selector)]])
        }

        func dev(_ method: String, _ parameters: JSONValue...) async throws {
            _ = try await client.request(method, parameters)
        }

        /// Waits until everything up to the newest block was looked at.
        func catchUp() async throws {
            let head = try await client.block(.latest)
            while await watcher.position(in: chain.chainID)?.hashes.last != head?.hash { await Task.yield() }
        }

        /// What was reported: blocks, and transactions with their log's index.
        var reports: [String] {
            get throws {
                try store.reports(after: nil, limit: 1_000).map(\.record.report.requestID)
                    .map { String($0.drop { $0 != ":" }.dropFirst()) }
            }
        }

        /// The chain as it is now: what should have been reported behind block `start`.
        func expected(after start: UInt64) async throws -> Set<String> {
            var filter = LogFilter(addresses: [counter])
            filter.fromBlock = .number(start + 1)
            let logs = try await client.logs(filter).map { "\($0.transactionHash.hex):\($0.logIndex)" }
            return Set(logs + (start + 1...(try await client.blockNumber())).map { "\($0)" })
        }
    }

    @Test("reports everything once while its socket breaks and comes again", .timeLimit(.minutes(5)))
    func brokenSocket() async throws {
        let bench = try await Bench()
        let start = try await bench.client.blockNumber()
        try await bench.run {
            try await bench.monitor()
            while !bench.feed.status.isSubscribed { await Task.yield() }
            try await bench.increment()
            try await bench.catchUp()
            for _ in 0..<3 {
                try await bench.dev("dev_cutSockets")
                for _ in 0..<5 { try await bench.increment() }
                try await bench.dev("dev_mine", 20)
                try await bench.increment()
                try await bench.catchUp()
            }
        }
        let reports = try bench.reports
        #expect(Set(reports).count == reports.count && reports.count > 90)
        #expect(try await Set(reports) == bench.expected(after: start))
    }

    @Test(
        "goes on where it was after its end, over a reorganisation", .timeLimit(.minutes(5)), arguments: [true, false])
    func restart(webSocket: Bool) async throws {
        var bench = try await Bench(webSocket: webSocket)
        let start = try await bench.client.blockNumber()
        try await bench.run {
            try await bench.monitor()
            for _ in 0..<4 { try await bench.increment() }
            try await bench.catchUp()
        }
        try await bench.dev("dev_reorg", 2, 5)  // the transactions go back to the pool and into a new block
        try await bench.increment()
        try await bench.restart()
        try await bench.run { [bench] in
            try await bench.catchUp()
            try await bench.increment()
            try await bench.catchUp()
        }
        // Repeated under the same name where the chain says so: whoever is told knows it by that.
        let reports = try Set(bench.reports)
        let transactions = Set(reports.filter { $0.contains(":") }.map { $0.prefix(66) })
        #expect(transactions.count == 6)
        #expect(try await reports.isSuperset(of: bench.expected(after: start)))
    }

    @Test("opens its subscription with the first task and closes it behind the last (6.13)", .timeLimit(.minutes(5)))
    func idle() async throws {
        let bench = try await Bench()
        try await bench.run {
            #expect(!bench.feed.status.isSubscribed && bench.feed.status.head == nil)
            try await bench.monitor()
            while !bench.feed.status.isSubscribed { await Task.yield() }
            for number in [1, 2] as [UInt64] {
                try await bench.watcher.handle(.delete(Sample.id(number)), at: SystemTime().now)
            }
            try await bench.dev("dev_mine", 1)
            while bench.feed.status.isSubscribed { await Task.yield() }
            #expect(await bench.watcher.position(in: bench.chain.chainID) == nil)
            try await bench.monitor()
            try await bench.dev("dev_mine", 1)
            try await bench.catchUp()
        }
        #expect(try bench.reports.count == 1)
    }
}
