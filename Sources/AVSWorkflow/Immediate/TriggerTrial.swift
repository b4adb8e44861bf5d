import AVSEthereum
public import AVSModel
public import AVSPrimitives

/// A trigger, fired at once and without a task: what its step would show.
///
/// - Source: execution-engine.md 4.
public struct TriggerTrial: Sendable {
    public var trigger: Trigger
    /// Scope of the templates in event queries.
    public var input: [String: JSONValue]
    public var chainID: UInt64

    /// A trial that takes longer is given up (4.5.2).
    public static let budget = Duration.seconds(15)

    public init(trigger: Trigger, input: [String: JSONValue], chainID: UInt64) {
        self.trigger = trigger
        self.input = input
        self.chainID = chainID
    }

    /// What the trigger's step shows.
    public struct Outcome: Hashable, Sendable {
        public var output: JSONValue
        /// Of a simulated event: the raw log and, where the query has conditions, `conditionsMet` and
        /// `matchedConditions` with how each came out. Nil for any other trigger.
        public var metadata: JSONValue?
        /// Whether what is shown is made up, rather than read from the chain or the clock.
        public var isSimulated: Bool
        /// Conditions that do not hold; the rest of the outcome is there all the same.
        public var failure: NodeFailure?
        /// What a simulated transfer would have done: writes that are simulated after it are to see that (4.5.4).
        public var balanceChange: TokenBalanceChange?

        public init(
            output: JSONValue, metadata: JSONValue? = nil, isSimulated: Bool = false, failure: NodeFailure? = nil
        ) {
            self.output = output
            self.metadata = metadata
            self.isSimulated = isSimulated
            self.failure = failure
        }
    }

    /// - Throws: ``NodeFailure``: 3001 for a configuration that cannot fire, 5000 when the chain does not answer or the
    ///   trial takes longer than ``budget``.
    public func run(in environment: WorkflowEnvironment) async throws(NodeFailure) -> Outcome {
        let deadline = environment.time.monotonic + Self.budget
        let result = await environment.time.run(until: deadline) { () -> Result<Outcome, NodeFailure> in
            do throws(NodeFailure) { return .success(try await fire(in: environment)) } catch { return .failure(error) }
        }
        switch result {
        case .success(let outcome): return outcome
        case .failure(let failure) where environment.time.monotonic < deadline: throw failure
        case .failure, nil:
            throw NodeFailure(code: .rpcNodeError, "the trigger took longer than \(Self.budget)", reason: .timeout)
        }
    }

    private func fire(in environment: WorkflowEnvironment) async throws(NodeFailure) -> Outcome {
        switch trigger.config {
        case .manual(let manual):
            try ManualTrigger.check(data: manual.data, language: manual.language)
            return Outcome(output: manual.data ?? .null)
        case .fixedTime, .cron:
            // Whole seconds, as schedules have them; whether the schedule can be read is not asked here.
            let now = Timestamp(seconds: environment.time.now.seconds)
            return Outcome(output: [
                "timestamp": .number(Double(now.milliseconds)), "timestampIso": .string(now.iso8601),
            ])
        case .block(let block): return Outcome(output: try await latestBlock(block, environment))
        case .event(let event):
            return try await EventTrial(event: event, input: input, chainID: chainID).run(in: environment)
        }
    }

    private func latestBlock(
        _ config: BlockTrigger, _ environment: WorkflowEnvironment
    ) async throws(NodeFailure) -> JSONValue {
        guard config.interval > 0 else {
            throw NodeFailure(
                code: .invalidTriggerConfig, "block trigger interval must be greater than 0, got \(config.interval)")
        }
        guard let chain = environment.chain else { throw NodeFailure(code: .rpcNodeError, "no chain is configured") }
        let block: Block?
        do throws(ChainError) {
            block = try await chain.block(.latest)
        } catch {
            throw NodeFailure(code: .rpcNodeError, "failed to read the latest block: \(error)")
        }
        guard let block else { throw NodeFailure(code: .rpcNodeError, "the chain has no latest block") }
        return [
            "blockNumber": .number(Double(block.number)), "blockHash": .string(block.hash.hex),
            "timestamp": .number(Double(block.timestamp)), "parentHash": .string(block.parentHash.hex),
            "difficulty": .string(block.difficulty.description), "gasLimit": .number(Double(block.gasLimit)),
            "gasUsed": .number(Double(block.gasUsed)),
        ]
    }
}
