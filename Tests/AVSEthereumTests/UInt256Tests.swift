import AVSEthereum
import AVSPrimitives
import AVSTesting
import BigInt
import Testing

@Suite("A 256-bit number")
struct UInt256Tests {
    static let maximum = BigUInt(2).power(256) - 1

    private static func bytes(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }

    @Test("agrees with the big integer in every notation", arguments: 0..<200 as Range<UInt64>)
    func roundTrips(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let bytes = Self.bytes(Int.random(in: 0...32, using: &random), &random)
        let reference = bytes.reduce(BigUInt(0)) { $0 << 8 | BigUInt($1) }
        let number = try #require(UInt256(bigEndian: bytes))
        #expect(number.magnitude == reference && UInt256(reference) == number)
        #expect(number.description == String(reference) && UInt256(decimal: String(reference)) == number)
        #expect(number.hexQuantity == "0x" + String(reference, radix: 16))
        #expect(UInt256(hex: number.hexQuantity) == number && UInt256(bigEndian: number.bigEndian) == number)
        #expect(UInt256(words: number.words) == number && number.words.count == 4)
        #expect(number.uint64 == (reference <= BigUInt(UInt64.max) ? UInt64(reference) : nil))
        let other = try #require(UInt256(bigEndian: Self.bytes(32, &random)))
        #expect((number < other) == (reference < other.magnitude))
    }

    @Test("ends at 2²⁵⁶ − 1") func bounds() {
        #expect(UInt256(Self.maximum) == .max && UInt256(Self.maximum + 1) == nil)
        #expect(UInt256(decimal: String(Self.maximum)) == .max && UInt256(decimal: String(Self.maximum + 1)) == nil)
        #expect(UInt256(decimal: String(repeating: "9", count: 78)) == nil)
        #expect(UInt256(hex: String(repeating: "f", count: 64)) == .max)
        #expect(UInt256(hex: "1" + String(repeating: "0", count: 64)) == nil)
        #expect(UInt256(bigEndian: [UInt8](repeating: 0, count: 33)) == nil)
        #expect(UInt256(words: [0, 0, 0, 0, 0]) == nil && UInt256(words: []) == .zero)
        #expect(UInt256(words: [7]) == UInt256(7))
        #expect(UInt256.zero.hexQuantity == "0x0" && UInt256.zero.description == "0" && UInt256(0) == .zero)
        #expect(UInt256(decimal: "1" + String(repeating: "0", count: 38))?.description.utf8.count == 39)
    }

    @Test(
        "INP-6: digits only",
        arguments: [
            "", "+1", "-0", "-1", " 1", "1 ", "1e3", "1.0", "0x1", "１", "1_000", "nan",
            String(repeating: "0", count: 79),
        ])
    func decimalRefusals(text: String) { #expect(UInt256(decimal: text) == nil) }

    @Test("INP-6: hex digits only", arguments: ["", "0x", "+f", "-f", "0x0x1", "g", "0x 1", "ｆ"])
    func hexRefusals(text: String) { #expect(UInt256(hex: text) == nil) }
}
