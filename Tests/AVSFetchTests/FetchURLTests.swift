import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSFetch

@Suite("A URL to fetch")
struct FetchURLTests {
    @Test(
        "is read into the parts that are then used",
        arguments: [
            ("http://example.com", "http", "example.com", 80, "http://example.com/"),
            ("HTTPS://EXAMPLE.com:8443/a/../b?q=1#f", "https", "example.com", 8443, "https://EXAMPLE.com:8443/b?q=1#f"),
            ("http://1.2.3.4:1024/x y?ü", "http", "1.2.3.4", 1024, "http://1.2.3.4:1024/x%20y?%c3%bc"),
            ("http://[2606:4700::1111]/", "http", "2606:4700::1111", 80, "http://[2606:4700::1111]/"),
            ("https://xn--bcher-kva.example/", "https", "xn--bcher-kva.example", 443, "https://xn--bcher-kva.example/"),
        ])
    func parts(text: String, scheme: String, host: String, port: UInt16, normal: String) throws {
        let url = try FetchURL.parse(text)
        #expect(url.scheme == scheme && url.host == host && url.port == port)
        #expect(url.text == normal)
    }

    @Test(
        "SSRF-1: has one meaning or none",
        arguments: [
            "", "http:", "http:/example.com", "http:///example.com", "http:////example.com", "http//example.com",
            "//example.com",
            "ftp://example.com", "file:///etc/passwd", "gopher://example.com", "javascript:alert(1)", "http://",
            "http://?", "http://#",
            "http://example.com\\@127.0.0.1/", "http://example.com\\.evil.com/", "http:\\\\example.com", "http://a@b/",
            "http://a:b@c/",
            "http://a@b@c/", "http://example.com:80:80/", "http://example.com:/", "http://example.com:0/",
            "http://example.com:65536/",
            "http://example.com:-1/", "http://example.com:80a/", "http://exa mple.com/", "http://example.com\t/",
            "http://example.com/\n",
            "http://example.com/\r\nHost: x", "http://example.com/\u{0}", "http://%31%32%37.0.0.1/",
            "http://127.0.0.%31/",
            "http://①②⑦.⓪.⓪.①/", "http://１２７.0.0.1/", "http://ｅxample.com/", "http://bücher.example/",
            "http://example.com./",
            "http://.example.com/", "http://a..b/", "http://-a.com/", "http://a-.com/", "http://a_b.com/",
            "http://[example.com]/",
            "http://[1.2.3.4]/", "http://[::1/", "http://::1/", "http://[::1]x/", "http://[fe80::1%25eth0]/",
            "http://[fe80::1%eth0]/",
            "http://256.1.1.1/", "http://1.2.3.4.5/", "http://0x7f.1x/", "http://999999999999/", "http://1.2.3.09/",
            "http://0x/",
            "http://example.com@evil.com", "http://*/", "http://a,b/", "http://a;b/", "http://\u{7f}/",
            " http://example.com",
        ])
    func refusals(text: String) { #expect(throws: FetchError.self) { try FetchURL.parse(text) } }

    @Test("is refused when it is too long") func length() {
        #expect(throws: Never.self) { try FetchURL.parse("http://example.com/" + String(repeating: "a", count: 8000)) }
        #expect(throws: FetchError.self) {
            try FetchURL.parse("http://example.com/" + String(repeating: "a", count: 8192))
        }
        #expect(throws: FetchError.self) { try FetchURL.parse("http://" + String(repeating: "a.", count: 127) + "com") }
    }

    @Test(
        "SSRF-7: shows loopback however it is spelled",
        arguments: [
            "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "0177.1",
            "017700000001",
            "0x7F.0x0.0x0.0x1", "127.0.0.0x1", "0000000177.0.0.1", "127.000.000.001", "0", "0.0.0.0", "0x0", "[::1]",
            "[::]",
            "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fd00:ec2::254]", "[fe80::1]", "[ff02::1]", "[100::1]",
            "[5f00::1]", "[fec0::1]",
            "169.254.169.254", "0xa9fea9fe", "10.0.0.1", "192.168.1.1", "100.64.0.1", "168.63.129.16", "localhost",
            "LOCALHOST",
            "a.localhost", "router.local", "metadata.google.internal", "nas.home.arpa", "intranet",
        ])
    func spellings(host: String) {
        #expect(throws: FetchError.self) {
            try PublicPolicy(allowed: []).check(try FetchURL.parse("http://\(host)/"))
        }
    }

    @Test(
        "SSRF-7: may use the ports of the web and high ones",
        arguments: [
            (80, true), (443, true), (1024, true), (8080, true), (65535, true), (1, false), (22, false), (25, false),
            (79, false),
            (81, false), (442, false), (1023, false), (2375, false), (2376, false), (2379, false), (2380, false),
            (3306, false),
            (5432, false), (6379, false), (6443, false), (9042, false), (9200, false), (9300, false), (10250, false),
            (11211, false),
            (27017, false),
        ])
    func ports(port: Int, isPermitted: Bool) {
        for host in ["example.com", "93.184.216.34", "[2606:2800:220:1::1]"] {
            let result = Result { try PublicPolicy(allowed: []).check(try FetchURL.parse("http://\(host):\(port)/")) }
            #expect(((try? result.get()) != nil) == isPermitted)
        }
    }

    @Test("SSRF-10: is permitted by an exact exception only") func exceptions() throws {
        let policy = PublicPolicy(allowed: Set(["127.0.0.1:19876", "[::1]:19876"].compactMap { AllowedEndpoint($0) }))
        for text in ["http://127.0.0.1:19876", "http://127.1:19876/", "http://[::1]:19876", "http://localhost:19876"] {
            #expect(throws: Never.self) { try policy.check(try FetchURL.parse(text)) }
        }
        for text in ["http://127.0.0.1:19877", "http://127.0.0.2:19876", "http://localhost", "http://10.0.0.1:19876"] {
            #expect(throws: FetchError.self) { try policy.check(try FetchURL.parse(text)) }
        }
    }

    @Test(
        "SSRF-6: follows relative and absolute redirects to what they mean",
        arguments: [
            ("/x", "http://example.com/x"), ("x", "http://example.com/a/x"), ("?q", "http://example.com/a/b?q"),
            ("../x", "http://example.com/x"), ("https://other.com/", "https://other.com/"),
            ("//other.com/x", "http://other.com/x"),
            ("/a b", "http://example.com/a%20b"),
        ])
    func redirects(location: String, result: String) throws {
        #expect(try FetchURL.parse("http://example.com/a/b").redirected(to: location).text == result)
    }

    @Test(
        "SSRF-6: refuses redirects that could mean something else",
        arguments: [
            "ftp://example.com/", "file:///etc/passwd", "javascript:x", "http:///x", "http://a@b/", "\\\\evil.com",
            "/\\evil.com",
            "//a@b", "///evil.com\\", "http://127.0.0.1\\@example.com", "\u{1}", "http://[::1", "gopher://x",
        ])
    func redirectRefusals(location: String) throws {
        let url = try FetchURL.parse("http://example.com/a/b")
        #expect(throws: FetchError.self) { try url.redirected(to: location) }
    }

    @Test("has an answer for noise", arguments: 0..<40 as Range<UInt64>)
    func noise(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "http://", "https:", "/", "\\", "@", ":", "[", "]", "%00", "%31", "127.1", "a.b", "::1", ".", "?", "#", "é",
            " ", "\t", "80",
        ]
        for _ in 0..<200 {
            let text = (0..<Int.random(in: 1...8, using: &random)).compactMap { _ in
                pieces.randomElement(using: &random)
            }.joined()
            if case .success(let url) = Result(catching: { try FetchURL.parse(text) }) {
                // What is accepted is accepted again in its normal form, with the same host.
                #expect((try? FetchURL.parse(url.text))?.host == url.host, "\(text)")
            }
        }
    }
}

@Suite("An internet address")
struct IPAddressTests {
    /// First and last of each refused range.
    static let refused = [
        ("0.0.0.0", "0.255.255.255"), ("10.0.0.0", "10.255.255.255"), ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("168.63.129.16", "168.63.129.16"), ("169.254.0.0", "169.254.255.255"), ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"), ("192.0.2.0", "192.0.2.255"), ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.18.0.0", "198.19.255.255"), ("198.51.100.0", "198.51.100.255"), ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "255.255.255.255"), ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"), ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ]

    @Test("SSRF-4, SSRF-5: is not public at either end of a refused range, and is beside it", arguments: refused)
    func ranges(first: String, last: String) throws {
        let (start, end) = (try #require(IPAddress(first)), try #require(IPAddress(last)))
        #expect(!start.isPublic && !end.isPublic)
        // Some ranges touch; the neighbours of those are refused for their own reason.
        let touching: Set = ["0.0.0.0", "224.0.0.0", "::", "4000::"]
        if case .v4(let low) = start, case .v4(let high) = end {
            if !touching.contains(first) { #expect(IPAddress.v4(low - 1).isPublic) }
            if high < .max { #expect(IPAddress.v4(high + 1).isPublic) }
        } else if case .v6(let low) = start, case .v6(let high) = end {
            if !touching.contains(first) { #expect(IPAddress.v6(Word128(low.value - 1)).isPublic) }
            if high.value < .max, first != "::" { #expect(IPAddress.v6(Word128(high.value + 1)).isPublic) }
        }
    }

    @Test(
        "is read in plain notation only",
        arguments: [
            "", "1", "127.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "0x1.2.3.4", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "::g",
            ":::", "1::2::3",
            "[::1]", "fe80::1%eth0", "1.2.3.4\u{0}", "::1\u{0}x",
        ])
    func refusals(text: String) { #expect(IPAddress(text) == nil) }

    @Test(
        "of an exception has a port",
        arguments: [
            ("127.0.0.1:8545", true), ("[::1]:8545", true), ("127.0.0.1", false), ("127.0.0.1:", false),
            ("127.0.0.1:0", false),
            ("127.0.0.1:65536", false), ("::1:8545", false), ("localhost:8545", false), ("127.1:80", false),
            (":80", false), ("[::1]", false),
        ])
    func allowed(text: String, isValid: Bool) { #expect((AllowedEndpoint(text) != nil) == isValid) }

    @Test("SSRF-5: of this machine is refused though public") func own() throws {
        let address = try #require(IPAddress("93.184.216.34"))
        #expect(AddressRule.publicOnly(allowed: [], own: []).permits(address, port: 443))
        #expect(!AddressRule.publicOnly(allowed: [], own: [address]).permits(address, port: 443))
        #expect(!AddressRule.publicOnly(allowed: [], own: []).permits(address, port: 22))
        #expect(AddressRule.any.permits(.v4(0x7f00_0001), port: 22))
        #expect(InterfaceAddresses.current().contains(.v4(0x7f00_0001)))
    }
}
