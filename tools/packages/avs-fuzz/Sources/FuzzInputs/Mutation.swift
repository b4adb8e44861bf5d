/// Changes to inputs that know nothing of their meaning.
package enum Mutation {
    /// Values at the edges of the integers that protocols are made of.
    private static let interesting: [UInt8] = [0, 1, 4, 5, 8, 9, 0x0a, 0x10, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xfe, 0xff]
    package static let longestInput = 64 * 1024

    /// A few changes anywhere.
    package static func changed(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        var input = seed
        for _ in 0...random.below(6) { change(&input, &random, splicing: other) }
        return input
    }

    /// One change somewhere.
    package static func change(_ bytes: inout [UInt8], _ random: inout Generator, splicing other: [UInt8]) {
        guard !bytes.isEmpty else {
            bytes = random.bytes(random.below(32))
            return
        }
        let index = random.below(bytes.count)
        let length = min(1 + random.below(16), bytes.count - index)
        switch random.below(9) {
        case 0: bytes[index] ^= 1 << UInt8(random.below(8))
        case 1: bytes[index] = random.pick(interesting, or: 0)
        case 2: bytes[index] = UInt8(truncatingIfNeeded: random.next())
        case 3: bytes[index] = bytes[index] &+ (random.oneIn(2) ? 1 : 255)
        case 4: bytes.removeSubrange(index..<(index + length))
        case 5: bytes.insert(contentsOf: random.bytes(length), at: index)
        case 6: bytes.insert(contentsOf: bytes[index..<(index + length)], at: random.below(bytes.count))
        case 7: bytes.removeSubrange(index...)
        default:
            let start = random.below(other.count)
            let count = min(1 + random.below(64), other.count - start)
            bytes.insert(contentsOf: other[start..<(start + count)], at: index)
        }
        if bytes.count > longestInput { bytes.removeSubrange(longestInput...) }
    }

    /// Cuts an input into the pieces in which it will arrive.
    package static func cuts(_ count: Int, _ random: inout Generator) -> [Range<Int>] {
        guard count > 1, !random.oneIn(3) else { return [0..<count] }
        var (cuts, start) = ([Range<Int>](), 0)
        let longest = random.oneIn(4) ? 3 : count
        while start < count, cuts.count < 512 {
            let end = min(count, start + 1 + random.below(longest))
            cuts.append(start..<end)
            start = end
        }
        if start < count { cuts.append(start..<count) }
        return cuts
    }

    /// The same in at most so many pieces, none of which is left out.
    package static func pieces(_ count: Int, atMost most: Int, _ random: inout Generator) -> [Range<Int>] {
        guard count > 1, !random.oneIn(3) else { return [0..<count] }
        let cuts = Set((1..<max(2, most)).map { _ in 1 + random.below(count - 1) }).sorted()
        return zip([0] + cuts, cuts + [count]).map { $0..<$1 }
    }
}
