public import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire

extension AggregatorClient {
    /// Sends coins or tokens out of a smart wallet and waits for the chain, up to ``Configuration/blockingTimeout``.
    ///
    /// Without a key two calls send twice, so a call whose answer was lost is not repeated: compare ``getNonce(of:)``,
    /// or the wallet's balance, with what it was before.
    ///
    /// - Throws: ``AggregatorError/refused(reason:_:)`` with the reason `failed` when nothing was sent, and for more
    ///   than the wallet has; ``AggregatorError/invalidArgument(field:_:)`` for a wallet that is not the caller's.
    public func withdrawFunds(
        _ withdrawal: Withdrawal, idempotencyKey: IdempotencyKey? = nil
    ) async throws(AggregatorError) -> SentWithdrawal {
        let request = Wire.WithdrawFundsReq(withdrawal)
        let answer = try await call(
            Wire.AggregatorMethods.withdrawFunds, request, .change(idempotencyKey),
            timeout: configuration.blockingTimeout)
        guard answer.success else {
            throw .refused(reason: answer.status, .init(.failedPrecondition, answer.message))
        }
        return try reading { try SentWithdrawal(answer) }
    }
}

extension Wire.WithdrawFundsReq {
    fileprivate init(_ withdrawal: Withdrawal) {
        self.init()
        recipientAddress = withdrawal.recipient.checksummed
        switch withdrawal.amount {
        case .exactly(let amount): self.amount = "\(amount)"
        case .everything: amount = "max"
        }
        switch withdrawal.asset {
        case .coin: token = "ETH"
        case .token(let address): token = address.checksummed
        }
        smartWalletAddress = withdrawal.wallet.checksummed
    }
}

extension SentWithdrawal {
    fileprivate init(_ wire: Wire.WithdrawFundsResp) throws {
        guard let operation = Hash32(wire.userOpHash) else {
            throw MalformedMessage("'\(wire.userOpHash.prefix(80))' is no hash of a user operation")
        }
        self.init(
            isConfirmed: wire.status == "confirmed", message: wire.message, userOperation: operation,
            transaction: Hash32(wire.transactionHash),
            submittedAt: wire.submittedAt == 0 ? nil : Timestamp(seconds: wire.submittedAt))
    }
}
