public import AVSModel
public import AVSPrimitives

/// The wallet that acts in a run, in whose name, and whether it acts at all.
public struct ActingWallet: Sendable {
    public var owner: Address
    /// Checked to be the owner's.
    public var address: Address
    /// The run, or a call of its own.
    public var execution: ExecutionID
    public var isOfRun: Bool
    /// What nodes do that do not say themselves: true only tries.
    public var isSimulated: Bool
    public var sender: any WalletCallSender
    /// How long a node waits for its transaction: 60 s for the first word, and in a run 5 minutes more (5.3.5).
    public var patience: Duration
    let trials: TriedCalls

    /// - Parameters:
    ///   - isOfRun: of a task; false for an immediate run, which nobody takes up again.
    ///   - balanceChange: what simulated writes are to see changed.
    public init(
        owner: Address, address: Address, execution: ExecutionID, isOfRun: Bool, isSimulated: Bool,
        sender: any WalletCallSender, balanceChange: TokenBalanceChange? = nil
    ) {
        trials = TriedCalls(after: balanceChange)
        self.owner = owner
        self.address = address
        self.execution = execution
        self.isOfRun = isOfRun
        self.isSimulated = isSimulated
        self.sender = sender
        patience = .seconds(isOfRun ? 360 : 60)
    }

    /// The order for one effect of a node.
    ///
    /// - Parameter step: tells the effects of the run apart, and is the same when the run is taken up again.
    func order(step: String, chainID: UInt64, requestDigest: Hash32) -> WalletOrder {
        WalletOrder(
            execution: execution, step: step, isOfRun: isOfRun, chainID: chainID, owner: owner, wallet: address,
            requestDigest: requestDigest, patience: patience)
    }
}
