import Glibc

/// The host part of an address: an IPv4 address, an IPv6 address or a name of DNS.
///
/// Only the full dotted form of IPv4 counts: `127.1`, `0x7f000001` and `2130706433` are that address to some libraries
/// and a name to others.
enum HostName {
    enum Kind: Hashable, Sendable { case ipv4, ipv6, name }

    /// Nil for what is none of the three. IPv6 without brackets and without a zone.
    static func kind(of text: String) -> Kind? {
        if isIPv4(text) { return .ipv4 }
        if text.utf8.contains(UInt8(ascii: ":")) { return isIPv6(text) ? .ipv6 : nil }
        return isName(text) ? .name : nil
    }

    static func isLoopback(_ text: String) -> Bool {
        switch kind(of: text) {
        case .ipv4: text.hasPrefix("127.")
        case .ipv6: parsedIPv6(text) == [UInt8](repeating: 0, count: 15) + [1]
        case .name: text == "localhost"
        case nil: false
        }
    }

    private static func isIPv4(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { Digits.integer(String(decoding: $0, as: UTF8.self), as: UInt8.self) != nil }
    }

    private static func isIPv6(_ text: String) -> Bool { parsedIPv6(text) != nil }

    private static func parsedIPv6(_ text: String) -> [UInt8]? {
        var address = in6_addr()
        guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
        return withUnsafeBytes(of: &address) { Array($0) }
    }

    /// Labels of 1 to 63 letters, digits, `-` and `_` (service names of containers have it), not starting or ending
    /// with `-`; 253 in all. The last label is no number, or the name would pass for an address: `127.1`, `0x7f000001`.
    private static func isName(_ text: String) -> Bool {
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, let last = labels.last else { return false }
        let dash = UInt8(ascii: "-")
        let isFine = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != dash && label.last != dash
                && label.allSatisfy { isLetterOrDigit($0) || $0 == dash || $0 == UInt8(ascii: "_") }
        }
        return isFine && !isNumber(last)
    }

    /// Decimal digits, or hex ones after `0x`.
    private static func isNumber(_ label: Substring.UTF8View) -> Bool {
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let isHexDigit = { (byte: UInt8) in
            isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
        }
        let isHex = label.starts(with: "0x".utf8) || label.starts(with: "0X".utf8)
        return isHex ? label.dropFirst(2).allSatisfy(isHexDigit) : label.allSatisfy(isDigit)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }
}
