import COpenSSL

/// One TLS connection: ciphertext in, plaintext out; plaintext in, ciphertext out. No sockets, no clock.
///
///     socket ─► receive(_:) ─► plaintext
///     socket ◄─ readOutput(into:) ◄─ send(_:), close(), and whatever the handshake has to say
///
/// After every call, also one that threw, write out what ``pendingOutputBytes`` announces: answers of the handshake,
/// and the alert that tells the peer what it did wrong.
///
/// Not `Sendable`: libssl allows one thread at a time, so a session lives on one event loop.
@safe public struct TLSSession: ~Copyable {
    /// What one call of ``receive(_:)`` brought, in this order.
    public struct Received: Sendable {
        /// Set once, when the handshake is complete and every rule about the peer has been checked.
        public var handshake: TLSHandshake?
        public var plaintext: [UInt8] = []
        /// The peer sent close_notify: this is the true end of what it had to say.
        public var peerClosed = false
        /// The peer broke the protocol, sent an alert, or is not whom we want. The session has failed; what stands
        /// before this in the same value was authentic and complete.
        public var failure: TLSError?

        public init() {}
    }

    public enum State: Hashable, Sendable {
        case handshaking
        case open
        /// The peer has closed its direction, we have not.
        case peerClosed
        /// We have closed ours; what the peer still sends can be read.
        case closing
        case closed
        /// Nothing can be sent or received any more.
        case failed(TLSError)
    }

    private let context: TLSContext
    private let raw: OpaquePointer
    // Owned by `raw`.
    private let input: OpaquePointer
    private let output: OpaquePointer

    /// Of a client that may resume.
    private let resumption: ClientResumption?
    /// For the tickets that come after it; only of a client that may resume.
    private var handshake: TLSHandshake?

    public private(set) var state = State.handshaking

    /// A server's side of a new connection.
    ///
    /// - Parameter now: monotonic, for the turn of the ticket keys; without it they stay.
    public static func accept(
        _ context: TLSContext, at now: ContinuousClock.Instant? = nil
    ) throws(TLSError) -> TLSSession {
        guard context.role == .server else { throw .misuse("accept wants a server's context") }
        if let now { try context.ticketKeys?.rotate(at: now) }
        let session = try open(context, nil)
        unsafe SSL_set_accept_state(session.raw)
        return session
    }

    /// A client's side of a new connection; the ClientHello is in the output at once.
    ///
    /// - Parameters:
    ///   - serverName: the host name, or the text of an IP address, that the server's certificate must be good for. A
    ///     host name is also sent to the server (SNI), an address is not (TLS-3).
    ///   - target: which of the servers with that name; a session is offered to the one that gave it.
    ///   - now: monotonic, for the age of sessions; without it none is offered and none is kept.
    /// - Throws: ``TLSError/configuration(_:)`` for a text that is neither.
    public static func connect(
        _ context: TLSContext, serverName: String, target: String = "", at now: ContinuousClock.Instant? = nil
    ) throws(TLSError) -> TLSSession {
        guard context.role == .client else { throw .misuse("connect wants a client's context") }
        var resumption: ClientResumption?
        if let sessions = context.sessions, let now {
            resumption = ClientResumption(sessions, .init(serverName: serverName, target: target), at: now)
        }
        var session = try open(context, resumption)
        unsafe SSL_set_connect_state(session.raw)
        try session.expect(serverName)
        try session.offerSession()
        _ = try session.advanceHandshake()
        return session
    }

    private static func open(
        _ context: TLSContext, _ resumption: ClientResumption?
    ) throws(TLSError) -> TLSSession {
        ERR_clear_error()
        guard let raw = unsafe SSL_new(context.raw) else { throw LibSSL.failure("SSL_new") }
        guard let input = unsafe BIO_new(BIO_s_mem()), let output = unsafe BIO_new(BIO_s_mem()) else {
            unsafe SSL_free(raw)
            throw LibSSL.failure("BIO_new")
        }
        unsafe SSL_set_bio(raw, input, output)  // takes both
        return unsafe TLSSession(context, resumption, raw, input, output)
    }

    private init(
        _ context: TLSContext, _ resumption: ClientResumption?, _ raw: OpaquePointer, _ input: OpaquePointer,
        _ output: OpaquePointer
    ) {
        self.context = context
        self.resumption = resumption
        unsafe (self.raw, self.input, self.output) = (raw, input, output)
    }

    deinit { unsafe SSL_free(raw) }

    /// Takes what the socket brought, in pieces of any size.
    ///
    /// The plaintext is never longer than the ciphertext of this call and 16 KiB. What comes after the peer's
    /// close_notify, or after a failure, is ignored.
    public mutating func receive(_ ciphertext: Span<UInt8>) -> Received {
        var received = Received()
        switch state {
        case .failed, .closed, .peerClosed: return received
        case .handshaking, .open, .closing: break
        }
        ERR_clear_error()
        do throws(TLSError) {
            try write(ciphertext)
            if state == .handshaking { received.handshake = try advanceHandshake() }
            if state != .handshaking { try readPlaintext(into: &received) }
        } catch {
            received.failure = error
        }
        if let resumption, let handshake, received.failure == nil { resumption.keepArrived(of: handshake) }
        return received
    }

    /// The socket has come to its end.
    ///
    /// - Throws: ``TLSError/truncated`` unless the peer had sent close_notify before (TLS-6).
    public mutating func receiveEnd() throws(TLSError) {
        switch state {
        case .peerClosed, .closed: return
        case .failed(let error): throw error
        case .handshaking, .open, .closing: throw fail(.truncated)
        }
    }

    /// Encrypts `plaintext` into the output. All of it, so ask ``pendingOutputBytes`` before giving more than the
    /// socket takes.
    ///
    /// - Throws: ``TLSError/misuse(_:)`` before the handshake is complete and after ``close()``.
    public mutating func send(_ plaintext: Span<UInt8>) throws(TLSError) {
        switch state {
        case .open, .peerClosed: break
        case .failed(let error): throw error
        case .handshaking: throw .misuse("nothing can be sent before the handshake is complete")
        case .closing, .closed: throw .misuse("nothing can be sent after close_notify")
        }
        guard !plaintext.isEmpty else { return }
        ERR_clear_error()
        let raw = unsafe self.raw
        var written = 0
        let result = unsafe plaintext.withUnsafeBytes { unsafe SSL_write_ex(raw, $0.baseAddress, $0.count, &written) }
        // Into memory, without partial writes and renegotiation, a write is complete or has failed.
        guard result == 1 else { throw fail(LibSSL.failure("SSL_write_ex")) }
    }

    /// Says close_notify: we have nothing more to say. May be called at any time and more than once.
    public mutating func close() {
        switch state {
        case .open: state = .closing
        case .peerClosed: state = .closed
        case .handshaking:
            // Nothing was agreed, so there is nothing to close properly.
            state = .closed
            return
        case .closing, .closed, .failed: return
        }
        ERR_clear_error()
        _ = unsafe SSL_shutdown(raw)
        ERR_clear_error()
    }

    /// Ciphertext that waits to be written to the socket.
    public var pendingOutputBytes: Int { unsafe BIO_ctrl_pending(output) }

    /// Moves ciphertext into `target` and answers how many bytes.
    public mutating func readOutput(into target: UnsafeMutableRawBufferPointer) -> Int {
        let capacity = Int32(clamping: target.count)
        guard capacity > 0 else { return 0 }
        return Int(max(0, unsafe BIO_read(output, target.baseAddress, capacity)))
    }

    /// All ciphertext that waits.
    public mutating func takeOutput() -> [UInt8] {
        let count = pendingOutputBytes
        let output = unsafe self.output
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard count > 0 else { return }
            initialized = Int(max(0, unsafe BIO_read(output, buffer.baseAddress, Int32(clamping: count))))
        }
    }
}

extension TLSSession {
    /// The certificate must be good for `serverName`, by its alternative names only and without partial wildcards.
    private mutating func expect(_ serverName: String) throws(TLSError) {
        let name = serverName.hasSuffix(".") ? String(serverName.dropLast()) : serverName
        guard (1...253).contains(name.utf8.count), name.utf8.allSatisfy(Self.isHostByte) else {
            throw .configuration("\"\(serverName.prefix(64))\" is no host name")
        }
        let parameters = unsafe SSL_get0_param(raw)
        let flags = UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS) | UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
        unsafe X509_VERIFY_PARAM_set_hostflags(parameters, flags)
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1 { return }
        ERR_clear_error()
        guard unsafe SSL_set1_host(raw, name) == 1, unsafe copenssl_set_server_name(raw, name) == 1 else {
            throw LibSSL.misconfigured("server name")
        }
    }

    private func offerSession() throws(TLSError) {
        guard let resumption else { return }
        guard unsafe SSL_set_ex_data(raw, 0, Unmanaged.passUnretained(resumption).toOpaque()) == 1 else {
            throw LibSSL.failure("SSL_set_ex_data")
        }
        guard let offered = resumption.offered else { return }
        // One that the library does not like costs a full handshake, and nothing else.
        if unsafe SSL_set_session(raw, offered.session.raw) != 1 { ERR_clear_error() }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        case UInt8(ascii: ":"): true  // IPv6
        default: false
        }
    }

    private mutating func write(_ ciphertext: Span<UInt8>) throws(TLSError) {
        guard !ciphertext.isEmpty else { return }
        let input = unsafe self.input
        var written = 0
        let result = unsafe ciphertext.withUnsafeBytes {
            unsafe BIO_write_ex(input, $0.baseAddress, $0.count, &written)
        }
        // A memory BIO takes everything or has no memory.
        guard result == 1, written == ciphertext.count else { throw fail(LibSSL.failure("BIO_write_ex")) }
    }

    private mutating func advanceHandshake() throws(TLSError) -> TLSHandshake? {
        let result = unsafe SSL_do_handshake(raw)
        guard result == 1 else {
            if unsafe SSL_get_error(raw, result) == SSL_ERROR_WANT_READ { return nil }
            throw fail(handshakeError())
        }
        let handshake = try describeHandshake()
        if case .required = context.applicationProtocols, handshake.applicationProtocol == nil {
            // The handshake itself went well, so the peer is told in the orderly way.
            _ = unsafe SSL_shutdown(raw)
            throw fail(.noApplicationProtocol)
        }
        state = .open
        if let resumption {
            self.handshake = handshake
            if handshake.isResumed, handshake.version == .v12 { resumption.putBack() }
        }
        return handshake
    }

    private func handshakeError() -> TLSError {
        let result = unsafe SSL_get_verify_result(raw)
        if result != X509_V_OK {
            ERR_clear_error()
            let text = unsafe X509_verify_cert_error_string(result).map { unsafe String(cString: $0) }
            return .certificateRejected(code: result, text: text ?? "unknown reason")
        }
        let reason = copenssl_reason(ERR_peek_last_error())
        if reason == SSL_R_NO_APPLICATION_PROTOCOL || reason == copenssl_reason_alert_no_application_protocol() {
            ERR_clear_error()
            return .noApplicationProtocol
        }
        return LibSSL.failure("SSL_do_handshake")
    }

    private func describeHandshake() throws(TLSError) -> TLSHandshake {
        guard let version = unsafe TLSVersion(rawValue: String(cString: SSL_get_version(raw))) else {
            throw .failed(call: "SSL_get_version", code: 0, text: "neither TLS 1.2 nor 1.3")
        }
        let cipher = unsafe SSL_CIPHER_standard_name(SSL_get_current_cipher(raw)).map { unsafe String(cString: $0) }
        var start: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(raw, &start, &count)
        let name = unsafe start.map {
            unsafe String(decoding: UnsafeBufferPointer(start: $0, count: Int(count)), as: UTF8.self)
        }
        let serverName = unsafe SSL_get_servername(raw, TLSEXT_NAMETYPE_host_name).map { unsafe String(cString: $0) }
        let isResumed = unsafe SSL_session_reused(raw) == 1
        return TLSHandshake(
            version: version, cipher: cipher ?? "", applicationProtocol: name, serverName: serverName,
            peer: isResumed ? resumption?.offered?.peer : unsafe TLSPeer(session: raw), isResumed: isResumed)
    }

    /// Until libssl wants more ciphertext. A record has at most 16 KiB, and one read gives at most one record.
    private mutating func readPlaintext(into received: inout Received) throws(TLSError) {
        let raw = unsafe self.raw
        while true {
            var result: Int32 = 0
            let record = unsafe [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
                result = unsafe SSL_read_ex(raw, buffer.baseAddress, buffer.count, &count)
                if result != 1 { count = 0 }
            }
            guard result == 1 else {
                try endReading(unsafe SSL_get_error(raw, result), &received)
                return
            }
            if received.plaintext.isEmpty { received.plaintext = record } else { received.plaintext += record }
        }
    }

    private mutating func endReading(_ error: Int32, _ received: inout Received) throws(TLSError) {
        switch error {
        case SSL_ERROR_WANT_READ:
            return
        case SSL_ERROR_ZERO_RETURN:
            received.peerClosed = true
            state = state == .closing ? .closed : .peerClosed
        default:
            throw fail(LibSSL.failure("SSL_read_ex"))
        }
    }

    private mutating func fail(_ error: TLSError) -> TLSError {
        state = .failed(error)
        return error
    }
}
