import AVSPrimitives
import CCurl

/// A URL as libcurl reads it. The same parsed parts decide whether it may be fetched and are then fetched, so there are
/// no two opinions of one text (SSRF-1).
///
/// The handle is not changed after `parse`, and libcurl's reading functions take it as constant; so it may be shared.
@safe final class FetchURL: Sendable {
    nonisolated(unsafe) private let handle: OpaquePointer
    /// `http` or `https`.
    let scheme: String
    /// Lower case; IPv6 addresses without brackets; IPv4 addresses in plain notation, however they were written.
    let host: String
    let port: UInt16
    /// The URL in libcurl's normal form.
    let text: String

    /// Of the text, in bytes. Longer URLs are refused; servers stop at about as much.
    static let lengthMaximum = 8192

    private init(owning handle: OpaquePointer, scheme: String, host: String, port: UInt16, text: String) {
        unsafe self.handle = handle
        self.scheme = scheme
        self.host = host
        self.port = port
        self.text = text
    }

    deinit { unsafe curl_url_cleanup(handle) }

    /// The address, if the host is one.
    var address: IPAddress? { IPAddress(host) }

    /// What connections are counted by.
    var origin: String { "\(scheme)://\(host):\(port)" }

    /// Lends the handle to a transfer, which must end before the URL does.
    @unsafe func withHandle<R>(_ body: (OpaquePointer) -> R) -> R { unsafe body(handle) }

    /// Parses an absolute URL.
    ///
    /// Refused before libcurl sees it: control characters, another scheme, more or fewer than two slashes after it, and
    /// in the authority whatever is no letter, digit, `-`, `.`, port or IPv6 address in brackets: so user names,
    /// backslashes, percent signs and other scripts.
    static func parse(_ text: String) throws(FetchError) -> FetchURL {
        let authority = try checkedAuthority(of: text)
        guard let handle = unsafe curl_url() else { throw invalid("out of memory") }
        return try unsafe finish(handle, setting: text, authority: authority)
    }

    /// The URL that a response's `Location` means, absolute or relative to this one.
    func redirected(to location: String) throws(FetchError) -> FetchURL {
        guard location.utf8.count <= Self.lengthMaximum, !location.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }),
            !location.utf8.contains(UInt8(ascii: "\\"))
        else { throw FetchError(.badResponse, host: host, detail: "malformed Location") }
        if location.prefix(8).lowercased().hasPrefix("http:") || location.prefix(8).lowercased().hasPrefix("https:") {
            return try Self.parse(location)
        }
        if location.hasPrefix("//") { return try Self.parse("\(scheme):\(location)") }
        // What is left is relative to this host, unless it has a scheme of its own: then the check below refuses it.
        guard let copy = unsafe curl_url_dup(handle) else { throw Self.invalid("out of memory") }
        let authority = text.dropFirst(scheme.utf8.count + 3).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return try unsafe Self.finish(copy, setting: location, authority: String(authority))
    }

    private static func invalid(_ detail: String, host: String = "") -> FetchError {
        FetchError(.invalidURL, host: host, detail: detail)
    }

    /// Takes ownership of `handle`, sets the text and reads the parts back.
    @unsafe private static func finish(
        _ handle: OpaquePointer, setting text: String, authority: String
    ) throws(FetchError) -> FetchURL {
        do throws(FetchError) {
            // A space or another script in path or query is encoded; in the authority it was refused.
            let flags = UInt32(CURLU_URLENCODE) | UInt32(CURLU_ALLOW_SPACE)
            let code = unsafe curl_url_set(handle, CURLUPART_URL, text, flags)
            guard code == CURLUE_OK else { throw invalid("\(unsafe String(cString: curl_url_strerror(code)))") }
            let scheme = try unsafe part(CURLUPART_SCHEME, of: handle)
            var host = try unsafe part(CURLUPART_HOST, of: handle).lowercased()
            if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
            let portText = try unsafe part(CURLUPART_PORT, of: handle, flags: UInt32(CURLU_DEFAULT_PORT))
            guard scheme == "http" || scheme == "https" else { throw invalid("scheme must be http or https") }
            guard let port = UInt256(decimal: portText)?.uint64.flatMap({ UInt16(exactly: $0) }), port > 0 else {
                throw invalid("port must be 1 to 65535", host: authority)
            }
            // libcurl has turned every spelling of an IPv4 address into the plain one. What still ends in a number
            // is for each resolver to read as it likes (`256.1.1.1`, `0x7f.1x`).
            let lastLabel = host.utf8.split(separator: UInt8(ascii: ".")).last
            guard Self.isHost(host), IPAddress(host) != nil || !(lastLabel?.first.map(isDigit) ?? true) else {
                throw invalid("malformed host", host: authority)
            }
            return try unsafe FetchURL(
                owning: handle, scheme: scheme, host: host, port: port, text: part(CURLUPART_URL, of: handle))
        } catch {
            unsafe curl_url_cleanup(handle)
            throw error
        }
    }

    /// - Parameter handle: lent: not freed before this returns.
    @unsafe private static func part(
        _ part: CURLUPart, of handle: OpaquePointer, flags: UInt32 = 0
    ) throws(FetchError) -> String {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text = unsafe text else {
            throw invalid("a part is missing")
        }
        defer { unsafe curl_free(text) }
        return unsafe String(cString: text)
    }

    /// The text between the two slashes and the path, if it is one that cannot be understood in two ways.
    private static func checkedAuthority(of text: String) throws(FetchError) -> String {
        guard text.utf8.count <= lengthMaximum else { throw invalid("longer than \(lengthMaximum) bytes") }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { throw invalid("control character") }
        let lowered = text.prefix(8).lowercased()
        guard let scheme = ["http://", "https://"].first(where: { lowered.hasPrefix($0) }) else {
            throw invalid("must start with http:// or https://")
        }
        let delimiters = Array("/?#".utf8)
        let authority = text.utf8.dropFirst(scheme.utf8.count).prefix { !delimiters.contains($0) }
        let shown = String(decoding: authority.prefix(300), as: UTF8.self)
        guard !authority.isEmpty else { throw invalid("no host") }
        guard !authority.contains(UInt8(ascii: "@")) else { throw invalid("user name or password in the URL") }
        var host = authority
        if let colon = authority.lastIndex(of: UInt8(ascii: ":")), authority.last != UInt8(ascii: "]") {
            host = authority[..<colon]
            let digits = authority[authority.index(after: colon)...]
            guard (1...5).contains(digits.count), digits.allSatisfy(isDigit) else {
                throw invalid("malformed port", host: shown)
            }
        }
        let isBracketed = host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]") && host.count > 2
        let name = isBracketed ? host.dropFirst().dropLast() : host
        guard isHost(String(decoding: name, as: UTF8.self).lowercased()),
            isBracketed == name.contains(UInt8(ascii: ":"))
        else { throw invalid("malformed host", host: shown) }
        return shown
    }

    /// A name of letters, digits and hyphens between dots, of at most 253 bytes, or an IPv6 address.
    private static func isHost(_ host: String) -> Bool {
        if host.utf8.contains(UInt8(ascii: ":")) { return IPAddress(host) != nil }
        let labels = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return host.utf8.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                    && label.allSatisfy { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "-") }
            }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
}
