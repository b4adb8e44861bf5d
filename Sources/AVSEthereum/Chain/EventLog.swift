public import AVSPrimitives

/// A log that a contract wrote.
public struct EventLog: Hashable, Sendable {
    public var address: Address
    /// At most 4. The first is the event's signature, unless the event is anonymous.
    public var topics: [Hash32]
    public var data: [UInt8]
    public var blockNumber: UInt64
    public var blockHash: Hash32
    public var transactionHash: Hash32
    public var transactionIndex: UInt64
    /// The position in the block.
    public var logIndex: UInt64
    /// The chain was reorganised and the log is no longer part of it.
    public var removed: Bool

    public init(
        address: Address, topics: [Hash32], data: [UInt8], blockNumber: UInt64 = 0, blockHash: Hash32 = .zero,
        transactionHash: Hash32 = .zero, transactionIndex: UInt64 = 0, logIndex: UInt64 = 0, removed: Bool = false
    ) {
        self.address = address
        self.topics = topics
        self.data = data
        self.blockNumber = blockNumber
        self.blockHash = blockHash
        self.transactionHash = transactionHash
        self.transactionIndex = transactionIndex
        self.logIndex = logIndex
        self.removed = removed
    }

    /// As `eth_getLogs` and subscriptions give it. Nil if a field is missing or malformed, also for logs of a pending
    /// block.
    public init?(json: JSONValue) {
        guard let address = Address(json: json["address"]), let topicTexts = json["topics"]?.arrayValue,
            topicTexts.count <= 4, let data = json["data"]?.data,
            let blockNumber = json["blockNumber"]?.quantity?.uint64, let blockHash = Hash32(json: json["blockHash"]),
            let transactionHash = Hash32(json: json["transactionHash"]),
            let transactionIndex = json["transactionIndex"]?.quantity?.uint64,
            let logIndex = json["logIndex"]?.quantity?.uint64
        else { return nil }
        let topics = topicTexts.compactMap { Hash32(json: $0) }
        guard topics.count == topicTexts.count else { return nil }
        self.init(
            address: address, topics: topics, data: data, blockNumber: blockNumber, blockHash: blockHash,
            transactionHash: transactionHash, transactionIndex: transactionIndex, logIndex: logIndex,
            removed: json["removed"]?.boolValue ?? false)
    }

    /// The log undecoded, as it is shown when there is no ABI (execution engine, 4.5.6). Numbers are numbers.
    public var rawJSON: JSONValue {
        [
            "contractAddress": .string(address.checksummed), "blockNumber": .number(Double(blockNumber)),
            "transactionHash": .string(transactionHash.hex), "logIndex": .number(Double(logIndex)),
            "blockHash": .string(blockHash.hex), "topics": .array(topics.map { .string($0.hex) }),
            "data": .data(data), "removed": .bool(removed),
        ]
    }

    /// The log as a trigger's `metadata` (execution engine, 4.5.6).
    public func metadataJSON(chainID: UInt64) -> JSONValue {
        [
            "address": .string(address.checksummed), "topics": .array(topics.map { .string($0.hex) }),
            "data": .data(data), "blockNumber": .number(Double(blockNumber)),
            "transactionHash": .string(transactionHash.hex), "transactionIndex": .number(Double(transactionIndex)),
            "blockHash": .string(blockHash.hex), "logIndex": .number(Double(logIndex)), "removed": .bool(removed),
            "chainId": .number(Double(chainID)),
        ]
    }
}
