/// Sees each call before its request is decoded, and again when it has ended.
///
///     struct Authentication: ServerInterceptor {
///         func admit(_ call: inout CallContext) async throws {
///             guard let token = call.metadata["authkey"] else { throw RPCStatus(.unauthenticated, "…") }
///             call[CallerKey.self] = try await verify(token)
///         }
///     }
///
/// Interceptors run in the order given. For methods that take one request they run when it is complete on the wire, and
/// before any of it is decoded, or as soon as more of it arrived than an anonymous peer may store; so a peer that opens
/// and resets streams starts nothing (ATT-1). For methods that take a stream of requests they run at the headers.
///
/// Who also wants messages or the status is a ``ServerCallInterceptor``.
public protocol ServerInterceptor: Sendable {
    /// Admits the call or refuses it by throwing, an ``RPCStatus`` as a rule. May attach values for the handler, and
    /// change the metadata that it sees.
    func admit(_ call: inout CallContext) async throws

    /// The call is over; called once for each call that `admit` saw, on the connection's event loop. Must not block.
    func ended(_ call: CallContext, with status: RPCStatus)
}

extension ServerInterceptor {
    public func admit(_ call: inout CallContext) async throws {}
    public func ended(_ call: CallContext, with status: RPCStatus) {}
}

/// Stands around the handler of each call: sees and changes its messages, its metadata and its status, or answers in
/// its place (CH-8).
///
///     struct Masking: ServerCallInterceptor {
///         func intercept(
///             _ call: any ServerCallChannel, _ context: CallContext, next: Next
///         ) async throws {
///             do {
///                 try await next(call.mapping(responses: { mask($0) }), context)
///             } catch let status as RPCStatus where status.code == .notFound {
///                 throw RPCStatus(.permissionDenied, "…")
///             }
///         }
///     }
///
/// All interceptors have admitted a call before the first one stands around it; that one is the outermost. Messages are
/// bytes: a codec makes them a type, as it does for the handler. A server without one of these does nothing for them,
/// and a call goes straight to its handler.
public protocol ServerCallInterceptor: ServerInterceptor {
    typealias Next = @Sendable (_ call: any ServerCallChannel, _ context: CallContext) async throws -> Void

    /// Runs the call by `next`, with the same channel or one that stands before it, or without `next` reads and writes
    /// itself. What it throws is how the call ends.
    ///
    /// A handler that returns one response writes it to `call` before `next` returns; it goes out when the outermost
    /// interceptor has returned, and not at all if that throws.
    ///
    /// - Parameter next: throws an ``RPCStatus``, whatever the handler threw.
    func intercept(_ call: any ServerCallChannel, _ context: CallContext, next: Next) async throws
}

extension ServerCallChannel {
    /// This call with other messages: what a handler reads and writes goes through these functions.
    ///
    /// What they throw is thrown where the handler reads or writes.
    public func mapping(
        requests: (@Sendable ([UInt8]) async throws -> [UInt8])? = nil,
        responses: (@Sendable ([UInt8]) async throws -> [UInt8])? = nil
    ) -> any ServerCallChannel {
        MappedServerCall(self, requests, responses)
    }
}

private final class MappedServerCall: ServerCallChannel {
    private let call: any ServerCallChannel
    private let requests: (@Sendable ([UInt8]) async throws -> [UInt8])?
    private let responses: (@Sendable ([UInt8]) async throws -> [UInt8])?

    init(
        _ call: any ServerCallChannel, _ requests: (@Sendable ([UInt8]) async throws -> [UInt8])?,
        _ responses: (@Sendable ([UInt8]) async throws -> [UInt8])?
    ) {
        (self.call, self.requests, self.responses) = (call, requests, responses)
    }

    func nextMessage() async throws -> [UInt8]? {
        guard let message = try await call.nextMessage() else { return nil }
        guard let requests else { return message }
        return try await requests(message)
    }

    func write(_ message: [UInt8], compress: Bool) async throws {
        guard let responses else { return try await call.write(message, compress: compress) }
        try await call.write(responses(message), compress: compress)
    }

    func sendHeaders() async throws { try await call.sendHeaders() }
}
