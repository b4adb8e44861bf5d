public import AVSPrimitives
public import AVSRPC
public import AVSTransport
public import Logging

/// Calls to an aggregator on behalf of one owner of tasks.
///
///     let client = try AggregatorClient(target: "127.0.0.1:2206", signer: key)
///     let wallet = try await client.getWallet().wallet.address
///     for try await task in client.tasks(of: [wallet]) { print(task.name) }
///     await client.close()
///
/// Methods have the names of the rpcs and speak domain values; what comes in pages is a ``Listing`` and has the name of
/// what is in it. Each throws ``AggregatorError`` and nothing else. Everything but the signature format, signing in and
/// nonces wants a ``session``, which a client with a signer gets by itself.
///
/// Safe to use from any number of tasks at once: calls share one connection, which is opened when it is wanted.
/// Cancelling the task that makes a call ends the call at once.
public final class AggregatorClient: Sendable {
    /// How long calls may take and how often they are made.
    public struct Configuration: Sendable {
        /// For a call with all its attempts (aggregator-api 2.16).
        public var timeout = Duration.seconds(30)
        /// For calls that wait for something to run: blocking triggers, trials and simulations, withdrawals.
        public var blockingTimeout = Duration.seconds(120)
        /// Tries of a call that can safely be made twice and ended UNAVAILABLE, or was told to come back later. 1 means
        /// no retries.
        ///
        /// Reads are such calls, what only derives or registers the same wallet again, and every change that has an
        /// ``IdempotencyKey``. All others are made once: after a lost answer nobody knows whether the change was made.
        public var attempts = 3
        /// Pauses between tries, ±20 %; an aggregator that names a pause gets that one. Those that no longer fit into
        /// the timeout are not begun.
        public var backoff = Backoff(first: .milliseconds(250), longest: .seconds(5))
        /// TLS, keepalive and limits of the connection.
        public var channel = RPCChannel.Configuration()

        public init() {}
    }

    let configuration: Configuration
    let channel: RPCChannel
    let time: any TimeSource
    let signer: (any SignInSigner)?
    let keeper: SessionKeeper

    /// Opens nothing yet.
    ///
    /// - Parameters:
    ///   - target: `host:port`, or any other form that `AVSTransport.Target` names.
    ///   - configuration: times and tries of calls, and the connection.
    ///   - session: from an earlier sign-in; see ``Session/init(token:)``.
    ///   - signer: signs in before the first call that wants a session, and again, once per call, when the token is not
    ///     accepted any more. Without one that is yours to do: ``signIn(with:)``.
    ///   - time: the clocks; the machine's own unless tests turn the hands.
    ///   - logger: hears of failures to connect. Silent unless given.
    /// - Throws: ``AggregatorError/invalidArgument(field:_:)`` for a target that names no address.
    public init(
        target: String, configuration: Configuration = Configuration(), session: Session? = nil,
        signer: (any SignInSigner)? = nil, time: any TimeSource = SystemTime(),
        logger: Logger = Logger(label: "avs.client") { _ in SwiftLogNoOpLogHandler() }
    ) throws(AggregatorError) {
        do {
            channel = try RPCChannel(target: target, configuration: configuration.channel, time: time, logger: logger)
        } catch {
            throw .invalid("target", RPCStatus(error).message)
        }
        self.configuration = configuration
        self.time = time
        self.signer = signer
        keeper = SessionKeeper(session)
    }

    /// Uses a channel that is there, whose own configuration counts.
    ///
    /// - Parameters:
    ///   - channel: closed by ``close()``.
    ///   - configuration: times and tries of calls; what it says of the connection does not count.
    ///   - session: from an earlier sign-in.
    ///   - signer: signs in and renews the session, as above.
    ///   - time: the clocks.
    public init(
        channel: RPCChannel, configuration: Configuration = Configuration(), session: Session? = nil,
        signer: (any SignInSigner)? = nil, time: any TimeSource = SystemTime()
    ) {
        self.channel = channel
        self.configuration = configuration
        self.time = time
        self.signer = signer
        keeper = SessionKeeper(session)
    }

    private init(like other: AggregatorClient, configuration: Configuration) {
        (channel, time, signer, keeper) = (other.channel, other.time, other.signer, other.keeper)
        self.configuration = configuration
    }

    /// The same client, connection and session with other times and tries for its calls.
    ///
    ///     let status = try await client.with { $0.timeout = .seconds(5) }.getExecutionStatus(id, of: task)
    ///
    /// What concerns the connection stays as it is.
    public func with(_ change: (inout Configuration) -> Void) -> AggregatorClient {
        var configuration = configuration
        change(&configuration)
        return AggregatorClient(like: self, configuration: configuration)
    }

    /// Whose calls these are; nil before the first sign-in. Its token goes with every call as `authkey`.
    public var session: Session? {
        get { keeper.session }
        set { keeper.session = newValue }
    }

    /// Ends calls in progress with UNAVAILABLE and closes the connection, of all clients that came from this one by
    /// ``with(_:)`` too. Calls after that fail.
    public func close() async { await channel.close() }
}
