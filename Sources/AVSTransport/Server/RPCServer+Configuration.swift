public import AVSHTTP2
public import AVSRPC

extension RPCServer {
    /// What a server listens on and what it allows. The numbers are those of section 27.
    public struct Configuration: Sendable {
        public var listeners: [Listener]
        /// Connections that wait at each listener to be accepted (CON-7). When it is full the kernel drops further
        /// SYNs, and their clients try again after a second. The kernel itself allows no more than
        /// `net.core.somaxconn`, 4,096 unless somebody set it.
        public var acceptBacklog = 4_096
        /// Per connection: timeouts, windows, streams, abuse.
        public var limits: ConnectionLimits
        /// Largest request message; a method may set its own (MSG-8).
        public var requestLimitBytes = 4 * 1024 * 1024
        /// Handlers that may be running for one connection, counting those whose stream is gone (OV-2, ATT-1).
        public var maxRunningCallsPerConnection = 200
        /// Calls that wait for one of them to return, deadlines running. Further ones are refused unprocessed, so that
        /// their clients may go elsewhere (OV-2).
        public var maxWaitingCallsPerConnection = 50
        /// Handlers that may be running over all connections. A place that becomes free goes to the connections that
        /// wait in turn.
        public var maxRunningCalls = 20_000
        /// Calls that wait over all connections, for either limit. Beyond it calls are RESOURCE_EXHAUSTED (OV-2). Few:
        /// behind thousands of handlers that do not return a long queue only makes deadlines pass.
        public var maxWaitingCalls = 1_000
        /// Open connections, those in their handshake among them; further ones are closed at once (OV-3).
        public var maxConnections = 10_000
        /// Of them with one source address; nil sets no bound. Sockets in the file system have no address.
        public var maxConnectionsPerAddress: Int?
        /// What all connections may have buffered: requests that no handler has taken, answers that no peer has. Beyond
        /// it new calls are refused and those who hold most are not read from; at twice as much they are drained
        /// (OV-3).
        public var maxBufferedBytes = 1 << 30
        /// Asked for each new connection: a text, for the log, turns it away. For what the server cannot know, such as
        /// the memory of the process.
        public var connectionRefusal: (@Sendable () -> String?)?
        /// Asked for each call: whether ``maxBufferedBytes`` is a quarter of what it says for now.
        public var tightensBuffers: (@Sendable () -> Bool)?
        /// How often clients may ping (KA-1).
        public var pings = PingPolicy()
        /// Drain a connection that had no call for this long; nil never (KA-4).
        public var maximumIdle: Duration?
        /// Drain a connection of this age, ±10 %; nil never (KA-4).
        public var maximumAge: Duration?
        /// Close a connection this long after its age drain began, whatever runs on it.
        public var maximumAgeGrace: Duration?
        /// Between the start of a drain and the first GOAWAY, for load balancers to notice (DR-2).
        public var drainDelay = Duration.zero
        /// From the start of a drain to the forced end, also if handlers hang (DR-2).
        public var drainTimeout = Duration.seconds(30)
        /// How long ``RPCServer/run()`` waits, when every connection has ended, for handlers that were cancelled: they
        /// may still use what its caller closes next. One that ignores its cancellation is logged and left behind.
        public var handlerEndTimeout = Duration.seconds(5)
        /// Compress answers with the encoding of the request, if the client takes it (CMP-7).
        public var compressesResponses = false
        /// Refuse requests without `te: trailers` (HDR-4).
        public var requiresTrailersField = false
        /// The status of an error that is not an ``RPCStatus``: the one table of the application. The cause is logged
        /// if the status is UNKNOWN or INTERNAL.
        public var statusOfError: @Sendable (any Error) -> RPCStatus = { RPCStatus($0) }

        public init(listeners: [Listener] = [Listener(.tcp(host: "127.0.0.1", port: 0))]) {
            self.listeners = listeners
            limits = ConnectionLimits()
            limits.keepaliveTime = .seconds(7_200)
        }
    }

    /// One address to listen on, in plaintext or TLS; not both on one port (TLS-7).
    public struct Listener: Sendable {
        public enum Address: Hashable, Sendable {
            /// Port 0 takes any free one.
            case tcp(host: String, port: Int)
            /// A socket in the file system; an old one at the path is removed (CON-9).
            case unix(path: String)
            /// A socket of Linux whose name is in no file system, at most 107 bytes long (CON-9). Any process of the
            /// same network namespace may connect.
            case abstract(name: String)
        }

        public var address: Address
        public var security: ConnectionSecurity

        public init(_ address: Address, security: ConnectionSecurity = .plaintext) {
            self.address = address
            self.security = security
        }
    }
}

extension RPCServer {
    /// One port for plaintext and TLS, even if on two addresses: a client that takes the wrong one would tell the
    /// network what it meant for TLS (TLS-7).
    public struct SharedPort: Error, Hashable, CustomStringConvertible {
        public let port: Int

        public var description: String { "port \(port) is to serve both plaintext and TLS; each wants its own" }
    }
}

extension RPCServer.Configuration {
    /// TLS-7, before anything is bound.
    func checkPorts() throws(RPCServer.SharedPort) {
        var schemes: [Int: String] = [:]
        for listener in listeners {
            guard case .tcp(_, let port) = listener.address, port != 0 else { continue }
            let scheme = listener.security.scheme
            guard schemes.updateValue(scheme, forKey: port) ?? scheme == scheme else {
                throw RPCServer.SharedPort(port: port)
            }
        }
    }
}
