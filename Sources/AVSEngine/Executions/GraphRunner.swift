public import AVSEthereum
public import AVSModel
public import AVSPrimitives
public import AVSWorkflow

/// Runs task graphs with the chains and the outgoing HTTP of this service.
public struct GraphRunner: WorkflowRunner, ImmediateRunner {
    private let chains: [UInt64: any ChainClient]
    private let http: any HTTPClient
    private let time: any TimeSource

    public init(chains: [UInt64: any ChainClient], http: any HTTPClient, time: any TimeSource) {
        self.chains = chains
        self.http = http
        self.time = time
    }

    public func run(_ request: RunRequest, isStopped: @escaping @Sendable () -> Bool) async -> RunResult {
        var run = WorkflowRun(
            task: request.task, executionID: request.executionID, trigger: request.trigger, input: request.input,
            secrets: request.secrets, deadline: request.deadline)
        run.isSimulated = request.isSimulated
        let outcome = await run.run(in: environment(of: request.task.chainID), isStopped: isStopped)
        return RunResult(steps: outcome.steps, status: outcome.status, error: outcome.error)
    }

    public func run(_ trial: NodeTrial) async -> Step { await trial.run(in: environment(of: trial.chainID)) }

    public func run(_ trial: TriggerTrial, chainID: UInt64) async throws(NodeFailure) -> TriggerTrial.Outcome {
        try await trial.run(in: environment(of: chainID))
    }

    private func environment(of chainID: UInt64) -> WorkflowEnvironment {
        WorkflowEnvironment(chain: chains[chainID], http: http, time: time)
    }
}
