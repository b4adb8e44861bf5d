import AVSRPC
import AVSTLS
import NIOCore

/// What stands between the socket and HTTP/2.
///
/// TLS adds its handler to the pipeline, negotiates `h2` by ALPN (TLS-2), and calls `completion` with what the peer
/// proved once the handshake is done. The HTTP/2 handler is added only then, so a connection that never finishes its
/// handshake costs no session (ATT-14).
public enum ConnectionSecurity: Sendable {
    case plaintext
    case tls(TLSSecurity)

    /// `:scheme` of calls.
    var scheme: String {
        switch self {
        case .plaintext: "http"
        case .tls: "https"
        }
    }

    /// Prepares the pipeline of an accepted channel, on its event loop.
    ///
    /// - Parameters:
    ///   - now: monotonic.
    ///   - completion: called once, now or later: what the peer proved (nil on plaintext), or why there is no
    ///     connection, which is being closed then. If it throws, the connection is closed.
    func accept(
        _ channel: any Channel, _ handshakes: HandshakeCount, at now: ContinuousClock.Instant,
        completion: @escaping (Result<TLSIdentity?, any Error>) throws -> Void
    ) throws {
        guard case .tls(let security) = self else { return try completion(.success(nil)) }
        guard handshakes.open < security.maxHandshakesPerLoop else {
            try completion(.failure(TooManyHandshakes(limit: security.maxHandshakesPerLoop)))
            return channel.close(promise: nil)
        }
        let session = try TLSSession.accept(security.contexts.current, at: now)
        handshakes.open += 1
        let handler = TLSHandler(session, timeout: security.handshakeTimeout) { result in
            handshakes.open -= 1
            try completion(result.map { TLSIdentity($0) })
        }
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    /// Prepares the pipeline of a channel that is about to connect, on its event loop.
    ///
    /// - Parameters:
    ///   - host: whom the server's certificate must be good for, unless ``TLSSecurity/serverName`` says.
    ///   - target: which of the servers of that name this is, for sessions that may be resumed.
    ///   - now: monotonic; nil resumes nothing.
    func connect(
        _ channel: any Channel, host: String, target: String = "", at now: ContinuousClock.Instant? = nil,
        completion: @escaping (Result<TLSIdentity?, any Error>) throws -> Void
    ) throws {
        guard case .tls(let security) = self else { return try completion(.success(nil)) }
        let session = try TLSSession.connect(
            security.contexts.current, serverName: security.serverName ?? host, target: target, at: now)
        let handler = TLSHandler(session, timeout: security.handshakeTimeout) { result in
            try completion(result.map { TLSIdentity($0) })
        }
        try channel.pipeline.syncOperations.addHandler(handler)
    }
}

/// Handshakes that go on, on one event loop.
final class HandshakeCount {
    var open = 0
}

/// A connection came while as many others were in their handshakes as are allowed (TLS-6).
struct TooManyHandshakes: Error, CustomStringConvertible {
    let limit: Int

    var description: String { "more than \(limit) TLS handshakes at the same time" }
}

extension TLSIdentity {
    init(_ handshake: TLSHandshake) {
        let peer = handshake.peer
        let addresses = peer?.ipAddresses.compactMap { bytes -> String? in
            do {
                return try SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0).ipAddress.map {
                    "IP:\($0)"
                }
            } catch {
                return nil  // neither 4 nor 16 bytes
            }
        }
        self.init(
            subject: peer?.subject ?? "",
            subjectAlternativeNames: (peer?.dnsNames.map { "DNS:\($0)" } ?? []) + (peer?.uris.map { "URI:\($0)" } ?? [])
                + (peer?.emailAddresses.map { "email:\($0)" } ?? []) + (addresses ?? []),
            certificateChain: peer?.chain ?? [], protocolVersion: handshake.version.rawValue,
            cipherSuite: handshake.cipher, isResumed: handshake.isResumed)
    }
}
