public import AVSModel
public import AVSPrimitives
import AVSProto
import AVSRPC
public import AVSTransport
import AVSWire
public import Logging

/// What an operator asks of the aggregator: signs of life, the stream of what to watch, reports.
///
///     let client = try OperatorClient(
///         target: "aggregator.example:2206", credentials: credentials, time: SystemTime(), logger: logger)
///     try await client.follow { event in … }      // what to watch, connecting again and again
///     let outcome = await client.report(fired)    // a trigger held
///     await client.close()
///
/// It looks like the reference network's operator to any aggregator: same metadata, same payloads, same request ids.
///
/// - Source: aggregator-api 3.5, 6.1, 6.8, 6.15.
public final class OperatorClient: Sendable {
    public struct Configuration: Sendable {
        /// The operator's id, 64 hex digits without `0x`. Derived from BLS material at the reference; nobody checks it.
        public var operatorID = String(repeating: "0", count: 64)
        /// What check-ins call our version.
        public var version = "1.0.0"
        /// What we are able to watch.
        public var capabilities = OperatorCapabilities.all
        /// Of every call but the stream and the attempts of a report. The reference's operator waits for ever.
        public var callTimeout = Duration.seconds(5)
        public var retry = RetryPolicy()
        public var reconnect = ReconnectPolicy()

        public init() {}
    }

    public let credentials: OperatorCredentials
    let channel: RPCChannel
    let configuration: Configuration
    let time: any TimeSource
    let logger: Logger

    /// - Parameter channel: ours from now on; ``close()`` closes it.
    public init(
        channel: RPCChannel, credentials: OperatorCredentials, configuration: Configuration = Configuration(),
        time: any TimeSource, logger: Logger
    ) {
        self.channel = channel
        self.credentials = credentials
        self.configuration = configuration
        self.time = time
        self.logger = logger
    }

    /// Connects when the first call is made.
    ///
    /// - Parameters:
    ///   - target: `host:port`, or any other form of `Target`.
    ///   - security: TLS, or plaintext to an aggregator on the same machine.
    /// - Throws: `RPCStatus` for a target that names no address.
    public convenience init(
        target: String, security: ConnectionSecurity = .plaintext, credentials: OperatorCredentials,
        configuration: Configuration = Configuration(), time: any TimeSource, logger: Logger
    ) throws {
        var options = RPCChannel.Configuration()
        options.security = security
        options.userAgentPrefix = "avs-operator/\(configuration.version)"
        // A check-in is answered every few seconds, so silence means a dead connection; in health no PING is ever sent.
        options.limits.keepaliveTime = .seconds(30)
        // Shorter than the two minutes of other clients: all operators are to be back within one (OVL-13).
        options.backoff = Backoff(first: .seconds(1), longest: .seconds(15))
        let channel = try RPCChannel(target: target, configuration: options, time: time, logger: logger)
        self.init(
            channel: channel, credentials: credentials, configuration: configuration, time: time, logger: logger)
    }

    /// Ends open calls and closes the connection.
    public func close() async { await channel.close() }

    // MARK: Signs of life

    /// Whether the aggregator answers at all. Needs no signature.
    ///
    /// - Returns: its own clock.
    /// - Throws: `RPCStatus`.
    @discardableResult
    public func healthCheck() async throws -> Timestamp {
        let request = Wire.HealthCheckRequest.with { $0.operatorAddress = credentials.address.checksummed }
        let answer = try await call(Wire.NodeMethods.healthCheck, request, timeout: configuration.callTimeout)
        return Timestamp(milliseconds: Int64(clamping: answer.timestamp))
    }

    /// Tells that the operator is there.
    ///
    /// - Throws: `RPCStatus`.
    public func ping(_ checkIn: CheckIn) async throws -> PingAnswer {
        let request = Wire.Checkin.with {
            $0.id = configuration.operatorID
            $0.address = credentials.address.checksummed
            $0.version = configuration.version
            $0.metricsPort = Int32(checkIn.metricsPort)
            $0.remoteIP = checkIn.remoteIP
            $0.blockNumber = Int64(clamping: checkIn.blockNumber)
            $0.eventCount = Int64(clamping: checkIn.eventCount)
        }
        let sentAt = (wall: time.now, monotonic: time.monotonic)
        let answer = try await call(Wire.NodeMethods.ping, request, timeout: configuration.callTimeout)
        let roundTrip = time.monotonic - sentAt.monotonic
        let serverTime = answer.updatedAt.map { Timestamp($0) }
        let offset = serverTime?.duration(since: sentAt.wall.adding(roundTrip / 2))
        return PingAnswer(serverTime: serverTime, roundTrip: roundTrip, clockOffset: offset)
    }

    // MARK: One shape for the unary calls

    func call<Input, Output>(
        _ method: ProtoMethod<Input, Output>, _ request: Input, timeout: Duration
    ) async throws -> Output {
        let options = CallOptions(metadata: try authorization(), timeout: timeout)
        return try await channel.unary(
            method.methodPath, request, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(), options: options)
    }

    func authorization() throws -> Metadata {
        var metadata = Metadata()
        try metadata.add("authorization", try credentials.authorization(at: time.now))
        return metadata
    }
}

/// What an operator says of itself every few seconds.
public struct CheckIn: Hashable, Sendable {
    public var metricsPort: UInt16
    /// How others reach us; empty leaves it to the aggregator.
    public var remoteIP: String
    /// The newest block that we have seen on the default chain.
    public var blockNumber: UInt64
    /// Logs that we have looked at since our start.
    public var eventCount: UInt64

    public init(metricsPort: UInt16 = 0, remoteIP: String = "", blockNumber: UInt64 = 0, eventCount: UInt64 = 0) {
        self.metricsPort = metricsPort
        self.remoteIP = remoteIP
        self.blockNumber = blockNumber
        self.eventCount = eventCount
    }
}

/// The answer to a check-in.
public struct PingAnswer: Hashable, Sendable {
    /// The aggregator's clock; nil if it does not tell.
    public var serverTime: Timestamp?
    public var roundTrip: Duration
    /// How far the aggregator's clock is ahead of ours, as well as half a round trip tells.
    public var clockOffset: Duration?

    public init(serverTime: Timestamp?, roundTrip: Duration, clockOffset: Duration?) {
        self.serverTime = serverTime
        self.roundTrip = roundTrip
        self.clockOffset = clockOffset
    }
}

extension Timestamp {
    init(_ wire: WellKnown.Timestamp) {
        let whole = Timestamp(seconds: wire.seconds)
        self = whole.adding(.nanoseconds(Int64(wire.nanos)))
    }
}
