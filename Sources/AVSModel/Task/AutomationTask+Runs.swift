public import AVSPrimitives

/// Why a task may not start a run now.
public enum RunRefusal: Hashable, Sendable {
    /// `count` runs started or accepted, of `limit` allowed.
    case exhausted(count: Int64, limit: Int64)
    case expired
    case notStarted
    /// Its status does not accept triggers.
    case status(TaskStatus)
}

extension AutomationTask {
    /// Why a trigger at `now` may not start a run; `nil` when it may.
    ///
    /// The order is that of the answers in aggregator-api 6.6, so that each case has one answer.
    /// - Parameter keepingPromise: whether the trigger is for a run that was promised before and is in `reserved`.
    public func refusal(at now: Timestamp, keepingPromise: Bool = false) -> RunRefusal? {
        if status == .completed || status.acceptsTriggers, isExhausted, !keepingPromise {
            return .exhausted(count: executionCount, limit: maxExecution)
        }
        guard status.acceptsTriggers else { return .status(status) }
        if isExpired(at: now) { return .expired }
        if let startAt, now < startAt { return .notStarted }
        return nil
    }

    /// Whether every allowed run has started or is accepted.
    public var isExhausted: Bool {
        maxExecution > 0 && executionCount.addingReportingOverflow(reserved).partialValue >= maxExecution
    }

    public func isExpired(at now: Timestamp) -> Bool {
        guard let expiredAt else { return false }
        return now >= expiredAt
    }

    /// How many more triggers can be accepted; -1 when there is no limit.
    public var remainingExecutions: Int64 {
        maxExecution == 0 ? -1 : max(0, maxExecution - executionCount - reserved)
    }
}

// The transitions of aggregator-api 5.5 that runs cause. Each keeps: running exactly while runs are in flight.
extension AutomationTask {
    /// A trigger was accepted: one run is promised (XO-11).
    public mutating func reserve() { reserved += 1 }

    /// An accepted trigger will not run: its promise is given back.
    public mutating func release() { reserved = max(0, reserved - 1) }

    /// A promised run starts (R1).
    public mutating func beginRun(at now: Timestamp) {
        release()
        executionCount += 1
        runsInFlight += 1
        lastRanAt = now
        status = .running
    }

    /// A run ended (R2, R3; aggregator-api 5.3 row 10). A wish of its owner comes before completion.
    public mutating func endRun(at now: Timestamp) {
        runsInFlight = max(0, runsInFlight - 1)
        let isSpent = maxExecution > 0 && executionCount >= maxExecution
        guard runsInFlight == 0 else { return }
        if let wish = requestedStatus {
            status = wish
            requestedStatus = nil
        } else if isSpent || isExpired(at: now) {
            complete(at: now)
        } else {
            status = .enabled
        }
    }

    /// What the end of a run says about the task itself (aggregator-api 5.6): a run that could not even begin, for a
    /// reason that only the owner can mend, is counted; after so many in a row the task is switched off.
    ///
    /// To be called after ``endRun(at:)``.
    /// - Parameter error: of the run's record.
    public mutating func noteValidation(_ error: String) {
        interruptedRuns = 0  // this one came to its end
        guard Self.validationErrors.contains(where: { error.hasPrefix($0) }) else {
            validationFailures = 0
            return
        }
        validationFailures += 1
        guard validationFailures >= Self.validationFailuresMax else { return }
        switchOff(because: "\(validationFailures) runs in a row could not begin: \(error)")
    }

    /// A run was given up because the process ended with it again and again. After so many in a row the task is
    /// switched off: otherwise one task could keep the service from working (XO-20).
    ///
    /// To be called after ``endRun(at:)``.
    public mutating func noteInterruption() {
        interruptedRuns += 1
        guard interruptedRuns >= Self.interruptedRunsMax else { return }
        switchOff(because: "\(interruptedRuns) executions in a row were stopped after interrupted attempts")
    }

    private mutating func switchOff(because reason: String) {
        switch status {
        case .enabled: status = .disabled
        case .running where requestedStatus == nil: requestedStatus = .disabled  // when the last run ends
        case .running, .completed, .failed, .canceled, .disabled: return
        }
        statusReason = reason
    }

    /// Its owner switches it on: what was counted against it begins anew.
    public mutating func enable() {
        status = .enabled
        statusReason = ""
        interruptedRuns = 0
    }

    /// Executions in a row that may be given up for the process's end.
    public static let interruptedRunsMax: Int64 = 5

    /// Runs in a row that may fail their validation.
    public static let validationFailuresMax: Int64 = 10
    public static let missingWalletError = "invalid or missing task smart wallet address for deployed run"
    public static let foreignWalletError = "task smart wallet address does not belong to owner"
    private static let validationErrors = [
        "invalid or missing task smart wallet address", foreignWalletError, "failed to create VM:",
    ]

    /// No further run is possible.
    public mutating func complete(at now: Timestamp) {
        status = .completed
        completedAt = now
        requestedStatus = nil
    }
}
