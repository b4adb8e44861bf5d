public import AVSEthereum
public import AVSModel
public import AVSPrimitives

/// An effect that a smart wallet is to have on its chain, and who asks for it.
public struct WalletOrder: Hashable, Sendable {
    /// The run, or a call of its own, that asks. With ``step`` it names the effect: the same order again is the same
    /// effect and is not carried out a second time.
    public var execution: ExecutionID
    public var step: String
    /// Whether the execution is a claimed run, which may have lost its claim (XO-14).
    public var isOfRun: Bool
    public var chainID: UInt64
    public var owner: Address
    public var wallet: Address
    /// Of what is asked for, amounts such as *everything* unresolved.
    public var requestDigest: Hash32
    /// How long it is waited for once it is sent.
    public var patience: Duration

    public init(
        execution: ExecutionID, step: String, isOfRun: Bool, chainID: UInt64, owner: Address, wallet: Address,
        requestDigest: Hash32, patience: Duration
    ) {
        self.execution = execution
        self.step = step
        self.isOfRun = isOfRun
        self.chainID = chainID
        self.owner = owner
        self.wallet = wallet
        self.requestDigest = requestDigest
        self.patience = patience
    }
}

/// What a wallet is to do, once it is its turn.
public struct WalletCall: Hashable, Sendable {
    public var call: SmartAccount.Call
    /// At least so much gas for the call itself.
    public var gasLimit: UInt256?
    /// Whether the wallet pays the paymaster back, where it can (7.7). Not where everything is to leave the wallet.
    public var reimburses: Bool

    public init(_ call: SmartAccount.Call, gasLimit: UInt256? = nil, reimburses: Bool = true) {
        self.call = call
        self.gasLimit = gasLimit
        self.reimburses = reimburses
    }
}

/// A user operation that is on its way or has arrived.
public struct SentCall: Hashable, Sendable {
    public enum Fate: Hashable, Sendable {
        /// In no block yet, as far as is known.
        case waiting
        /// In a block; `succeeded` is false if the inner call was reverted.
        case carriedOut(TransactionReceipt, succeeded: Bool)
    }

    public var userOperation: Hash32
    public var sender: Address
    public var nonce: UInt256
    /// What the operation has the wallet do: `SmartAccount.execute`, or a batch that begins with that call.
    public var callData: [UInt8]
    public var fate: Fate

    public init(userOperation: Hash32, sender: Address, nonce: UInt256, callData: [UInt8], fate: Fate) {
        self.userOperation = userOperation
        self.sender = sender
        self.nonce = nonce
        self.callData = callData
        self.fate = fate
    }

    /// Of the transaction that carried it; `nil` while it waits.
    public var transaction: Hash32? {
        if case .carriedOut(let receipt, _) = fate { receipt.transactionHash } else { nil }
    }
}

/// Why a user operation did not come about.
public enum WalletCallFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing was sent, or what was sent was refused and is in no block.
    case notSent(String)
    /// It may have been sent: it is looked up before anything else of this wallet is.
    case outcomeUnknown(Hash32, String)
    /// The same step asked for something else before.
    case otherRequest(step: String)

    public var description: String {
        switch self {
        case .notSent(let reason): reason
        case .outcomeUnknown(let hash, let reason): "outcome unknown of user operation \(hash.hex): \(reason)"
        case .otherRequest(let step): "journal mismatch at \(step)"
        }
    }
}

/// Has smart wallets make calls, by user operations: each order exactly once, those of one wallet one after another.
public protocol WalletCallSender: Sendable {
    /// Whether a paymaster pays for gas on this chain.
    func isSponsored(onChain chainID: UInt64) -> Bool

    /// - Parameter call: made when it is the order's turn, so that balances are read after everything before it; not
    ///   asked for an order that was carried out before.
    /// - Throws: ``WalletCallFailure``, and what `call` throws: then nothing has happened.
    func send(
        _ order: WalletOrder, _ call: @escaping @Sendable () async throws -> WalletCall
    ) async throws -> SentCall
}

/// For services without a bundler or without a controller's key.
public struct NoWalletCallSender: WalletCallSender {
    public init() {}
    public func isSponsored(onChain chainID: UInt64) -> Bool { false }

    public func send(
        _ order: WalletOrder, _ call: @escaping @Sendable () async throws -> WalletCall
    ) async throws -> SentCall {
        // What is wrong with the order itself is said first.
        _ = try await call()
        throw WalletCallFailure.notSent("this service sends no user operations")
    }
}
