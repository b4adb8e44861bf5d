public import AVSPrimitives
import Synchronization

/// What a handler knows of its call beside the messages.
///
/// A value, cheap to copy. What an interceptor attached travels with it:
///
///     struct CallerKey: CallValueKey { typealias Value = Caller }
///     context[CallerKey.self] = caller        // in the interceptor
///     guard let caller = context[CallerKey.self] else { … }
public struct CallContext: Sendable {
    /// What the headers of a request say to a handler. Calls whose headers are the same may share one.
    public final class Head: Sendable {
        public let method: MethodPath
        public let kind: CallKind
        public let authority: String
        public let metadata: Metadata

        public init(method: MethodPath, kind: CallKind, authority: String, metadata: Metadata) {
            self.method = method
            self.kind = kind
            self.authority = authority
            self.metadata = metadata
        }
    }

    /// One allocation for what does not change during the call.
    private final class Facts: Sendable {
        let head: Head
        let peer: Peer
        let deadline: ContinuousClock.Instant?
        let receivedAt: Timestamp
        let response = Mutex<ResponseMetadata?>(nil)  // nearly always none
        let requestWasCompressed = Atomic(false)

        init(_ head: Head, _ peer: Peer, deadline: ContinuousClock.Instant?, receivedAt: Timestamp) {
            self.head = head
            self.peer = peer
            self.deadline = deadline
            self.receivedAt = receivedAt
        }
    }

    /// What the handler adds to its answer.
    public struct ResponseMetadata: Hashable, Sendable {
        public var initial = Metadata()
        public var trailing = Metadata()
        /// What ``CallContext/setResponseCompression(_:)`` said.
        public var isCompressed: Bool?
        public init() {}
    }

    private let facts: Facts
    /// What an interceptor made of it.
    private var changedMetadata: Metadata?
    private var values: [(key: ObjectIdentifier, value: any Sendable)] = []

    public init(
        method: MethodPath, kind: CallKind, peer: Peer, authority: String = "", metadata: Metadata = Metadata(),
        deadline: ContinuousClock.Instant? = nil, receivedAt: Timestamp
    ) {
        self.init(
            Head(method: method, kind: kind, authority: authority, metadata: metadata), peer: peer, deadline: deadline,
            receivedAt: receivedAt)
    }

    public init(_ head: Head, peer: Peer, deadline: ContinuousClock.Instant?, receivedAt: Timestamp) {
        facts = Facts(head, peer, deadline: deadline, receivedAt: receivedAt)
    }

    public var method: MethodPath { facts.head.method }
    public var kind: CallKind { facts.head.kind }
    public var peer: Peer { facts.peer }
    /// `:authority`, or `host` if only that came (HDR-8).
    public var authority: String { facts.head.authority }
    /// What the caller sent beside the request; `user-agent` is among it (HDR-9). An interceptor may change what those
    /// after it and the handler see.
    public var metadata: Metadata {
        get { changedMetadata ?? facts.head.metadata }
        set { changedMetadata = newValue }
    }
    /// Monotonic: when the headers arrived plus `grpc-timeout` (DL-3). Past it the handler's task is cancelled.
    public var deadline: ContinuousClock.Instant? { facts.deadline }
    /// Wall time at which the headers arrived.
    public var receivedAt: Timestamp { facts.receivedAt }

    /// What an interceptor attached.
    public subscript<Key: CallValueKey>(_ key: Key.Type) -> Key.Value? {
        get { values.first { $0.key == ObjectIdentifier(key) }?.value as? Key.Value }
        set {
            values.removeAll { $0.key == ObjectIdentifier(key) }
            if let newValue { values.append((ObjectIdentifier(key), newValue)) }
        }
    }

    /// Metadata that goes out with the response headers; has no effect once they are out.
    public func setInitialMetadata(_ metadata: Metadata) { changeResponse { $0.initial = metadata } }

    /// Metadata that goes out with an OK status. A thrown ``RPCStatus`` carries its own, and these before it.
    public func setTrailingMetadata(_ metadata: Metadata) { changeResponse { $0.trailing = metadata } }

    private func changeResponse(_ change: (inout ResponseMetadata) -> Void) {
        facts.response.withLock { response in
            var changed = response ?? ResponseMetadata()
            change(&changed)
            response = changed
        }
    }

    /// What was set so far, nil if nothing was; for whatever carries the call.
    public var responseMetadata: ResponseMetadata? { facts.response.withLock { $0 } }

    /// Whether the responses of this call are compressed, whatever the server's configuration says: with the encoding
    /// of the request, or else one that the client takes; not at all if it takes none. Has no effect once the response
    /// headers are out. A single message of a stream is left as it is by ``ResponseWriter/write(_:compress:)``.
    public func setResponseCompression(_ isWanted: Bool) { changeResponse { $0.isCompressed = isWanted } }

    /// The request message that was taken last came compressed.
    public var requestWasCompressed: Bool { facts.requestWasCompressed.load(ordering: .relaxed) }

    /// For whatever carries the call: says it of each message that it hands out.
    public func noteRequest(wasCompressed: Bool) {
        facts.requestWasCompressed.store(wasCompressed, ordering: .relaxed)
    }

    /// The deadline of the call whose handler is running. Calls made from it inherit it (DL-6).
    @TaskLocal public static var inheritedDeadline: ContinuousClock.Instant?
}

/// Names a value of one type in a ``CallContext``.
public protocol CallValueKey {
    associatedtype Value: Sendable
}

/// Who is at the other end of a connection.
public struct Peer: Hashable, Sendable, CustomStringConvertible {
    /// Behind one reference: each call has its peer.
    private final class Facts: Sendable {
        let address: String
        let tls: TLSIdentity?

        init(_ address: String, _ tls: TLSIdentity?) {
            self.address = address
            self.tls = tls
        }
    }

    private let facts: Facts

    /// Address and port as text; the path of a Unix socket.
    public var address: String { facts.address }
    /// What the handshake agreed on and what the peer proved with its certificate; nil on plaintext.
    public var tls: TLSIdentity? { facts.tls }

    public init(address: String, tls: TLSIdentity? = nil) {
        facts = Facts(address, tls)
    }

    public var description: String { address }

    public static func == (left: Peer, right: Peer) -> Bool {
        left.facts === right.facts || left.address == right.address && left.tls == right.tls
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(address) }
}

/// A verified client certificate, and what the handshake agreed on (TLS-4).
public struct TLSIdentity: Hashable, Sendable {
    /// The certificate's subject as one line; empty without a certificate, and maybe with one.
    public var subject: String
    /// DNS names, URIs and addresses, each with its kind: `DNS:node.example`, `URI:spiffe://…`.
    public var subjectAlternativeNames: [String]
    /// The verified chain in DER, the peer's own certificate first. Empty if it showed none: ask this, not the subject,
    /// whether the peer is authenticated.
    public var certificateChain: [[UInt8]]
    public var protocolVersion: String
    public var cipherSuite: String
    /// The handshake went on from an earlier connection's session. Never where client certificates are asked for.
    public var isResumed: Bool

    public init(
        subject: String, subjectAlternativeNames: [String], certificateChain: [[UInt8]] = [],
        protocolVersion: String = "", cipherSuite: String = "", isResumed: Bool = false
    ) {
        self.subject = subject
        self.subjectAlternativeNames = subjectAlternativeNames
        self.certificateChain = certificateChain
        self.protocolVersion = protocolVersion
        self.cipherSuite = cipherSuite
        self.isResumed = isResumed
    }
}
