/// Where a WebSocket server is: `ws://host[:port][/path][?query]`, or `wss://` for TLS.
///
/// Prints without path and query: endpoints of chains carry their API key there.
public struct WebSocketURL: Hashable, Sendable, CustomStringConvertible {
    public let isSecure: Bool
    /// A name or an address; IPv6 without brackets.
    public let host: String
    public let port: Int
    /// Path and query as the request line carries them.
    let resource: String

    /// Longest text that is taken, in bytes.
    static let lengthLimitBytes = 2048

    /// Nil for anything that is not such a URL: another scheme, a user name, a fragment, a byte outside of printable
    /// ASCII, a port of 0.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.lengthLimitBytes, bytes.allSatisfy({ (0x21...0x7e).contains($0) }),
            !bytes.contains(UInt8(ascii: "#"))
        else { return nil }
        let scheme = text.prefix { $0 != ":" }.lowercased()
        guard scheme == "ws" || scheme == "wss" else { return nil }
        isSecure = scheme == "wss"
        let rest = text.dropFirst(scheme.count)
        guard rest.hasPrefix("://") else { return nil }
        let authority = rest.dropFirst(3).prefix { $0 != "/" && $0 != "?" }
        guard let (host, port) = Self.split(authority, defaultPort: isSecure ? 443 : 80) else { return nil }
        (self.host, self.port) = (host, port)
        let path = rest.dropFirst(3 + authority.count)
        resource = path.hasPrefix("/") ? String(path) : "/\(path)"
    }

    private static func split(_ authority: Substring, defaultPort: Int) -> (String, Int)? {
        var host = authority
        var port = Substring()
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            port = authority[authority.index(after: end)...]
            guard host.contains(":"), port.isEmpty || port.hasPrefix(":") else { return nil }
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[colon...]
        }
        guard !host.isEmpty, host.utf8.allSatisfy(isHostByte) else { return nil }
        if port.isEmpty { return (String(host), defaultPort) }
        let digits = port.dropFirst()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(digits),
            number > 0
        else { return nil }
        return (String(host), Int(number))
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        case UInt8(ascii: ":"): true
        default: false
        }
    }

    /// The `host` field of the request: the port only if it is not the scheme's.
    var hostField: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    public var description: String { "\(isSecure ? "wss" : "ws")://\(hostField)" }
}
