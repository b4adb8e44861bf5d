import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSConfiguration

@Suite("Values of a configuration")
struct ValueTests {
    @Test("durations print as they are read", arguments: 0..<200 as Range<UInt64>)
    func durations(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bits = Int64.random(in: 0..<62, using: &random)
        let value = Duration.milliseconds(Int64.random(in: 0...(1 << bits), using: &random))
        #expect(Duration(yaml: value.yaml) == value, "\(value.yaml)")
    }

    @Test(
        "durations",
        arguments: [
            ("0", 0), ("1ms", 1), ("90s", 90_000), ("1h30m", 5_400_000), ("2d3h4m5s6ms", 183_845_006), ("0s", 0),
        ] as [(String, Int64)])
    func duration(text: String, milliseconds: Int64) { #expect(Duration(yaml: text) == .milliseconds(milliseconds)) }

    @Test(
        "no durations",
        arguments: [
            "", "1", "s", "1s2h", "1m1m", "1.5h", "-1s", " 1s", "1 s", "1S", "106751991168d", "01s", "1h1", "١s",
            "1s\r\n",
        ])
    func noDuration(text: String) { #expect(Duration(yaml: text) == nil) }

    @Test("durations beyond whole milliseconds saturate")
    func saturation() {
        #expect(Duration.seconds(Int64.max).milliseconds == .max)
        #expect(Duration.seconds(Int64.min).milliseconds == .min)
        #expect(Duration.nanoseconds(999_999).milliseconds == 0)
    }

    @Test("numbers of bytes print as they are read", arguments: 0..<200 as Range<UInt64>)
    func byteCounts(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let value = Int.random(in: 0...1_000, using: &random) << Int.random(in: 0..<50, using: &random)
        #expect(ByteCount.parse(ByteCount.text(value)) == value)
    }

    @Test(
        "no numbers of bytes",
        arguments: ["", "KiB", "-1", "1KB", "1 KiB", "1kib", "9223372036854775808", "8589934592GiB"])
    func noByteCount(text: String) { #expect(ByteCount.parse(text) == nil) }

    @Test("decimals print as they are read", arguments: 0..<200 as Range<UInt64>)
    func decimals(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let value = DecimalAmount(millionths: Int64.random(in: 0...Int64.max, using: &random))
        #expect(DecimalAmount(value.description) == value)
        let small = DecimalAmount(millionths: Int64.random(in: 0...2_000_000, using: &random))
        #expect(DecimalAmount(small.description) == small)
    }

    @Test(
        "no decimals",
        arguments: [
            "", ".", "1.", ".1", "-1", "-0", "1e3", "0x1", "1.0000000", "01", "9223372036855", "nan", "1,5", "1.-1",
            "1.+1",
        ])
    func noDecimal(text: String) { #expect(DecimalAmount(text) == nil) }

    @Test(
        "places",
        arguments: [
            ("127.0.0.1:1", "127.0.0.1:1", true), ("[::1]:2", "[::1]:2", true), (":3", "0.0.0.0:3", false),
            ("localhost:4", "localhost:4", true), ("a-b.c_d:65535", "a-b.c_d:65535", false),
            ("[fe80::1]:5", "[fe80::1]:5", false),
            ("127.255.0.9:0", "127.255.0.9:0", true), ("[0:0:0:0:0:0:0:1]:2", "[0:0:0:0:0:0:0:1]:2", true),
        ])
    func place(text: String, shown: String, isLoopback: Bool) throws {
        let place = try #require(HostPort(text))
        #expect(place.description == shown)
        #expect(place.isLoopback == isLoopback)
        #expect(HostPort(place.description) == place)
    }

    @Test(
        "no places",
        arguments: [
            "", ":", "1", "a", "a:", "a:-1", "a:+1", "a:65536", "a:1:2", "::1:1", "[::1]", "[::1", "[a]:1",
            "[::1%lo]:1",
            "127.1:1", "256.0.0.1:1", "01.2.3.4:1", "a..b:1", ".a:1", "-a:1", "a-:1", "ä:1", "a b:1", "a:٣", "1:1",
        ])
    func noPlace(text: String) { #expect(HostPort(text) == nil) }

    @Test(
        "URLs show where they lead, and nothing that may be a key",
        arguments: [
            ("http://a", "http://a", "a", 80), ("https://a/", "https://a/", "a", 443),
            ("https://a:8/k", "https://a:8/•••", "a", 8),
            ("HTTPS://[::1]?k=v", "HTTPS://[::1]/•••", "::1", 443), ("http://u:p@b:1/", "http://•••@b:1/", "b", 1),
            ("http://u@1.2.3.4/x/y", "http://•••@1.2.3.4/•••", "1.2.3.4", 80),
        ])
    func url(text: String, shown: String, host: String, port: UInt16) throws {
        let url = try #require(EndpointURL(text))
        #expect("\(url)" == shown && String(reflecting: url) == shown)
        #expect(url.host == host && url.port == port && url.text == text)
        #expect(EndpointURL.redacted(shown) == shown)
        var dump = ""
        Swift.dump(url, to: &dump)
        #expect(text == shown || !dump.contains(text))
    }

    @Test(
        "no URLs",
        arguments: [
            "", "a", "http:a", "http:/a", "http://", "http:///a", "http://@", "http://:1", "http://a:0", "http://a:x",
            "http://a@b@c", "http://a b", "http://a\\b", "http://a/\u{7f}", "http://a/é", "http://a/#f", "http://127.1",
            "http://0x7f000001", "http://2130706433/", "http://[::1", "http://::1/", "ws://a", "http://a/\n",
            "http://" + String(repeating: "a/", count: 1_100),
        ])
    func noURL(text: String) { #expect(EndpointURL(text) == nil) }

    @Test("free space is the larger of share and amount")
    func freeSpace() throws {
        let mark = try #require(FreeSpaceMark("5%, 2GiB"))
        #expect(mark.bytes(ofTotal: 10 << 30) == 2 << 30)
        #expect(mark.bytes(ofTotal: 1_000 << 30) == (1_000 << 30) / 100 * 5)
        #expect(FreeSpaceMark("5%,2GiB") == mark)
    }
}
