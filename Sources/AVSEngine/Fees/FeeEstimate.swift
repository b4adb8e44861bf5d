import AVSEthereum
public import AVSModel
public import AVSPrimitives
import AVSWorkflow
import BigInt
import Logging

/// What a workflow would cost, per run; the parts are never summed.
///
/// - Source: execution-engine 8.1 and 8.2.
public struct FeeEstimate: Hashable, Sendable {
    public var chainID: UInt64
    public var execution: Dollars
    public var costs: [NodeCost]
    public var value: ValueFee
    /// What was assumed because the chain did not say.
    public var warnings: [String]
}

extension TaskEngine {
    private enum Gas {
        static let contractWrite: UInt64 = 150_000
        static let transfer: UInt64 = 50_000
        static let walletCreation: UInt64 = 500_000
        /// Half a gwei.
        static let price = UInt256(500_000_000 as UInt64)
    }

    /// - Parameters:
    ///   - runner: the wallet that would act.
    ///   - owner: for whom the wallet would be made if it is not there.
    /// - Throws: ``EngineError/unknownChain(_:)``.
    public func estimateFees(
        of nodes: [Node], runner: Address, owner: Address, chainID: UInt64? = nil
    ) async throws -> FeeEstimate {
        let id = chainID ?? configuration.defaultChainID
        guard let chain = configuration.chains[id] else { throw EngineError.unknownChain(id) }
        var estimate = FeeEstimate(
            chainID: id, execution: configuration.fees.execution, costs: [],
            value: configuration.fees.valueFee(of: nodes), warnings: [])
        let acting = nodes.filter(\.config.actsOnChain)
        guard !acting.isEmpty else { return estimate }
        let price = await gasPrice(on: chain.client, &estimate.warnings)
        estimate.costs = acting.map { node in
            let gas = node.config.sendsCoins ? Gas.transfer : Gas.contractWrite
            return NodeCost(nodeID: node.id, kind: .gas, wei: price.times(gas), gas: UInt256(gas))
        }
        if let gas = await creationGas(of: runner, owner: owner, on: chain, &estimate.warnings) {
            estimate.costs.append(
                NodeCost(
                    nodeID: "_wallet_creation", kind: .walletCreation, wei: price.times(gas), gas: UInt256(gas)))
        }
        return estimate
    }

    private func gasPrice(on chain: any ChainClient, _ warnings: inout [String]) async -> UInt256 {
        do throws(ChainError) {
            return try await chain.gasPrice()
        } catch {
            logger.warning("the gas price is not known; an estimate assumes one", metadata: ["error": "\(error)"])
            warnings.append("The gas price could not be read: a conservative fallback of 0.5 gwei was used.")
            return Gas.price
        }
    }

    /// What making the wallet takes; `nil` when it is there, or when nobody can say.
    private func creationGas(
        of runner: Address, owner: Address, on chain: ChainSettings, _ warnings: inout [String]
    ) async -> UInt64? {
        do throws(ChainError) {
            guard try await chain.client.code(at: runner).isEmpty else { return nil }
        } catch {
            logger.warning("a wallet's code could not be read", metadata: ["wallet": "\(runner)", "error": "\(error)"])
            return nil
        }
        do {
            let salt = try await wallets.wallet(runner, owner: owner)?.salt ?? .zero
            let data = [0x5f, 0xbf, 0xb9, 0xcf] + [UInt8](repeating: 0, count: 12) + owner.bytes + salt.bigEndian
            let gas = try await chain.client.estimateGas(CallRequest(from: owner, to: chain.factory, data: data))
            return gas.addingReportingOverflow(gas / 5).partialValue
        } catch {
            logger.warning("the making of a wallet could not be estimated", metadata: ["error": "\(error)"])
            warnings.append("Wallet creation could not be estimated: a conservative fallback of 500000 gas was used.")
            return Gas.walletCreation
        }
    }
}

extension UInt256 {
    /// Capped at the largest word.
    fileprivate func times(_ factor: UInt64) -> UInt256 { UInt256(magnitude * BigUInt(factor)) ?? .max }
}

extension Node.Config {
    /// Whether it, or what it loops over, sends the chain's own coin.
    fileprivate var sendsCoins: Bool {
        switch self {
        case .ethTransfer: true
        case .loop(let loop): if case .ethTransfer = loop.runner { true } else { false }
        default: false
        }
    }
}
