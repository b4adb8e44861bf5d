import AVSEthereum
import AVSModel
import AVSPrimitives

extension WorkflowEnvironment {
    /// Whether a paymaster pays for what the wallet does on this chain.
    var isSponsored: Bool {
        guard let wallet, let chain else { return false }
        return wallet.sender.isSponsored(onChain: chain.chainID)
    }
}

extension NodeContext {
    /// The wallet that acts: the checked one of the run, else what the variables say, which only simulations use.
    var actingWallet: Address? {
        if let wallet = environment.wallet?.address, !wallet.isZero { return wallet }
        let text = variables["aa_sender"]?.stringValue ?? variables["settings"]?["runner"]?.stringValue
        return text.flatMap { Address($0) }
    }

    /// Has the wallet of the run do something, once.
    ///
    /// - Parameters:
    ///   - step: tells this effect from all others of the run, and is the same when the run is taken up again.
    ///   - digest: of what is asked for.
    /// - Throws: ``NodeFailure`` with the reason in people's words.
    func send(
        step: String, digest: Hash32, _ call: @escaping @Sendable () async throws -> WalletCall
    ) async throws(NodeFailure) -> SentCall {
        guard let wallet = environment.wallet, !wallet.address.isZero else {
            throw NodeFailure("aa_sender is not known: no wallet acts in this run")
        }
        guard let chain = environment.chain else { throw NodeFailure("no chain is configured") }
        let order = wallet.order(step: step, chainID: chain.chainID, requestDigest: digest)
        do {
            return try await wallet.sender.send(order, call)
        } catch let failure as NodeFailure {
            throw failure
        } catch is CancellationError {
            throw NodeFailure("the user operation was interrupted")
        } catch {
            throw NodeFailure("\(error)")
        }
    }
}
