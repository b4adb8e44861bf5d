import AVSRPC

/// Where a stranger comes from, as far as limits tell strangers apart: an IPv4 address, the /64 of an IPv6 address
/// (who has one address of it has all), or a socket in the file system.
struct SourceAddress: Hashable, Sendable {
    private let text: String

    /// - Parameter peer: with the address as the transport writes it: `host:port`, IPv6 in its short form without
    ///   brackets.
    init(_ peer: Peer) {
        guard let end = peer.address.lastIndex(of: ":") else {
            text = peer.address
            return
        }
        let host = peer.address[..<end]
        text = Self.network(of: host) ?? String(host)
    }

    /// - Returns: `nil` unless `host` is an IPv6 address.
    private static func network(of host: Substring) -> String? {
        guard host.utf8.contains(UInt8(ascii: ":")), !host.hasPrefix("unix:") else { return nil }
        let address = host.prefix { $0 != "%" }  // without the interface of a link-local address
        if let embedded = address.split(separator: ":").last, embedded.utf8.contains(UInt8(ascii: ".")) {
            return String(embedded)  // IPv4 in the form ::ffff:1.2.3.4
        }
        var groups = address.split(separator: ":", omittingEmptySubsequences: false).prefix(4).map(String.init)
        if let gap = groups.firstIndex(of: "") {
            // Zeros stand for the gap; of what is behind it, nothing reaches the first half unless the gap is short.
            let written = address.split(separator: ":").count
            let tail = address.split(separator: ":").suffix(written - gap).map(String.init)
            let zeros = Array(repeating: "0", count: max(0, 8 - written))
            groups = Array((groups[..<gap] + zeros + tail).prefix(4))
        }
        return groups.joined(separator: ":") + "::/64"
    }
}
