public import AVSModel
import AVSPrimitives
public import AVSProto

extension Wire.NotifyTriggersReq {
    /// A report as operators send it. Its type is the kind of the task's own trigger (6.8).
    public init(_ fired: TriggerFired) {
        self.init()
        address = fired.reporter.checksummed
        signature = "pending"  // what the reference's operator sends; the authorization is what counts
        taskId = fired.taskID.description
        triggerType = Wire.TriggerType(rawValue: fired.output.kind.rawValue)
        triggerRequestId = fired.requestID
        chainId = fired.chainID ?? 0
        triggerOutput = OneOf_TriggerOutput(fired.output)
    }
}

extension Wire.NotifyTriggersReq.OneOf_TriggerOutput {
    fileprivate init(_ output: TriggerOutput) {
        switch output.kind {
        case .block: self = .blockTrigger(.with { $0.data = output.data })
        case .fixedTime: self = .fixedTimeTrigger(.with { $0.data = output.data })
        case .cron: self = .cronTrigger(.with { $0.data = output.data })
        case .event: self = .eventTrigger(.with { $0.data = output.data })
        case .manual: self = .manualTrigger(.with { $0.data = output.data })
        }
    }

    fileprivate var output: TriggerOutput {
        switch self {
        case .blockTrigger(let output): TriggerOutput(kind: .block, data: output.data)
        case .fixedTimeTrigger(let output): TriggerOutput(kind: .fixedTime, data: output.data)
        case .cronTrigger(let output): TriggerOutput(kind: .cron, data: output.data)
        case .eventTrigger(let output): TriggerOutput(kind: .event, data: output.data)
        case .manualTrigger(let output): TriggerOutput(kind: .manual, data: output.data)
        }
    }
}

extension TriggerFired {
    /// A report that we wrote into our outbox.
    ///
    /// - Returns: nil if it names no task, no reporter or no output.
    public init?(_ wire: Wire.NotifyTriggersReq) {
        guard let taskID = TaskID(wire.taskId), let reporter = Address(wire.address),
            let output = wire.triggerOutput?.output
        else { return nil }
        self.init(
            taskID: taskID, reporter: reporter, output: output, requestID: wire.triggerRequestId,
            chainID: wire.chainId == 0 ? nil : wire.chainId)
    }
}
