public import AVSModel
public import AVSPrimitives

/// One run of a task: what it starts from.
public struct WorkflowRun: Sendable {
    /// As it is while this run is in progress: its count includes the run.
    public var task: AutomationTask
    /// Names the run; effects of nodes on the world outside carry it.
    public var executionID: ExecutionID
    /// What the trigger reported.
    public var trigger: TriggerOutput
    /// Merged over the task's input variables for this run, top-level keys only.
    public var input: [String: JSONValue]
    /// Name to value; `apContext.configVars` in variables, never in logs.
    public var secrets: [String: String]
    /// Of the task's wallet; nil if it is not known.
    public var walletSalt: UInt256?
    /// The journal of this run before an interruption, oldest first: nodes that ended are taken as they are, those that
    /// only began fail.
    public var recorded: [NodeRecord]
    /// When its first attempt began, of a simulation the trial of its trigger; nil is now.
    public var startedAt: Timestamp?
    /// How the trigger was tried: such a run is a simulation, of which nothing is kept. Nil in real runs.
    public var trial: TriggerTrial.Outcome?
    /// When it comes no further node begins and those that run are cancelled (XO-21).
    public var deadline: ContinuousClock.Instant?

    public init(
        task: AutomationTask, executionID: ExecutionID, trigger: TriggerOutput, input: [String: JSONValue] = [:],
        secrets: [String: String] = [:], walletSalt: UInt256? = nil, recorded: [NodeRecord] = [],
        startedAt: Timestamp? = nil, deadline: ContinuousClock.Instant? = nil
    ) {
        self.task = task
        self.executionID = executionID
        self.trigger = trigger
        self.input = input
        self.secrets = secrets
        self.walletSalt = walletSalt
        self.recorded = recorded
        self.startedAt = startedAt
        self.deadline = deadline
    }

    /// Runs the graph to its end.
    ///
    /// Never throws: whatever goes wrong in the task is part of the outcome. A graph that cannot be planned ends with
    /// status ERROR and without steps. Cancelling the surrounding task cancels the nodes that run;
    /// ``RunOutcome/stop`` then says that the run is not over.
    ///
    /// - Parameters:
    ///   - recorder: hears of each node before anything that depends on it begins, but not of a last one that may run
    ///     again.
    ///   - signal: once set no further node begins, and those that run are cancelled (XO-22).
    public func run(
        in environment: WorkflowEnvironment, recorder: some StepRecorder = NoStepRecorder(),
        signal: StopSignal = StopSignal()
    ) async -> RunOutcome {
        let startAt = startedAt ?? environment.time.now
        var environment = environment
        environment.execution = executionID
        let plan: Plan
        do throws(PlanError) {
            plan = try Plan(trigger: task.trigger, nodes: task.nodes, edges: task.edges)
        } catch {
            return RunOutcome(steps: [], verdict: RunVerdict(error: "\(error)", steps: []))
        }
        let output = TriggerShape.output(of: task.trigger, trigger, now: startAt)
        let variables = RunVariables(
            task: task, secrets: secrets, input: input, triggerOutput: output, salt: walletSalt)
        let builder = StepBuilder(
            chainID: task.chainID, redaction: Redaction(secrets: secrets),
            outputLimitBytes: environment.limits.stepOutputBytes)
        let first =
            if let trial {
                builder.step(of: trial, task: task, output: output, from: startAt, to: environment.time.now)
            } else {
                builder.triggerStep(of: task.trigger, output: output, at: startAt)
            }
        guard first.success else {
            return RunOutcome(steps: [first], verdict: RunVerdict(steps: [first]))
        }
        var driver = GraphDriver(
            plan: plan, variables: variables,
            digests: InputDigests(plan: plan, trigger: output, input: task.inputVariables.merging(input) { $1 }),
            environment: environment, builder: builder,
            recorded: Dictionary(recorded.map { ($0.nodeID, $0) }) { $1 },
            report: RunReport(of: task, isSimulated: trial != nil, trigger: first), signal: signal)
        let stop = await driver.run(until: deadline, recorder: recorder)
        let steps = [first] + inJournalOrder(driver.steps)
        return RunOutcome(
            steps: steps,
            verdict: stop.map { RunVerdict(error: $0.description, steps: steps) } ?? RunVerdict(steps: steps),
            stop: stop)
    }
}

extension WorkflowRun {
    /// Recorded nodes come to their end again in any order: the journal knows in which they did at first.
    private func inJournalOrder(_ steps: [Step]) -> [Step] {
        guard !recorded.isEmpty else { return steps }
        let byID = Dictionary(steps.map { ($0.id, $0) }) { $1 }
        let ids = Set(recorded.map(\.nodeID))
        return recorded.compactMap { byID[$0.nodeID] } + steps.filter { !ids.contains($0.id) }
    }
}

/// How a run ended.
public struct RunOutcome: Hashable, Sendable {
    /// The trigger's step first, then the nodes' in the order in which they ended.
    public var steps: [Step]
    public var status: ExecutionStatus
    /// Empty on success.
    public var error: String
    /// Why nodes that were due did not run; nil if the run came to its own end.
    public var stop: RunStop?

    init(steps: [Step], verdict: RunVerdict, stop: RunStop? = nil) {
        self.steps = steps
        status = verdict.status
        error = verdict.error
        self.stop = stop
    }
}

/// What ended a run before its graph did.
public enum RunStop: Hashable, Sendable, CustomStringConvertible {
    /// The task was cancelled or deleted (XO-22).
    case stopped
    case deadline
    /// The surrounding task was cancelled: the process is about to end. The run may go on later.
    case interrupted
    /// More nodes were due than a run may have steps (reliability-security 4.2).
    case tooManySteps(Int)
    /// The recorder refused a step.
    case recorder(String)
    /// What leads to this node is not what was recorded: the run cannot go on (XO-17).
    case mismatch(String)

    public var description: String {
        switch self {
        case .stopped: "cancelled: the task was cancelled or deleted before all of its nodes had run"
        case .deadline: "the execution deadline was exceeded"
        case .interrupted: "the execution was interrupted"
        case .tooManySteps(let limit): "the execution has more than \(limit) steps"
        case .recorder(let reason): "a step could not be recorded: \(reason)"
        case .mismatch(let node): "journal mismatch at \(node)"
        }
    }
}
