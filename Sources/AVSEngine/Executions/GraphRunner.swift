public import AVSEthereum
public import AVSModel
public import AVSPrimitives
public import AVSWorkflow

/// Runs task graphs with the chains and the outgoing HTTP of this service.
public struct GraphRunner: WorkflowRunner, ImmediateRunner {
    private let chains: [UInt64: any ChainClient]
    private let http: any HTTPClient
    private let time: any TimeSource
    private let scripts: any ScriptRunner
    private let services: WorkflowServices
    private let limits: RunLimits
    private let wallets: any WalletCallSender
    private let afterUnknownOutcome: Node.UnknownOutcome

    /// - Parameters:
    ///   - limits: of each run, and of each node that is run for itself.
    ///   - wallets: sends what nodes have wallets do.
    ///   - afterUnknownOutcome: for nodes that say nothing of it themselves.
    public init(
        chains: [UInt64: any ChainClient], http: any HTTPClient, time: any TimeSource,
        scripts: any ScriptRunner = SimpleScriptRunner(), services: WorkflowServices = WorkflowServices(),
        limits: RunLimits = RunLimits(), wallets: any WalletCallSender = NoWalletCallSender(),
        afterUnknownOutcome: Node.UnknownOutcome = .fail
    ) {
        self.chains = chains
        self.http = http
        self.time = time
        self.scripts = scripts
        self.services = services
        self.limits = limits
        self.wallets = wallets
        self.afterUnknownOutcome = afterUnknownOutcome
    }

    public func run(
        _ request: RunRequest, recorder: some StepRecorder, signal: StopSignal
    ) async -> RunResult {
        var run = WorkflowRun(
            task: request.task, executionID: request.executionID, trigger: request.trigger, input: request.input,
            secrets: request.secrets, walletSalt: request.walletSalt, recorded: request.recorded,
            startedAt: request.startedAt, deadline: request.deadline)
        run.trial = request.trial
        var environment = environment(of: request.task.chainID, owner: request.task.owner)
        environment.wallet = ActingWallet(
            owner: request.task.owner, address: request.task.wallet, execution: request.executionID,
            isOfRun: !request.isSimulated, isSimulated: request.isSimulated, sender: wallets,
            balanceChange: request.trial?.balanceChange)
        let outcome = await run.run(in: environment, recorder: recorder, signal: signal)
        return RunResult(steps: outcome.steps, status: outcome.status, error: outcome.error)
    }

    public func run(_ trial: NodeTrial) async -> Step {
        var environment = environment(of: trial.chainID, owner: trial.owner)
        environment.wallet = trial.wallet.map {
            ActingWallet(
                owner: trial.owner, address: $0.address, execution: trial.executionID, isOfRun: false,
                isSimulated: true, sender: wallets)
        }
        return await trial.run(in: environment)
    }

    public func run(_ trial: TriggerTrial) async throws(NodeFailure) -> TriggerTrial.Outcome {
        try await trial.run(in: environment(of: trial.chainID, owner: nil))
    }

    /// - Parameter owner: on whose behalf scripts run and requests go out; nil where no script does.
    private func environment(of chainID: UInt64, owner: Address?) -> WorkflowEnvironment {
        var environment = WorkflowEnvironment(
            chain: chains[chainID], http: owner.map { http.serving($0) } ?? http, time: time,
            scripts: owner.map { scripts.serving($0) } ?? SimpleScriptRunner(), services: services)
        environment.limits = limits
        environment.afterUnknownOutcome = afterUnknownOutcome
        return environment
    }
}
