/// The TLS of the rpc listener: `tls`. Without a certificate it speaks plaintext.
public struct TLSConfiguration: Hashable, Sendable {
    /// PEM: the server's certificate and the ones between it and the root.
    public var certificate: String?
    /// PEM, unencrypted, mode 0600.
    public var key: String?
    /// PEM: whoever these certificates vouch for is a client.
    public var clientAuthorities: String?
    public var clientCertificates = ClientCertificates.off
    /// How often the files are looked at: renewed ones are for the connections that come after. Zero is never (TLS-5).
    public var reloadInterval = Duration.seconds(60)

    init() {}

    public var isOn: Bool { certificate != nil && key != nil }
}

extension TLSConfiguration: ConfigurationSection {
    static let keys: [Key<TLSConfiguration>] = [
        .optional("certificate", \.certificate, .path),
        .optional("key", \.key, .path),
        .optional("client_ca", \.clientAuthorities, .path),
        .value("mode", \.clientCertificates, .choice),
        .value("reload_interval", \.reloadInterval, .duration(.seconds(1) ... .seconds(86_400), zero: "never")),
    ]

    mutating func finish(_ context: SectionContext) {
        if certificate != nil, key == nil { context.refuse("key", "is missing: `certificate` needs its key") }
        if key != nil, certificate == nil { context.refuse("certificate", "is missing: `key` needs its certificate") }
        guard clientCertificates != .off else { return }
        if !isOn {
            context.refuse("mode", "`\(clientCertificates.rawValue)` needs `certificate` and `key`")
        }
        if clientAuthorities == nil {
            context.refuse("mode", "`\(clientCertificates.rawValue)` needs `client_ca`, which says whom to trust")
        }
    }
}

/// How a client of ours checks and shows certificates: the operator's `aggregator_tls`.
public struct ClientTLSConfiguration: Hashable, Sendable {
    public var isOn = false
    /// PEM: who may vouch for the server. Nil trusts the certificates of the system.
    public var authorities: String?
    /// The name that the server's certificate must bear, where it is not the host of the address.
    public var serverName: String?
    /// Shown to a server that asks, both or neither.
    public var certificate: String?
    public var key: String?

    init() {}
}

extension ClientTLSConfiguration: ConfigurationSection {
    static let keys: [Key<ClientTLSConfiguration>] = [
        .value("enabled", \.isOn, .boolean),
        .optional("ca", \.authorities, .path),
        .optional("server_name", \.serverName, .line(253)),
        .optional("certificate", \.certificate, .path),
        .optional("key", \.key, .path),
    ]

    mutating func finish(_ context: SectionContext) {
        if (certificate == nil) != (key == nil) {
            let missing = certificate == nil ? "certificate" : "key"
            context.refuse(missing, "is missing: a certificate and its key go together")
        }
        if !isOn, authorities != nil || serverName != nil || certificate != nil {
            context.refuse("enabled", "is false, and the other keys need it true")
        }
    }
}
