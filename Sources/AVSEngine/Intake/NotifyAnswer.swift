public import AVSModel

/// What an operator is told about a trigger that it reported. Never an error for business reasons.
///
/// - Source: aggregator-api 6.6.
public enum NotifyAnswer: Hashable, Sendable {
    case notFound
    /// Seen before: the same occurrence or the same id.
    case deduplicated(remaining: Int64, isRunnable: Bool)
    case exhausted(count: Int64, limit: Int64)
    case expired
    case notStarted(remaining: Int64)
    /// A cron tick during a run behind which another tick waits already (TIM-13).
    case skipped(remaining: Int64)
    case inactive(TaskStatus)
    case accepted(ExecutionID, remaining: Int64)

    /// The word in the answer's `status`.
    public var status: String {
        switch self {
        case .notFound: "not_found"
        case .deduplicated: "deduplicated"
        case .exhausted: "exhausted"
        case .expired: "expired"
        case .notStarted: "not_started"
        case .skipped: "skipped"
        case .inactive(let status): Self.word(for: status)
        case .accepted: "enabled"
        }
    }

    private static func word(for status: TaskStatus) -> String {
        switch status {
        case .disabled: "disabled"
        case .canceled: "cancelled"
        case .failed: "failed"
        case .completed, .enabled, .running: "exhausted"
        }
    }

    /// Whether the operator is to go on watching the task.
    public var keepsWatching: Bool {
        switch self {
        case .accepted, .notStarted, .skipped: true
        case .deduplicated(_, let isRunnable): isRunnable
        case .notFound, .exhausted, .expired, .inactive: false
        }
    }

    /// Runs left; -1 is no limit. A reference operator stops at 0, so every answer that keeps it watching is not 0
    /// unless the last run was just accepted.
    public var remaining: Int64 {
        switch self {
        case .accepted(_, let remaining), .notStarted(let remaining), .deduplicated(let remaining, _): remaining
        case .skipped(let remaining): remaining
        case .notFound, .exhausted, .expired, .inactive: 0
        }
    }

    public var message: String {
        switch self {
        case .notFound: "Task no longer exists - operator should stop monitoring"
        case .deduplicated: "Duplicate trigger suppressed"
        case .exhausted(let count, let limit): "Task has reached maximum executions (\(count)/\(limit))"
        case .expired: "Task has expired"
        case .notStarted: "Task has not reached start time"
        case .skipped: "Tick skipped: the task is running and an earlier tick waits"
        case .inactive: "Task is not enabled"
        case .accepted: "Trigger processed successfully"
        }
    }
}
