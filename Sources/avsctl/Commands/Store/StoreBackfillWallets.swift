import AVSChain
import AVSConfiguration
import AVSEngine
import AVSEthereum
import AVSFetch
import AVSModel
import AVSPrimitives
import AVSRocksDB
import AVSTransport
import ArgumentParser

/// `avsctl store backfill-wallet-salt-index`
struct StoreBackfillWallets: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backfill-wallet-salt-index",
        abstract: "Brings the index of wallets by salt to what the factory says today.",
        discussion: """
            For the database of a stopped aggregator that is older than the index. Asks the default chain of the \
            configuration where each wallet is. One that is there is entered; one that the factory no longer derives \
            is marked stale and hidden, and kept. Wallets of releases that did not record factories, and those that \
            the chain does not answer for, are passed over. Prints one line per wallet that is not as it should be: \
            owner, wallet, what is to be said of it.
            Example:
              avsctl store backfill-wallet-salt-index --config aggregator.yaml --dry-run
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("The aggregator's configuration.", valueName: "file"))
    var config: String

    @Flag(name: .long, help: "Find the same and write nothing.")
    var dryRun = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let loaded = try AggregatorConfiguration.load(config, facts: ProcessFacts.takenFromProcess()).value
        guard let chain = loaded.chains.first(where: \.isDefault) ?? loaded.chains.first else {
            throw Failure(.configuration, "\(config) names no chain")
        }
        let time = SystemTime()
        let fetcher = try EndpointFetcher(time: time)
        defer { fetcher.close() }
        let client = HTTPChainClient(
            chainID: chain.id ?? 0, endpoints: chain.rpcURLs.map { ChainEndpoint(url: $0.text) }, fetcher: fetcher,
            configuration: Self.settings(isChecked: chain.id != nil), time: time)
        // Printed without what may be a key in it.
        Note.write("asking \(chain.rpcURLs.map(\.description).joined(separator: ", "))")
        let store = try RocksDBStore.open(path: loaded.databasePath, options: RocksDBOptions(onFatal: { _ in }))
        do {
            try await backfill(store, client)
            await store.close()
        } catch {
            await store.close()
            throw error
        }
    }

    private static func settings(isChecked: Bool) -> HTTPChainClient.Configuration {
        var settings = HTTPChainClient.Configuration()
        settings.verifiesChainID = isChecked
        return settings
    }

    private func backfill(_ store: RocksDBStore, _ chain: any ChainClient) async throws {
        var counts: [String: Int] = [:]
        var writer = ResultWriter()
        try await WalletBackfill(store: store, chain: chain, isDryRun: dryRun).run { wallet, finding in
            counts[finding.word, default: 0] += 1
            if finding != .canonical { try writer.line(line(wallet, finding)) }
        }
        try writer.finish()
        let summary = ["canonical", "entered", "stale", "legacy", "failed"].map { "\(counts[$0] ?? 0) \($0)" }
        Note.write(summary.joined(separator: ", ") + (dryRun ? "; nothing was written" : ""))
    }

    private func line(_ wallet: SmartWallet, _ finding: WalletBackfill.Finding) -> String {
        guard output.json else { return "\(wallet.owner)\t\(wallet.address)\t\(finding.word)" }
        return JSONValue.object([
            "owner": .string(wallet.owner.checksummed), "wallet": .string(wallet.address.checksummed),
            "finding": .string(finding.word),
        ]).serialized
    }
}

extension WalletBackfill.Finding {
    fileprivate var word: String {
        switch self {
        case .canonical: "canonical"
        case .entered: "entered"
        case .stale: "stale"
        case .legacy: "legacy"
        case .failed: "failed"
        }
    }
}
