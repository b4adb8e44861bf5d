public import AVSPrimitives

/// What an event trigger says of a log: the same of one that an operator saw and of one that a trial made up.
///
/// | The log | Its output |
/// |---|---|
/// | of an event that the ABI has | `{"<Event>": {"<argument>": value, …}}` |
/// | of an ERC-20 transfer that the ABI has, and whose token can be asked | flat, with what the token says of itself |
/// | of any other event, or without an ABI | the raw log, also of a transfer |
///
/// - Source: execution-engine 4.5.4, 4.5.6, TE5; aggregator-api 6.14.
public struct EventReport: Hashable, Sendable {
    public let log: EventLog
    /// Nil where no ABI tells what the log means.
    public let decoded: DecodedEvent?

    /// - Throws: ``ABIError`` for a log that is not as its event's ABI says.
    public init(_ log: EventLog, by abi: ABIContract?) throws(ABIError) {
        self.log = log
        decoded = try abi?.event(of: log)?.decode(log)
    }

    /// Without what only the chain knows.
    public var json: JSONValue { decoded?.json ?? log.rawJSON }

    /// The transfer that is shown flat, once its token was asked; nil if the log is none, or no ABI tells that it is.
    public var transfer: TokenTransfer? { decoded == nil ? nil : TokenTransfer(log) }

    /// A transfer, flat.
    ///
    /// - Parameters:
    ///   - metadata: of the token; ``TokenMetadata/unknown`` if it tells none.
    ///   - direction: as seen by whoever watches.
    ///   - time: of the log's block.
    public func json(
        of transfer: TokenTransfer, _ metadata: TokenMetadata, direction: TokenTransfer.Direction, at time: Timestamp,
        chainID: UInt64
    ) -> [String: JSONValue] {
        let place: [String: JSONValue] = [
            "transactionHash": .string(log.transactionHash.hex), "blockNumber": .number(Double(log.blockNumber)),
            "blockTimestamp": .number(Double(time.milliseconds)), "chainId": .number(Double(chainID)),
        ]
        return transfer.json(metadata, direction: direction).merging(place) { $1 }
    }
}
