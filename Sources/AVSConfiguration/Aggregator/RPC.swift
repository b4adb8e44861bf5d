extension AggregatorConfiguration {
    /// The rpc listener's manners: `rpc`.
    ///
    /// - Source: grpc-runtime 27.
    public struct RPC: Hashable, Sendable {
        /// Of one received message, after decompression.
        public var messageBytes = 4 << 20
        /// Calls of one connection at the same time.
        public var streamsPerConnection = 100
        /// Connections that wait to be accepted; the kernel allows no more than `net.core.somaxconn` (CON-7).
        public var acceptBacklog = 4_096
        /// Zero: as many as the machine has processors.
        public var eventLoops = 0
        /// Without received bytes for this long a PING goes out; zero never.
        public var keepaliveTime = Duration.seconds(2 * 3_600)
        public var keepaliveTimeout = Duration.seconds(20)
        /// Clients that ping more often are sent away (KA-1).
        public var permittedPingInterval = Duration.seconds(300)
        public var permitsPingsWithoutCalls = false
        /// A connection without calls ends after this; zero never.
        public var maximumIdle = Duration.zero
        /// Any connection ends gracefully after this, give or take a tenth; zero never.
        public var maximumAge = Duration.zero
        /// What its calls get then; zero all the time they need.
        public var maximumAgeGrace = Duration.zero
        /// Whether the service describes itself. In development true unless the file says otherwise (LOG-6).
        public var hasReflection = false
        /// Whether each HTTP/2 frame is logged at trace level, without the values of header fields (OB-4).
        public var logsFrames = false

        init() {}
    }
}

extension AggregatorConfiguration.RPC: ConfigurationSection {
    private static let day = Duration.seconds(86_400)

    static let keys: [Key<Self>] = [
        .value("message_size", \.messageBytes, .byteCount(64 << 10...64 << 20)),
        .value("streams_per_connection", \.streamsPerConnection, .integer(1...10_000)),
        .value("accept_backlog", \.acceptBacklog, .integer(1...65_535)),
        .value("event_loops", \.eventLoops, .integer(0...256)),
        .value("keepalive_time", \.keepaliveTime, .duration(.seconds(1)...day, zero: "never")),
        .value("keepalive_timeout", \.keepaliveTimeout, .duration(.seconds(1) ... .seconds(600))),
        .value("permitted_ping_interval", \.permittedPingInterval, .duration(.milliseconds(100)...day)),
        .value("pings_without_calls", \.permitsPingsWithoutCalls, .boolean),
        .value("max_idle", \.maximumIdle, .duration(.seconds(1)...day, zero: "never")),
        .value("max_age", \.maximumAge, .duration(.seconds(1) ... .seconds(30 * 86_400), zero: "never")),
        .value("max_age_grace", \.maximumAgeGrace, .duration(.seconds(1)...day, zero: "no bound")),
        .value("reflection", \.hasReflection, .boolean),
        .value("frame_log", \.logsFrames, .boolean),
    ]
}
