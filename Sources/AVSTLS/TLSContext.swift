import COpenSSL

/// What all sessions of one configuration share: certificates, trust, protocols. Make one, then many sessions from it.
///
/// Never changes: new certificates need a new context, and old sessions live on with theirs (TLS-5).
///
/// Sessions are resumed within one context: a server's ticket keys and a client's sessions are gone with it, so nothing
/// that was agreed on under an old certificate or old trust roots outlives their renewal. A ticket is good for an hour.
/// There is no 0-RTT (TLS-1), and TLS 1.3 agrees on a fresh secret in a resumed handshake, too.
///
/// A server that asks for client certificates resumes nothing. A ticket would have to carry the client's chain, and the
/// server to check it again, since it may have expired or lost its trust meanwhile; that is the very work which
/// resumption saves. So each connection proves who its client is, and its verified chain is always at hand (TLS-4).
@safe public final class TLSContext: Sendable {
    enum Role: Sendable { case server, client }

    let role: Role
    let applicationProtocols: TLSApplicationProtocols
    /// libssl allows sessions to be made from one SSL_CTX on several threads as long as nobody changes it, and nobody
    /// does once `init` has returned.
    nonisolated(unsafe) let raw: OpaquePointer
    /// What the callbacks read; alive as long as the context, and sessions keep the context.
    private let choices: Choices
    /// Of a server that resumes.
    let ticketKeys: TicketKeys?
    /// Of a client that resumes.
    let sessions: SessionCache?

    /// - Throws: ``TLSError/configuration(_:)``.
    public convenience init(server configuration: TLSServerConfiguration) throws(TLSError) {
        let builder = try ContextBuilder.open(.server, configuration.minimumVersion, configuration.maximumVersion)
        try builder.use(configuration.credential)
        let choices = Choices(
            protocols: try configuration.applicationProtocols.wireFormat(),
            credentialsByName: configuration.credentialsByName)
        builder.select(by: choices)
        switch configuration.clientCertificates {
        case .off:
            break
        case .request(let roots):
            try builder.verifyPeer(SSL_VERIFY_PEER, roots, announcing: true)
        case .require(let roots):
            try builder.verifyPeer(SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, roots, announcing: true)
        }
        var keys: TicketKeys?
        if configuration.resumesSessions, configuration.clientCertificates == .off {
            let made = try TicketKeys()
            try builder.giveTickets(under: made)
            keys = made
        } else {
            builder.giveNoTickets()
        }
        self.init(.server, configuration.applicationProtocols, builder, choices, ticketKeys: keys)
    }

    /// - Throws: ``TLSError/configuration(_:)``.
    public convenience init(client configuration: TLSClientConfiguration) throws(TLSError) {
        let builder = try ContextBuilder.open(.client, configuration.minimumVersion, configuration.maximumVersion)
        if let credential = configuration.credential { try builder.use(credential) }
        try builder.verifyPeer(SSL_VERIFY_PEER, configuration.trustRoots, announcing: false)
        let protocols = try configuration.applicationProtocols.wireFormat()
        try builder.offer(protocols)
        if configuration.resumesSessions { builder.noteSessions() } else { builder.giveNoTickets() }
        self.init(
            .client, configuration.applicationProtocols, builder, Choices(protocols: protocols, credentialsByName: [:]),
            sessions: configuration.resumesSessions ? SessionCache() : nil)
    }

    private init(
        _ role: Role, _ applicationProtocols: TLSApplicationProtocols, _ builder: consuming ContextBuilder,
        _ choices: Choices, ticketKeys: TicketKeys? = nil, sessions: SessionCache? = nil
    ) {
        self.ticketKeys = ticketKeys
        self.sessions = sessions
        self.role = role
        self.applicationProtocols = applicationProtocols
        self.choices = choices
        unsafe raw = builder.take()
    }

    deinit { unsafe SSL_CTX_free(raw) }
}

extension TLSVersion {
    fileprivate var number: Int32 {
        switch self {
        case .v12: TLS1_2_VERSION
        case .v13: TLS1_3_VERSION
        }
    }
}

/// What a server's callbacks choose from. They only look things up; nothing of ours runs inside libssl.
final class Choices: Sendable {
    let protocols: [UInt8]
    private let credentialsByName: [String: TLSCredential]

    init(protocols: [UInt8], credentialsByName: [String: TLSCredential]) {
        (self.protocols, self.credentialsByName) = (protocols, credentialsByName)
    }

    func credential(for name: String) -> TLSCredential? {
        let name = name.lowercased()
        if let exact = credentialsByName[name] { return exact }
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
        return credentialsByName["*" + name[dot...]]
    }
}

/// An SSL_CTX that is still being set up, owned until taken.
@safe private struct ContextBuilder: ~Copyable {
    private let raw: OpaquePointer

    static func open(
        _ role: TLSContext.Role, _ minimum: TLSVersion, _ maximum: TLSVersion
    ) throws(TLSError) -> ContextBuilder {
        ERR_clear_error()
        let method = unsafe role == .server ? TLS_server_method() : TLS_client_method()
        guard let raw = unsafe SSL_CTX_new(method) else { throw LibSSL.failure("SSL_CTX_new") }
        let builder = unsafe ContextBuilder(raw: raw)
        guard unsafe copenssl_ctx_set_versions(raw, minimum.number, maximum.number) == 1 else {
            throw LibSSL.misconfigured("versions")
        }
        // TLS-1: what HTTP/2 allows of TLS 1.2. The suites of TLS 1.3 are a list of their own and all good.
        guard unsafe SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 else {
            throw LibSSL.misconfigured("cipher list")
        }
        unsafe SSL_CTX_set_options(raw, copenssl_options())
        unsafe copenssl_ctx_set_session_cache_off(raw)
        // TLS-1: no 0-RTT, neither announced nor taken.
        _ = unsafe SSL_CTX_set_max_early_data(raw, 0)
        _ = unsafe SSL_CTX_set_recv_max_early_data(raw, 0)
        // Idle sessions give their record buffers back: 34 KiB each.
        unsafe copenssl_ctx_set_mode(raw, Int(SSL_MODE_RELEASE_BUFFERS))
        return builder
    }

    func use(_ credential: TLSCredential) throws(TLSError) {
        let used = unsafe SSL_CTX_use_cert_and_key(
            raw, credential.certificate, credential.privateKey, credential.issuers, 1)
        guard used == 1 else { throw LibSSL.misconfigured("certificate and key") }
    }

    func offer(_ protocols: [UInt8]) throws(TLSError) {
        guard !protocols.isEmpty else { return }
        // Zero means success here, unlike everywhere else.
        guard unsafe SSL_CTX_set_alpn_protos(raw, protocols, UInt32(protocols.count)) == 0 else {
            throw LibSSL.misconfigured("ALPN")
        }
    }

    func verifyPeer(_ mode: Int32, _ roots: TLSTrustRoots, announcing: Bool) throws(TLSError) {
        unsafe SSL_CTX_set_verify(raw, mode, nil)
        switch roots {
        case .system:
            guard unsafe SSL_CTX_set_default_verify_paths(raw) == 1 else { throw LibSSL.misconfigured("system roots") }
        case .file(let path):
            guard unsafe SSL_CTX_load_verify_file(raw, path) == 1 else { throw LibSSL.misconfigured("trust roots") }
        case .pem(let text):
            try trust(text, announcing: announcing)
        }
    }

    private func trust(_ text: [UInt8], announcing: Bool) throws(TLSError) {
        let raw = unsafe self.raw
        try PEMSource.with(text.span) { source throws(TLSError) in
            var count = 0
            while let certificate = unsafe try source.nextCertificate() {
                defer { unsafe X509_free(certificate) }
                guard unsafe X509_STORE_add_cert(SSL_CTX_get_cert_store(raw), certificate) == 1,
                    // Tells clients which of their certificates is worth showing.
                    unsafe !announcing || SSL_CTX_add_client_CA(raw, certificate) == 1
                else { throw LibSSL.misconfigured("trust root \(count)") }
                count += 1
            }
            guard count > 0 else { throw .configuration("there is no trust root in the PEM text") }
        }
    }

    /// A server's tickets hold the session themselves; nothing is stored here.
    func giveTickets(under keys: TicketKeys) throws(TLSError) {
        let context = keys.sealing.contextID
        guard unsafe SSL_CTX_set_session_id_context(raw, context, UInt32(context.count)) == 1 else {
            throw LibSSL.misconfigured("session id context")
        }
        _ = unsafe SSL_CTX_set_timeout(raw, TicketKeys.lifetimeSeconds)
        _ = unsafe SSL_CTX_set_num_tickets(raw, 2)  // two connections may follow one
        unsafe copenssl_ctx_on_ticket_key(raw, chooseTicketKey, Unmanaged.passUnretained(keys).toOpaque())
    }

    func giveNoTickets() {
        unsafe SSL_CTX_set_options(raw, copenssl_option_no_ticket())
        _ = unsafe SSL_CTX_set_num_tickets(raw, 0)
    }

    /// A client's sessions come to ``ClientResumption``.
    func noteSessions() { unsafe copenssl_ctx_on_new_session(raw, noteSession) }

    func select(by choices: Choices) {
        let argument = unsafe Unmanaged.passUnretained(choices).toOpaque()
        unsafe copenssl_ctx_on_server_name(raw, chooseCredential, argument)
        guard !choices.protocols.isEmpty else { return }
        unsafe SSL_CTX_set_alpn_select_cb(raw, chooseProtocol, argument)
    }

    consuming func take() -> OpaquePointer {
        let raw = unsafe self.raw
        discard self
        return unsafe raw
    }

    deinit { unsafe SSL_CTX_free(raw) }
}

/// Called while a server reads a ClientHello, also one without a name.
private func chooseCredential(
    _ session: OpaquePointer?, _ alert: UnsafeMutablePointer<Int32>?, _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    guard let argument = unsafe argument, let session = unsafe session,
        let name = unsafe SSL_get_servername(session, TLSEXT_NAMETYPE_host_name)
    else { return SSL_TLSEXT_ERR_NOACK }
    let choices = unsafe Unmanaged<Choices>.fromOpaque(argument).takeUnretainedValue()
    guard let credential = choices.credential(for: unsafe String(cString: name)) else { return SSL_TLSEXT_ERR_NOACK }
    let used = unsafe SSL_use_cert_and_key(
        session, credential.certificate, credential.privateKey, credential.issuers, 1)
    return used == 1 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL
}

/// Called if the client offers protocols at all. Fatal means the alert no_application_protocol (TLS-2).
private func chooseProtocol(
    _ session: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenCount: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredCount: UInt32,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    guard let argument = unsafe argument, let offered = unsafe offered, let chosen = unsafe chosen,
        let chosenCount = unsafe chosenCount
    else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let ours = unsafe Unmanaged<Choices>.fromOpaque(argument).takeUnretainedValue().protocols
    // By hand instead of SSL_select_next_proto, whose result may point into `ours` and outlive it.
    let theirs = unsafe UnsafeBufferPointer(start: offered, count: Int(offeredCount))
    guard let range = unsafe firstCommon(ours.span, theirs.span), let base = theirs.baseAddress else {
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
    unsafe chosen.pointee = base + range.lowerBound
    unsafe chosenCount.pointee = UInt8(range.count)
    return SSL_TLSEXT_ERR_OK
}

/// Where, in `theirs`, the first name of `ours` stands that both lists have. A list that ends early ends there.
func firstCommon(_ ours: Span<UInt8>, _ theirs: Span<UInt8>) -> Range<Int>? {
    var position = 0
    while let name = nextName(in: ours, at: &position) {
        var theirPosition = 0
        while let candidate = nextName(in: theirs, at: &theirPosition) {
            guard candidate.count == name.count else { continue }
            let equal = (0..<name.count).allSatisfy { offset in
                ours[name.lowerBound + offset] == theirs[candidate.lowerBound + offset]
            }
            if equal { return candidate }
        }
    }
    return nil
}

private func nextName(in list: Span<UInt8>, at position: inout Int) -> Range<Int>? {
    guard position < list.count else { return nil }
    let start = position + 1
    let end = start + Int(list[position])
    guard end > start, end <= list.count else { return nil }
    position = end
    return start..<end
}
