public import AVSPrimitives
public import BigInt

/// A new answer of a price feed that is read like a Chainlink aggregator.
public struct PriceUpdate: Hashable, Sendable {
    /// With the feed's decimals, mostly 8.
    public var current: BigInt
    public var roundID: UInt256

    /// What is shown of a feed that cannot be asked (execution engine 4.5.3).
    public static let sample = PriceUpdate(current: 250_000_000_000, roundID: UInt256(92_233_720_368_547_758))
    /// The decimals of a feed that cannot be asked.
    public static let sampleDecimals = 8

    /// `AnswerUpdated(int256,uint256,uint256)`.
    public static let event = ABIEvent(
        name: "AnswerUpdated",
        inputs: [
            ABIParameter(name: "current", type: .int(bits: 256), isIndexed: true),
            ABIParameter(name: "roundId", type: .uint(bits: 256), isIndexed: true),
            ABIParameter(name: "updatedAt", type: .uint(bits: 256)),
        ])

    public init(current: BigInt, roundID: UInt256) {
        self.current = current
        self.roundID = roundID
    }

    /// The call that asks a feed for its latest round.
    public static let latestRoundCall = latestRoundData.selector

    /// The update that would follow the round in an answer to ``latestRoundCall``: the same price, one round later. Nil
    /// if it is no such answer.
    public init?(after answer: [UInt8]) {
        do throws(ABIError) {
            let outputs = try Self.latestRoundData.decodeOutputs(answer)
            guard case .uint(let round)? = outputs.first, let current = outputs.dropFirst().first?.integer,
                let next = UInt256(round.magnitude + 1)
            else { return nil }
            self.init(current: current, roundID: next)
        } catch {
            return nil
        }
    }

    private static let latestRoundData = ABIFunction(
        name: "latestRoundData", inputs: [],
        outputs: [
            ABIParameter(name: "roundId", type: .uint(bits: 80)), ABIParameter(name: "answer", type: .int(bits: 256)),
            ABIParameter(name: "startedAt", type: .uint(bits: 256)),
            ABIParameter(name: "updatedAt", type: .uint(bits: 256)),
            ABIParameter(name: "answeredInRound", type: .uint(bits: 80)),
        ], stateMutability: "view")

    /// Topics and data of the log that tells of the update.
    ///
    /// - Parameters:
    ///   - wanted: topics that the log has to have, by position; they win over the update's own.
    ///   - updatedAt: seconds since the epoch.
    /// - Throws: ``ABIError/topicMismatch(event:expected:got:)`` if a topic is wanted that the event does not have.
    public func log(
        matching wanted: [Hash32?], updatedAt: UInt64
    ) throws(ABIError) -> (topics: [Hash32], data: [UInt8]) {
        var topics = [nil] + [current.twosComplement, roundID].map { Hash32(bytes: $0.bigEndian) }
        for (position, topic) in wanted.enumerated() where topic != nil {
            if position < topics.count { topics[position] = topic } else { topics.append(topic) }
        }
        return (try Self.event.topics(matching: topics), UInt256(updatedAt).bigEndian)
    }
}
