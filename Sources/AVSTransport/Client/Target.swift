import NIOCore

/// What a channel connects to (CH-3).
///
/// `dns:///host:port`, `host:port`, `ipv4:1.2.3.4:port`, `ipv6:[::1]:port`, `unix:/path`, `unix:///path`,
/// `unix-abstract:name`. Without a port it is 443. Behind `ipv4:` and `ipv6:` there may be several, with commas
/// between, and a name may have several addresses: a channel takes the first that answers, or all of them in turn
/// (CH-4).
public struct Target: Hashable, Sendable, CustomStringConvertible {
    enum Address: Hashable, Sendable, CustomStringConvertible {
        case host(String, port: Int)
        case unix(path: String)
        /// Of Linux, in no file system.
        case abstract(name: String)

        var description: String {
            switch self {
            case .host(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            case .unix(let path): "unix:\(path)"
            case .abstract(let name): "unix-abstract:\(name)"
            }
        }
    }

    /// At least one, at most ``addressLimit``; a name that is to be resolved counts as one.
    let addresses: [Address]
    /// More would only make a failure to connect longer.
    public static let addressLimit = 16
    /// `:authority` of its calls (CH-5, CON-9): the first address, whichever of them answers.
    let authority: String
    public let description: String

    /// Returns nil for a text that names no address.
    public init?(_ text: String) {
        description = text
        var rest = Substring(text)
        if rest.hasPrefix("unix:") {
            rest = rest.dropFirst(5)
            if rest.hasPrefix("//") { rest = rest.dropFirst(2) }
            guard !rest.isEmpty else { return nil }
            addresses = [.unix(path: String(rest))]
            authority = Self.authority(of: addresses[0])
            return
        }
        if rest.hasPrefix("unix-abstract:") {
            rest = rest.dropFirst(14)
            guard (1...AbstractSocket.nameLimitBytes).contains(rest.utf8.count) else { return nil }
            addresses = [.abstract(name: String(rest))]
            authority = Self.authority(of: addresses[0])
            return
        }
        var isList = false
        for scheme in ["dns:", "ipv4:", "ipv6:"] where rest.hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
            isList = scheme != "dns:"
            if rest.hasPrefix("//") {  // dns://resolver/host: the resolver is the system's
                guard let slash = rest.dropFirst(2).firstIndex(of: "/") else { return nil }
                rest = rest[slash...].dropFirst()
            }
            break
        }
        var addresses: [Address] = []
        for part in isList ? rest.split(separator: ",", omittingEmptySubsequences: false) : [rest] {
            guard let (host, port) = Self.split(part), addresses.count < Self.addressLimit else { return nil }
            addresses.append(.host(host, port: port))
        }
        self.addresses = addresses
        authority = Self.authority(of: addresses[0])
    }

    private static func split(_ text: Substring) -> (String, Int)? {
        var host = text
        var port = 443
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            let tail = text[text.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { return nil }
            if !tail.isEmpty {
                guard let number = UInt16(tail.dropFirst()) else { return nil }
                port = Int(number)
            }
        } else if let colon = text.lastIndex(of: ":"), text.firstIndex(of: ":") == colon {
            guard let number = UInt16(text[text.index(after: colon)...]) else { return nil }
            host = text[..<colon]
            port = Int(number)
        }
        return host.isEmpty ? nil : (String(host), port)
    }

    /// One address of a target; `:authority` stays that of the whole.
    init(_ address: Address, of target: Target) {
        addresses = [address]
        authority = target.authority
        description = target.description
    }

    /// What there is to resolve: a host that is not the text of an address.
    var name: (host: String, port: Int)? {
        guard addresses.count == 1, case .host(let host, let port) = addresses[0] else { return nil }
        do {
            _ = try SocketAddress(ipAddress: host, port: port)
            return nil
        } catch {
            return (host, port)
        }
    }

    /// The host of an authority, for the check of the server's certificate (CH-5): no port, no brackets.
    static func host(ofAuthority authority: String) -> String {
        split(Substring(authority))?.0 ?? authority
    }

    private static func authority(of address: Address) -> String {
        switch address {
        case .host: address.description
        case .unix, .abstract: "localhost"
        }
    }
}
