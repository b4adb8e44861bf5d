public import AVSPrimitives
import Glibc

/// An internet address without port.
public enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(Word128)

    /// 4 or 16 bytes in network order; nil for other counts.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16: self = .v6(Word128(bytes.reduce(0) { $0 << 8 | UInt128($1) }))
        default: return nil
        }
    }

    /// The plain notations only: four decimal numbers, or the IPv6 notation of RFC 4291 without brackets and zone.
    public init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        let isV6 = text.utf8.contains(UInt8(ascii: ":"))
        // C would stop reading at a NUL.
        guard text.utf8.count <= 45, !text.utf8.contains(0),
            unsafe inet_pton(isV6 ? AF_INET6 : AF_INET, text, &bytes) == 1
        else { return nil }
        self.init(bytes: bytes.prefix(isV6 ? 16 : 4))
    }

    /// Whether the address is a place on the public internet: the only ones that workflows may reach (SSRF-4, SSRF-5).
    public var isPublic: Bool {
        switch self {
        case .v4(let address):
            !Self.refusedV4.contains { address >> (32 - $0.bits) == $0.prefix >> (32 - $0.bits) }
        case .v6(let word): Self.isPublicV6(word.value)
        }
    }

    /// All but 2000::/3 is refused: mapped, translated, local and multicast addresses are outside of it.
    private static func isPublicV6(_ address: UInt128) -> Bool {
        address >> 125 == 1
            && !refusedV6.contains { address >> (128 - $0.bits) == $0.prefix >> (128 - $0.bits) }
    }

    private static let refusedV4: [(prefix: UInt32, bits: UInt32)] = [
        (0x0000_0000, 8),  // this network; on Linux it connects to loopback
        (0x0a00_0000, 8),  // private
        (0x6440_0000, 10),  // shared by carriers
        (0x7f00_0000, 8),  // loopback
        (0xa83f_8110, 32),  // 168.63.129.16: a cloud's host service
        (0xa9fe_0000, 16),  // link local, with the metadata services
        (0xac10_0000, 12),  // private
        (0xc000_0000, 24),  // protocol assignments
        (0xc000_0200, 24),  // documentation
        (0xc058_6300, 24),  // 6to4 relays
        (0xc0a8_0000, 16),  // private
        (0xc612_0000, 15),  // benchmarking
        (0xc633_6400, 24),  // documentation
        (0xcb00_7100, 24),  // documentation
        (0xe000_0000, 4),  // multicast
        (0xf000_0000, 4),  // reserved, with broadcast
    ]

    private static let refusedV6: [(prefix: UInt128, bits: UInt128)] = [
        (0x2001 << 112, 23),  // protocol assignments: Teredo, benchmarking, ORCHID
        (0x2001_0db8 << 96, 32),  // documentation
        (0x2002 << 112, 16),  // 6to4
        (0x3fff << 112, 20),  // documentation
    ]
}

/// An address and port that the configuration allows although the rules refuse it: `127.0.0.1:8545`, `[::1]:8545`
/// (SSRF-10).
public struct AllowedEndpoint: Hashable, Sendable {
    public var address: IPAddress
    public var port: UInt16

    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// Exactly `a.b.c.d:port` or `[v6]:port`; nil otherwise. Names are no addresses.
    public init?(_ text: String) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        var host = text[..<colon]
        let digits = text[text.utf8.index(after: colon)...]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard let port = UInt256(decimal: String(digits))?.uint64.flatMap({ UInt16(exactly: $0) }), port > 0,
            let address = IPAddress(String(host))
        else { return nil }
        self.init(address: address, port: port)
    }
}
