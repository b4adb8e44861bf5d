import AVSChain
import AVSConfiguration
import AVSEthereum
import AVSFetch
import AVSPrimitives
import AVSWatch

/// Makes clients of chains.
struct Chains {
    private let fetcher: EndpointFetcher
    private let time: any TimeSource

    init(time: any TimeSource) throws {
        fetcher = try EndpointFetcher(time: time)
        self.time = time
    }

    func close() { fetcher.close() }

    /// The chains of the configuration, the default one first.
    ///
    /// - Throws: `StartFailure` for a chain without id whose endpoint does not tell it.
    func watched(_ configured: [ChainConfiguration]) async throws -> [WatchedChain] {
        var watched: [WatchedChain] = []
        // A chain with an id may be away now: its follower waits for it.
        for chain in configured.filter(\.isDefault) + configured.filter({ !$0.isDefault }) {
            let client = try await client(chain.id, endpoints: chain.rpcURLs.map(\.text))
            watched.append(
                WatchedChain(client: client, webSocketURL: chain.webSocketURL?.text, confirmations: chain.confirmations)
            )
        }
        return watched
    }

    /// - Parameter id: nil asks the chain itself.
    func client(_ id: UInt64?, endpoints: [String]) async throws -> any ChainClient {
        let endpoints = endpoints.map { ChainEndpoint(url: $0) }
        guard let id else {
            var probing = HTTPChainClient.Configuration()
            probing.verifiesChainID = false
            let probe = HTTPChainClient(
                chainID: 0, endpoints: endpoints, fetcher: fetcher, configuration: probing, time: time)
            let reported: UInt64
            do {
                reported = try await probe.reportedChainID()
            } catch {
                throw StartFailure(75, "a chain without `id`: its endpoint does not say which it is: \(error)")
            }
            return HTTPChainClient(chainID: reported, endpoints: endpoints, fetcher: fetcher, time: time)
        }
        return HTTPChainClient(chainID: id, endpoints: endpoints, fetcher: fetcher, time: time)
    }

    /// The registry of aliases; nil where its chain is not configured.
    func aliasRegistry(_ external: OperatorConfiguration.External) async throws -> AliasRegistry? {
        guard let endpoint = external.eigenLayerRPC else { return nil }
        return AliasRegistry(chain: try await client(nil, endpoints: [endpoint.text]), address: external.aliasRegistry)
    }
}
