import AVSEthereum
import AVSModel
import AVSPrimitives

/// An event that nobody emitted: checks the queries as a run would, and makes up a log that one of them matches.
///
/// - Source: execution-engine.md 4.5.2 to 4.5.7.
struct EventTrial: Sendable {
    let event: EventTrigger
    let input: [String: JSONValue]
    let chainID: UInt64

    /// Queries are alternatives: the first one that can be simulated and whose conditions hold is shown, else the first
    /// one whose conditions do not hold.
    func run(in environment: WorkflowEnvironment) async throws(NodeFailure) -> TriggerTrial.Outcome {
        var unmet: TriggerTrial.Outcome?
        var refusal: NodeFailure?
        for (index, query) in try checkedQueries().enumerated() {
            do throws(NodeFailure) {
                let simulation = EventSimulation(
                    query: try SimulatedQuery(query, name: "queries[\(index)]"), watched: watchedWallet,
                    chainID: chainID, environment: environment)
                let outcome = Self.outcome(of: try await simulation.run(), query, chainID: chainID)
                guard outcome.failure != nil else { return outcome }
                unmet = unmet ?? outcome
            } catch {
                refusal = refusal ?? error
            }
        }
        if let unmet { return unmet }
        throw refusal ?? .missing("queries")
    }

    // MARK: Checks

    private func checkedQueries() throws(NodeFailure) -> [EventQuery] {
        guard !event.queries.isEmpty else {
            throw NodeFailure(code: .invalidTriggerConfig, "queries must be a non-empty array")
        }
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

    /// Whose transfers are watched, where the topics name both sides.
    private var watchedWallet: Address? {
        input["settings"]?["runner"]?.stringValue.flatMap { Address($0) }
    }

    // MARK: The outcome

    private static func outcome(
        of event: SimulatedEvent, _ query: EventQuery, chainID: UInt64
    ) -> TriggerTrial.Outcome {
        var metadata = event.log.metadataJSON(chainID: chainID).objectValue ?? [:]
        var outcome = TriggerTrial.Outcome(output: event.data, isSimulated: true)
        outcome.balanceChange = event.balanceChange
        if !query.conditions.isEmpty {
            let verdicts = query.conditions.map { ConditionVerdict($0, on: event) }
            let isMet = verdicts.allSatisfy(\.passed)
            metadata["conditionsMet"] = .bool(isMet)
            metadata["matchedConditions"] = .array(verdicts.map(\.json))
            if !isMet {
                outcome.failure = NodeFailure(code: .invalidRequest, "Conditions not met for simulated event")
            }
        }
        outcome.metadata = .object(metadata)
        return outcome
    }
}

/// How one condition came out on a simulated event (execution-engine.md 4.5.7).
struct ConditionVerdict: Hashable, Sendable {
    private let condition: EventCondition
    private let outcome: FieldCondition.Outcome

    init(_ condition: EventCondition, on event: SimulatedEvent) {
        self.condition = condition
        guard let field = event.field(named: condition.fieldName) else {
            outcome = .init(
                passed: false, actualValue: nil, reason: "the event has no field '\(condition.fieldName.excerpt())'")
            return
        }
        var comparison = FieldCondition(condition)
        if field.isFormatted { comparison.fieldType = "decimal" }
        outcome = comparison.evaluate(on: field.value)
    }

    var passed: Bool { outcome.passed }

    var json: JSONValue {
        [
            "fieldName": .string(condition.fieldName), "operator": .string(condition.comparison),
            "expectedValue": .string(condition.value), "actualValue": outcome.actualValue.map { .string($0) } ?? .null,
            "passed": .bool(outcome.passed), "reason": .string(outcome.reason),
        ]
    }
}

extension FieldCondition {
    init(_ condition: EventCondition) {
        self.init(
            fieldName: condition.fieldName, comparison: condition.comparison, value: condition.value,
            fieldType: condition.fieldType)
    }
}
