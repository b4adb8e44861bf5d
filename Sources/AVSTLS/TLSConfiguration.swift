/// Which certificates end a chain that we trust.
public enum TLSTrustRoots: Sendable, Hashable {
    /// The machine's own set, where libssl looks for it. Read when a certificate is checked.
    case system
    /// A file of PEM certificates, read once, when the context is made.
    case file(String)
    /// The text of PEM certificates.
    case pem([UInt8])
}

/// TLS versions that we speak; 1.0 and 1.1 are history (RFC 8996).
public enum TLSVersion: String, Sendable, Hashable {
    case v12 = "TLSv1.2"
    case v13 = "TLSv1.3"
}

/// What both sides must agree on to speak above TLS (ALPN, RFC 7301), in order of preference.
public enum TLSApplicationProtocols: Sendable, Hashable {
    /// Without agreement there is no connection: gRPC's rule (TLS-2). A server refuses a client's list without a match
    /// with the alert no_application_protocol; either side refuses a peer that does not take part.
    case required([String])
    /// A peer that does not take part is accepted. A server still refuses a list without a match.
    case optional([String])
    /// We do not take part.
    case none

    var names: [String] {
        switch self {
        case .required(let names), .optional(let names): names
        case .none: []
        }
    }

    /// The names as the extension carries them: each with its length in front.
    func wireFormat() throws(TLSError) -> [UInt8] {
        var bytes: [UInt8] = []
        for name in names {
            guard let count = UInt8(exactly: name.utf8.count), count > 0, bytes.count < 4096 else {
                throw .configuration(
                    "ALPN name \"\(name.prefix(64))\" does not have 1 to 255 bytes, or there are too many")
            }
            bytes.append(count)
            bytes += name.utf8
        }
        return bytes
    }
}

/// How a server wants to be met.
public struct TLSServerConfiguration: Sendable {
    /// What it asks of the client's certificate (TLS-4). One that is shown must be trusted in both modes.
    public enum ClientCertificates: Sendable, Hashable {
        case off
        /// Asked for; a client may have none.
        case request(TLSTrustRoots)
        /// No certificate, no connection.
        case require(TLSTrustRoots)
    }

    /// Shown to clients that ask for no name or for one that is not in ``credentialsByName``.
    public var credential: TLSCredential
    /// By server name (SNI, TLS-3), in lower case: an exact name, or `*.` and the rest for any one label.
    public var credentialsByName: [String: TLSCredential] = [:]
    public var clientCertificates: ClientCertificates = .off
    public var applicationProtocols: TLSApplicationProtocols = .required(["h2"])
    public var minimumVersion: TLSVersion = .v12
    public var maximumVersion: TLSVersion = .v13
    /// Give clients tickets with which the next handshake needs no certificate and no signature. Without effect where
    /// ``clientCertificates`` are asked for: there each connection shows and proves who the client is (``TLSContext``).
    public var resumesSessions = true

    public init(credential: TLSCredential) { self.credential = credential }
}

/// Whom a client believes. There is no way to believe everybody.
public struct TLSClientConfiguration: Sendable {
    public var trustRoots: TLSTrustRoots = .system
    /// Shown if the server asks for a certificate (mutual TLS).
    public var credential: TLSCredential?
    public var applicationProtocols: TLSApplicationProtocols = .required(["h2"])
    public var minimumVersion: TLSVersion = .v12
    public var maximumVersion: TLSVersion = .v13
    /// Keep what servers give, and offer it when connecting again.
    public var resumesSessions = true

    public init() {}
}
