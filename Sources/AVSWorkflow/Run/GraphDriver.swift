import AVSModel
import AVSPrimitives

/// Carries a plan through: starts nodes as they become ready, at most sixteen at a time, and passes on what they
/// produce.
///
/// All state belongs to the one task that calls ``run(until:recorder:)``; nodes run in child tasks on copies of the
/// variables as they are when the node begins.
struct GraphDriver {
    /// Nodes that run at the same time (execution-engine.md 1.5).
    static let parallelNodes = 16

    let plan: Plan
    let environment: WorkflowEnvironment
    let builder: StepBuilder
    /// What a journal holds of an earlier attempt, by node.
    let recorded: [String: NodeRecord]
    let signal: StopSignal
    private var report: RunReport

    private(set) var steps: [Step] = []
    private var variables: RunVariables
    private var digests: InputDigests
    private var scheduler: EdgeScheduler
    /// Ready, in the order in which they became so.
    private var waiting: [Int] = []
    private var running = 0
    /// With the trigger, which has happened.
    private var begun = 1
    private var stop: RunStop?
    /// A node failed after the run was stopped: the stop may be why.
    private var isCutShort = false

    private enum Event: Sendable {
        case finished(Int, input: Hash32, FinishedNode)
        /// What had to be recorded first could not be: the node did not begin.
        case notBegun(RunStop)
        /// The run is to end, for this reason unless the process ends.
        case end(RunStop)
    }

    init(
        plan: Plan, variables: RunVariables, digests: InputDigests, environment: WorkflowEnvironment,
        builder: StepBuilder, recorded: [String: NodeRecord], report: RunReport,
        signal: StopSignal
    ) {
        self.plan = plan
        self.variables = variables
        self.digests = digests
        self.environment = environment
        self.builder = builder
        self.recorded = recorded
        self.signal = signal
        self.report = report
        scheduler = EdgeScheduler(plan: plan)
    }

    /// - Returns: What ended the run early; nil if it came to its own end.
    mutating func run(
        until deadline: ContinuousClock.Instant?, recorder: some StepRecorder
    ) async -> RunStop? {
        waiting = scheduler.start()
        await withTaskGroup(of: Event.self) { group in
            if let deadline {
                group.addTask { [time = environment.time] in
                    // Cancelled with the group at the end of the run: then nobody looks at the event.
                    do { try await time.sleep(until: deadline) } catch {}
                    return .end(.deadline)
                }
            }
            group.addTask { [signal] in
                await signal.wait()
                return .end(.stopped)
            }
            begin(recorder, in: &group)
            while running > 0, let event = await group.next() {
                switch event {
                // Timer and signal also end when this task is cancelled.
                case .end(let reason): stop(Task.isCancelled ? .interrupted : reason, &group)
                case .notBegun(let reason):
                    running -= 1
                    stop(reason, &group)
                case .finished(let position, let input, let node):
                    running -= 1
                    await finish(position, input, node, recorder, in: &group)
                    begin(recorder, in: &group)
                }
            }
            group.cancelAll()
        }
        return hasNothingLeft ? nil : stop
    }

    /// Whether the graph came to its end although it was to be stopped.
    private var hasNothingLeft: Bool {
        guard stop == .stopped || stop == .deadline else { return false }
        return waiting.isEmpty && !isCutShort
    }

    // MARK: Beginning

    private mutating func begin(_ recorder: some StepRecorder, in group: inout TaskGroup<Event>) {
        if !waiting.isEmpty {
            if Task.isCancelled { stop(.interrupted, &group) } else if signal.isSet { stop(.stopped, &group) }
        }
        while running < Self.parallelNodes, let next = waiting.firstIndex(where: mayBegin) {
            begin(at: waiting.remove(at: next), recorder, in: &group)
        }
    }

    /// A run that was stopped still shows what an earlier attempt recorded: taking that over runs nothing.
    private func mayBegin(_ position: Int) -> Bool {
        switch stop {
        case nil: true
        case .stopped: recorded[plan.nodes[position].id] != nil
        case .deadline, .interrupted, .tooManySteps, .recorder, .mismatch: false
        }
    }

    private mutating func begin(at position: Int, _ recorder: some StepRecorder, in group: inout TaskGroup<Event>) {
        let node = plan.nodes[position]
        let input = digests.digest(ofInputTo: position)
        let record = recorded[node.id]
        guard record.map({ $0.inputDigest == input }) != false else { return stop(.mismatch(node.id), &group) }
        guard begun < environment.limits.steps else { return stop(.tooManySteps(environment.limits.steps), &group) }
        begun += 1
        running += 1
        variables.begin(node)
        let execution = NodeExecution(
            node: node, inputs: variables.inputs(of: node),
            context: NodeContext(environment: environment, variables: variables.values, report: report) {
                [plan] condition in plan.target(ofCondition: condition, at: position)
            }, builder: builder)
        if let finished = record?.finished ?? (record == nil ? nil : outcomeUnknown(execution)) {
            group.addTask { .finished(position, input: input, finished) }
            return
        }
        let isAgain = record != nil
        group.addTask {
            if node.config.effect.isUnrecognised, !isAgain {
                do {
                    try await recorder.record(NodeRecord(nodeID: node.id, inputDigest: input), isDurable: true)
                } catch {
                    return .notBegun(.recorder("\(error)"))
                }
            }
            return .finished(position, input: input, await execution.run(isAgain: isAgain))
        }
    }

    /// The end of a node that was begun before a crash; nil if it is to be tried again.
    private func outcomeUnknown(_ execution: NodeExecution) -> FinishedNode? {
        let node = execution.node
        // Who recognises a key does it once, however often it is sent (B5).
        let standard = node.config.effect == .keyed ? .retry : environment.afterUnknownOutcome
        let choice = node.afterUnknownOutcome ?? standard
        guard choice == .retry, node.config.effect.isUnrecognised, stop == nil else { return execution.unknown() }
        return nil
    }

    // MARK: Ending

    private mutating func finish(
        _ position: Int, _ input: Hash32, _ finished: FinishedNode, _ recorder: some StepRecorder,
        in group: inout TaskGroup<Event>
    ) async {
        let node = plan.nodes[position]
        // A node that failed because the process is about to end has not failed: it runs again when the run goes on.
        if Task.isCancelled, !finished.step.success {
            stop(.interrupted, &group)
            return
        }
        if stop != nil, !finished.step.success { isCutShort = true }
        let isNew = recorded[node.id]?.finished == nil
        var record = NodeRecord(nodeID: node.id, inputDigest: input, finished: finished)
        var finished = finished
        if isNew, let failure = await recorder.refusal(of: record) {
            finished = builder.failing(finished, failure)
            record.finished = finished
        }
        steps.append(finished.step)
        if let data = finished.data { variables.finish(node, data: data) }
        digests.finish(position, input: input, data: finished.data)
        let ready = scheduler.finish(position, selected: finished.selectedCondition)
        let hasEffect = node.config.effect.isUnrecognised || node.config.effect == .identifiable
        // The last node of a run is recorded with the run's end, unless it must not run again.
        let isLast = ready.isEmpty && waiting.isEmpty && running == 0
        if isNew, hasEffect || !isLast {
            do {
                try await recorder.record(record, isDurable: hasEffect)
            } catch {
                stop(.recorder("\(error)"), &group)
            }
        }
        waiting += ready
        report.steps = steps
        report.skipped = Set(scheduler.skipped.map { plan.nodes[$0].id })
    }

    /// Only the first reason counts.
    private mutating func stop(_ reason: RunStop, _ group: inout TaskGroup<Event>) {
        guard stop == nil else { return }
        stop = reason
        group.cancelAll()
    }
}

/// One node, about to run.
struct NodeExecution: Sendable {
    let node: Node
    let inputs: [String]
    let context: NodeContext
    let builder: StepBuilder

    /// The end of a node that was begun before a crash, and of whose effect nothing is known (XO-3, *blind effect*).
    func unknown() -> FinishedNode {
        let now = context.environment.time.now
        let failure = NodeFailure(Self.outcomeUnknown)
        let (step, _) = builder.step(
            of: node, NodeOutcome(failure: failure), log: ["Error: \(failure.message)"], inputs: inputs, startAt: now,
            endAt: now)
        return FinishedNode(step: step)
    }

    private static let outcomeUnknown = "outcome unknown after restart"

    /// - Parameter isAgain: whether an attempt before a crash is not known to have had its effect; the step says so.
    func run(isAgain: Bool = false) async -> FinishedNode {
        let time = context.environment.time
        let startAt = time.now
        var log: [String] = []
        var failed: [Step.Attempt] = []
        if isAgain {
            failed.append(
                Step.Attempt(startAt: startAt, endAt: startAt, error: Self.outcomeUnknown, errorCode: .unspecified))
            log.append(
                node.config.effect == .keyed
                    ? "\(Self.outcomeUnknown); sent again under the same key"
                    : "\(Self.outcomeUnknown); tried again, as the node chooses")
        }
        let interrupted = failed.count
        var begun = startAt
        var outcome = await attempt(&log)
        while let failure = outcome.failure,
            let pause = pause(after: failed.count - interrupted + 1, failure, begun: begun)
        {
            failed.append(
                Step.Attempt(
                    startAt: begun, endAt: time.now, error: builder.redaction.redact(failure.message),
                    errorCode: failure.code))
            log.append("Attempt \(failed.count) failed: \(failure.message.excerpt(300)); again after \(pause)")
            do {
                try await time.sleep(until: time.monotonic + pause)
            } catch {
                failed.removeLast()  // the run is stopped: this failure is the last word, not a repeated one
                break
            }
            begun = time.now
            outcome = await attempt(&log)
        }
        if Task.isCancelled { outcome.failure = outcome.failure.map(cutShort) }
        var (step, passed) = builder.step(
            of: node, outcome, log: log, inputs: inputs, startAt: startAt, endAt: time.now)
        step.failedAttempts = failed
        return FinishedNode(
            step: step, data: passed.data ?? passed.output, selectedCondition: passed.selectedCondition)
    }

    /// The failure of a node that was stopped in the middle. What it had sent is not undone (XO-22).
    private func cutShort(_ failure: NodeFailure) -> NodeFailure {
        switch node.config.effect {
        case .pure, .read: return failure
        case .identifiable, .keyed, .blind:
            var failure = failure
            failure.message += "; the node was stopped in the middle: what it had sent by then is not undone"
            return failure
        }
    }

    private func attempt(_ log: inout [String]) async -> NodeOutcome {
        do throws(NodeFailure) {
            return try await node.config.perform(as: node, in: context, log: &log)
        } catch {
            log.append("Error: \(error.message)")
            return NodeOutcome(failure: error)
        }
    }

    /// The jitter is a digest of the node and the time: no two nodes have the same, and a test knows it.
    private func pause(after attempt: Int, _ failure: NodeFailure, begun: Timestamp) -> Duration? {
        guard let policy = node.retry, !Task.isCancelled else { return nil }
        let seed = Keccak256.hash(Array("\(node.id)/\(begun.milliseconds)/\(attempt)".utf8)).bytes
        let jitter = seed.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        return policy.pause(after: UInt32(clamping: attempt), reason: failure.reason, jitter: jitter)
    }
}
