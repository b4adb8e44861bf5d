import AVSPrimitives

/// An address that the administrator chose: a chain's JSON-RPC, a bundler, an error tracker.
///
/// Providers put the key of an account into the path, the query or the user part, so those print as `•••`; ``text`` is
/// the whole address, for connecting only.
public struct EndpointURL: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// As it was written. May hold a key.
    public let text: String
    /// Lower case, without `://`.
    public let scheme: String
    /// A name or an address, IPv6 without brackets.
    public let host: String
    /// The one written, or the scheme's own: 80 for http and ws, 443 for https and wss.
    public let port: UInt16

    /// Nil unless `text` is `scheme://[user[:password]@]host[:port][/path][?query]` with one of `schemes`, in ASCII
    /// without spaces, control characters, quotes, backslashes or a fragment.
    public init?(_ text: String, schemes: [String] = ["http", "https"]) {
        self.init(text, schemes: schemes, acceptsMarks: false)
    }

    init?(_ text: String, schemes: [String], acceptsMarks: Bool) {
        let plain = acceptsMarks ? text.replacing(Sensitive<String>.mark, with: "x") : text
        guard plain.utf8.count <= 2_048, plain.utf8.allSatisfy(Self.isAllowed),
            let parts = Self.split(plain), schemes.contains(parts.scheme.lowercased()),
            let place = Self.place(parts.authority, scheme: parts.scheme.lowercased())
        else { return nil }
        self.text = text
        scheme = parts.scheme.lowercased()
        (host, port) = place
    }

    /// Whether the user part holds a secret for certain, and not only perhaps as a path does.
    var holdsPassword: Bool { Self.split(text)?.authority.contains("@") ?? false }

    /// Scheme, host and port; `•••` for what may be a key.
    public var description: String { Self.redacted(text) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["text": description], displayStyle: .struct) }

    /// The same for any text, so that an error can show the part of a refused one that is surely no secret.
    static func redacted(_ text: String) -> String {
        guard let parts = split(text) else { return Sensitive<String>.mark }
        let mark = Sensitive<String>.mark
        let host = parts.authority.lastIndex(of: "@").map { mark + parts.authority[$0...] } ?? parts.authority
        let rest = parts.rest.isEmpty || parts.rest == "/" ? String(parts.rest) : "/\(mark)"
        return "\(parts.scheme)://\(host)\(rest)"
    }

    private static func split(_ text: String) -> (scheme: Substring, authority: Substring, rest: Substring)? {
        guard let separator = text.firstRange(of: "://") else { return nil }
        let afterScheme = text[separator.upperBound...]
        let end = afterScheme.firstIndex { "/?#\\".contains($0) } ?? afterScheme.endIndex
        return (text[..<separator.lowerBound], afterScheme[..<end], afterScheme[end...])
    }

    private static func place(_ authority: Substring, scheme: String) -> (host: String, port: UInt16)? {
        let hostPort = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        guard authority.count(where: { $0 == "@" }) <= 1 else { return nil }
        let standard: UInt16 = scheme == "https" || scheme == "wss" ? 443 : 80
        let hasPort = hostPort.hasSuffix("]") ? false : hostPort.contains(":")
        guard let first = hostPort.first, first != ":",
            let place = HostPort(hasPort ? String(hostPort) : "\(hostPort):\(standard)"), place.port != 0
        else { return nil }
        return (place.host, place.port)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"), UInt8(ascii: "^"),
            UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"), UInt8(ascii: "#"):
            false
        default: (0x21...0x7e).contains(byte)
        }
    }
}
