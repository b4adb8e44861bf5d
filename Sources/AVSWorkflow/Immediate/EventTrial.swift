import AVSEthereum
import AVSModel
import AVSPrimitives
import BigInt

/// An event that nobody emitted: checks the queries as a run would, and makes up a transfer that they match.
///
/// Other events than ERC-20 transfers cannot be made up yet.
/// - Source: execution-engine.md 4.5.2 to 4.5.4.
struct EventTrial: Sendable {
    let event: EventTrigger
    let input: [String: JSONValue]

    func run(in environment: WorkflowEnvironment) async throws(NodeFailure) -> TriggerTrial.Outcome {
        let queries = try checkedQueries()
        for query in queries {
            if let transfer = try Pattern(query) {
                return try await simulated(transfer, query, environment)
            }
        }
        throw NodeFailure("not supported yet: a simulated event that is no ERC-20 transfer")
    }

    // MARK: Checks

    private func checkedQueries() throws(NodeFailure) -> [EventQuery] {
        guard !event.queries.isEmpty else { throw .missing("queries") }
        for (index, query) in event.queries.enumerated() where query.addresses.isEmpty {
            throw NodeFailure(code: .invalidTriggerConfig, "queries[\(index)].addresses is required")
        }
        do throws(InvalidArgument) {
            let trigger = Trigger(id: "", name: "", config: .event(event))
            let resolved = try EventTemplates.resolve(trigger, inputVariables: input)
            try TriggerRules(limits: TaskValidator.Limits()).check(resolved.config)
            guard case .event(let checked) = resolved.config else { return [] }
            return checked.queries
        } catch {
            throw NodeFailure(code: error.code, error.message)
        }
    }

    /// The transfer that a query asks for.
    private struct Pattern {
        var token: Address
        var from: Address?
        var to: Address?

        /// - Returns: nil for a query of another event.
        init?(_ query: EventQuery) throws(NodeFailure) {
            guard let first = query.topics.first, try Self.topic(first) == TokenTransfer.topic0,
                let token = query.addresses.first.flatMap({ Address($0) })
            else { return nil }
            self.token = token
            from = try query.topics.count > 1 ? Self.address(query.topics[1]) : nil
            to = try query.topics.count > 2 ? Self.address(query.topics[2]) : nil
            guard from != nil || to != nil else {
                throw NodeFailure(
                    code: .invalidTriggerConfig,
                    "transfer event simulation requires at least one address (FROM or TO) in topics")
            }
        }

        var direction: TokenTransfer.Direction {
            switch (from, to) {
            case (.some, nil): .sent
            case (nil, .some): .received
            default: .unknown
            }
        }

        private static func topic(_ text: String) throws(NodeFailure) -> Hash32? {
            do throws(LogFilterError) {
                return try LogFilter.topic(parsing: text)
            } catch {
                throw NodeFailure(code: .invalidTriggerConfig, "topic '\(text.excerpt())' cannot be used: \(error)")
            }
        }

        private static func address(_ text: String) throws(NodeFailure) -> Address? {
            try topic(text).flatMap { Address(bytes: $0.bytes.suffix(20)) }
        }
    }

    // MARK: The transfer

    private func simulated(
        _ pattern: Pattern, _ query: EventQuery, _ environment: WorkflowEnvironment
    ) async throws(NodeFailure) -> TriggerTrial.Outcome {
        let metadata = await metadata(of: pattern.token, environment)
        let first = Address(bytes: [UInt8](repeating: 0, count: 19) + [1]) ?? .zero
        let second = Address(bytes: [UInt8](repeating: 0, count: 19) + [2]) ?? .zero
        let value = Self.wanted(by: query.conditions) ?? Self.sample(decimals: metadata.decimals)
        let transfer = TokenTransfer(
            token: pattern.token, from: pattern.from ?? first, to: pattern.to ?? second, value: value)
        let now = environment.time.now
        let chainID = environment.chain?.chainID ?? 0
        let block = Self.firstBlock(of: chainID) + UInt64(now.seconds.magnitude % 100_000)
        let seed = transfer.from.bytes + transfer.to.bytes + value.bigEndian + Array(now.iso8601.utf8)
        let hash = Keccak256.hash(seed).hex
        var output = transfer.json(metadata, direction: pattern.direction)
        output["transactionHash"] = .string(hash)
        output["blockNumber"] = .number(Double(block))
        output["blockTimestamp"] = .number(Double(now.milliseconds))
        output["chainId"] = .number(Double(chainID))
        let padding = [UInt8](repeating: 0, count: 12)
        let log: JSONValue = [
            "address": .string(transfer.token.checksummed), "blockNumber": .number(Double(block)),
            "transactionHash": .string(hash), "logIndex": 0, "data": .string(Hex.encode0x(value.bigEndian)),
            "topics": .array([
                .string(TokenTransfer.topic0.hex), .string(Hex.encode0x(padding + transfer.from.bytes)),
                .string(Hex.encode0x(padding + transfer.to.bytes)),
            ]),
        ]
        return TriggerTrial.Outcome(output: .object(output), metadata: log, isSimulated: true)
    }

    /// What the token says of itself; what is made up when it cannot be asked.
    private func metadata(of token: Address, _ environment: WorkflowEnvironment) async -> TokenMetadata {
        guard let chain = environment.chain else { return .unknown }
        do {
            return try await TokenMetadata.read { data in try await chain.answer(of: token, to: data) } ?? .unknown
        } catch {
            return .unknown
        }
    }

    /// One and a half tokens; one unit of a token that has no fractions.
    private static func sample(decimals: Int) -> UInt256 {
        guard (1...70).contains(decimals) else { return UInt256(1) }
        return UInt256(BigUInt(15) * BigUInt(10).power(decimals - 1)) ?? UInt256(1)
    }

    /// An amount with which the conditions on it hold.
    private static func wanted(by conditions: [EventCondition]) -> UInt256? {
        for condition in conditions {
            let field = condition.fieldName.split(separator: ".").last.map(String.init) ?? ""
            guard field == "value" || field == "amount", let value = UInt256(decimal: condition.value) else { continue }
            switch condition.comparison {
            case "gt": return UInt256(value.magnitude + 1)
            case "lt": return value == .zero ? nil : UInt256(value.magnitude - 1)
            case "eq", "gte", "lte": return value
            default: continue
            }
        }
        return nil
    }

    /// Near the head of well-known chains, so that what is made up looks like what comes.
    private static func firstBlock(of chainID: UInt64) -> UInt64 {
        switch chainID {
        case 1: 19_500_000
        case 11_155_111: 6_500_000
        case 8_453: 11_500_000
        case 84_532: 14_400_000
        default: 1_000_000
        }
    }
}

extension ChainClient {
    /// What a contract answers; nil where it reverts or answers with nothing.
    fileprivate func answer(of contract: Address, to data: [UInt8]) async throws(ChainError) -> [UInt8]? {
        do throws(ChainError) {
            let answer = try await call(to: contract, data: data)
            return answer.isEmpty ? nil : answer
        } catch .rpc {
            return nil
        }
    }
}
