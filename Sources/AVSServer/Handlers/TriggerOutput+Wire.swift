import AVSModel
import AVSPrimitives
import AVSProto

extension Wire.TriggerTaskReq.OneOf_TriggerOutput {
    /// What the trigger step of the run shows.
    var data: JSONValue? {
        switch self {
        case .blockTrigger(let output): output.data
        case .fixedTimeTrigger(let output): output.data
        case .cronTrigger(let output): output.data
        case .eventTrigger(let output): output.data
        case .manualTrigger(let output): output.data
        }
    }
}

extension Wire.NotifyTriggersReq.OneOf_TriggerOutput {
    /// The kind of trigger that the report shows, and its data.
    var output: TriggerOutput {
        switch self {
        case .blockTrigger(let output): TriggerOutput(kind: .block, data: output.data)
        case .fixedTimeTrigger(let output): TriggerOutput(kind: .fixedTime, data: output.data)
        case .cronTrigger(let output): TriggerOutput(kind: .cron, data: output.data)
        case .eventTrigger(let output): TriggerOutput(kind: .event, data: output.data)
        case .manualTrigger(let output): TriggerOutput(kind: .manual, data: output.data)
        }
    }
}
