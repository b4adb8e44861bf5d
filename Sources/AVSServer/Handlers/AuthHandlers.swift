import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire

/// Signing in: what to sign, and a token for the signature.
struct AuthHandlers: Sendable {
    let authority: TokenAuthority
    let gate: CallGate
    let time: any TimeSource

    var methods: [RPCMethod] {
        let anonymous = RPCMethod.Options(requestLimitBytes: Authenticator.anonymousRequestLimitBytes)
        return [
            .unary(Wire.AggregatorMethods.getSignatureFormat, options: anonymous) { request, _ in
                try signatureFormat(request)
            },
            .unary(Wire.AggregatorMethods.getKey, options: anonymous) { request, _ in try key(request) },
        ]
    }

    private func signatureFormat(_ request: Wire.GetSignatureFormatReq) throws -> Wire.GetSignatureFormatResp {
        guard !request.wallet.isEmpty else {
            throw InvalidArgument(.missingRequiredField, "Wallet address is required")
        }
        guard let wallet = Address(request.wallet) else {
            throw InvalidArgument(.invalidAddress, "Invalid Ethereum wallet address format")
        }
        guard !wallet.isZero else {
            throw InvalidArgument(.invalidAddress, "Wallet address cannot be the zero address")
        }
        return .with { $0.message = authority.proposal(wallet: request.wallet, now: time.now) }
    }

    private func key(_ request: Wire.GetKeyReq) throws -> Wire.KeyResp {
        let grant = try authority.grant(message: request.message, signature: request.signature, now: time.now)
        try gate.admitSignIn(of: grant.account)
        return .with {
            $0.address = grant.account.checksummed
            $0.key = grant.token
            $0.message = request.message
            $0.expiry = UInt64(clamping: grant.expiresAt)
        }
    }
}
