import Testing

@testable import AVSPrimitives

@Suite("A timestamp")
struct TimestampTests {
    @Test(
        "is written in the wire's layout",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_776_245_400_000, "2026-04-15T09:30:00.000Z"),
            (951_782_400_001, "2000-02-29T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ])
    func layout(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).iso8601 == text)
        #expect(Timestamp(iso8601: text)?.milliseconds == milliseconds)
    }

    @Test(
        "has a text beyond the year 9999 that is not read back",
        arguments: [
            (Int64.max, "+292278994-08-17T07:12:55.807Z"), (Int64.min, "-292275055-05-16T16:47:04.192Z"),
            (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
        ])
    func extremes(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).iso8601 == text)
        #expect(Timestamp(iso8601: text) == nil)
    }

    @Test(
        "TIM-10, TIM-11: is refused unless the layout is exact and the time exists",
        arguments: [
            "2026-02-30T00:00:00.000Z", "2026-02-29T00:00:00.000Z", "1900-02-29T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-00-01T00:00:00.000Z", "2026-01-00T00:00:00.000Z", "2026-04-31T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T23:60:00.000Z", "2026-01-01T23:59:60.000Z", "2026-01-01 00:00:00.000Z",
            "2026-01-01t00:00:00.000Z",
            "2026-01-01T00:00:00.000z", "2026-01-01T00:00:00.00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.0000Z",
            "2026-01-01T00:00:00.000+00:00", "2026-01-01T00:00:00,000Z", " 026-01-01T00:00:00.000Z",
            "+026-01-01T00:00:00.000Z", "２026-01-01T00:00:00.000", "2026-1-01T00:00:00.0000Z", "",
        ])
    func refusals(text: String) { #expect(Timestamp(iso8601: text) == nil) }

    @Test(
        "reads RFC 3339 with any fraction and offset",
        arguments: [
            ("2026-01-15T10:30:00Z", 1_768_473_000_000), ("2026-01-15T10:30:00.5Z", 1_768_473_000_500),
            ("2026-01-15T10:30:00.123456789Z", 1_768_473_000_123), ("2026-01-15T12:30:00+02:00", 1_768_473_000_000),
            ("2026-01-15T00:00:00.999-10:30", 1_768_473_000_999),
        ])
    func rfc3339(text: String, milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test(
        "TIM-10: refuses offsets and fractions that RFC 3339 does not have",
        arguments: [
            "2026-01-15T10:30:00+99:99", "2026-01-15T10:30:00+24:00", "2026-01-15T10:30:00+0200", "2026-01-15T10:30:00",
            "2026-01-15T10:30:00.Z", "2026-01-15T10:30:00.1234567890Z", "2026-01-15T10:30:00ZZ", "2026-01-15T10:30Z",
        ])
    func rfc3339Refusals(text: String) { #expect(Timestamp(rfc3339: text) == nil) }

    @Test("survives the round trip through text", arguments: 0..<100 as Range<UInt64>)
    func roundTrip(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let time = Timestamp(milliseconds: .random(in: -62_167_219_200_000...253_402_300_799_999, using: &random))
        #expect(Timestamp(iso8601: time.iso8601) == time && Timestamp(rfc3339: time.iso8601) == time)
    }

    @Test("is refused cut at every offset") func cuts() {
        let text = "2026-04-15T09:30:00.000Z"
        for count in 0..<text.utf8.count { #expect(Timestamp(iso8601: String(text.prefix(count))) == nil) }
    }

    @Test("saturates instead of trapping") func saturation() {
        #expect(Timestamp(seconds: .max).milliseconds == .max && Timestamp(seconds: .min).milliseconds == .min)
        #expect(Timestamp(milliseconds: .max).adding(.seconds(1)).milliseconds == .max)
        #expect(Timestamp(milliseconds: .min).adding(.seconds(-1)).milliseconds == .min)
        #expect(Timestamp(milliseconds: .min).adding(.milliseconds(-1)).milliseconds == .min)
        #expect(Timestamp(milliseconds: .max).adding(.milliseconds(1)).milliseconds == .max)
        #expect(Timestamp(milliseconds: 0).adding(.seconds(Int64.max)).milliseconds == .max)
        #expect(Timestamp(milliseconds: 5).adding(.milliseconds(-7)).milliseconds == -2)
        #expect(Timestamp(milliseconds: -1).seconds == -1 && Timestamp(milliseconds: 1999).seconds == 1)
        #expect(Timestamp(milliseconds: 1500).duration(since: Timestamp(seconds: 1)) == .milliseconds(500))
        let widest = Timestamp(milliseconds: .max).duration(since: Timestamp(milliseconds: .min))
        #expect(widest == .milliseconds(Int64.max) * 2 + .milliseconds(1))
    }
}
