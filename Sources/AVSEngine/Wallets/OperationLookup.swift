import AVSEthereum
import AVSPrimitives
import AVSSchema

/// Where a user operation is that was, or may have been, handed to a bundler.
enum OperationStanding: Sendable {
    case done(TransactionReceipt, succeeded: Bool)
    /// The bundler has it.
    case waiting
    /// Nobody knows it, and its nonce is free: it can be sent, or forgotten.
    case absent(isExpired: Bool)
    /// Nobody knows it, and another operation has its nonce.
    case replaced
    /// Somebody who would have to be asked does not answer.
    case unknown(String)
}

/// Asks the chain and the bundler.
///
/// - Source: reliability-security XO-18, execution-engine 7.8.
struct OperationLookup: Sendable {
    let chain: OperationChain

    /// The whole answer: chain, bundler's receipts, bundler's pool, nonce, in this order.
    func standing(of intent: Intent) async -> OperationStanding {
        do throws(ChainError) {
            if let done = try await outcome(of: intent) { return done }
            if let done = try await bundled(intent) { return done }
            if try await chain.bundler.knowsUserOperation(intent.hash) { return .waiting }
            guard let head = try await chain.client.block(.latest) else {
                return .unknown("the chain has no latest block")
            }
            let next = try await chain.client.walletNonce(of: intent.sender, entryPoint: chain.entryPoint)
            if next > intent.nonce {
                // It may have come into a block between the questions.
                return try await outcome(of: intent) ?? .replaced
            }
            return .absent(isExpired: intent.validUntil.map { head.timestamp > $0 } ?? false)
        } catch {
            return .unknown("\(error)")
        }
    }

    /// The chain's own answer, from the entry point's event; `nil` while there is none.
    func outcome(of intent: Intent) async throws(ChainError) -> OperationStanding? {
        let filter = LogFilter(
            addresses: [chain.entryPoint], topics: [[UserOperationEvent.topic0], [intent.hash]],
            fromBlock: .number(intent.fromBlock), toBlock: .latest)
        guard let event = try await chain.client.logs(filter).lazy.compactMap({ UserOperationEvent($0) }).first,
            let receipt = try await chain.client.receipt(of: event.transaction)
        else { return nil }
        return .done(receipt, succeeded: event.succeeded)
    }

    /// As ``outcome(of:)``; `nil` also where the chain does not answer.
    func outcomeIfKnown(of intent: Intent) async -> OperationStanding? {
        do throws(ChainError) { return try await outcome(of: intent) } catch { return nil }
    }

    private func bundled(_ intent: Intent) async throws(ChainError) -> OperationStanding? {
        guard let receipt = try await chain.bundler.receipt(ofUserOperation: intent.hash) else { return nil }
        return .done(receipt.transaction, succeeded: receipt.succeeded)
    }
}
