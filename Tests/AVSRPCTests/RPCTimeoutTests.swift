import Testing

@testable import AVSRPC

@Suite("grpc-timeout")
struct RPCTimeoutTests {
    @Test(
        "DL-1: is digits and a unit",
        arguments: [
            ("1n", RPCTimeout.Parsed.after(.nanoseconds(1))), ("5u", .after(.microseconds(5))),
            ("99999999m", .after(.milliseconds(99_999_999))), ("10S", .after(.seconds(10))),
            ("2M", .after(.seconds(120))),
            ("3H", .after(.seconds(10_800))), ("0S", .after(.zero)), ("99999999H", .never), ("", .malformed),
            ("S", .malformed), ("1", .malformed), ("123456789S", .malformed), ("-1S", .malformed), ("+1S", .malformed),
            (" 1S", .malformed), ("1 S", .malformed), ("1.5S", .malformed), ("1s", .malformed), ("1SS", .malformed),
        ])
    func parse(text: String, expected: RPCTimeout.Parsed) {
        #expect(RPCTimeout.parse(text.utf8Span.span) == expected)
    }

    @Test(
        "DL-2: takes the finest unit that fits, rounded up",
        arguments: [
            (Duration.nanoseconds(1), "1n"), (.nanoseconds(99_999_999), "99999999n"),
            (.nanoseconds(100_000_001), "100001u"),
            (.milliseconds(100), "100000u"), (.seconds(100), "100000m"), (.seconds(100_000), "100000S"),
            (Duration(secondsComponent: 0, attosecondsComponent: 1), "1n"), (.seconds(Int64.max), "2562048H"),
        ])
    func encode(timeout: Duration, expected: String) {
        #expect(RPCTimeout.encode(timeout) == expected)
    }
}
