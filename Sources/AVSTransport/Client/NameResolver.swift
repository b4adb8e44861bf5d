import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Finds the addresses of a channel's target (CH-3).
///
/// Asked when the channel connects and when a connection was lost, not more often than
/// ``RPCChannel/Configuration/resolutionInterval``. What it throws is UNAVAILABLE for the calls that wait (STA-1).
public protocol NameResolver: Sendable {
    /// - Parameters:
    ///   - host: of the target; never the text of an address.
    ///   - port: of the target.
    /// - Returns: in order of preference. The first ``Target/addressLimit`` count.
    func resolve(_ host: String, port: Int) async throws -> [ResolvedAddress]
}

/// Where a server listens.
public struct ResolvedAddress: Hashable, Sendable {
    /// The text of an IPv4 or IPv6 address.
    public var ip: String
    public var port: Int

    public init(ip: String, port: Int) {
        (self.ip, self.port) = (ip, port)
    }
}

/// What the system's `getaddrinfo` says, asked on a thread that may block.
public struct SystemResolver: NameResolver {
    public init() {}

    public func resolve(_ host: String, port: Int) async throws -> [ResolvedAddress] {
        try await NIOThreadPool.singleton.runIfActive { try Self.addresses(of: host) }
            .map { ResolvedAddress(ip: $0, port: port) }
    }

    private static func addresses(of host: String) throws(ResolutionFailure) -> [String] {
        var hints = addrinfo()  // each address comes once for each type of socket
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else { throw ResolutionFailure(host: host, reason: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var next = list
        while let entry = next?.pointee {
            if let text = text(of: entry), !addresses.contains(text) { addresses.append(text) }
            next = entry.ai_next
        }
        return addresses
    }

    private static func text(of entry: addrinfo) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = getnameinfo(
            entry.ai_addr, entry.ai_addrlen, &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
        guard code == 0 else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

struct ResolutionFailure: Error, CustomStringConvertible {
    let host: String
    let reason: String

    var description: String { "'\(host)' has no address: \(reason)" }
}
