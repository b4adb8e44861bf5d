public import AVSModel
public import AVSPrimitives
public import AVSWorkflow

/// What a run needs to know.
public struct RunRequest: Sendable {
    /// As it was when the run began: its count includes this run.
    public var task: AutomationTask
    public var executionID: ExecutionID
    public var trigger: TriggerOutput
    /// Merged over the task's input variables, key by key.
    public var input: [String: JSONValue]
    /// What `apContext.configVars` holds.
    public var secrets: [String: String]
    /// Of the task's wallet; nil if it is not known.
    public var walletSalt: UInt256?
    /// How the trigger was tried: such a run is a simulation, of which nothing is kept. Nil in real runs.
    public var trial: TriggerTrial.Outcome?
    /// The journal of an earlier attempt, oldest first.
    public var recorded: [NodeRecord]
    /// When the first attempt began, of a simulation the trial of its trigger; `nil` is now.
    public var startedAt: Timestamp?
    /// When no further node begins and those that run are cancelled (XO-21).
    public var deadline: ContinuousClock.Instant

    public init(
        task: AutomationTask, executionID: ExecutionID, trigger: TriggerOutput, input: [String: JSONValue] = [:],
        secrets: [String: String] = [:], walletSalt: UInt256? = nil, trial: TriggerTrial.Outcome? = nil,
        recorded: [NodeRecord] = [], startedAt: Timestamp? = nil, deadline: ContinuousClock.Instant
    ) {
        self.task = task
        self.executionID = executionID
        self.trigger = trigger
        self.input = input
        self.secrets = secrets
        self.walletSalt = walletSalt
        self.trial = trial
        self.recorded = recorded
        self.startedAt = startedAt
        self.deadline = deadline
    }

    public var isSimulated: Bool { trial != nil }
}

/// How a run ended.
public struct RunResult: Hashable, Sendable {
    public var steps: [Step]
    public var status: ExecutionStatus
    /// Empty on success.
    public var error: String

    public init(steps: [Step], status: ExecutionStatus, error: String) {
        self.steps = steps
        self.status = status
        self.error = error
    }

    /// When its last step ended; `now` for a run without steps (execution-engine 6.6).
    func end(orElse now: Timestamp) -> Timestamp { steps.lazy.map(\.endAt).max() ?? now }
}

/// Runs a task's graph. Never throws: whatever goes wrong is part of the result.
public protocol WorkflowRunner: Sendable {
    /// - Parameters:
    ///   - recorder: hears of nodes as they end, before anything that depends on them begins (XO-15).
    ///   - signal: once set no further node starts, and those that run are cancelled (XO-22).
    func run(
        _ request: RunRequest, recorder: some StepRecorder, signal: StopSignal
    ) async -> RunResult
}
