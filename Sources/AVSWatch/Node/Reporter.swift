public import AVSModel
public import AVSOperator
public import AVSPrimitives
import AVSRPC
public import Logging

/// Where reports go: the aggregator, or a test.
public protocol ReportSink: Sendable {
    /// - Throws: `CancellationError` only.
    func report(_ fired: TriggerFired) async throws -> ReportOutcome
    func report(_ overload: EventOverload) async throws
}

extension OperatorClient: ReportSink {
    public func report(_ fired: TriggerFired) async throws -> ReportOutcome {
        var random = SystemRandomNumberGenerator()
        return try await report(fired, using: &random)
    }

    public func report(_ overload: EventOverload) async throws { _ = try await reportOverload(overload) }
}

/// Carries the outbox to the aggregator, oldest first, until each report has a final answer.
public struct Reporter: Sendable {
    let store: WatchStore
    let watcher: Watcher
    let sink: any ReportSink
    let configuration: WatchConfiguration
    let time: any TimeSource
    let logger: Logger

    private static let pageRows = 64

    public init(
        store: WatchStore, watcher: Watcher, sink: any ReportSink, configuration: WatchConfiguration,
        time: any TimeSource, logger: Logger
    ) {
        self.store = store
        self.watcher = watcher
        self.sink = sink
        self.configuration = configuration
        self.time = time
        self.logger = logger
    }

    /// Reports until the surrounding task is cancelled.
    ///
    /// - Throws: `CancellationError`, and what the store throws.
    public func run() async throws {
        var pause = configuration.firstReportPause
        while true {
            if try await pass() {
                pause = configuration.firstReportPause
                try await watcher.outboxBell.wait()
            } else {
                try await wait(pause)
                pause = min(pause * 2, configuration.longestReportPause)
            }
        }
    }

    /// Waits, but not for the whole time if there is something new: one bad report must not hold up the others.
    private func wait(_ pause: Duration) async throws {
        try await time.sleep(until: time.monotonic + configuration.firstReportPause)
        let rest = pause - configuration.firstReportPause
        guard rest > .zero else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watcher.outboxBell.wait() }
            group.addTask { try await time.sleep(until: time.monotonic + rest) }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Takes every report to the aggregator once.
    ///
    /// - Returns: whether none is left that has to be taken again.
    func pass() async throws -> Bool {
        var last: UInt64?
        var isDone = true
        while true {
            let page = try store.reports(after: last, limit: Self.pageRows)
            guard let end = page.last else { return isDone }
            last = end.number
            let outcomes = try await deliver(page)
            var done: [UInt64] = []
            for (entry, outcome) in outcomes where try await isFinal(outcome, of: entry) { done.append(entry.number) }
            try await store.settle(done)
            if done.count < outcomes.count { isDone = false }
            // Nobody there: the rest would fare no better.
            if outcomes.allSatisfy({ $0.outcome.isTransient }) { return false }
        }
    }

    private func deliver(_ page: [OutboxEntry]) async throws -> [(entry: OutboxEntry, outcome: ReportOutcome)] {
        try await withThrowingTaskGroup(of: (OutboxEntry, ReportOutcome).self) { group in
            var rest = page[...]
            var done: [(entry: OutboxEntry, outcome: ReportOutcome)] = []
            for entry in rest.prefix(configuration.concurrentReports) { add(entry, to: &group) }
            rest = rest.dropFirst(configuration.concurrentReports)
            while let finished = try await group.next() {
                done.append((entry: finished.0, outcome: finished.1))
                if let entry = rest.popFirst() { add(entry, to: &group) }
            }
            return done
        }
    }

    private func add(
        _ entry: OutboxEntry, to group: inout ThrowingTaskGroup<(OutboxEntry, ReportOutcome), any Error>
    ) {
        if age(of: entry) > ageLimit(of: entry) {
            let status = RPCStatus(.deadlineExceeded, "no answer for \(age(of: entry))")
            group.addTask { (entry, .refused(status)) }
        } else {
            group.addTask { (entry, try await sink.report(entry.record.report)) }
        }
    }

    private func age(of entry: OutboxEntry) -> Duration { time.now.duration(since: entry.record.firedAt) }

    private func ageLimit(of entry: OutboxEntry) -> Duration {
        entry.record.report.output.kind == .event ? configuration.eventReportAgeLimit : configuration.reportAgeLimit
    }

    /// Does what an answer says.
    ///
    /// - Returns: whether the report is done with.
    private func isFinal(_ outcome: ReportOutcome, of entry: OutboxEntry) async throws -> Bool {
        let report = entry.record.report
        switch outcome {
        case .answered(let answer):
            logger.debug("reported", metadata: ["id": "\(report.requestID)", "status": "\(answer.status)"])
            if !answer.keepsWatching { try await watcher.stop(report.taskID) }
            return true
        case .refused(let status):
            logger.error("a report is dropped", metadata: ["id": "\(report.requestID)", "reason": "\(status)"])
            return true
        case .postponed(let status):
            logger.warning("a report waits", metadata: ["id": "\(report.requestID)", "reason": "\(status)"])
            return false
        }
    }
}

extension ReportOutcome {
    fileprivate var isTransient: Bool {
        if case .postponed(let status) = self { FailureKind(status.code) == .transient } else { false }
    }
}
