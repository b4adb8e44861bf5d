public import AVSPrimitives

/// The header of a block, as `eth_getBlockByNumber` and `newHeads` give it. Transactions are not kept.
public struct Block: Hashable, Sendable {
    public var number: UInt64
    public var hash: Hash32
    public var parentHash: Hash32
    /// Seconds since the epoch.
    public var timestamp: UInt64
    public var difficulty: UInt256
    public var gasLimit: UInt64
    public var gasUsed: UInt64
    /// Wei; nil before EIP-1559.
    public var baseFeePerGas: UInt256?

    public init(
        number: UInt64, hash: Hash32, parentHash: Hash32, timestamp: UInt64, difficulty: UInt256 = .zero,
        gasLimit: UInt64 = 0, gasUsed: UInt64 = 0, baseFeePerGas: UInt256? = nil
    ) {
        self.number = number
        self.hash = hash
        self.parentHash = parentHash
        self.timestamp = timestamp
        self.difficulty = difficulty
        self.gasLimit = gasLimit
        self.gasUsed = gasUsed
        self.baseFeePerGas = baseFeePerGas
    }

    /// Nil if a field is missing or malformed; the pending block, which has neither number nor hash, is such a case.
    public init?(json: JSONValue) {
        guard let number = json["number"]?.quantity?.uint64, let hash = Hash32(json: json["hash"]),
            let parentHash = Hash32(json: json["parentHash"]),
            let timestamp = json["timestamp"]?.quantity?.uint64, let gasLimit = json["gasLimit"]?.quantity?.uint64,
            let gasUsed = json["gasUsed"]?.quantity?.uint64
        else { return nil }
        self.init(
            number: number, hash: hash, parentHash: parentHash, timestamp: timestamp,
            difficulty: json["difficulty"]?.quantity ?? .zero, gasLimit: gasLimit, gasUsed: gasUsed,
            baseFeePerGas: json["baseFeePerGas"]?.quantity)
    }
}

extension Hash32 {
    init?(json: JSONValue?) {
        guard let bytes = json?.data else { return nil }
        self.init(bytes: bytes)
    }
}

extension Address {
    init?(json: JSONValue?) {
        guard let bytes = json?.data else { return nil }
        self.init(bytes: bytes)
    }
}

/// Which state a call reads.
public enum BlockTag: Hashable, Sendable {
    case latest, pending, safe, finalized, earliest
    case number(UInt64)

    public var json: JSONValue {
        switch self {
        case .latest: "latest"
        case .pending: "pending"
        case .safe: "safe"
        case .finalized: "finalized"
        case .earliest: "earliest"
        case .number(let number): .quantity(number)
        }
    }
}
