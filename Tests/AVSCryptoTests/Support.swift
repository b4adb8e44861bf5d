import AVSCrypto
import AVSPrimitives
import Testing

func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex), "test vector is not hexadecimal") }

func secret(_ hex: String) throws -> SecretBytes { try SecretBytes(copying: try bytes(hex)) }

func password(_ text: String) throws -> SecretBytes { try SecretBytes(copying: Array(text.utf8)) }

extension SecretBytes {
    /// Out into an array: only a test may do that.
    var exposed: [UInt8] { withUnsafeBytes { Array($0) } }
}

/// SplitMix64: the same seed gives the same numbers on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }
}
