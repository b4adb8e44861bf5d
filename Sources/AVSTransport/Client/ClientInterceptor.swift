public import AVSRPC
import Synchronization

/// Sees each call of a channel before it is sent: credentials, trace ids (CH-7, CH-8).
///
/// Interceptors run in the order given. Who also wants messages or the status is a ``ClientCallInterceptor``.
public protocol ClientInterceptor: Sendable {
    /// May change the options, or end the call by throwing.
    func prepare(_ method: MethodPath, _ options: inout CallOptions) async throws

    /// The call is over; called once for each call that was sent, on the channel's event loop. Must not block.
    func ended(_ method: MethodPath, with status: RPCStatus)
}

extension ClientInterceptor {
    public func prepare(_ method: MethodPath, _ options: inout CallOptions) async throws {}
    public func ended(_ method: MethodPath, with status: RPCStatus) {}
}

/// Opens the calls of a channel: sees and changes their messages, metadata and status, makes a call more than once, or
/// answers in the server's place (CH-8).
///
///     struct Stopwatch: ClientCallInterceptor {
///         func open(
///             _ method: MethodPath, _ kind: CallKind, _ options: CallOptions, next: Next
///         ) async throws -> any ClientCallChannel {
///             let began = clock.now
///             return try await next(options).mapping(end: { status in
///                 record(method, status.code, began.duration(to: clock.now))
///                 return status
///             })
///         }
///     }
///
/// All interceptors have prepared a call, and its credentials are in its metadata, before the first one opens it; that
/// one is nearest to the caller. Messages are bytes: a codec makes them a type, as it does for the caller. A channel
/// without one of these does nothing for them.
public protocol ClientCallInterceptor: ClientInterceptor {
    typealias Next = @Sendable (_ options: CallOptions) async throws -> any ClientCallChannel

    /// Returns what the caller writes to and reads from: the call that `next` has opened, or one that stands before it.
    /// Every call that `next` opened is over when the caller's is.
    func open(
        _ method: MethodPath, _ kind: CallKind, _ options: CallOptions, next: @escaping Next
    ) async throws -> any ClientCallChannel
}

/// A call as interceptors see it: messages as bytes.
public protocol ClientCallChannel: AnyObject, Sendable {
    /// Sends one request; waits while the server does not keep up (FC-7).
    ///
    /// - Throws: ``RPCStatus`` once a call that streams requests is over; its own status is what the responses end
    ///   with.
    func write(_ message: [UInt8], compress: Bool) async throws

    /// No more requests (MSG-11).
    func finishRequests()

    /// The next response; nil after the last one of a call that went well. One caller at a time.
    ///
    /// - Throws: any other status.
    func nextMessage() async throws -> [UInt8]?

    /// The response that was taken last came compressed.
    var lastWasCompressed: Bool { get }

    /// What came with the response headers; waits for them.
    var responseMetadata: Metadata { get async throws }

    /// How the call ended, with trailing metadata; waits until the responses before it are taken.
    var status: RPCStatus { get async throws }
}

extension ClientCallChannel {
    /// This call with other messages, other metadata, another end: what the caller writes and reads goes through these
    /// functions.
    ///
    /// What they throw is thrown where the caller writes or reads.
    ///
    /// - Parameter end: makes of the server's status, with its trailing metadata, what the caller gets; also of a local
    ///   failure. Called once as a rule, and never for what the others throw.
    public func mapping(
        requests: (@Sendable ([UInt8]) async throws -> [UInt8])? = nil,
        responses: (@Sendable ([UInt8]) async throws -> [UInt8])? = nil,
        responseMetadata: (@Sendable (Metadata) -> Metadata)? = nil, end: (@Sendable (RPCStatus) -> RPCStatus)? = nil
    ) -> any ClientCallChannel {
        MappedClientCall(
            self, requests: requests, responses: responses, metadata: responseMetadata, end: end)
    }
}

private final class MappedClientCall: ClientCallChannel {
    private let call: any ClientCallChannel
    private let requests: (@Sendable ([UInt8]) async throws -> [UInt8])?
    private let responses: (@Sendable ([UInt8]) async throws -> [UInt8])?
    private let metadata: (@Sendable (Metadata) -> Metadata)?
    private let end: (@Sendable (RPCStatus) -> RPCStatus)?
    /// What `end` said, for all who ask.
    private let decided = Mutex<RPCStatus?>(nil)

    init(
        _ call: any ClientCallChannel, requests: (@Sendable ([UInt8]) async throws -> [UInt8])?,
        responses: (@Sendable ([UInt8]) async throws -> [UInt8])?, metadata: (@Sendable (Metadata) -> Metadata)?,
        end: (@Sendable (RPCStatus) -> RPCStatus)?
    ) {
        (self.call, self.requests, self.responses, self.metadata, self.end) = (call, requests, responses, metadata, end)
    }

    func write(_ message: [UInt8], compress: Bool) async throws {
        guard let requests else { return try await call.write(message, compress: compress) }
        try await call.write(requests(message), compress: compress)
    }

    func finishRequests() { call.finishRequests() }

    func nextMessage() async throws -> [UInt8]? {
        let message: [UInt8]?
        do {
            message = try await call.nextMessage()
        } catch let status as RPCStatus {
            let status = ending(with: status)
            if status.isOK { return nil }
            throw status
        }
        if let message { return try await responses?(message) ?? message }
        guard end != nil else { return nil }
        let status = ending(with: try await call.status)
        if status.isOK { return nil }
        throw status
    }

    var lastWasCompressed: Bool { call.lastWasCompressed }

    var responseMetadata: Metadata {
        get async throws {
            let received = try await call.responseMetadata
            return metadata?(received) ?? received
        }
    }

    var status: RPCStatus { get async throws { ending(with: try await call.status) } }

    private func ending(with status: RPCStatus) -> RPCStatus {
        guard let end else { return status }
        if let decided = decided.withLock({ $0 }) { return decided }
        let made = end(status)
        return decided.withLock { decided in
            decided = decided ?? made
            return decided ?? made
        }
    }
}

/// Sees the attempts of one call, and its end: for spans (OB-3). An interceptor adds one to
/// ``CallOptions/tracers`` of each call that it wants to follow.
///
/// All of it on the channel's event loop. Must not block.
public protocol CallTracer: Sendable {
    /// The call's headers are about to be sent.
    ///
    /// - Parameters:
    ///   - number: from 1; further ones are what retries make, and what is sent again because a server did not process
    ///     it.
    ///   - peer: the server's address.
    ///   - metadata: of this attempt; `traceparent` and `grpc-trace-bin` go here.
    func attemptBegan(_ number: Int, to peer: String, metadata: inout Metadata)

    /// Called once for each attempt that began.
    func attemptEnded(_ number: Int, with status: RPCStatus)

    /// Called once, last. The status is the server's, or that of a local failure; interceptors may tell the caller
    /// another one.
    func callEnded(with status: RPCStatus)
}

extension CallTracer {
    public func attemptBegan(_ number: Int, to peer: String, metadata: inout Metadata) {}
    public func attemptEnded(_ number: Int, with status: RPCStatus) {}
    public func callEnded(with status: RPCStatus) {}
}
