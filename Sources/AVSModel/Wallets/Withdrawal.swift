public import AVSPrimitives

/// What is to leave a smart wallet, and for whom.
public struct Withdrawal: Hashable, Sendable {
    /// What is sent.
    public enum Asset: Hashable, Sendable {
        /// The chain's own coin, in wei.
        case coin
        /// An ERC-20 token, in its smallest unit.
        case token(Address)
    }

    /// How much.
    public enum Amount: Hashable, Sendable {
        /// At least 1.
        case exactly(UInt256)
        /// The whole balance at the time of the call.
        case everything
    }

    /// What is sent.
    public var asset: Asset
    /// How much of it.
    public var amount: Amount
    /// Who gets it; not the zero address.
    public var recipient: Address
    /// One of the caller's wallets that is registered, as by getting it.
    public var wallet: Address

    /// `Withdrawal(.exactly(amount), of: .coin, from: wallet, to: recipient)`
    public init(_ amount: Amount, of asset: Asset, from wallet: Address, to recipient: Address) {
        self.asset = asset
        self.amount = amount
        self.recipient = recipient
        self.wallet = wallet
    }
}
