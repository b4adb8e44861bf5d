import AVSModel
import AVSPrimitives
import AVSRPC

/// Proves who calls, from the headers alone, before a byte of the message is decoded.
struct Authenticator: ServerInterceptor {
    /// The largest request of a caller that proved nothing (design: anonymous rpcs accept 16 KiB).
    static let anonymousRequestLimitBytes = 16 << 10

    private let authority: TokenAuthority
    private let operators: OperatorAuthentication
    private let time: any TimeSource
    private let anonymous: Set<String>
    private let gate: CallGate

    /// - Parameters:
    ///   - anonymous: paths that everybody may call.
    ///   - gate: counts the calls of those who prove nothing.
    init(
        authority: TokenAuthority, operators: OperatorAuthentication, anonymous: Set<String>, gate: CallGate,
        time: any TimeSource
    ) {
        self.authority = authority
        self.operators = operators
        self.anonymous = anonymous
        self.gate = gate
        self.time = time
    }

    func admit(_ call: inout CallContext) async throws {
        guard !anonymous.contains(call.method.text) else { return }
        do throws(RPCStatus) {
            if call.method.service == "aggregator.Node" {
                try authenticateOperator(&call)
            } else {
                try authenticateUser(&call)
            }
        } catch {
            try gate.admitStranger(call)
            throw error
        }
    }

    private func authenticateUser(_ call: inout CallContext) throws(RPCStatus) {
        let holder: TokenAuthority.Holder
        do {
            holder = try authority.holder(of: call.metadata["authkey"], now: time.now)
        } catch {
            // The reference words this one rpc differently, and clients match the words (2.3).
            let start = call.method.method == "CreateTask" ? "User Auth key is invalid" : "User authentication error"
            let code: ErrorCode = error.isExpired ? .expiredToken : .unauthorized
            throw RPCStatus(.unauthenticated, code, "\(start): \(error.reason)")
        }
        if let scopes = holder.scopes { try CallScope.check(scopes, call.method) }
        call[Caller.Key.self] = .user(holder.account)
        call[APIKeyUse.self] = holder.key
    }

    private func authenticateOperator(_ call: inout CallContext) throws(RPCStatus) {
        guard operators.mode != .off else { return }
        do {
            call[Caller.Key.self] = .node(
                try OperatorCredential(
                    authorization: call.metadata["authorization"], now: time.now, tolerance: operators.clockTolerance))
        } catch {
            guard operators.mode == .log else { throw error }
        }
    }
}
