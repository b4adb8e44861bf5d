public import AVSTLS
import Synchronization

/// TLS on the connections of a listener or a channel.
public struct TLSSecurity: Sendable {
    /// Whose newest context each new connection takes.
    public var contexts: TLSContexts
    /// From the start of the connection to the end of the handshake (CON-3, TLS-6).
    public var handshakeTimeout = Duration.seconds(10)
    /// Handshakes that a listener lets go on at the same time on one event loop; further connections are closed at once
    /// (TLS-6). One costs about a millisecond of the processor, so these are a fraction of a second.
    public var maxHandshakesPerLoop = 128
    /// A client's: the name that the server's certificate must be good for, if not the host of `:authority` (TLS-3).
    public var serverName: String?

    public init(_ contexts: TLSContexts) { self.contexts = contexts }

    /// With certificates that stay.
    public init(_ context: TLSContext) { contexts = TLSContexts(context) }
}

/// Where connections get their TLS context: replaced when certificates are renewed.
///
/// New handshakes take the new context; open connections live on with theirs and age out (TLS-5).
public final class TLSContexts: Sendable {
    private let context: Mutex<TLSContext>

    public init(_ context: TLSContext) { self.context = Mutex(context) }

    public var current: TLSContext { context.withLock { $0 } }

    public func replace(with new: TLSContext) { context.withLock { $0 = new } }
}
