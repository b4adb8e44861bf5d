public import AVSEthereum

/// A block with the logs in it that a feed's filters match, in the order of the chain.
public struct ChainBlock: Hashable, Sendable {
    public var header: Block
    public var logs: [EventLog]

    public init(header: Block, logs: [EventLog]) {
        self.header = header
        self.logs = logs
    }
}

/// What a ``ChainFeed`` reports, in order.
public enum ChainUpdate: Hashable, Sendable {
    /// The next block: its number is one above that of the last, or it takes the place of one that was removed.
    case block(ChainBlock)
    /// The newest reported block is no longer part of the chain. Its logs have `removed` set. Several come newest
    /// first.
    case removed(ChainBlock)
    /// These blocks will not be reported: the feed was away for longer than it catches up on.
    case skipped(ClosedRange<UInt64>)
}
