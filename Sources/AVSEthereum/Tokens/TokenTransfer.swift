public import AVSPrimitives
import BigInt

/// An ERC-20 transfer.
public struct TokenTransfer: Hashable, Sendable {
    public var token: Address
    public var from: Address
    public var to: Address
    /// In the token's smallest unit.
    public var value: UInt256

    public init(token: Address, from: Address, to: Address, value: UInt256) {
        self.token = token
        self.from = from
        self.to = to
        self.value = value
    }

    /// `Transfer(address,address,uint256)`.
    public static let topic0 = Keccak256.hash("Transfer(address,address,uint256)".utf8)

    /// Nil if the log is none. ERC-721 has the same signature and a fourth topic in place of the data.
    public init?(_ log: EventLog) {
        guard log.topics.count == 3, log.topics[0] == Self.topic0, log.data.count == 32,
            let from = Self.address(log.topics[1]), let to = Self.address(log.topics[2]),
            let value = UInt256(bigEndian: log.data)
        else { return nil }
        self.init(token: log.address, from: from, to: to, value: value)
    }

    /// Topics and data of the log that tells of the transfer.
    public var log: (topics: [Hash32], data: [UInt8]) {
        let padding = [UInt8](repeating: 0, count: 12)
        let parties = [from, to].map { Hash32(bytes: padding + $0.bytes) ?? .zero }
        return ([Self.topic0] + parties, value.bigEndian)
    }

    private static func address(_ topic: Hash32) -> Address? {
        guard topic.bytes.prefix(12).allSatisfy({ $0 == 0 }) else { return nil }
        return Address(bytes: topic.bytes.suffix(20))
    }

    /// Which side of the transfer somebody watches.
    public enum Direction: String, Hashable, Sendable {
        case sent, received, unknown
    }

    /// As seen by whoever watches: the one side that a query's topics name. Where they name both or none, only a wallet
    /// that is known to watch tells.
    public func direction(namesSender: Bool, namesReceiver: Bool, watched: Address? = nil) -> Direction {
        switch (namesSender, namesReceiver) {
        case (true, false): .sent
        case (false, true): .received
        default: watched == from ? .sent : watched == to ? .received : .unknown
        }
    }

    /// The members of execution engine 4.5.4 that the transfer and its token tell; where it happened is the log's.
    ///
    /// - Parameters:
    ///   - metadata: of the token; ``TokenMetadata/unknown`` if it tells none.
    ///   - direction: `walletAddress` is the watched side; without one it is left out.
    public func json(_ metadata: TokenMetadata, direction: Direction) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "eventName": "Transfer", "tokenName": .string(metadata.name), "tokenSymbol": .string(metadata.symbol),
            "tokenDecimals": .number(Double(metadata.decimals)), "contractAddress": .string(token.checksummed),
            "fromAddress": .string(from.checksummed), "toAddress": .string(to.checksummed),
            "value": .string(value.description),
            "valueFormatted": .string(TokenAmount.text(BigInt(value.magnitude), decimals: metadata.decimals)),
            "direction": .string(direction.rawValue),
        ]
        switch direction {
        case .sent: members["walletAddress"] = .string(from.checksummed)
        case .received: members["walletAddress"] = .string(to.checksummed)
        case .unknown: break
        }
        return members
    }
}
