import Testing

@testable import AVSPrimitives

@Suite("A ULID")
struct ULIDTests {
    /// Origin: the ULID specification's examples, and python-ulid 4.1.0 for the fields.
    @Test(
        "has the specification's text",
        arguments: [
            ("01arz3ndektsv4rrffq69g5fav", 1_469_922_850_259, "01563e3ab5d3d6764c61efb99302bd5b"),
            ("01arz3ndekvvvvvvvvvvvvvvvv", 1_469_922_850_259, nil),
            ("7zzzzzzzzzzzzzzzzzzzzzzzzz", 281_474_976_710_655, nil),
            ("00000000000000000000000000", 0, "00000000000000000000000000000000"),
        ] as [(String, Int64, String?)])
    func published(text: String, milliseconds: Int64, hex: String?) throws {
        let id = try #require(ULID(text))
        #expect(id.description == text && id.timestamp.milliseconds == milliseconds)
        #expect(ULID(anyCase: text.uppercased()) == id)
        if let hex { #expect(id.value == UInt128(hex, radix: 16)) }
    }

    @Test(
        "is refused in other alphabets, lengths and cases",
        arguments: [
            "", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndektsv4rrffq69g5fa", "01arz3ndektsv4rrffq69g5favv",
            "81arz3ndektsv4rrffq69g5fav", "01arz3ndektsv4rrffq69g5fai", "01arz3ndektsv4rrffq69g5fal",
            "01arz3ndektsv4rrffq69g5fao", "01arz3ndektsv4rrffq69g5fau", "01arz3ndektsv4rrffq69g5fa:",
            "01arz3ndektsv4rrffq69g5\u{212a}", "01arz3ndektsv4rrffq69g5fa\u{10}",
        ])
    func refusals(text: String) { #expect(ULID(text) == nil) }

    @Test(
        "is refused in any case for the same reasons",
        arguments: ["01ARZ3NDEKTSV4RRFFQ69G5FAI", "01arz3ndektsv4rrffq69g5fa\u{10}", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ"])
    func anyCaseRefusals(text: String) { #expect(ULID(anyCase: text) == nil) }

    @Test("survives the round trip, and its text sorts as its value", arguments: 0..<50 as Range<UInt64>)
    func roundTrip(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let ids = (0..<2).map { _ in ULID(value: .random(in: 0 ... .max, using: &random)) }
        for id in ids { #expect(ULID(id.description) == id) }
        #expect((ids[0] < ids[1]) == ids[0].description.utf8.lexicographicallyPrecedes(ids[1].description.utf8))
    }
}

@Suite("A ULID generator")
struct ULIDGeneratorTests {
    @Test("TIM-4: only grows, whatever the clock does", arguments: 0..<20 as Range<UInt64>)
    func monotonic(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var generator = ULIDGenerator()
        var last = ULID(value: 0)
        for _ in 0..<500 {
            let now = Timestamp(milliseconds: .random(in: 1_000_000...1_000_020, using: &random))
            let id = generator.next(at: now, using: &random)
            #expect(id > last)
            last = id
        }
    }

    @Test("TIM-4: adds one within a millisecond and when the clock goes back") func increment() {
        var random = SeededGenerator(seed: 1)
        var generator = ULIDGenerator()
        let first = generator.next(at: Timestamp(milliseconds: 1000), using: &random)
        let second = generator.next(at: Timestamp(milliseconds: 1000), using: &random)
        let third = generator.next(at: Timestamp(milliseconds: 1), using: &random)
        #expect(second.value == first.value + 1 && third.value == first.value + 2)
        #expect(first.timestamp.milliseconds == 1000)
        #expect(generator.lag(at: Timestamp(milliseconds: 1)) == .milliseconds(999))
        #expect(
            generator.lag(at: Timestamp(milliseconds: 5000)) == .zero
                && ULIDGenerator().lag(at: .init(seconds: 0)) == .zero)
    }

    @Test("TIM-4: goes on after the newest stored id") func seeded() throws {
        var random = SeededGenerator(seed: 2)
        let stored = try #require(ULID("01arz3ndektsv4rrffq69g5fav"))
        var generator = ULIDGenerator(after: stored)
        #expect(generator.next(at: Timestamp(milliseconds: 5), using: &random).value == stored.value + 1)
    }

    @Test("has an answer for clocks and stored ids that make no sense") func extremes() {
        var random = SeededGenerator(seed: 3)
        var generator = ULIDGenerator()
        #expect(generator.next(at: Timestamp(milliseconds: .min), using: &random).timestamp.milliseconds == 0)
        #expect(generator.next(at: Timestamp(milliseconds: .max), using: &random).timestamp.milliseconds == 1 << 48 - 1)
        var full = ULIDGenerator(after: ULID(value: .max))
        #expect(full.next(at: Timestamp(milliseconds: 0), using: &random).value == .max)
    }
}
