import AVSConfiguration
import AVSEthereum
import AVSOperator
import AVSPrimitives
import Logging

/// The contract in which operators declare the key that signs for them.
///
/// - Source: aggregator-api 3.5, 9.7.
struct AliasRegistry {
    /// `getAlias(address)`
    private static let getAlias: [UInt8] = [0x99, 0x90, 0x0d, 0x11]
    private static let onMainnet = Address("0x9c02dfc92eea988902a98919bf4f035e4aaefced")
    private static let elsewhere = Address("0xb8abbb082ecaae8d1cd68378cf3b060f6f0e07eb")

    private let configuration: OperatorConfiguration
    private let chains: Chains

    init(_ configuration: OperatorConfiguration, _ chains: Chains) {
        self.configuration = configuration
        self.chains = chains
    }

    /// Whether the registry knows the key that signs. Asked only where the chain of the registry is configured.
    ///
    /// - Throws: `StartFailure` if it does not: the aggregator would refuse every call.
    func check(_ credentials: OperatorCredentials, logger: Logger) async throws {
        guard let endpoint = configuration.external.eigenLayerRPC else {
            logger.warning("the key is not the operator's own, and without `eth_rpc_url` its alias cannot be checked")
            return
        }
        let chain = try await chains.client(nil, endpoints: [endpoint.text])
        let standard = chain.chainID == 1 ? Self.onMainnet : Self.elsewhere
        guard let registry = configuration.external.aliasRegistry ?? standard else { return }
        let argument = [UInt8](repeating: 0, count: 12) + credentials.address.bytes
        let answer: [UInt8]
        do {
            answer = try await chain.call(to: registry, data: Self.getAlias + argument)
        } catch {
            throw StartFailure(75, "the alias registry \(registry) cannot be asked: \(error)")
        }
        guard Address(bytes: answer.suffix(20)) == credentials.signer else {
            throw StartFailure(
                78, "the key of \(credentials.signer) is not the declared alias of operator \(credentials.address)")
        }
    }
}
