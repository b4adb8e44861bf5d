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
public protocol ServerInterceptor: Sendable {
    /// Admits the call or refuses it by throwing, an ``RPCStatus`` as a rule. May attach values for the handler.
    func admit(_ call: inout CallContext) async throws

    /// The call is over; called once for each call that `admit` saw, on the connection's event loop. Must not block.
    func ended(_ call: CallContext, with status: RPCStatus)
}

extension ServerInterceptor {
    public func admit(_ call: inout CallContext) async throws {}
    public func ended(_ call: CallContext, with status: RPCStatus) {}
}
