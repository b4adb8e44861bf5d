import AVSChain
import AVSConfiguration
import AVSEngine
import AVSEthereum
import AVSFetch
import AVSPrimitives
import AVSServer
import Logging

/// The chains of the configuration, with a client for each.
struct Chains {
    let clients: [UInt64: any ChainClient]
    let settings: [UInt64: ChainSettings]
    let defaultID: UInt64
    private let fetcher: EndpointFetcher
    /// An operator's call waits for the answer, so it is shorter than that call's own time.
    private static let aliasTimeout = Duration.seconds(4)

    /// - Throws: ``StartFailure`` without a chain, or with one whose id neither the file nor the chain tells.
    init(_ configured: [ChainConfiguration], time: any TimeSource) async throws {
        let fetcher = try StartFailure.explaining { () throws(FetchError) in try EndpointFetcher(time: time) }
        var clients: [UInt64: any ChainClient] = [:]
        var settings: [UInt64: ChainSettings] = [:]
        var first: UInt64?
        for chain in configured {
            let endpoints = chain.rpcURLs.map { ChainEndpoint(url: $0.text) }
            let client = try await Self.client(chain.id, endpoints: endpoints, fetcher: fetcher, time: time)
            clients[client.chainID] = client
            var known = ChainSettings(client: client, entryPoint: chain.entryPoint.address, factory: chain.factory)
            known.tokens = WellKnownTokens.onChain(client.chainID)
            known.bundler = Self.bundler(chain, id: client.chainID, fetcher: fetcher, time: time)
            known.paymaster = chain.paymaster
            settings[client.chainID] = known
            if chain.isDefault || first == nil { first = client.chainID }
        }
        guard let first else { throw StartFailure(78, "chains: at least one chain is needed") }
        self.clients = clients
        self.settings = settings
        self.fetcher = fetcher
        defaultID = first
    }

    func close() { fetcher.close() }

    /// Which keys sign for operators, as the registry on the chain of `eth_rpc_url` says; nil without that chain.
    func operatorAliases(
        _ configuration: AggregatorConfiguration, time: any TimeSource, logger: Logger
    ) -> OperatorAliases? {
        guard let endpoint = configuration.external.eigenLayerRPC else { return nil }
        var options = HTTPChainClient.Configuration()
        options.verifiesChainID = false  // whichever chain is named there is the registry's
        options.totalTimeout = Self.aliasTimeout
        let client = HTTPChainClient(
            chainID: 0, endpoints: [ChainEndpoint(url: endpoint.text)], fetcher: fetcher, configuration: options,
            time: time)
        let registry = AliasRegistry(chain: client, address: configuration.external.aliasRegistry)
        return OperatorAliases(approved: Set(configuration.approvedOperators), time: time, logger: logger) { node in
            try await registry.alias(of: node)
        }
    }

    /// Not asked for its chain: the hash of an operation holds that, and not every bundler tells.
    private static func bundler(
        _ chain: ChainConfiguration, id: UInt64, fetcher: EndpointFetcher, time: any TimeSource
    ) -> (any ChainClient)? {
        guard let url = chain.bundlerURL else { return nil }
        var options = HTTPChainClient.Configuration()
        options.verifiesChainID = false
        options.attemptTimeout = options.totalTimeout  // there is no other endpoint to turn to
        return HTTPChainClient(
            chainID: id, endpoints: [ChainEndpoint(url: url.text)], fetcher: fetcher, configuration: options, time: time
        )
    }

    /// A client whose endpoints were asked which chain they serve: a wrong one would act on the wrong chain (9.6).
    private static func client(
        _ id: UInt64?, endpoints: [ChainEndpoint], fetcher: EndpointFetcher, time: any TimeSource
    ) async throws -> any ChainClient {
        var unverified = HTTPChainClient.Configuration()
        unverified.verifiesChainID = false
        let probe = HTTPChainClient(
            chainID: id ?? 0, endpoints: endpoints, fetcher: fetcher, configuration: unverified, time: time)
        let reported: UInt64
        do {
            reported = try await probe.reportedChainID()
        } catch {
            throw StartFailure(
                75, "chain \(id.map { "\($0)" } ?? "without id"): its endpoint does not answer: \(error)")
        }
        guard id == nil || id == reported else {
            throw StartFailure(78, "chain \(id ?? 0): its endpoint serves chain \(reported)")
        }
        return HTTPChainClient(chainID: reported, endpoints: endpoints, fetcher: fetcher, time: time)
    }
}
