public import AVSEthereum
import AVSModel
public import AVSPrimitives
public import AVSWorkflow

/// Runs task graphs with the chains and the outgoing HTTP of this service.
public struct GraphRunner: WorkflowRunner {
    private let chains: [UInt64: any ChainClient]
    private let http: any HTTPClient
    private let time: any TimeSource

    public init(chains: [UInt64: any ChainClient], http: any HTTPClient, time: any TimeSource) {
        self.chains = chains
        self.http = http
        self.time = time
    }

    public func run(_ request: RunRequest, isStopped: @escaping @Sendable () -> Bool) async -> RunResult {
        let run = WorkflowRun(
            task: request.task, executionID: request.executionID, trigger: request.trigger, input: request.input,
            secrets: request.secrets, deadline: request.deadline)
        let environment = WorkflowEnvironment(chain: chains[request.task.chainID], http: http, time: time)
        let outcome = await run.run(in: environment, isStopped: isStopped)
        return RunResult(steps: outcome.steps, status: outcome.status, error: outcome.error)
    }
}
