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
        /// Above zero.
        case exactly(UInt256)
        /// All there is; of the coin what is left after the fee.
        case everything
    }

    /// What is sent.
    public var asset: Asset
    /// How much of it.
    public var amount: Amount
    /// Who gets it; not the zero address.
    public var recipient: Address
    /// One of the caller's wallets that is registered: see ``AggregatorClient/getWallet(salt:factory:)``.
    public var wallet: Address

    /// `Withdrawal(.exactly(amount), of: .coin, from: wallet, to: recipient)`
    public init(_ amount: Amount, of asset: Asset, from wallet: Address, to recipient: Address) {
        self.asset = asset
        self.amount = amount
        self.recipient = recipient
        self.wallet = wallet
    }
}

/// A withdrawal that is on its way to the chain, or has arrived.
public struct SentWithdrawal: Hashable, Sendable {
    /// Whether the chain has it. If not, it may still fail: look for ``userOperation``.
    public var isConfirmed: Bool
    /// For people.
    public var message: String
    /// Its hash, by which a bundler and the entry point know it.
    public var userOperation: Hash32
    /// Known once confirmed.
    public var transaction: Hash32?
    /// nil when the aggregator did not say.
    public var submittedAt: Timestamp?

    public init(
        isConfirmed: Bool, message: String, userOperation: Hash32, transaction: Hash32? = nil,
        submittedAt: Timestamp? = nil
    ) {
        self.isConfirmed = isConfirmed
        self.message = message
        self.userOperation = userOperation
        self.transaction = transaction
        self.submittedAt = submittedAt
    }
}
