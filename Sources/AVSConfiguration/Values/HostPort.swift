/// Where something listens or is reached: `0.0.0.0:2206`, `[::1]:2206`, `aggregator.example:2206`.
public struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 address, an IPv6 address without brackets, or a name.
    public let host: String
    public let port: UInt16

    /// Nil unless the host is one of the three; see ``init(_:)``.
    public init?(host: String, port: UInt16) {
        guard HostName.kind(of: host) != nil else { return nil }
        self.host = host
        self.port = port
    }

    /// `host:port`, IPv6 in brackets; `:port` means every IPv4 address of the machine, as in `0.0.0.0:port`. Port 0
    /// asks the system for a free one. Nil for anything else.
    public init?(_ text: String) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")),
            let port = Digits.integer(String(text[text.utf8.index(after: colon)...]), as: UInt16.self)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard HostName.kind(of: host) == .ipv6 else { return nil }
        } else if host.utf8.contains(UInt8(ascii: ":")) {
            return nil
        }
        self.init(host: host.isEmpty ? "0.0.0.0" : host, port: port)
    }

    /// `127.0.0.1:port`.
    public init(loopbackPort port: UInt16) {
        host = "127.0.0.1"
        self.port = port
    }

    /// Whether only this machine can reach it.
    public var isLoopback: Bool { HostName.isLoopback(host) }

    /// Whether the host is an address and not a name.
    public var isAddress: Bool { HostName.kind(of: host) != .name }

    public var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
