public import AVSPrimitives

/// What became of a transaction.
public struct TransactionReceipt: Hashable, Sendable {
    public var transactionHash: Hash32
    public var blockNumber: UInt64
    public var blockHash: Hash32
    /// False if it was reverted.
    public var succeeded: Bool
    public var gasUsed: UInt64
    /// Wei per gas; 0 if the node does not say.
    public var effectiveGasPrice: UInt256
    /// Of a transaction that created a contract.
    public var contractAddress: Address?
    public var logs: [EventLog]
    /// The receipt as the node sent it.
    public var json: JSONValue

    /// Nil if a field is missing or malformed.
    public init?(json: JSONValue) {
        guard let transactionHash = Hash32(json: json["transactionHash"]),
            let blockNumber = json["blockNumber"]?.quantity?.uint64, let blockHash = Hash32(json: json["blockHash"]),
            let gasUsed = json["gasUsed"]?.quantity?.uint64, let status = json["status"]?.quantity,
            let logObjects = json["logs"]?.arrayValue
        else { return nil }
        self.transactionHash = transactionHash
        self.blockNumber = blockNumber
        self.blockHash = blockHash
        self.gasUsed = gasUsed
        succeeded = status != .zero
        effectiveGasPrice = json["effectiveGasPrice"]?.quantity ?? .zero
        contractAddress = Address(json: json["contractAddress"])
        logs = logObjects.compactMap { EventLog(json: $0) }
        self.json = json
        guard logs.count == logObjects.count else { return nil }
    }
}
