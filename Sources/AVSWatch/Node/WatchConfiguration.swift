/// What an operator's watching is allowed. Each number bounds something.
public struct WatchConfiguration: Hashable, Sendable {
    /// Tasks in all; more are refused and logged. One costs a few KiB.
    public var taskLimit = 50_000
    public var time = TimeWatch.Policy()
    /// How far the aggregator's clock may be from ours before time triggers stop (reliability-security 3.2), and before
    /// there is a warning.
    public var clockOffsetLimit = Duration.seconds(30)
    public var clockOffsetWarning = Duration.seconds(2)

    /// How often a chain is asked for its newest block while no subscription tells.
    public var pollInterval = Duration.milliseconds(500)
    /// Missed blocks of which logs are still looked at, and the newest ones among them that still count as blocks. What
    /// is older is skipped, counted and logged: after a long outage stale actions would do harm (TIM-12).
    public var missedBlocksOfEvents: UInt64 = 2_000
    public var missedBlocksOfBlocks: UInt64 = 100
    /// Whether event triggers are watched at all.
    public var watchesEvents = true
    /// Logs of one block that may match a query which names no limit of its own.
    public var eventsPerQueryAndBlock: UInt32 = 500

    /// How long to wait with looking any further while the outbox is full, before seeing whether it still is.
    public var fullOutboxPause = Duration.seconds(1)
    /// Reports under way at the same time.
    public var concurrentReports = 8
    /// Between rounds of reports that did not get through: doubling from the first to the second.
    public var firstReportPause = Duration.seconds(1)
    public var longestReportPause = Duration.seconds(30)
    /// Reports without answer are dropped when they are this old: a time or a block means nothing then.
    public var reportAgeLimit = Duration.seconds(3_600)
    /// The same for events, which stay true; the aggregator recognises repetitions for 7 days.
    public var eventReportAgeLimit = Duration.seconds(3 * 86_400)

    /// Between signs of life (6.1).
    public var pingInterval = Duration.seconds(5)
    /// What check-ins say.
    public var metricsPort: UInt16 = 0

    public init() {}
}
