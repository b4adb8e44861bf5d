import AVSModel
public import AVSPrimitives
import AVSProto
public import AVSRPC
public import AVSTransport
import AVSWire
public import Logging
import Synchronization

/// Calls to an aggregator on behalf of one owner of tasks.
///
///     let client = try AggregatorClient(target: "127.0.0.1:2206")
///     try await client.signIn(with: key)
///     let id = try await client.createTask(task)
///     await client.close()
///
/// Methods have the names of the rpcs and speak domain values. Each throws ``ClientError`` and nothing else. Everything
/// but the signature format, signing in and nonces wants a ``session``.
///
/// Safe to use from any number of tasks at once: calls share one connection, which is opened when it is wanted.
public final class AggregatorClient: Sendable {
    /// How long calls may take and how often they are tried.
    public struct Configuration: Sendable {
        /// For a call with all its attempts.
        public var timeout = Duration.seconds(30)
        /// For ``AggregatorClient/triggerTask(_:kind:data:input:isBlocking:)`` when it waits for the run, whose own
        /// limit this is.
        public var blockingTimeout = Duration.seconds(120)
        /// Tries of a call that can safely be made twice and ended UNAVAILABLE. 1 means no retries.
        ///
        /// Reads are such calls, and what only derives or registers the same wallet again. All others are made once:
        /// after a lost answer nobody knows whether the change was made.
        public var attempts = 3
        /// Pauses between tries. Those that no longer fit into the timeout are not begun.
        public var backoff = Backoff(first: .milliseconds(250), longest: .seconds(5))
        /// TLS, keepalive and limits of the connection.
        public var channel = RPCChannel.Configuration()

        public init() {}
    }

    let configuration: Configuration
    private let channel: RPCChannel
    private let time: any TimeSource
    private let current: Mutex<Session?>

    /// Opens nothing yet.
    ///
    /// - Parameters:
    ///   - target: `host:port`, or any other form that ``Target`` names.
    ///   - session: from an earlier sign-in; see ``Session/init(token:)``.
    ///   - logger: hears of failures to connect. Silent unless given.
    /// - Throws: ``ClientError`` for a target that names no address.
    public init(
        target: String, configuration: Configuration = Configuration(), session: Session? = nil,
        time: any TimeSource = SystemTime(),
        logger: Logger = Logger(label: "avs.client") { _ in SwiftLogNoOpLogHandler() }
    ) throws {
        do {
            channel = try RPCChannel(target: target, configuration: configuration.channel, time: time, logger: logger)
        } catch {
            throw ClientError(.invalidArgument, RPCStatus(error).message)
        }
        self.configuration = configuration
        self.time = time
        current = Mutex(session)
    }

    /// Uses a channel that is there, whose own configuration counts.
    ///
    /// - Parameter channel: closed by ``close()``.
    public init(
        channel: RPCChannel, configuration: Configuration = Configuration(), session: Session? = nil,
        time: any TimeSource = SystemTime()
    ) {
        self.channel = channel
        self.configuration = configuration
        self.time = time
        current = Mutex(session)
    }

    /// Whose calls these are; nil before ``signIn(with:)``. Its token goes with every call as `authkey`.
    public var session: Session? {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }

    /// Ends calls in progress with UNAVAILABLE and closes the connection. Calls after that fail.
    public func close() async { await channel.close() }
}

/// Whether a call may be made again when nobody knows what became of it.
enum Repetition {
    case safe
    case never
}

extension AggregatorClient {
    /// One rpc: token, deadline, retries, and every failure as a ``ClientError``.
    func call<Input, Output>(
        _ method: ProtoMethod<Input, Output>, _ request: Input, _ repetition: Repetition, timeout: Duration? = nil
    ) async throws -> Output {
        try await response(method, request, repetition, timeout: timeout).message
    }

    /// ``call(_:_:_:timeout:)`` with the metadata around the answer.
    func response<Input, Output>(
        _ method: ProtoMethod<Input, Output>, _ request: Input, _ repetition: Repetition, timeout: Duration? = nil
    ) async throws -> RPCResponse<Output> {
        let deadline = time.monotonic + (timeout ?? configuration.timeout)
        var backoff = configuration.backoff
        var random = SystemRandomNumberGenerator()
        var remaining = repetition == .safe ? max(1, configuration.attempts) : 1
        while true {
            remaining -= 1
            do {
                return try await attempt(method, request, until: deadline)
            } catch let error as RPCStatus where error.code == .unavailable && remaining > 0 {
                let next = time.monotonic + backoff.next(using: &random)
                guard next < deadline else { throw ClientError(error) }
                try await pause(until: next)
            } catch {
                throw ClientError(error)
            }
        }
    }

    private func attempt<Input, Output>(
        _ method: ProtoMethod<Input, Output>, _ request: Input, until deadline: ContinuousClock.Instant
    ) async throws -> RPCResponse<Output> {
        var options = CallOptions(timeout: time.monotonic.duration(to: deadline))
        if let token = session?.token {
            do {
                try options.metadata.add("authkey", token.exposed)
            } catch {
                throw ClientError(.unauthenticated, "the token cannot be sent: only printable ASCII is allowed in it")
            }
        }
        return try await channel.unaryResponse(
            method.methodPath, request, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(), options: options)
    }

    private func pause(until instant: ContinuousClock.Instant) async throws {
        do { try await time.sleep(until: instant) } catch { throw ClientError(error) }
    }

    /// Turns an answer into domain values; one that makes no sense is INTERNAL.
    func reading<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch { throw ClientError(error) }
    }

    /// Who is signed in.
    ///
    /// - Throws: UNAUTHENTICATED without a session: such a call need not be sent.
    func signedIn() throws -> Session {
        guard let session else {
            throw ClientError(.unauthenticated, "not signed in: call signIn(with:) first", errorCode: .unauthorized)
        }
        return session
    }
}
