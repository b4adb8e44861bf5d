public import AVSModel
public import AVSPrimitives
import AVSProto
import AVSWire

/// What ``AggregatorClient/triggerTask(_:kind:data:input:isBlocking:idempotencyKey:)`` started, and how it ended if it
/// was waited for.
public struct TriggeredRun: Hashable, Sendable {
    /// By which the run is found from now on.
    public var executionID: ExecutionID
    /// The task that runs.
    public var taskID: TaskID
    /// `pending` unless the call waited.
    public var status: ExecutionStatus
    /// nil when the aggregator did not say.
    public var startAt: Timestamp?
    /// nil while pending.
    public var endAt: Timestamp?
    /// Empty on success and while pending.
    public var error: String
    /// The trigger's step first; empty while pending.
    public var steps: [Step]

    public init(
        executionID: ExecutionID, taskID: TaskID, status: ExecutionStatus, startAt: Timestamp? = nil,
        endAt: Timestamp? = nil, error: String = "", steps: [Step] = []
    ) {
        self.executionID = executionID
        self.taskID = taskID
        self.status = status
        self.startAt = startAt
        self.endAt = endAt
        self.error = error
        self.steps = steps
    }

    init(_ wire: Wire.TriggerTaskResp, taskID: TaskID) throws {
        guard let id = ExecutionID(wire.executionId) else {
            throw MalformedMessage("'\(wire.executionId.prefix(64))' is no execution id")
        }
        self.init(
            executionID: id, taskID: taskID, status: try ExecutionStatus(answered: wire.status),
            startAt: wire.startAt.flatMap { Timestamp(wire: $0) }, endAt: wire.endAt.flatMap { Timestamp(wire: $0) },
            error: wire.error ?? "", steps: try wire.steps.map { try Step($0) })
    }
}

extension ExecutionStatus {
    init(answered wire: Wire.ExecutionStatus) throws {
        guard let status = ExecutionStatus(rawValue: wire.rawValue) else {
            throw MalformedMessage("unknown execution status \(wire.rawValue)")
        }
        self = status
    }
}

extension Wire.TriggerTaskReq.OneOf_TriggerOutput {
    init(_ kind: TriggerKind, _ data: JSONValue) {
        switch kind {
        case .manual: self = .manualTrigger(.with { $0.data = data })
        case .fixedTime: self = .fixedTimeTrigger(.with { $0.data = data })
        case .cron: self = .cronTrigger(.with { $0.data = data })
        case .block: self = .blockTrigger(.with { $0.data = data })
        case .event: self = .eventTrigger(.with { $0.data = data })
        }
    }
}
