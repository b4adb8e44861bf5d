import AVSEthereum
import AVSPrimitives
import BigInt

/// The receipt of a write as steps show it, and what its logs say.
///
/// - Source: execution-engine 5.3.3 and 5.3.4.
struct WriteReceipt: Hashable, Sendable {
    var json: JSONValue
    var logs: [EventLog]
    /// Nil while nothing is known of it.
    var gas: GasUse?

    /// Of a transaction that nobody sent.
    ///
    /// - Parameter seed: makes up the transaction's hash.
    init(_ tried: TriedCall, _ call: SmartAccount.Call, from sender: Address, head: Block?, seed: [UInt8]) {
        let hash = Keccak256.hash(seed + call.target.bytes + call.data).hex
        let used: UInt256 = tried.gasUsed == .zero ? Self.standardGas : tried.gasUsed
        let block = head.map { JSONValue.quantity($0.number) } ?? "0x0"
        let blockHash = JSONValue.string((head?.hash ?? .zero).hex)
        let shown = tried.logs.enumerated().map { index, log in
            Self.json(log, index: index, transaction: hash, block: block, blockHash: blockHash)
        }
        json = [
            "transactionHash": .string(hash), "from": .string(sender.checksummed),
            "to": .string(call.target.checksummed), "blockNumber": block, "blockHash": blockHash,
            "transactionIndex": "0x0", "gasUsed": .string(used.hexQuantity),
            "cumulativeGasUsed": .string(used.hexQuantity),
            "effectiveGasPrice": .string(Self.standardPrice.hexQuantity),
            "status": tried.isReverted ? "0x0" : "0x1",
            "logsBloom": .string("0x" + String(repeating: "00", count: 256)), "logs": .array(shown), "type": "0x2",
        ]
        logs = tried.logs
        gas = GasUse(used: used, totalCost: UInt256(used.magnitude * Self.standardPrice.magnitude) ?? .max)
    }

    /// Of a transaction on the chain: of its logs those that belong to the user operation.
    init(_ receipt: TransactionReceipt, operation: Hash32) {
        json = receipt.json
        var own: [EventLog] = []
        for log in receipt.logs {
            guard log.topics.first == UserOperationEvent.topic0 else {
                own.append(log)
                continue
            }
            if log.topics.dropFirst().first == operation { break }
            own = []  // those before were another operation's
        }
        logs = own
        let used = UInt256(receipt.gasUsed)
        gas = GasUse(used: used, totalCost: UInt256(used.magnitude * receipt.effectiveGasPrice.magnitude) ?? .max)
    }

    /// Of a user operation that is in no block yet.
    init(pending sent: SentCall) {
        json = [
            "userOpHash": .string(sent.userOperation.hex), "sender": .string(sent.sender.checksummed),
            "nonce": .string(sent.nonce.hexQuantity), "status": "pending", "transactionHash": "pending",
        ]
        logs = []
    }

    private static let standardGas = UInt256(UInt64(21_000))
    /// Half a gwei.
    private static let standardPrice = UInt256(UInt64(500_000_000))

    private static func json(
        _ log: EventLog, index: Int, transaction: String, block: JSONValue, blockHash: JSONValue
    ) -> JSONValue {
        [
            "address": .string(log.address.checksummed), "topics": .array(log.topics.map { .string($0.hex) }),
            "data": .data(log.data), "blockNumber": block, "blockHash": blockHash,
            "transactionHash": .string(transaction), "transactionIndex": "0x0", "logIndex": .quantity(UInt64(index)),
            "removed": false,
        ]
    }

    // MARK: Events

    /// The arguments of all events that can be told, in one flat object; nil for none. Of equal names the later wins.
    ///
    /// Read are the logs of `target` that are in its ABI, and from any contract the transfers of tokens and the swaps
    /// that everybody knows.
    func events(of target: Address, _ contract: ABIContract?) -> JSONValue? {
        var merged: [String: JSONValue] = [:]
        for log in logs {
            let isKnown = Self.wellKnown.contains { $0.topic0 == log.topics.first }
            guard log.address == target || isKnown else { continue }
            guard let event = contract?.event(of: log) ?? Self.wellKnown.first(where: { $0.topic0 == log.topics.first })
            else { continue }
            do throws(ABIError) {
                guard case .object(let arguments) = try event.decode(log).arguments else { continue }
                merged.merge(arguments) { $1 }
            } catch {
                continue  // another event of the same signature, such as a transfer of an ERC-721
            }
        }
        return merged.isEmpty ? nil : .object(merged)
    }

    private static let wellKnown: [ABIEvent] = {
        let address = ABIType.address
        let whole = ABIType.uint(bits: 256)
        func event(_ name: String, _ inputs: [(String, ABIType, Bool)]) -> ABIEvent {
            ABIEvent(name: name, inputs: inputs.map { ABIParameter(name: $0.0, type: $0.1, isIndexed: $0.2) })
        }
        return [
            event("Transfer", [("from", address, true), ("to", address, true), ("value", whole, false)]),
            event(
                "Swap",
                [
                    ("sender", address, true), ("amount0In", whole, false), ("amount1In", whole, false),
                    ("amount0Out", whole, false), ("amount1Out", whole, false), ("to", address, true),
                ]),
            event(
                "Swap",
                [
                    ("sender", address, true), ("recipient", address, true), ("amount0", .int(bits: 256), false),
                    ("amount1", .int(bits: 256), false), ("sqrtPriceX96", .uint(bits: 160), false),
                    ("liquidity", .uint(bits: 128), false), ("tick", .int(bits: 24), false),
                ]),
        ]
    }()
}
