import AVSEthereum
import AVSModel
import AVSPrimitives
import Logging
import Synchronization

/// Adds to an event what only its chain knows: the token of a transfer, the decimals that a query's method calls read.
///
/// A chain that does not answer is asked again for a while, and then the event goes without: a report is not to be lost
/// for a name.
///
/// - Source: aggregator-api 6.14; execution-engine 4.5.4, 4.5.6.
final class EventEnricher: Sendable {
    /// Answers that are remembered. What tokens say of themselves does not change; without the bound whoever makes
    /// many contracts would fill the memory.
    private static let answerLimit = 4_096
    /// Pauses between attempts to ask a chain that is away.
    private static let pauses: [Duration] = [.milliseconds(250), .seconds(1), .seconds(4)]

    private struct Question: Hashable {
        var contract: Address
        var data: [UInt8]
    }

    private let chain: any ChainClient
    private let time: any TimeSource
    private let logger: Logger
    private let answers = Mutex<[Question: [UInt8]]>([:])

    init(chain: any ChainClient, time: any TimeSource, logger: Logger) {
        self.chain = chain
        self.time = time
        self.logger = logger
    }

    /// What an event trigger reports of a match in this block.
    ///
    /// - Throws: `CancellationError` only.
    func data(of match: EventMatch, in block: Block) async throws -> JSONValue {
        var data = match.data
        if let transfer = match.report.transfer {
            let metadata = try await TokenMetadata.read { try await self.answer(of: transfer.token, to: $0) }
            var members = match.report.json(
                of: transfer, metadata ?? .unknown, direction: match.direction(of: transfer),
                at: Timestamp(seconds: Int64(clamping: block.timestamp)), chainID: chain.chainID)
            members["chainName"] = .string(ChainName.of(chain.chainID))
            data = .object(members)
        }
        for call in match.query.methodCalls.prefix(DecimalsCall.limit) {
            guard let decimals = try await decimals(call, match) else { continue }
            data.formatEventFields(call.applyToFields, decimals: decimals)
        }
        return data
    }

    /// The answer of a method call that has one whole number from 0 to 255; nil for every other call. Templates belong
    /// to runs, and here there is none.
    private func decimals(_ call: MethodCall, _ match: EventMatch) async throws -> Int? {
        guard !call.applyToFields.isEmpty, !call.parameters.contains(where: { $0.contains("{{") }) else { return nil }
        let question: DecimalsCall
        do throws(ABIError) {
            question = try DecimalsCall(
                call.methodName, callData: call.callData, parameters: call.parameters, contract: match.query.contract)
        } catch {
            logger.debug("a method call cannot be made", metadata: ["task": "\(match.taskID)", "reason": "\(error)"])
            return nil
        }
        return try await answer(of: match.log.address, to: question.data).flatMap(question.decimals)
    }

    /// Nil if the contract refuses or has none, or if the chain stays away.
    private func answer(of contract: Address, to data: [UInt8]) async throws -> [UInt8]? {
        let question = Question(contract: contract, data: data)
        if let known = answers.withLock({ $0[question] }) { return known }
        for pause in Self.pauses.map(Optional.some) + [nil] {
            do throws(ChainError) {
                let answer = try await chain.call(to: contract, data: data)
                guard !answer.isEmpty else { return nil }
                answers.withLock { answers in
                    if answers.count >= Self.answerLimit { answers.removeAll() }
                    answers[question] = answer
                }
                return answer
            } catch {
                switch error {
                case .cancelled: throw CancellationError()
                case .rpc, .malformedAnswer, .tooLarge: return nil
                case .unavailable, .timeout, .rateLimited:
                    guard let pause else {
                        logger.warning(
                            "an event goes without what its contract says",
                            metadata: ["contract": "\(contract)", "reason": "\(error)"])
                        return nil
                    }
                    try await time.sleep(until: time.monotonic + pause)
                }
            }
        }
        return nil
    }
}

extension EventMatch {
    /// Which side of a transfer the query watches.
    fileprivate func direction(of transfer: TokenTransfer) -> TokenTransfer.Direction {
        let topics = query.filter.topics
        return transfer.direction(
            namesSender: topics.count > 1 && topics[1] != nil, namesReceiver: topics.count > 2 && topics[2] != nil)
    }
}

/// Chains as people call them.
enum ChainName {
    static func of(_ chainID: UInt64) -> String { names[chainID] ?? "Chain \(chainID)" }

    private static let names: [UInt64: String] = [
        1: "Ethereum", 10: "Optimism", 56: "BNB Chain", 97: "BNB Chain Testnet", 137: "Polygon", 8_453: "Base",
        42_161: "Arbitrum", 84_532: "Base Sepolia", 11_155_111: "Sepolia",
    ]
}
