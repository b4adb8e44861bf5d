public import AVSEthereum
public import AVSPrimitives

/// A block with the logs in it that a feed's filters match, in the order of the chain.
public struct ChainBlock: Hashable, Sendable {
    public var header: Block
    public var logs: [EventLog]
    /// Why the logs are missing: the node has the block, and refused them again and again. Nil if they are there.
    public var refusal: ChainError?

    public init(header: Block, logs: [EventLog], refusal: ChainError? = nil) {
        self.header = header
        self.logs = logs
        self.refusal = refusal
    }
}

/// What a ``ChainFeed`` reports, in order.
public enum ChainUpdate: Hashable, Sendable {
    /// Nothing was known before: blocks are reported behind the one that is the newest now.
    case began
    /// The next block: its number is one above that of the last, or it takes the place of one that was removed.
    case block(ChainBlock)
    /// The newest reported block is no longer part of the chain. Several come newest first.
    case removed(number: UInt64, hash: Hash32)
    /// These blocks will not be reported: the feed was away for longer than it catches up on.
    case skipped(ClosedRange<UInt64>)
}
