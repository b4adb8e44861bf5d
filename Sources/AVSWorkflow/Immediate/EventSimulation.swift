import AVSEthereum
import AVSModel
import AVSPrimitives
import BigInt

/// Makes up the log that one query waits for. The chain is asked only for what is not in the query: a feed's latest
/// answer, decimals, the name of a token.
///
/// - Source: execution-engine.md 4.5.3 to 4.5.6.
struct EventSimulation: Sendable {
    let query: SimulatedQuery
    /// Whose transfers are watched, where the topics name both sides.
    let watched: Address?
    let chainID: UInt64
    let environment: WorkflowEnvironment

    /// - Throws: ``NodeFailure``: 3001 for a query that no log can match, 5000 when the chain cannot be reached.
    func run() async throws(NodeFailure) -> SimulatedEvent {
        if query.asksFeedDirectly { return try await priceUpdate(.sample, isDirect: true) }
        switch query.signature {
        case TokenTransfer.topic0 where isTokenTransfer: return try await transfer()
        case PriceUpdate.event.topic0: return try await priceUpdate(try await latestUpdate(), isDirect: false)
        default: return try await generic()
        }
    }

    /// ERC-721 gives its transfers the same signature, with a third indexed argument.
    private var isTokenTransfer: Bool { query.topics.count <= 3 && query.event?.indexedCount ?? 2 == 2 }

    // MARK: Kinds

    private func generic() async throws(NodeFailure) -> SimulatedEvent {
        let parts: (topics: [Hash32], data: [UInt8])
        do throws(ABIError) {
            if let event = query.event {
                parts = (try event.topics(matching: query.topics), try event.sampleData())
            } else {
                parts = (query.topics.map { $0 ?? .zero }, [UInt8](repeating: 0, count: 32))
            }
        } catch {
            throw refusal(error)
        }
        var event = try read(log(parts.topics, parts.data), by: query.abi)
        event.data.format(try await fieldFormats(assuming: nil))
        return event
    }

    /// - Parameters:
    ///   - update: nil for a feed that cannot be asked.
    ///   - isDirect: a query that has no topics but asks a feed's methods: the event is known without an ABI, and the
    ///     feed is not asked.
    private func priceUpdate(
        _ update: PriceUpdate?, isDirect: Bool
    ) async throws(NodeFailure) -> SimulatedEvent {
        let now = UInt64(max(0, environment.time.now.seconds))
        let parts: (topics: [Hash32], data: [UInt8])
        do throws(ABIError) {
            parts = try (update ?? .sample).log(matching: query.topics, updatedAt: now)
        } catch {
            throw refusal(error)
        }
        var abi = query.abi
        if isDirect {
            var known = ABIContract()
            known.events = [PriceUpdate.event]
            abi = known
        }
        var event = try read(log(parts.topics, parts.data), by: abi)
        if isDirect {
            for call in query.methodCalls.prefix(DecimalsCall.limit) {
                event.data.formatEventFields(call.applyToFields, decimals: PriceUpdate.sampleDecimals)
            }
        } else {
            event.data.format(try await fieldFormats(assuming: update == nil ? PriceUpdate.sampleDecimals : nil))
        }
        return event
    }

    /// Nil for a contract that answers no such question, and where there is no chain to ask.
    private func latestUpdate() async throws(NodeFailure) -> PriceUpdate? {
        try await answer(of: query.contract, to: PriceUpdate.latestRoundCall).flatMap { PriceUpdate(after: $0) }
    }

    private func transfer() async throws(NodeFailure) -> SimulatedEvent {
        let sides = query.topics.dropFirst().map { $0.flatMap { Address(bytes: $0.bytes.suffix(20)) } }
        let from = sides.first.flatMap { $0 }
        let to = sides.dropFirst().first.flatMap { $0 }
        guard from != nil || to != nil else {
            throw NodeFailure(
                code: .invalidTriggerConfig,
                "transfer event simulation requires at least one address (FROM or TO) in topics")
        }
        let metadata = await tokenMetadata()
        let formats = try await fieldFormats(assuming: nil)
        let amount = SimulatedAmount(
            query.conditions, decimals: (metadata ?? .unknown).decimals,
            shownWith: formats.last { $0.isAboutAmount }?.decimals
        ).value
        let transfer = TokenTransfer(
            token: query.contract, from: from ?? .sample(1), to: to ?? .sample(2), value: amount)
        let log = log(transfer.log.topics, transfer.log.data)
        var event = try read(log, by: query.abi)
        let direction = transfer.direction(
            namesSender: from != nil, namesReceiver: to != nil, watched: watched)
        if let transfer = event.report.transfer, let metadata {
            event.data = .object(
                event.report.json(
                    of: transfer, metadata, direction: direction, at: environment.time.now, chainID: chainID))
        }
        event.data.format(formats)
        let value = BigInt(amount.magnitude)
        event.balanceChange =
            direction == .sent
            ? TokenBalanceChange(token: transfer.token, holder: transfer.from, amount: -value)
            : TokenBalanceChange(token: transfer.token, holder: transfer.to, amount: value)
        return event
    }

    // MARK: Logs

    /// The hashes are made of the log and the time: no two trials show the same transaction.
    private func log(_ topics: [Hash32], _ data: [UInt8]) -> EventLog {
        let now = environment.time.now
        let seed = query.contract.bytes + topics.flatMap(\.bytes) + data + Array(now.iso8601.utf8)
        return EventLog(
            address: query.contract, topics: topics, data: data,
            blockNumber: Self.firstBlock(of: chainID) + now.seconds.magnitude % 100_000,
            blockHash: Keccak256.hash(Array("block ".utf8) + seed), transactionHash: Keccak256.hash(seed))
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

    /// The raw log where the ABI, or the lack of one, does not tell what it means.
    private func read(_ log: EventLog, by abi: ABIContract?) throws(NodeFailure) -> SimulatedEvent {
        do throws(ABIError) {
            return SimulatedEvent(try EventReport(log, by: abi))
        } catch {
            throw refusal(error)
        }
    }

    private func refusal(_ error: ABIError) -> NodeFailure {
        NodeFailure(code: .invalidTriggerConfig, "the event cannot be simulated: \(error)")
    }
}

extension EventSimulation {
    // MARK: What the chain says

    /// The fields that the query's method calls name, each with the decimals that the call answers.
    ///
    /// - Parameter decimals: of a contract that does not answer; nil leaves its fields as they are.
    private func fieldFormats(assuming decimals: Int?) async throws(NodeFailure) -> [FieldFormat] {
        let calls = query.methodCalls.filter { !$0.applyToFields.isEmpty }
        var formats: [FieldFormat] = []
        for call in calls.prefix(DecimalsCall.limit) {
            let question: DecimalsCall
            do throws(ABIError) {
                question = try DecimalsCall(
                    call.methodName, callData: call.callData, parameters: call.parameters, contract: query.abi)
            } catch {
                throw NodeFailure(code: .invalidTriggerConfig, "methodCalls: \(error)")
            }
            let answer = try await answer(of: query.contract, to: question.data).flatMap(question.decimals)
            guard let decimals = answer ?? decimals else { continue }
            formats.append(FieldFormat(fields: call.applyToFields, decimals: decimals))
        }
        return formats
    }

    /// What the token says of itself, or what is said of one that cannot be asked; nil without a chain.
    private func tokenMetadata() async -> TokenMetadata? {
        guard environment.chain != nil else { return nil }
        do {
            return try await TokenMetadata.read { try await answer(of: query.contract, to: $0) } ?? .unknown
        } catch {
            return .unknown
        }
    }

    /// What a contract answers; nil where it reverts or answers with nothing, and without a chain.
    private func answer(of contract: Address, to data: [UInt8]) async throws(NodeFailure) -> [UInt8]? {
        do throws(ChainError) {
            let answer = try await environment.chain?.call(to: contract, data: data)
            return answer?.isEmpty == false ? answer : nil
        } catch .rpc {
            return nil
        } catch {
            throw NodeFailure(code: .rpcNodeError, "failed to read from \(contract): \(error)", reason: .init(error))
        }
    }
}

/// Fields of an event that are shown divided by 10^`decimals`.
struct FieldFormat: Sendable {
    /// `Event.field` or `field`.
    var fields: [String]
    var decimals: Int

    /// Whether the amount of a transfer is among them.
    var isAboutAmount: Bool { fields.contains { ["value", "Transfer.value"].contains($0) } }
}

extension JSONValue {
    fileprivate mutating func format(_ formats: [FieldFormat]) {
        for format in formats { formatEventFields(format.fields, decimals: format.decimals) }
    }
}
