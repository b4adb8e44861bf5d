public import AVSPrimitives

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
