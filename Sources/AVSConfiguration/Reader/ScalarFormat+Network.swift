import AVSPrimitives

extension ScalarFormat where Value == Address {
    /// Of any letter case; the checksum is not looked at, as everywhere (aggregator-api 2.2). Printed with checksum.
    static var address: ScalarFormat {
        ScalarFormat("an address: 0x and 40 hex digits, not all 0", text: { $0.checksummed }) { text in
            guard let address = Address(text), !address.isZero else { return nil }
            return address
        }
    }
}

extension ScalarFormat where Value == HostPort {
    static var hostPort: ScalarFormat {
        ScalarFormat("host:port, as in 127.0.0.1:2206, [::1]:2206 or host.example:2206", text: \.description) {
            HostPort($0)
        }
    }

    /// Where somebody else listens, so the port is known.
    static var reachableHostPort: ScalarFormat {
        ScalarFormat("host:port with a port from 1 to 65,535, as in host.example:2206", text: \.description) { text in
            guard !text.hasPrefix(":"), let place = HostPort(text), place.port > 0 else { return nil }
            return place
        }
    }

    /// An exact address, so that no answer of a name server decides what is reached (SSRF-10).
    static var addressPort: ScalarFormat {
        ScalarFormat("an IP address and a port from 1 to 65,535, as in 127.0.0.1:8080", text: \.description) { text in
            guard !text.hasPrefix(":"), let place = HostPort(text), place.isAddress, place.port > 0 else { return nil }
            return place
        }
    }
}

extension ScalarFormat where Value == EndpointURL {
    static func url(_ schemes: String...) -> ScalarFormat {
        let forms = schemes.map { "\($0)://" }.joined(separator: " or ")
        return ScalarFormat(
            secret: "a URL: \(forms)host[:port][/path], in ASCII without spaces, \\ and #", style: .partlySecret,
            text: { EndpointURL.redacted($0.text) }
        ) { text, acceptsMarks in EndpointURL(text, schemes: schemes, acceptsMarks: acceptsMarks) }
    }
}
