import AVSCrypto
import AVSPrimitives
import AVSTesting
import Testing

func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex), "test vector is not hexadecimal") }

func secret(_ hex: String) throws -> SecretBytes { try SecretBytes(copying: try bytes(hex)) }

func password(_ text: String) throws -> SecretBytes { try SecretBytes(copying: Array(text.utf8)) }

extension SecretBytes {
    /// Out into an array: only a test may do that.
    var exposed: [UInt8] { withUnsafeBytes { Array($0) } }
}

extension SeededGenerator {
    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }
}
