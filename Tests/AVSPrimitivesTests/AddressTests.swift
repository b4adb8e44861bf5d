import Testing

@testable import AVSPrimitives

@Suite("An address")
struct AddressTests {
    /// Origin: EIP-55, *Test Cases* (all caps, all lower, normal).
    @Test(
        "is written with the checksum of EIP-55",
        arguments: [
            "0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
            "0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ])
    func checksum(text: String) throws {
        let address = try #require(Address(text.lowercased()))
        #expect(address.checksummed == text)
        #expect(address.description == text)
        #expect(address.lowercased == text.lowercased())
        #expect(Address(String(text.dropFirst(2)).uppercased()) == address)
        #expect(Address("0X" + text.dropFirst(2)) == address)
        #expect(Address(bytes: address.bytes) == address)
    }

    @Test(
        "INP-1: is refused unless it is 40 ASCII hex digits",
        arguments: [
            "", "0x", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed0",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", " 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe\u{ff11}", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\u{0}",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAee\u{301}", "5a:eb6053F3E94C9b9A09f33669435E7Ef1BeAed00",
        ])
    func refusals(text: String) { #expect(Address(text) == nil) }

    @Test("takes exactly 20 bytes", arguments: 0...40)
    func byteCounts(count: Int) {
        #expect((Address(bytes: [UInt8](repeating: 1, count: count)) != nil) == (count == 20))
    }

    @Test("sorts as its bytes do", arguments: 0..<20 as Range<UInt64>)
    func order(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let (first, second) = (random.bytes(20), random.bytes(20))
        let (left, right) = (try #require(Address(bytes: first)), try #require(Address(bytes: second)))
        #expect((left < right) == first.lexicographicallyPrecedes(second))
        #expect(left.bytes == first && !left.isZero)
    }

    @Test("is zero by default of the chain") func zero() {
        #expect(Address.zero.isZero && Address.zero.bytes == [UInt8](repeating: 0, count: 20))
    }
}

@Suite("A hash")
struct Hash32Tests {
    @Test("reads 64 digits with or without prefix, and nothing else") func text() throws {
        let digits = String(repeating: "0123456789abcdef", count: 4)
        let hash = try #require(Hash32(digits))
        #expect(hash.hex == "0x" + digits && Hash32("0x" + digits.uppercased()) == hash)
        #expect(Hash32(String(digits.dropLast())) == nil && Hash32(digits + "00") == nil && Hash32("0x") == nil)
        #expect(Hash32(bytes: hash.bytes) == hash && Hash32(bytes: hash.bytes.dropLast()) == nil)
        #expect(hash.number.bigEndian == hash.bytes && Hash32.zero < hash)
    }
}
