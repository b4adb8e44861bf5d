import AVSEthereum
import AVSModel
public import AVSPrimitives
import AVSSchema
public import AVSStorage
public import AVSWorkflow
public import Logging

/// Sends what wallets are to do as ERC-4337 user operations, each order exactly once.
///
/// What is about to be sent is durable before it is sent, and is looked up before it is sent again (XO-16, XO-18). The
/// operations of one wallet come one after another: the next one is made when the one before is in a block or refused,
/// so that balances and nonces are true when they are read.
///
/// - Source: execution-engine 7, reliability-security 2.5.
public final class UserOperationSender: WalletCallSender {
    /// How often one operation is handed to the bundler, or made anew after a conflict of nonces (7.8).
    static let attempts = 3

    let chains: [UInt64: OperationChain]
    let signer: any OperationSigner
    let store: any KeyValueStore
    let book: IntentBook
    let time: any TimeSource
    let logger: Logger
    /// Of one run, in wei; zero where the price of the coin is not known.
    let executionFee: UInt256
    private let walletsPerOwner: Int
    private let lanes = LaneLocks()

    /// - Parameters:
    ///   - configuration: chains without a bundler send nothing.
    ///   - key: accepted by the wallets beside their owner's.
    ///   - epoch: the number of this start of the process, from the store.
    public init(
        store: any KeyValueStore, configuration: EngineConfiguration, signer: any OperationSigner, epoch: UInt64,
        time: any TimeSource, logger: Logger
    ) {
        chains = configuration.chains.compactMapValues { chain in
            chain.bundler.map {
                OperationChain(
                    client: chain.client, bundler: $0, entryPoint: chain.entryPoint, factory: chain.factory,
                    paymaster: chain.paymaster)
            }
        }
        self.signer = signer
        self.store = store
        self.time = time
        self.logger = logger
        walletsPerOwner = min(max(configuration.limits.walletsPerOwner, 1), 2_000)
        executionFee = configuration.fees.wei(configuration.fees.execution) ?? .zero
        book = IntentBook(store: store, epoch: epoch)
    }

    public func isSponsored(onChain chainID: UInt64) -> Bool { chains[chainID]?.paymaster != nil }

    public func send(
        _ order: WalletOrder, _ call: @escaping @Sendable () async throws -> WalletCall
    ) async throws -> SentCall {
        let lane = LaneKey(chainID: order.chainID, sender: order.wallet)
        return try await lanes.holding(lane) {
            do {
                return try await self.carryOut(order, lane, call)
            } catch let error as ChainError {
                if case .cancelled = error { throw CancellationError() }
                throw WalletCallFailure.notSent(BundlerError(error).explanation)
            } catch let refusal as SigningRefusal {
                throw WalletCallFailure.notSent("\(refusal)")
            }
        }
    }

    private func carryOut(
        _ order: WalletOrder, _ lane: LaneKey, _ call: @Sendable () async throws -> WalletCall
    ) async throws -> SentCall {
        let earlier = try await book.find(order, now: time.now)
        guard let chain = chains[order.chainID] else {
            _ = try await call()
            throw WalletCallFailure.notSent("no bundler is configured for chain \(order.chainID)")
        }
        let delivery = Delivery(sender: self, chain: chain, lane: lane)
        if let (key, intent) = earlier {
            guard intent.requestDigest == order.requestDigest else {
                throw WalletCallFailure.otherRequest(step: order.step)
            }
            if let sent = try await delivery.goOn(with: intent, key, patience: order.patience) { return sent }
        }
        try await delivery.settle(patience: order.patience)
        let wanted = try await call()
        let wallet = try await wallet(of: order, chain)
        return try await delivery.begin(wanted, order, wallet)
    }

    /// The wallet's record, or what it would say: no other wallet is ever signed for.
    private func wallet(of order: WalletOrder, _ chain: OperationChain) async throws -> SmartWallet {
        let key = WalletKey(owner: order.owner, wallet: order.wallet)
        if let wallet = try await store.readWithoutBlocking({ try $0.value(for: key) }) { return wallet }
        for salt in 0..<UInt64(walletsPerOwner) {
            let salt = UInt256(salt)
            let derived = try await chain.client.walletAddress(owner: order.owner, factory: chain.factory, salt: salt)
            if derived == order.wallet {
                return SmartWallet(owner: order.owner, address: derived, factory: chain.factory, salt: salt)
            }
        }
        throw WalletCallFailure.notSent("\(order.wallet) is no smart wallet of owner \(order.owner)")
    }
}
