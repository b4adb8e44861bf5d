import AVSEthereum
public import AVSPrimitives

/// How far a ``ChainFeed`` has come, and enough of the way to notice that the chain has become another one. Whoever
/// runs a feed keeps it, and a feed that is given it goes on there, also over a reorganisation that nobody watched.
///
/// Pure: blocks in, decisions out.
public struct ChainPosition: Hashable, Sendable {
    /// Hashes beyond this are forgotten. A reorganisation that is deeper is not told as such: the new blocks above the
    /// position are then reported alone. Ethereum finalises within 64 to 96 blocks.
    public static let depthMaximum = 128

    /// The newest block that was reported, or behind which reporting begins.
    public private(set) var number: UInt64
    /// The hashes of the newest blocks, the last one that of block ``number``; as many as are known.
    public private(set) var hashes: [Hash32]

    public init(number: UInt64, hashes: [Hash32] = []) {
        self.number = number
        self.hashes = Array(hashes.suffix(Self.depthMaximum))
    }

    enum Link: Equatable {
        /// The block follows.
        case follows
        /// The block is the next by number, but ours is not its parent: ours must go first.
        case replaces
        /// The block is not the next by number.
        case unrelated
    }

    func link(_ block: Block) -> Link {
        guard block.number > number, block.number - number == 1 else { return .unrelated }
        guard let newest = hashes.last else { return .follows }
        return block.parentHash == newest ? .follows : .replaces
    }

    /// - Parameter block: one that follows.
    mutating func append(_ block: Block) {
        number = block.number
        hashes.append(block.hash)
        if hashes.count > Self.depthMaximum { hashes.removeFirst() }
    }

    /// Takes the newest block back: its number and hash. Nil if it is not known; the next block is then taken as it
    /// comes.
    mutating func removeNewest() -> (number: UInt64, hash: Hash32)? {
        guard let hash = hashes.popLast() else { return nil }
        defer { number = number > 0 ? number - 1 : 0 }
        return (number, hash)
    }
}
