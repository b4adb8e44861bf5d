import AVSEthereum
import AVSModel
import AVSPrimitives

/// The ETH transfer node: the chain's own coin, out of the wallet of the run.
///
/// - Source: execution-engine.md 5.1.
extension ETHTransferNode {
    static let lacksDestination = "destination address is required for ETH transfer"
    static let lacksAmount = "amount is required for ETH transfer"

    func run(
        as node: Node, in context: NodeContext, log: inout [String]
    ) async throws(NodeFailure) -> NodeOutcome {
        let isSimulated = context.environment.wallet?.isSimulated ?? true
        let simulated: [String: JSONValue]? = isSimulated ? ["is_simulated": true, "provider": "tenderly"] : nil
        do throws(NodeFailure) {
            let transfer = try await transfer(in: context, isSimulated: isSimulated)
            guard isSimulated else { return try await transfer.send(as: node, in: context, log: &log) }
            log.append("Simulated transfer of \(transfer.shownAmount) wei to \(destination.excerpt(100))")
            let hash = Keccak256.hash(
                Array(node.id.utf8) + transfer.recipient.bytes + Array(context.environment.time.now.iso8601.utf8))
            return NodeOutcome(
                output: transfer.output(value: transfer.amount), metadata: ["transactionHash": .string(hash.hex)],
                executionContext: simulated)
        } catch {
            log.append("Error: \(error.message)")
            return NodeOutcome(failure: error, executionContext: simulated)
        }
    }

    private func transfer(in context: NodeContext, isSimulated: Bool) async throws(NodeFailure) -> CoinTransfer {
        let destination = try await context.templates.resolve(destination, in: "destination")
        let amount = try await context.templates.resolve(amount, in: "amount")
        let isEverything = amount.lowercased() == "max"
        let wallet = context.actingWallet
        var value: UInt256?
        if isEverything {
            guard let wallet else { throw NodeFailure("cannot resolve MAX amount: aa_sender is not known") }
            guard isSimulated || context.environment.isSponsored else {
                throw NodeFailure("cannot use MAX amount without paymaster: the wallet would have to keep its gas")
            }
            // In a real run it is read when it is the transfer's turn.
            if isSimulated { value = try await CoinTransfer.balance(of: wallet, context) }
        }
        guard !destination.isEmpty else {
            throw .missing("destination", Self.lacksDestination)
        }
        guard !amount.isEmpty else {
            throw .missing("amount", Self.lacksAmount)
        }
        guard let recipient = Address(destination) else {
            throw NodeFailure(code: .invalidAddress, "invalid destination address: \(destination.excerpt())")
        }
        if !isEverything {
            guard let exact = UInt256(decimal: amount) else {
                throw NodeFailure(code: .invalidRequest, "invalid amount: \(amount.excerpt())")
            }
            value = exact
        }
        guard let wallet else { throw NodeFailure("aa_sender is not known: an ETH transfer needs settings.runner") }
        return CoinTransfer(wallet: wallet, recipient: recipient, destination: destination, amount: value)
    }
}

/// A transfer whose texts have been read.
private struct CoinTransfer: Sendable {
    let wallet: Address
    let recipient: Address
    /// As the caller spells it.
    let destination: String
    /// Wei; nil is everything there is.
    let amount: UInt256?

    var shownAmount: String { amount.map { "\($0)" } ?? "MAX" }

    func output(value: UInt256?) -> JSONValue {
        [
            "transfer": [
                "from": .string(wallet.checksummed), "to": .string(destination),
                "value": .string((value ?? .zero).description),
            ]
        ]
    }

    static func balance(of wallet: Address, _ context: NodeContext) async throws(NodeFailure) -> UInt256 {
        guard let chain = context.environment.chain else {
            throw NodeFailure("cannot resolve MAX amount: no chain is configured")
        }
        let balance: UInt256
        do throws(ChainError) {
            balance = try await chain.balance(of: wallet)
        } catch {
            throw NodeFailure("cannot resolve MAX amount: \(error)")
        }
        guard balance > .zero else { throw NodeFailure("cannot resolve MAX amount: wallet \(wallet) has zero balance") }
        return balance
    }

    // MARK: For real

    func send(
        as node: Node, in context: NodeContext, log: inout [String]
    ) async throws(NodeFailure) -> NodeOutcome {
        let digest = Keccak256.hash("transfer \(recipient.lowercased) \(shownAmount)".utf8)
        let sent = try await context.send(step: "\(node.id)/0", digest: digest) {
            let value = if let amount { amount } else { try await Self.balance(of: wallet, context) }
            // What is everything cannot pay the paymaster back.
            return WalletCall(SmartAccount.Call(target: recipient, value: value), reimburses: amount != nil)
        }
        log.append("User operation \(sent.userOperation.hex)")
        let output = output(value: amount ?? SmartAccount.value(ofExecute: sent.callData))
        switch sent.fate {
        case .waiting:
            log.append("Not in a block yet")
            return NodeOutcome(
                output: output,
                metadata: [
                    "transactionHash": .string(sent.userOperation.hex), "receiptStatus": "pending",
                    "userOpHash": .string(sent.userOperation.hex),
                ])
        case .carriedOut(let receipt, let succeeded):
            let use = WriteReceipt(receipt, operation: sent.userOperation).gas
            return NodeOutcome(
                output: output,
                metadata: [
                    "transactionHash": .string(receipt.transactionHash.hex),
                    "gasUsed": .string("\(use?.used ?? .zero)"), "gasPrice": .string("\(use?.price ?? .zero)"),
                    "totalGasCost": .string("\(use?.totalCost ?? .zero)"),
                ],
                failure: succeeded
                    ? nil
                    : NodeFailure("UserOp execution failed: the transfer was reverted, likely for want of balance"),
                gas: use)
        }
    }
}
