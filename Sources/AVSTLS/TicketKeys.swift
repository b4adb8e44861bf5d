import COpenSSL
import Synchronization

/// The keys under which a server's session tickets travel to a client and back (RFC 5077, RFC 8446 section 4.6.1).
///
/// Whoever learns such a key can read the TLS 1.2 sessions of its tickets, so none lives long: it seals for an hour and
/// opens for one more, which is as long as its last ticket is good. They belong to one context and are gone with it.
final class TicketKeys: Sendable {
    private struct State {
        var current: TicketKey
        var previous: TicketKey?
        /// When `current` began to seal, by the first connection that said what time it is.
        var since: ContinuousClock.Instant?
    }

    /// How long a key seals, and how long a ticket is good.
    static let lifetimeSeconds = 3_600

    private let state: Mutex<State>

    init() throws(TLSError) {
        state = Mutex(State(current: try TicketKey.random()))
    }

    /// Called for each new connection, so that the keys need no timer.
    func rotate(at now: ContinuousClock.Instant) throws(TLSError) {
        let lifetime = Duration.seconds(Self.lifetimeSeconds)
        let isDue = state.withLock { state in
            let since = state.since ?? now
            state.since = since
            return since + lifetime <= now
        }
        guard isDue else { return }
        let next = try TicketKey.random()
        state.withLock { state in
            guard let since = state.since, since + lifetime <= now else { return }  // another thread was faster
            state.previous = since + lifetime * 2 <= now ? nil : state.current
            state.current = next
            state.since = now
        }
    }

    var sealing: TicketKey { state.withLock { $0.current } }

    /// - Returns: the key of that name, and whether the client should get a newer ticket.
    func opening(_ name: UnsafeRawPointer) -> (key: TicketKey, isOld: Bool)? {
        state.withLock { state in
            if unsafe state.current.isNamed(name) { return (state.current, false) }
            if let previous = state.previous, unsafe previous.isNamed(name) { return (previous, true) }
            return nil
        }
    }
}

/// One key, wiped when nobody needs it any more.
///
///     | name: 16 bytes | for AES-256-CBC: 32 | for HMAC-SHA-256: 32 |
@safe final class TicketKey: Sendable {
    static let nameBytes = 16
    private static let keyBytes = 32
    private static let totalBytes = nameBytes + 2 * keyBytes

    /// Written once in `init`, only read afterwards.
    private nonisolated(unsafe) let bytes: UnsafeMutableRawPointer

    static func random() throws(TLSError) -> TicketKey {
        ERR_clear_error()
        let key = TicketKey()
        guard unsafe RAND_priv_bytes_ex(nil, key.bytes, totalBytes, 0) == 1 else {
            throw LibSSL.failure("RAND_priv_bytes_ex")
        }
        return key
    }

    private init() {
        unsafe bytes = UnsafeMutableRawPointer.allocate(byteCount: Self.totalBytes, alignment: 16)
    }

    deinit {
        unsafe OPENSSL_cleanse(bytes, Self.totalBytes)
        unsafe bytes.deallocate()
    }

    /// What a session is bound to besides its key: another context's sessions are not taken, whatever they open with.
    var contextID: [UInt8] { unsafe Array(UnsafeRawBufferPointer(start: bytes, count: Self.nameBytes)) }

    /// - Parameter name: of ``nameBytes`` bytes; it is no secret.
    func isNamed(_ name: UnsafeRawPointer) -> Bool { unsafe memcmp(bytes, name, Self.nameBytes) == 0 }

    func writeName(to target: UnsafeMutableRawPointer) {
        unsafe target.copyMemory(from: bytes, byteCount: Self.nameBytes)
    }

    /// Prepares libssl's own contexts; what is sealed and opened with them is libssl's business.
    func use(_ cipher: OpaquePointer, _ mac: OpaquePointer, iv: UnsafePointer<UInt8>, seals: Bool) -> Bool {
        unsafe copenssl_use_ticket_key(
            cipher, mac, bytes + Self.nameBytes, bytes + Self.nameBytes + Self.keyBytes, iv, seals ? 1 : 0) == 1
    }
}

/// Called while a server writes a ticket (`seals` is 1) or reads one.
///
/// - Returns: libssl's answers: -1 fail, 0 no such key (a full handshake), 1 take it, 2 take it and write a new one.
func chooseTicketKey(
    _ session: OpaquePointer?, _ name: UnsafeMutablePointer<UInt8>?, _ iv: UnsafeMutablePointer<UInt8>?,
    _ cipher: OpaquePointer?, _ mac: OpaquePointer?, _ seals: Int32
) -> Int32 {
    guard let session = unsafe session, let name = unsafe name, let iv = unsafe iv, let cipher = unsafe cipher,
        let mac = unsafe mac, let argument = unsafe SSL_CTX_get_ex_data(SSL_get_SSL_CTX(session), 0)
    else { return -1 }
    let keys = unsafe Unmanaged<TicketKeys>.fromOpaque(argument).takeUnretainedValue()
    guard seals == 1 else {
        guard let (key, isOld) = unsafe keys.opening(name) else { return 0 }
        guard unsafe key.use(cipher, mac, iv: iv, seals: false) else { return -1 }
        // A ticket of TLS 1.3 is used up, so its client needs another one.
        return unsafe isOld || SSL_version(session) == TLS1_3_VERSION ? 2 : 1
    }
    let key = keys.sealing
    guard unsafe RAND_bytes_ex(nil, iv, copenssl_ticket_iv_bytes(), 0) == 1 else { return -1 }
    unsafe key.writeName(to: name)
    return unsafe key.use(cipher, mac, iv: iv, seals: true) ? 1 : -1
}
