import AVSEthereum
public import AVSModel
public import AVSPrimitives

/// What leaves a wallet: an amount of the chain's own coin, or of a token.
public struct Withdrawal: Hashable, Sendable {
    public enum Asset: Hashable, Sendable {
        case coin
        case token(Address)
    }

    public enum Amount: Hashable, Sendable {
        /// In the smallest unit, at least 1.
        case exactly(UInt256)
        /// The whole balance at the time of the call.
        case everything
    }

    public var asset: Asset
    public var amount: Amount
    public var recipient: Address
    public var wallet: Address

    public init(asset: Asset, amount: Amount, recipient: Address, wallet: Address) {
        self.asset = asset
        self.amount = amount
        self.recipient = recipient
        self.wallet = wallet
    }
}

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

/// A call that a wallet is to make by a user operation.
public struct WalletCall: Hashable, Sendable {
    public var wallet: SmartWallet
    /// What the wallet calls, with which value in wei and which data.
    public var target: Address
    public var value: UInt256
    public var data: [UInt8]
}

/// Sends user operations of wallets.
public protocol WalletCallSender: Sendable {
    /// - Throws: why it could not be sent; nothing has happened then.
    func send(_ call: WalletCall) async throws -> SentCall
}

/// What is known of a call once it is on its way.
public struct SentCall: Hashable, Sendable {
    public var userOperation: Hash32
    /// `nil` until it is in a block.
    public var transaction: Hash32?

    public init(userOperation: Hash32, transaction: Hash32?) {
        self.userOperation = userOperation
        self.transaction = transaction
    }
}

/// For services without a bundler.
public struct NoWalletCallSender: WalletCallSender {
    private struct Missing: Error, CustomStringConvertible {
        let description = "this service sends no user operations"
    }

    public init() {}
    public func send(_ call: WalletCall) async throws -> SentCall { throw Missing() }
}

extension TaskEngine {
    /// Checks a withdrawal against the wallet's record and balance, and sends it.
    ///
    /// Two withdrawals of one wallet at once both see the same balance. There is no sender yet that could act on both;
    /// once there is one, the second has to wait here for the first (7.5).
    /// - Throws: ``WithdrawalRefusal``, ``EngineError/unknownChain(_:)``.
    /// - Returns: what was sent, or why it could not be.
    public func withdraw(_ withdrawal: Withdrawal, owner: Address) async throws -> Result<SentCall, any Error> {
        // Stricter than other rpcs: the record itself, also for the default wallet (7.4).
        guard let wallet = try await wallets.wallet(withdrawal.wallet, owner: owner) else {
            throw WithdrawalRefusal.foreignWallet(withdrawal.wallet, owner: owner)
        }
        guard let chain = configuration.chains[configuration.defaultChainID] else {
            throw EngineError.unknownChain(configuration.defaultChainID)
        }
        let amount = try await amount(of: withdrawal, on: chain.client)
        guard !withdrawal.recipient.isZero else { throw WithdrawalRefusal.zeroRecipient }
        let call: WalletCall
        switch withdrawal.asset {
        case .coin: call = WalletCall(wallet: wallet, target: withdrawal.recipient, value: amount, data: [])
        case .token(let token):
            let padding = [UInt8](repeating: 0, count: 12)
            let transfer = [0xa9, 0x05, 0x9c, 0xbb] + padding + withdrawal.recipient.bytes + amount.bigEndian
            call = WalletCall(wallet: wallet, target: token, value: .zero, data: transfer)
        }
        do {
            return .success(try await configuration.walletCalls.send(call))
        } catch {
            return .failure(error)
        }
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
        let data = [0x70, 0xa0, 0x82, 0x31] + [UInt8](repeating: 0, count: 12) + holder.bytes
        let answer = try await call(to: token, data: data)
        guard answer.count == 32, let balance = UInt256(bigEndian: answer) else {
            throw .malformedAnswer(method: "balanceOf", reason: Hex.encode0x(answer.prefix(64)))
        }
        return balance
    }
}
