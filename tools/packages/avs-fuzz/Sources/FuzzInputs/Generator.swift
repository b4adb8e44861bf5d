/// SplitMix64. Every input is made from a generator of its own, seeded with the run's seed and the input's number, so
/// that any one of them can be made again without those before it.
package struct Generator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64, number: UInt64) {
        state = seed &* 0x9e37_79b9_7f4a_7c15 ^ number &* 0xbf58_476d_1ce4_e5b9
        _ = next()
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// 0..<bound; 0 for a bound below 2. The remainder's bias does not matter here, its speed does.
    package mutating func below(_ bound: Int) -> Int { bound < 2 ? 0 : Int(next() % UInt64(bound)) }

    package mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    package mutating func pick<Element>(_ elements: [Element], or fallback: Element) -> Element {
        elements.isEmpty ? fallback : elements[below(elements.count)]
    }

    package mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}
