public import AVSHTTP2

/// The timeouts and limits of one connection that both roles share. The numbers are those of section 27.
public struct ConnectionLimits: Sendable {
    /// Client magic and first SETTINGS must have arrived by then (CON-3).
    public var prefaceTimeout = Duration.seconds(10)
    /// Our SETTINGS must be acknowledged by then (CON-4).
    public var settingsTimeout = Duration.seconds(10)
    /// A header section must be complete this long after its first frame (ATT-11).
    public var headersTimeout = Duration.seconds(10)
    /// Without received bytes for this long a PING is sent; nil never (KA-3, KA-5).
    public var keepaliveTime: Duration?
    /// The connection is closed when nothing at all came this long after the PING (KA-3, KA-6).
    public var keepaliveTimeout = Duration.seconds(20)
    /// A socket or a stream that takes no byte for this long, while there are bytes for it, is given up (FC-9).
    public var stallTimeout = Duration.seconds(60)
    /// The second GOAWAY of a drain goes out when the PING is answered, at the latest after this (DR-1).
    public var drainPingTimeout = Duration.seconds(5)
    /// After our last byte the peer's are read and dropped for this long, so that the kernel does not reset what is on
    /// its way (DR-3).
    public var lingerTimeout = Duration.seconds(1)
    /// A call's writer waits while the stream has more unsent bytes than this (FC-7, LIM-4).
    public var unsentLimitBytes = 64 * 1024
    /// Reading stops while this many frames wait to be sent, and the connection ends at ten times as many (ATT-7).
    public var queuedFrameLimit = 1_000
    /// How far the windows of streams may grow from what ``http2`` says, while a connection is measured to fill them
    /// (FC-10); nil leaves them as they are. A server's also stay so small that the streams of one connection cannot
    /// fill its buffers' budget alone; a client has no such budget, and its callers' slowness costs up to this for each
    /// call.
    public var streamWindowLimitBytes: Int? = WindowEstimate.greatestBytes
    /// Windows, header limits, streams.
    public var http2 = HTTP2Configuration()
    /// Log each frame at trace level: its type, stream and size, and of header fields the names with the lengths of
    /// their values (OB-4). Only while the connection's logger is at that level when it opens.
    public var logsFrames = false
    /// Buckets against abuse.
    public var abuse = AbuseGuard.Limits()

    public init() {}
}
