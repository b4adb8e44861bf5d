import COpenSSL

/// What both sides agreed on, and who the other one is. Known once the handshake is complete.
public struct TLSHandshake: Sendable, Hashable {
    public let version: TLSVersion
    /// The suite's IETF name, such as `TLS_AES_256_GCM_SHA384`.
    public let cipher: String
    /// The agreed ALPN name; `nil` if one side does not take part.
    public let applicationProtocol: String?
    /// The name that the client asked for (SNI).
    public let serverName: String?
    /// `nil` on a server whose client showed no certificate. In a resumed handshake whom the full one has shown.
    public let peer: TLSPeer?
    /// It went on from an earlier connection's session, without certificates.
    public let isResumed: Bool
}

/// The verified identity behind a peer's certificate.
public struct TLSPeer: Sendable, Hashable {
    /// In the form of RFC 4514, such as `CN=operator-7,O=Example`; for reading, not for deciding.
    public let subject: String
    /// Subject alternative names, in the certificate's order. Names with bytes outside of printable ASCII are left out.
    public let dnsNames: [String]
    /// SPIFFE ids are among these.
    public let uris: [String]
    public let emailAddresses: [String]
    /// 4 or 16 bytes each.
    public let ipAddresses: [[UInt8]]
    /// The verified chain in DER, the peer's own certificate first.
    public let chain: [[UInt8]]
}

extension TLSPeer: CustomStringConvertible {
    public var description: String { subject.isEmpty ? dnsNames.joined(separator: ",") : subject }
}

extension TLSPeer {
    /// Reads the verified chain of a session; `nil` if the peer showed no certificate.
    init?(session: OpaquePointer) {
        guard let stack = unsafe SSL_get0_verified_chain(session), let leaf = unsafe copenssl_chain_get(stack, 0) else {
            return nil
        }
        chain = unsafe (0..<copenssl_chain_count(stack)).compactMap { index in
            unsafe copenssl_chain_get(stack, index).flatMap { unsafe encode($0) }
        }
        subject = unsafe subjectText(of: leaf)
        var names = Names()
        unsafe names.read(from: leaf)
        (dnsNames, uris, emailAddresses, ipAddresses) = (names.dns, names.uris, names.emails, names.addresses)
    }
}

private struct Names {
    /// Above what any certificate has; the loop is over what a peer chose.
    static let countLimit = 256

    var dns: [String] = []
    var uris: [String] = []
    var emails: [String] = []
    var addresses: [[UInt8]] = []

    mutating func read(from certificate: OpaquePointer) {
        guard let names = unsafe copenssl_alternative_names(certificate) else { return ERR_clear_error() }
        defer { unsafe GENERAL_NAMES_free(names) }
        for index in 0..<min(unsafe copenssl_names_count(names), Int32(Self.countLimit)) {
            var start: UnsafePointer<UInt8>?
            var count: Int32 = 0
            let type = unsafe copenssl_names_get(names, index, &start, &count)
            guard let start = unsafe start, count > 0 else { continue }
            append(type, unsafe Array(UnsafeBufferPointer(start: start, count: Int(count))))
        }
    }

    private mutating func append(_ type: Int32, _ bytes: [UInt8]) {
        if type == GEN_IPADD {
            if bytes.count == 4 || bytes.count == 16 { addresses.append(bytes) }
            return
        }
        // A NUL or a control character inside a name is an attack on whoever prints or compares it.
        guard bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else { return }
        let text = String(decoding: bytes, as: UTF8.self)
        switch type {
        case GEN_DNS: dns.append(text)
        case GEN_URI: uris.append(text)
        case GEN_EMAIL: emails.append(text)
        default: break
        }
    }
}

private func encode(_ certificate: OpaquePointer) -> [UInt8]? {
    let count = unsafe i2d_X509(certificate, nil)
    guard count > 0 else { return nil }
    return unsafe [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, initialized in
        var cursor = buffer.baseAddress
        initialized = unsafe Int(i2d_X509(certificate, &cursor))
    }
}

private func subjectText(of certificate: OpaquePointer) -> String {
    guard let output = unsafe BIO_new(BIO_s_mem()) else { return "" }
    defer { unsafe BIO_free(output) }
    guard unsafe X509_NAME_print_ex(output, X509_get_subject_name(certificate), 0, copenssl_name_flags()) >= 0 else {
        return ""
    }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = unsafe BIO_read(output, &bytes, Int32(bytes.count))
    return String(decoding: bytes.prefix(Int(max(count, 0))), as: UTF8.self)
}
