import Testing

@testable import AVSPrimitives

@Suite("Hex text")
struct HexTests {
    @Test("reads back what it wrote", arguments: [[], [0], [0xff], [0x01, 0x23, 0xab, 0xcd, 0xef]] as [[UInt8]])
    func roundTrip(bytes: [UInt8]) {
        #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        #expect(Hex.decode(Hex.encode0x(bytes)) == bytes)
        #expect(Hex.decode("0X" + Hex.encode(bytes).uppercased()) == bytes)
    }

    @Test(
        "INP-1: refuses everything but ASCII hex digits in pairs",
        arguments: ["0", "0x0", "0xg0", "x00", " 00", "00 ", "０0", "Ａb", "0x0x00", "00\u{0}0", "e\u{301}"])
    func refusals(text: String) { #expect(Hex.decode(text) == nil) }
}
