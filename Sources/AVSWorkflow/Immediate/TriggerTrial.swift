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

    public init(trigger: Trigger, input: [String: JSONValue]) {
        self.trigger = trigger
        self.input = input
    }

    public struct Outcome: Hashable, Sendable {
        public var output: JSONValue
        /// The raw log of a simulated event; nil for any other trigger.
        public var metadata: JSONValue?
        public var isSimulated = false
    }

    /// - Throws: ``NodeFailure``: 3001 for a configuration that cannot fire, 5000 when the chain does not answer.
    public func run(in environment: WorkflowEnvironment) async throws(NodeFailure) -> Outcome {
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
            return try await EventTrial(event: event, input: input).run(in: environment)
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
