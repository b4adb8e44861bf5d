import COpenSSL
import Synchronization

/// One reference to an SSL_SESSION: what both sides of a connection need to know to resume it.
///
/// libcrypto counts references atomically. What libssl is working with is never also in the cache.
@safe final class LibrarySession: Sendable {
    nonisolated(unsafe) let raw: OpaquePointer

    init(owning raw: OpaquePointer) { unsafe self.raw = raw }

    deinit { unsafe SSL_SESSION_free(raw) }

    /// Its own, since libssl marks the session of a connection that breaks off as not resumable.
    ///
    /// - Returns: nil for one that cannot be resumed, or without memory.
    func copy() -> LibrarySession? {
        guard unsafe SSL_SESSION_is_resumable(raw) == 1, let copy = unsafe SSL_SESSION_dup(raw) else {
            ERR_clear_error()
            return nil
        }
        return unsafe LibrarySession(owning: copy)
    }
}

/// What a client has of a server to resume.
struct ResumableSession: Sendable {
    let session: LibrarySession
    /// Verified in the full handshake; a resumed one carries no certificate.
    let peer: TLSPeer?
    /// Start of the connection that had the full handshake. A chain of resumptions does not make it any younger.
    let verifiedAt: ContinuousClock.Instant
}

/// The sessions that a client's context may resume, by server. Bounded: the least recent server makes room.
///
/// A session is taken out to be offered: a ticket of TLS 1.3 is good for one connection, so that nobody can tell that
/// two of them are ours (RFC 8446, appendix C.4).
final class SessionCache: Sendable {
    /// A session is offered only where the full handshake has checked the same name, and to the server that gave it.
    struct Key: Hashable, Sendable {
        var serverName: String
        var target: String
    }

    /// As many servers as a channel has addresses, for a few channels.
    static let serverLimit = 64
    /// A server gives two at a time as a rule.
    static let sessionsPerServer = 4
    /// The server's certificate was checked at most this long ago.
    static let lifetime = Duration.seconds(TicketKeys.lifetimeSeconds)

    private let sessions = Mutex<[Key: [ResumableSession]]>([:])

    /// The newest one that is not too old.
    func take(_ key: Key, at now: ContinuousClock.Instant) -> ResumableSession? {
        sessions.withLock { sessions in
            guard var known = sessions[key] else { return nil }
            known.removeAll { $0.verifiedAt + Self.lifetime <= now }
            let newest = known.popLast()
            sessions[key] = known.isEmpty ? nil : known
            return newest
        }
    }

    func put(_ session: ResumableSession, _ key: Key) {
        sessions.withLock { sessions in
            var known = sessions[key] ?? []
            if known.isEmpty, sessions.count >= Self.serverLimit { Self.makeRoom(in: &sessions) }
            if known.count >= Self.sessionsPerServer { known.removeFirst() }
            known.append(session)
            sessions[key] = known
        }
    }

    private static func makeRoom(in sessions: inout [Key: [ResumableSession]]) {
        let newest = sessions.compactMap { key, known in known.last.map { (key, $0.verifiedAt) } }
        if let oldest = newest.min(by: { $0.1 < $1.1 }) { sessions[oldest.0] = nil }
    }

    var count: Int { sessions.withLock { $0.values.reduce(0) { $0 + $1.count } } }
}

/// What one connection of a client has to do with resumption. Lives with its ``TLSSession``, on its thread.
final class ClientResumption {
    private let cache: SessionCache
    private let key: SessionCache.Key
    private let now: ContinuousClock.Instant
    /// Taken out of the cache for this connection.
    let offered: ResumableSession?
    /// What the library got from the server during a call of ours.
    private var arrived: [LibrarySession] = []

    /// - Parameter now: the start of the connection.
    init(_ cache: SessionCache, _ key: SessionCache.Key, at now: ContinuousClock.Instant) {
        self.cache = cache
        self.key = key
        self.now = now
        offered = cache.take(key, at: now)
    }

    /// For one more: a server may send tickets without end, and nobody needs that many.
    fileprivate var hasRoom: Bool { arrived.count < SessionCache.sessionsPerServer }

    fileprivate func note(_ session: LibrarySession) { arrived.append(session) }

    /// The library has returned: keeps what has come, if the connection is one to go on from.
    func keepArrived(of handshake: TLSHandshake) {
        guard !arrived.isEmpty else { return }
        let verifiedAt = handshake.isResumed ? offered?.verifiedAt ?? now : now
        for session in arrived {
            guard let copy = session.copy() else { continue }
            cache.put(ResumableSession(session: copy, peer: handshake.peer, verifiedAt: verifiedAt), key)
        }
        arrived = []
    }

    /// A session of TLS 1.2 is good for more than one connection; nothing new comes in its place.
    func putBack() {
        guard let offered, let copy = offered.session.copy() else { return }
        cache.put(ResumableSession(session: copy, peer: offered.peer, verifiedAt: offered.verifiedAt), key)
    }
}

/// Called when a client has a session that can be resumed: in TLS 1.2 at the end of the handshake, in 1.3 for each
/// ticket, whenever the server likes. One means that the reference is ours.
func noteSession(_ connection: OpaquePointer?, _ session: OpaquePointer?) -> Int32 {
    guard let connection = unsafe connection, let session = unsafe session,
        let argument = unsafe SSL_get_ex_data(connection, 0)
    else { return 0 }
    let resumption = unsafe Unmanaged<ClientResumption>.fromOpaque(argument).takeUnretainedValue()
    guard resumption.hasRoom else { return 0 }
    resumption.note(unsafe LibrarySession(owning: session))
    return 1
}
