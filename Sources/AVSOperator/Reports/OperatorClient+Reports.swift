public import AVSModel
import AVSPrimitives
import AVSProto
public import AVSRPC

/// What became of a report.
public enum ReportOutcome: Hashable, Sendable {
    /// The aggregator decided. The report is done with, whatever the answer says.
    case answered(ReportAnswer)
    /// Not decided yet: report again later under the same id.
    case postponed(RPCStatus)
    /// The aggregator will never take this report.
    case refused(RPCStatus)
}

/// What the aggregator says about a trigger (6.6).
public struct ReportAnswer: Hashable, Sendable {
    /// `enabled`, `deduplicated`, `exhausted`, `expired`, `not_started`, `not_found`, `disabled`, …
    public var status: String
    public var message: String
    /// Runs left; -1 is no limit.
    public var remainingExecutions: Int64
    public var taskStillEnabled: Bool

    public init(status: String, message: String = "", remainingExecutions: Int64, taskStillEnabled: Bool) {
        self.status = status
        self.message = message
        self.remainingExecutions = remainingExecutions
        self.taskStillEnabled = taskStillEnabled
    }

    /// Whether the task is to be watched any longer: not if it is over, nor if this was its last run.
    public var keepsWatching: Bool { taskStillEnabled && remainingExecutions != 0 }
}

/// Logs came faster than a task's limit allows.
public struct EventOverload: Hashable, Sendable {
    public var taskID: TaskID
    public var blockNumber: UInt64
    /// Logs in the block that matched the query.
    public var eventCount: UInt32
    public var limit: UInt32
    /// Which of the task's queries.
    public var queryIndex: Int

    public init(taskID: TaskID, blockNumber: UInt64, eventCount: UInt32, limit: UInt32, queryIndex: Int) {
        self.taskID = taskID
        self.blockNumber = blockNumber
        self.eventCount = eventCount
        self.limit = limit
        self.queryIndex = queryIndex
    }
}

extension OperatorClient {
    /// Reports that a trigger held, and again after failures that may pass (``RetryPolicy``).
    ///
    /// Reporting twice is safe: the aggregator knows a report by its id and by its content.
    /// - Parameter random: spreads the pauses; `SecureRandom` or the system's generator outside of tests.
    /// - Throws: `CancellationError` only.
    public func report(
        _ fired: TriggerFired, using random: inout some RandomNumberGenerator
    ) async throws -> ReportOutcome {
        let request = Wire.NotifyTriggersReq(fired)
        var attempt = 1
        while true {
            let status: RPCStatus
            do {
                let answer = try await call(
                    Wire.NodeMethods.notifyTriggers, request, timeout: configuration.retry.attemptTimeout)
                return .answered(ReportAnswer(answer))
            } catch {
                try Task.checkCancellation()
                status = RPCStatus(error)
            }
            switch FailureKind(status.code) {
            case .final: return .refused(status)
            case .later: return .postponed(status)
            case .transient where attempt >= configuration.retry.attempts: return .postponed(status)
            case .transient:
                let pause = configuration.retry.pause(after: attempt, using: &random)
                try await time.sleep(until: time.monotonic + pause)
                attempt += 1
            }
        }
    }

    /// Reports that a query matches more logs than is safe. The aggregator disables the task.
    ///
    /// - Returns: whether this alert disabled it, and what the aggregator says.
    /// - Throws: `RPCStatus`; alerts are not repeated, since the next block tells the same.
    public func reportOverload(_ overload: EventOverload) async throws -> (disabled: Bool, message: String) {
        let request = Wire.EventOverloadAlert.with {
            $0.taskId = overload.taskID.description
            $0.operatorAddress = credentials.address.checksummed
            $0.blockNumber = overload.blockNumber
            $0.eventsDetected = overload.eventCount
            $0.safetyLimit = overload.limit
            $0.queryIndex = String(overload.queryIndex)
            $0.timestamp = UInt64(clamping: time.now.milliseconds)
            $0.details =
                "query \(overload.queryIndex) matched \(overload.eventCount) logs in block \(overload.blockNumber), "
                + "at most \(overload.limit) are allowed"
        }
        let answer = try await call(Wire.NodeMethods.reportEventOverload, request, timeout: configuration.callTimeout)
        return (answer.taskCancelled, answer.message)
    }
}

extension ReportAnswer {
    init(_ wire: Wire.NotifyTriggersResp) {
        self.init(
            status: wire.status, message: wire.message, remainingExecutions: wire.remainingExecutions,
            taskStillEnabled: wire.taskStillEnabled)
    }
}
