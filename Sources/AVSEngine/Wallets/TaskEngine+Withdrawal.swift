import AVSCrypto
import AVSEthereum
public import AVSModel
public import AVSPrimitives
import AVSSchema
import AVSStorage
public import AVSWorkflow

/// Why a withdrawal was not tried. The server words each of them (aggregator-api 2.7).
public enum WithdrawalRefusal: Error, Hashable, Sendable {
    /// No such wallet is registered for the caller.
    case foreignWallet(Address, owner: Address)
    case unreadableBalance(Withdrawal.Asset, cause: String)
    case noBalance(Withdrawal.Asset)
    case tooLittle(Withdrawal.Asset, requested: UInt256, balance: UInt256)
    /// Nobody could receive it.
    case zeroRecipient
}

extension TaskEngine {
    /// How long a withdrawal waits for its block; after that its caller asks again, or looks at the chain (7.8).
    private static let withdrawalPatience = Duration.seconds(60)

    /// Checks a withdrawal against the wallet's record and balance, and sends it.
    ///
    /// Withdrawals of one wallet wait for each other, balances included (7.5).
    ///
    /// - Parameter call: of a caller that gave an idempotency key: the same call again is the same withdrawal.
    /// - Throws: ``WithdrawalRefusal``, ``EngineError/unknownChain(_:)``, ``EngineError/keyReused``.
    /// - Returns: what was sent, or why it could not be.
    public func withdraw(
        _ withdrawal: Withdrawal, owner: Address, call: RepeatableCall? = nil
    ) async throws -> Result<SentCall, any Error> {
        // Stricter than other rpcs: the record itself, also for the default wallet (7.4).
        guard try await wallets.wallet(withdrawal.wallet, owner: owner) != nil else {
            throw WithdrawalRefusal.foreignWallet(withdrawal.wallet, owner: owner)
        }
        guard let chain = configuration.chains[configuration.defaultChainID] else {
            throw EngineError.unknownChain(configuration.defaultChainID)
        }
        let order = WalletOrder(
            execution: call?.withdrawalID ?? newExecutionID(at: time.now), step: "withdrawal", isOfRun: false,
            chainID: chain.client.chainID, owner: owner, wallet: withdrawal.wallet, requestDigest: withdrawal.digest,
            patience: Self.withdrawalPatience)
        do {
            return .success(
                try await configuration.walletCalls.send(order) {
                    try await self.call(of: withdrawal, on: chain.client)
                })
        } catch let refusal as WithdrawalRefusal {
            throw refusal
        } catch WalletCallFailure.otherRequest where call != nil {
            throw EngineError.keyReused
        } catch {
            return .failure(error)
        }
    }

    /// The answer to a repeated call, once it is final.
    public func record(_ sent: SentCall, for receipt: Receipt<SentCall>?) async throws {
        guard let receipt, case .carriedOut = sent.fate else { return }
        _ = try await store.update { transaction in try transaction.once(receipt) { _ in sent } }
    }

    private func call(of withdrawal: Withdrawal, on chain: any ChainClient) async throws -> WalletCall {
        let amount = try await amount(of: withdrawal, on: chain)
        guard !withdrawal.recipient.isZero else { throw WithdrawalRefusal.zeroRecipient }
        let call =
            switch withdrawal.asset {
            case .coin: SmartAccount.Call(target: withdrawal.recipient, value: amount)
            case .token(let token):
                SmartAccount.Call(
                    target: token, value: .zero,
                    data: SmartAccount.tokenTransfer(to: withdrawal.recipient, amount: amount))
            }
        // Nothing is paid back to the paymaster: so the whole balance can leave (7.5).
        return WalletCall(call, reimburses: false)
    }

    private func amount(of withdrawal: Withdrawal, on chain: any ChainClient) async throws -> UInt256 {
        let asset = withdrawal.asset
        let balance: UInt256
        do throws(ChainError) {
            switch asset {
            case .coin: balance = try await chain.balance(of: withdrawal.wallet)
            case .token(let token): balance = try await chain.tokenBalance(of: withdrawal.wallet, token: token)
            }
        } catch {
            throw WithdrawalRefusal.unreadableBalance(asset, cause: "\(error)")
        }
        switch withdrawal.amount {
        case .everything:
            guard balance > .zero else { throw WithdrawalRefusal.noBalance(asset) }
            return balance
        case .exactly(let wanted):
            guard wanted <= balance else {
                throw WithdrawalRefusal.tooLittle(asset, requested: wanted, balance: balance)
            }
            return wanted
        }
    }
}

extension ChainClient {
    /// `balanceOf(address)` of an ERC-20 contract.
    fileprivate func tokenBalance(of holder: Address, token: Address) async throws(ChainError) -> UInt256 {
        let answer = try await call(to: token, data: TokenAmount.balanceCall(of: holder))
        guard answer.count == 32, let balance = UInt256(bigEndian: answer) else {
            throw .malformedAnswer(method: "balanceOf", reason: Hex.encode0x(answer.prefix(64)))
        }
        return balance
    }
}

extension Withdrawal {
    /// Of what was asked for: *everything* stays that, whatever it is worth by then.
    fileprivate var digest: Hash32 {
        var text = "withdrawal \(wallet.lowercased) \(recipient.lowercased) "
        switch asset {
        case .coin: text += "coin "
        case .token(let token): text += "\(token.lowercased) "
        }
        switch amount {
        case .everything: text += "everything"
        case .exactly(let value): text += "\(value)"
        }
        return SHA256.hash(Array(text.utf8))
    }
}

extension RepeatableCall {
    /// Names the withdrawal of this caller and key, so that a repeated call finds what the first one began.
    fileprivate var withdrawalID: ExecutionID {
        let digest = SHA256.hash(Array("withdrawal".utf8) + owner.bytes + identity.bytes)
        return ExecutionID(ULID(value: digest.bytes.prefix(16).reduce(into: UInt128(0)) { $0 = $0 << 8 | UInt128($1) }))
    }
}
