public import AVSModel
import AVSPrimitives
public import AVSWorkflow

/// Runs parts of a workflow for themselves: nothing is stored.
public protocol ImmediateRunner: Sendable {
    /// The step that the node would have been.
    func run(_ trial: NodeTrial) async -> Step
    /// What the trigger's step would show.
    func run(_ trial: TriggerTrial) async throws(NodeFailure) -> TriggerTrial.Outcome
}

/// Runs nothing: for services without immediate runs, and for tests of other things.
public struct NoImmediateRunner: ImmediateRunner {
    public init() {}

    public func run(_ trial: NodeTrial) async -> Step {
        let now = Timestamp(milliseconds: 0)
        return Step(
            id: trial.node.id, name: trial.node.name, kind: .node(trial.node.kind), success: false,
            error: "immediate runs are not available", startAt: now, endAt: now)
    }

    public func run(_ trial: TriggerTrial) async throws(NodeFailure) -> TriggerTrial.Outcome {
        throw NodeFailure("immediate runs are not available")
    }
}
