import AVSEthereum
import AVSPrimitives

/// The newest blocks that a feed has reported, and how the next one joins them. Pure: blocks in, decisions out.
struct ChainHistory: Sendable {
    enum Link: Equatable {
        /// The block follows the tip.
        case follows
        /// The block is the next by number, but the tip is not its parent: the tip must go first.
        case replaces
        /// The block is not the next by number.
        case unrelated
    }

    /// Blocks beyond this are forgotten, with their logs. Reorganisations that are deeper are not told as such: the new
    /// blocks above the tip are then reported alone. Ethereum finalises within 64 to 96 blocks.
    static let depthMaximum = 128

    private var blocks: [ChainBlock] = []
    /// The number of the newest reported block, or where reporting starts; nil before the first head is known.
    private(set) var tip: UInt64?

    init(tip: UInt64?) { self.tip = tip }

    /// The newest reported block, if it is still remembered.
    var newest: Block? { blocks.last?.header }

    func link(_ block: Block) -> Link {
        guard let tip, block.number == tip + 1 else { return .unrelated }
        guard let newest else { return .follows }
        return block.parentHash == newest.hash ? .follows : .replaces
    }

    mutating func append(_ block: ChainBlock) {
        blocks.append(block)
        if blocks.count > Self.depthMaximum { blocks.removeFirst() }
        tip = block.header.number
    }

    /// Takes the tip back. Nil if it is not remembered; the next block is then taken as it comes.
    mutating func removeTip() -> ChainBlock? {
        guard var block = blocks.popLast() else { return nil }
        tip = block.header.number == 0 ? nil : block.header.number - 1
        for index in block.logs.indices { block.logs[index].removed = true }
        return block
    }

    /// Goes on from `number`, which is above the tip.
    mutating func skip(to number: UInt64) {
        blocks = []
        tip = number
    }
}
