import AVSModel
import AVSOperator
public import AVSPrimitives
import Logging

// Cron schedules and fixed times.
extension Watcher {
    /// When ``tick(at:)`` has something to do next; nil if never, or not before the clocks agree again.
    public var nextTick: Timestamp? { isClockTrusted ? times.next : nil }

    /// Fires what is due.
    public func tick(at now: Timestamp) async throws {
        guard isClockTrusted else { return }
        let due = times.due(at: now)
        statistics.missedTicks += due.missed
        if due.missed > 0 { logger.warning("ticks were missed", metadata: ["count": "\(due.missed)"]) }
        guard !due.ticks.isEmpty else { return }
        var findings = WatchStore.Findings()
        for tick in due.ticks {
            findings.fired.append(.time(tick.taskID, kind: tick.kind, at: tick.instant, reporter: reporter))
            findings.marks[tick.taskID] = tick.instant
        }
        guard !store.isFull else {
            statistics.missedTicks += due.ticks.count
            logger.error("ticks are dropped: the outbox is full", metadata: ["count": "\(due.ticks.count)"])
            return
        }
        try await commit(findings, at: now)
    }

    /// What the last check-in said about our clock.
    public func note(clockOffset: Duration) {
        let wasTrusted = isClockTrusted
        self.clockOffset = clockOffset
        let size = clockOffset < .zero ? .zero - clockOffset : clockOffset
        if size > configuration.clockOffsetWarning {
            logger.warning("the aggregator's clock is another", metadata: ["offset": "\(clockOffset)"])
        }
        guard wasTrusted != isClockTrusted else { return }
        logger.error(isClockTrusted ? "time triggers go on" : "time triggers stop: the clocks differ too much")
        timeBell.ring()
    }

    var isClockTrusted: Bool {
        clockOffset <= configuration.clockOffsetLimit && clockOffset >= .zero - configuration.clockOffsetLimit
    }
}
