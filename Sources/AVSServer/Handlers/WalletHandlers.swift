import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire
import Logging

/// Smart wallets of the caller.
///
/// - Source: aggregator-api 2.7.
struct WalletHandlers: Sendable {
    let engine: TaskEngine
    let logger: Logger

    var methods: [RPCMethod] {
        let anonymous = RPCMethod.Options(requestLimitBytes: Authenticator.anonymousRequestLimitBytes)
        return [
            .unary(Wire.AggregatorMethods.getNonce, options: anonymous) { request, _ in try await nonce(request) },
            .unaryOnce(Wire.AggregatorMethods.getWallet, engine) { request, call, once in
                try await wallet(request, owner: call.user, once)
            },
            .unaryOnce(Wire.AggregatorMethods.setWallet, engine) { request, call, once in
                try await setWallet(request, owner: call.user, once)
            },
            .unary(Wire.AggregatorMethods.listWallets) { request, call in try await list(request, owner: call.user) },
        ]
    }

    private func nonce(_ request: Wire.NonceRequest) async throws -> Wire.NonceResp {
        guard let sender = Address(request.owner) else {
            throw InvalidArgument(.invalidAddress, "owner is not a hex address")
        }
        do {
            let nonce = try await engine.wallets.nonce(of: sender)
            return .with { $0.nonce = nonce.description }
        } catch {
            logger.error("nonce could not be read", metadata: ["sender": "\(sender)", "error": "\(error)"])
            throw RPCStatus(.unavailable, .smartWalletRPCError, "cannot determine nonce for smart wallet")
        }
    }

    private func wallet(
        _ request: Wire.GetWalletReq, owner: Address, _ once: Once
    ) async throws -> Wire.GetWalletResp {
        let named = try factory(request.factoryAddress, else: "invalid factory address")
        let shown = request.salt.prefix(80)
        if RequestText.isNegative(request.salt) {
            let text = "invalid salt value: must be a non-negative integer, got \(shown)"
            throw InvalidArgument(.invalidRequest, text)
        }
        guard let salt = RequestText.salt(request.salt) else {
            throw InvalidArgument(.invalidRequest, "invalid salt value: \(shown)")
        }
        try refuseZero(named)
        let address: Address
        do {
            address = try await engine.wallets.derive(owner: owner, factory: named, salt: salt)
        } catch {
            let text = "Failed to derive sender address or derived address is nil or zero. Error: \(cause(of: error))"
            throw InvalidArgument(.smartWalletRPCError, text)
        }
        let factory = try named ?? engine.wallets.defaultFactory
        let answer = try await answer(about: address, owner: owner)
        return answer(
            try await engine.wallets.register(
                address, owner: owner, factory: factory, salt: salt, receipt: once.receipt(answer)))
    }

    private func setWallet(
        _ request: Wire.SetWalletReq, owner: Address, _ once: Once
    ) async throws -> Wire.GetWalletResp {
        let named = try factory(
            request.factoryAddress, else: "Invalid factory address format: \(request.factoryAddress.prefix(80))")
        guard let salt = RequestText.salt(request.salt) else {
            throw InvalidArgument(.invalidRequest, "Invalid salt format: \(request.salt.prefix(80))")
        }
        try refuseZero(named)
        let address: Address
        do {
            address = try await engine.wallets.derive(owner: owner, factory: named, salt: salt)
        } catch {
            throw RPCStatus(.internal, .smartWalletRPCError, "Failed to derive wallet address: \(cause(of: error))")
        }
        let answer = try await answer(about: address, owner: owner)
        return answer(
            try await engine.wallets.setHidden(
                request.isHidden, wallet: address, owner: owner, receipt: once.receipt(answer)))
    }

    private func list(_ request: Wire.ListWalletReq, owner: Address) async throws -> Wire.ListWalletResp {
        let first = await defaultWallet(of: owner, filter: request)
        var wallets = try await engine.wallets.registered(owner: owner).filter { isWanted($0, request) }
        if let first {
            wallets.removeAll { $0.address == first.address }
            wallets.insert(first, at: 0)
        }
        return .with { answer in
            answer.items = wallets.map { wallet in
                .with {
                    $0.address = wallet.address.checksummed
                    $0.salt = wallet.salt.description
                    $0.factory = wallet.factory?.checksummed ?? ""
                    $0.isHidden = wallet.isHidden
                }
            }
        }
    }

    /// The default wallet, registered on the spot, even above the limit; `nil` when the filter leaves it out or the
    /// chain does not answer: then the registered ones are still listed.
    private func defaultWallet(of owner: Address, filter: Wire.ListWalletReq) async -> SmartWallet? {
        do {
            let factory = try engine.wallets.defaultFactory
            let sample = SmartWallet(owner: owner, address: .zero, factory: factory, salt: .zero)
            guard isWanted(sample, filter) else { return nil }
            let address = try await engine.wallets.derive(owner: owner)
            return try await engine.wallets.register(
                address, owner: owner, factory: factory, salt: .zero, ignoresLimit: true)
        } catch {
            logger.error("default wallet could not be derived", metadata: ["owner": "\(owner)", "error": "\(error)"])
            return nil
        }
    }

    private func isWanted(_ wallet: SmartWallet, _ request: Wire.ListWalletReq) -> Bool {
        if !request.factoryAddress.isEmpty, Address(request.factoryAddress) != wallet.factory { return false }
        return request.salt.isEmpty || request.salt == wallet.salt.description
    }

    private func factory(_ text: String, else message: String) throws(InvalidArgument) -> Address? {
        guard !text.isEmpty else { return nil }
        guard let factory = Address(text) else { throw InvalidArgument(.invalidAddress, message) }
        return factory
    }

    private func refuseZero(_ factory: Address?) throws(InvalidArgument) {
        guard factory?.isZero != true else {
            throw InvalidArgument(.invalidAddress, "Factory address cannot be the zero address")
        }
    }

    /// How a wallet is answered, with its tasks counted now: not in the update, which others wait for.
    private func answer(
        about address: Address, owner: Address
    ) async throws -> @Sendable (SmartWallet) -> Wire.GetWalletResp {
        let counts = try await engine.taskCounts(owner: owner, wallet: address)
        return { wallet in
            .with {
                $0.address = wallet.address.checksummed
                $0.salt = wallet.salt.description
                $0.factoryAddress = wallet.factory?.checksummed ?? ""
                $0.isHidden = wallet.isHidden
                $0.totalTaskCount = UInt64(clamping: counts.total)
                $0.enabledTaskCount = UInt64(clamping: counts.enabled)
                $0.completedTaskCount = UInt64(clamping: counts[.completed])
                $0.failedTaskCount = UInt64(clamping: counts[.failed])
                $0.disabledTaskCount = UInt64(clamping: counts[.disabled])
                $0.canceledTaskCount = UInt64(clamping: counts[.canceled])
            }
        }
    }
}

/// What went wrong on the chain, or the error itself.
private func cause(of error: any Error) -> String {
    if case EngineError.chain(_, let cause) = error { cause } else { "\(error)" }
}
