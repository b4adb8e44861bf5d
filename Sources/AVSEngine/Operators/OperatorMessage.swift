public import AVSModel

/// One message to an operator on its stream.
///
/// - Source: aggregator-api 6.4.
public enum OperatorMessage: Hashable, Sendable {
    /// Watch this, in place of whatever the operator has for the task.
    case monitor(TaskCheck)
    /// Stop watching: disabled, cancelled, completed.
    case disable(TaskID)
    /// Stop watching: the task is gone.
    case delete(TaskID)
    /// Report this block trigger at the next chance.
    case immediate(TaskCheck)

    public var taskID: TaskID {
        switch self {
        case .monitor(let check), .immediate(let check): check.taskID
        case .disable(let id), .delete(let id): id
        }
    }
}
