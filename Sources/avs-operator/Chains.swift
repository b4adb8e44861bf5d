import AVSChain
import AVSConfiguration
import AVSEthereum
import AVSFetch
import AVSPrimitives
import AVSWatch

/// The chains of the configuration, the default one first.
struct Chains {
    private(set) var watched: [WatchedChain] = []
    private let fetcher: EndpointFetcher
    private let time: any TimeSource

    /// - Throws: `StartFailure` for a chain without id whose endpoint does not tell it.
    init(_ configured: [ChainConfiguration], time: any TimeSource) async throws {
        fetcher = try EndpointFetcher(time: time)
        self.time = time
        // A chain with an id may be away now: its followers wait for it.
        for chain in configured.filter(\.isDefault) + configured.filter({ !$0.isDefault }) {
            let client = try await client(chain.id, endpoints: chain.rpcURLs.map(\.text))
            watched.append(WatchedChain(client: client, webSocketURL: chain.webSocketURL?.text))
        }
    }

    func close() { fetcher.close() }

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
}
