import AVSModel
import AVSPrimitives
import AVSRPC

/// Who calls, once that is proven. A value, not a header.
enum Caller: Hashable, Sendable {
    /// The owner of an externally owned account, by a token.
    case user(Address)
    /// An operator, by a signature over its address and the time; the address itself is in the request.
    case node(OperatorCredential)

    struct Key: CallValueKey { typealias Value = Caller }
}

/// The API key that a call is made with, or with a token made by it.
struct APIKeyUse: Hashable, Sendable, CallValueKey {
    typealias Value = APIKeyUse

    var id: APIKeyID
    var rates: APIKeyRates

    init(_ key: APIKey) {
        id = key.id
        rates = key.rates
    }
}

/// Who calls `aggregator.Admin`.
enum AdminCaller: CallValueKey { typealias Value = Administrator }

extension CallContext {
    /// - Throws: UNAUTHENTICATED when no interceptor proved one: a method without its authentication is our mistake.
    var administrator: Administrator {
        get throws(RPCStatus) {
            guard let administrator = self[AdminCaller.self] else {
                throw RPCStatus(.unauthenticated, .unauthorized, "Admin authentication error: missing auth header")
            }
            return administrator
        }
    }

    /// The account on whose behalf the call is made.
    /// - Throws: UNAUTHENTICATED when no interceptor proved one: a method without its authentication is our mistake.
    var user: Address {
        get throws(RPCStatus) {
            guard case .user(let address) = self[Caller.Key.self] else {
                throw RPCStatus(.unauthenticated, .unauthorized, "User authentication error: missing auth header")
            }
            return address
        }
    }

    /// The operator that makes the call, if its credential fits `address`.
    func node(
        _ text: String, _ authentication: OperatorAuthentication, _ aliases: OperatorAliases?
    ) async throws(RPCStatus) -> Address {
        guard let address = Address(text) else {
            throw RPCStatus(.invalidArgument, .invalidAddress, "operator address is not a hex address")
        }
        guard authentication.mode != .off else { return address }
        guard case .node(let credential) = self[Caller.Key.self], await credential.isSigned(for: address, aliases)
        else {
            guard authentication.mode == .log else {
                throw RPCStatus(.unauthenticated, .unauthorized, "User Auth key is invalid")
            }
            return address
        }
        return address
    }
}
