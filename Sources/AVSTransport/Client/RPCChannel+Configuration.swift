public import AVSRPC

extension RPCChannel {
    /// How calls are spread over the addresses of a target (CH-4).
    public enum LoadBalancing: Hashable, Sendable {
        /// The first address that is ready serves all calls.
        case pickFirst
        /// Each address has a connection, and calls take those that are ready in turn.
        case roundRobin
    }

    /// How a channel connects and what its calls are allowed. The numbers are those of section 27.
    public struct Configuration: Sendable {
        public var limits = ConnectionLimits()
        public var security = ConnectionSecurity.plaintext
        /// Largest response message (CH-9).
        public var responseLimitBytes = 4 * 1024 * 1024
        /// One attempt to connect, up to the server's SETTINGS (CH-2).
        public var connectTimeout = Duration.seconds(20)
        public var backoff = Backoff()
        /// What to do with several addresses (CH-4).
        public var loadBalancing = LoadBalancing.pickFirst
        /// Try the addresses in a random order, so that many clients of `pickFirst` do not all take the same one
        /// (CH-4).
        public var shufflesAddresses = false
        /// Who knows the addresses of names (CH-3).
        public var resolver: any NameResolver = SystemResolver()
        /// A name is resolved again when a connection was lost, but not before this long after the last time (CH-3).
        public var resolutionInterval = Duration.seconds(30)
        /// Watch the health of this service on each connection: it is ready while the server says SERVING (HL-5). Empty
        /// asks for the server as a whole; nil asks for nothing. With several addresses `roundRobin` goes round those
        /// that are well; `pickFirst` stays where it has connected.
        public var healthService: String?
        /// Close the connection after this long without calls; the next call opens another (CH-1).
        public var idleTimeout = Duration.seconds(30 * 60)
        /// `:authority` of all calls, if not the target's host and port (CH-5).
        public var authority: String?
        /// Goes in front of this runtime's own name in `user-agent` (HDR-15).
        public var userAgentPrefix: String?
        /// What is kept of a request until its answer begins, so that a call which the server did not process can be
        /// sent again (RT-2).
        public var retryBufferBytes = 256 * 1024
        /// The same for all calls together; a call that would pass it is not made again (RT-3).
        public var retryBufferBytesOfChannel = 1024 * 1024
        /// When calls that failed are made again, unless they say otherwise; nil never.
        public var retryPolicy: RetryPolicy?
        /// What calls have where they say nothing themselves: by method (`/package.Service/Method`), else by service
        /// (`/package.Service/`), else for all (`/`); the first that is found counts (RT-6).
        public var callPolicies: [String: CallPolicy] = [:]
        /// Shared by all calls of the channel (RT-5).
        public var retryThrottle = RetryThrottle()
        /// See each call before it is sent, those that want it from its beginning to its end (CH-8).
        public var interceptors: [any ClientInterceptor] = []

        public init() {
            limits.lingerTimeout = .zero
        }

        var userAgent: String {
            let own = "grpc-swift-avs/1.0"
            return userAgentPrefix.map { "\($0) \(own)" } ?? own
        }
    }
}

/// What the calls of a method, of a service or of a channel have where they say nothing themselves (RT-6).
public struct CallPolicy: Sendable {
    /// The shorter one of this and the call's own counts.
    public var timeout: Duration?
    /// Wait for a connection; a call that wants to waits in any case.
    public var waitForReady = false
    public var retryPolicy: RetryPolicy?
    /// Largest response message.
    public var responseLimitBytes: Int?

    public init() {}

    func apply(to options: inout CallOptions) {
        if let timeout { options.timeout = options.timeout.map { min($0, timeout) } ?? timeout }
        if waitForReady { options.waitForReady = true }
        options.retryPolicy = options.retryPolicy ?? retryPolicy
        options.responseLimitBytes = options.responseLimitBytes ?? responseLimitBytes
    }
}

/// What one call asks for beside its request.
public struct CallOptions: Sendable {
    public var metadata: Metadata
    /// From the start of the call to its end. Calls made from a handler are also bound by the handler's deadline
    /// (DL-6).
    public var timeout: Duration?
    /// Wait through failures to connect, until the deadline, instead of failing at once (RT-1).
    public var waitForReady: Bool
    /// Who makes the call; fetched when it starts, and added to ``metadata`` (CH-7).
    public var credentials: CallCredentials?
    /// When to make the call again; nil takes the channel's policy (RT-3).
    public var retryPolicy: RetryPolicy?
    /// Compress requests with this; the server must know it.
    public var requestEncoding = MessageEncoding.identity
    /// Largest response message; nil takes the channel's limit.
    public var responseLimitBytes: Int?
    /// See the call's attempts and its end (OB-3); interceptors add theirs.
    public var tracers: [any CallTracer] = []

    public init(metadata: Metadata = Metadata(), timeout: Duration? = nil, waitForReady: Bool = false) {
        self.metadata = metadata
        self.timeout = timeout
        self.waitForReady = waitForReady
    }
}

/// A response with what came around it.
public struct RPCResponse<Message: Sendable>: Sendable {
    public var message: Message
    public var initialMetadata: Metadata
    public var trailingMetadata: Metadata
    /// The message came compressed.
    public var wasCompressed: Bool
}
