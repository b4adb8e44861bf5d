import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire
import AVSWorkflow
import Logging

/// What leaves the caller's wallets.
///
/// - Source: aggregator-api 2.7, *WithdrawFunds*, and 7.5.
struct WithdrawHandlers: Sendable {
    let engine: TaskEngine
    let time: any TimeSource
    let logger: Logger

    var methods: [RPCMethod] {
        [
            .unaryOnce(Wire.AggregatorMethods.withdrawFunds, engine) { request, call, once in
                try await withdraw(request, owner: call.user, once)
            }
        ]
    }

    private func withdraw(
        _ request: Wire.WithdrawFundsReq, owner: Address, _ once: Once
    ) async throws -> Wire.WithdrawFundsResp {
        let withdrawal = try Withdrawal(request)
        let sent: Result<SentCall, any Error>
        do {
            sent = try await engine.withdraw(withdrawal, owner: owner, call: once.call)
        } catch let refusal as WithdrawalRefusal {
            throw RPCStatus(refusal)
        }
        let submittedAt = time.now.seconds
        switch sent {
        case .success(let call):
            try await engine.record(
                call, for: once.receipt { Wire.WithdrawFundsResp(request, withdrawal, $0, at: submittedAt) })
            return .init(request, withdrawal, call, at: submittedAt)
        case .failure(let error):
            logger.warning("a withdrawal was not sent", metadata: ["owner": "\(owner)", "error": "\(error)"])
            return .init(request, withdrawal, notSent: error, at: submittedAt)
        }
    }
}

extension Wire.WithdrawFundsResp {
    fileprivate init(_ request: Wire.WithdrawFundsReq, _ withdrawal: Withdrawal, at submittedAt: Int64) {
        self.init()
        self.submittedAt = submittedAt
        smartWalletAddress = withdrawal.wallet.checksummed
        recipientAddress = request.recipientAddress
        amount = request.amount
        token = request.token
    }

    fileprivate init(
        _ request: Wire.WithdrawFundsReq, _ withdrawal: Withdrawal, _ sent: SentCall, at submittedAt: Int64
    ) {
        self.init(request, withdrawal, at: submittedAt)
        userOpHash = sent.userOperation.hex
        transactionHash = sent.transaction?.hex ?? ""
        switch sent.fate {
        case .waiting:
            success = true
            status = "pending"
            message = "withdrawal transaction submitted, waiting for confirmation"
        case .carriedOut(_, succeeded: true):
            success = true
            status = "confirmed"
            message = "withdrawal transaction confirmed"
        case .carriedOut(_, succeeded: false):
            status = "failed"
            message = "withdrawal transaction failed: the wallet's call was reverted"
        }
    }

    fileprivate init(
        _ request: Wire.WithdrawFundsReq, _ withdrawal: Withdrawal, notSent error: any Error, at submittedAt: Int64
    ) {
        self.init(request, withdrawal, at: submittedAt)
        status = "failed"
        message = "failed to send withdrawal transaction: \(error)"
        if case WalletCallFailure.outcomeUnknown(let hash, _) = error {
            status = "pending"
            userOpHash = hash.hex
        }
    }
}

extension Withdrawal {
    /// - Throws: ``InvalidArgument`` by rows 1 to 7 of the table.
    fileprivate init(_ request: Wire.WithdrawFundsReq) throws(InvalidArgument) {
        guard !request.recipientAddress.isEmpty else {
            throw InvalidArgument(.missingRequiredField, "recipient address is required")
        }
        guard !request.amount.isEmpty else { throw InvalidArgument(.missingRequiredField, "amount is required") }
        guard !request.token.isEmpty else { throw InvalidArgument(.missingRequiredField, "token is required") }
        guard let recipient = Address(request.recipientAddress) else {
            throw InvalidArgument(.invalidAddress, "invalid recipient address format")
        }
        let asset: Asset
        if request.token.lowercased() == "eth" {
            asset = .coin
        } else {
            guard let token = Address(request.token) else {
                throw InvalidArgument(.invalidAddress, "invalid token address format")
            }
            asset = .token(token)
        }
        let amount = try Amount(text: request.amount)
        guard !request.smartWalletAddress.isEmpty else {
            let text = "smart wallet address is required - must be obtained from getWallet() call first"
            throw InvalidArgument(.missingRequiredField, text)
        }
        guard let wallet = Address(request.smartWalletAddress) else {
            throw InvalidArgument(.invalidAddress, "invalid smart wallet address format")
        }
        self.init(amount, of: asset, from: wallet, to: recipient)
    }
}

extension Withdrawal.Amount {
    fileprivate init(text: String) throws(InvalidArgument) {
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0a, 0x0d]
        let bytes = text.utf8.drop { blanks.contains($0) }.reversed().drop { blanks.contains($0) }.reversed()
        let trimmed = String(decoding: Array(bytes), as: UTF8.self)
        if trimmed.lowercased() == "max" {
            self = .everything
            return
        }
        guard let value = UInt256(decimal: trimmed), value > .zero else {
            throw InvalidArgument(.invalidRequest, "invalid amount: must be a positive integer or 'max'")
        }
        self = .exactly(value)
    }
}

extension RPCStatus {
    fileprivate init(_ refusal: WithdrawalRefusal) {
        switch refusal {
        case .foreignWallet(let wallet, let owner):
            let text = "invalid smart wallet address: wallet \(wallet) not found for owner \(owner)"
            self.init(.invalidArgument, .walletNotFound, text)
        case .unreadableBalance(.coin, let cause):
            self.init(.internal, .rpcNodeError, "failed to get wallet balance: \(cause)")
        case .unreadableBalance(.token, let cause):
            self.init(.internal, .rpcNodeError, "failed to get token balance: \(cause)")
        case .noBalance(.coin): self.init(.invalidArgument, .insufficientBalance, "wallet has zero balance")
        case .noBalance(.token): self.init(.invalidArgument, .insufficientBalance, "token balance is zero")
        case .tooLittle(.coin, let requested, let balance):
            let text = "insufficient balance: requested \(requested) wei but wallet has \(balance) wei"
            self.init(.failedPrecondition, .insufficientBalance, text)
        case .tooLittle(.token, let requested, let balance):
            let text = "insufficient token balance: requested \(requested), but wallet has \(balance)"
            self.init(.invalidArgument, .insufficientBalance, text)
        case .zeroRecipient:
            let text = "failed to build withdrawal calldata: the recipient is the zero address"
            self.init(.invalidArgument, .invalidRequest, text)
        }
    }
}
