import AVSEthereum
import AVSPrimitives
import Testing

@testable import AVSChain

@Suite("A position in a chain")
struct ChainPositionTests {
    private static func hash(_ number: UInt64) -> Hash32 { Hash32(bytes: UInt256(number).bigEndian) ?? .zero }

    private static func block(_ number: UInt64, parent: UInt64) -> Block {
        Block(number: number, hash: hash(number), parentHash: hash(parent), timestamp: 0)
    }

    @Test("knows what follows it, what replaces its newest block, and what is neither") func links() {
        let position = ChainPosition(number: 7, hashes: [Self.hash(6), Self.hash(7)])
        #expect(position.link(Self.block(8, parent: 7)) == .follows)
        #expect(position.link(Self.block(8, parent: 70)) == .replaces)
        for number in [0, 6, 7, 9, UInt64.max] { #expect(position.link(Self.block(number, parent: 7)) == .unrelated) }
        #expect(ChainPosition(number: .max).link(Self.block(0, parent: 7)) == .unrelated)
        #expect(ChainPosition(number: 7).link(Self.block(8, parent: 70)) == .follows)
    }

    @Test("remembers the newest blocks only, and takes them back newest first") func bound() {
        var position = ChainPosition(number: 0)
        for number in 1...200 as ClosedRange<UInt64> { position.append(Self.block(number, parent: number - 1)) }
        #expect(position.number == 200 && position.hashes.count == ChainPosition.depthMaximum)
        for number in (73...200 as ClosedRange<UInt64>).reversed() {
            let gone = position.removeNewest()
            #expect(gone?.number == number && gone?.hash == Self.hash(number))
        }
        #expect(position.removeNewest() == nil && position == ChainPosition(number: 72))
    }

    @Test("does not go below the first block") func genesis() {
        var position = ChainPosition(number: 0, hashes: [Self.hash(0)])
        #expect(position.removeNewest()?.number == 0)
        #expect(position == ChainPosition(number: 0))
    }
}
