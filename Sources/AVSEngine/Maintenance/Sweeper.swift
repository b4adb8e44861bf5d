import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import Logging

/// What one pass of the sweeper did.
public struct SweepReport: Hashable, Sendable {
    public var completedTasks = 0
    public var purgedJobs = 0
    public var purgedDedupRecords = 0
    public var purgedAnswers = 0
    public var purgedIntents = 0
    public var purgedMessages = 0
}

extension TaskEngine {
    /// Rows that one update of the sweeper changes at the most, those that are deleted among them (KEY-9).
    static let sweepRowsPerUpdate = 1_000

    /// Sweeps until cancelled: expired tasks complete (D-27), old jobs and dedup records go (4.12, XO-8).
    ///
    /// Before its first pass it looks at the tasks that are there.
    public func runSweeper() async throws {
        do { _ = try await failInvalidTasks() } catch let error where !(error is CancellationError) {
            logger.error("stored tasks could not be looked at", metadata: ["error": "\(error)"])
        }
        while !Task.isCancelled {
            do {
                let report = try await sweep()
                if report != SweepReport() { logger.info("swept", metadata: ["report": "\(report)"]) }
            } catch let error where !(error is CancellationError) {
                logger.error("a sweep failed and is tried again", metadata: ["error": "\(error)"])
            }
            try await time.sleep(until: time.monotonic + configuration.times.sweepPeriod)
        }
    }

    /// One pass, in turns of bounded size (KEY-4). It costs what there is to do, not what there is.
    public func sweep() async throws -> SweepReport {
        var report = SweepReport()
        let now = time.now
        report.completedTasks = try await completeExpired(now: now)
        report.purgedDedupRecords = try await purgeDedup(now: now)
        report.purgedJobs = try await purgeJobs(now: now)
        report.purgedAnswers = try await purgeAnswers(now: now)
        report.purgedIntents = try await purgeIntents(now: now)
        report.purgedMessages = try await purgeDeadMessages(now: now)
        return report
    }

    /// Completes enabled tasks whose end has passed, the earliest end first.
    private func completeExpired(now: Timestamp) async throws -> Int {
        var completed = 0
        var rows = Rows<ExpiryKey>.all
        while true {
            let page = try await store.readWithoutBlocking { [rows] snapshot in
                var due: [ExpiryKey] = []
                try snapshot.scan(rows, limit: 1_000) { key, _ in
                    guard key.milliseconds <= UInt64(clamping: now.milliseconds) else { return .stop }
                    due.append(key)
                    return .next
                }
                return due
            }
            for key in page where try await complete(key.task, now: now) { completed += 1 }
            guard let last = page.last else { return completed }
            rows = rows.after(last)
        }
    }

    private func complete(_ id: TaskID, now: Timestamp) async throws -> Bool {
        let isDone = try await store.update { [rates = configuration.fees] transaction -> Bool in
            guard var task = try transaction.task(id), task.status == .enabled, task.isExpired(at: now) else {
                return false
            }
            let old = task
            task.complete(at: now)
            try transaction.closePromises(of: &task, rates, now: now)
            try transaction.save(task, replacing: old)
            return true
        }
        if isDone { await operators.stopped(.disable(id)) }
        return isDone
    }

    /// Deletes ended jobs beyond their age. Numbers ascend with time, so the old ones come first.
    private func purgeJobs(now: Timestamp) async throws -> Int {
        let age = configuration.times.jobRetention
        var purged = 0
        for state in [JobState.done, .failed] {
            // A pass that had to end here goes on with the next one.
            for _ in 0..<Self.purgeTurnsMax {
                let old = try await store.readWithoutBlocking { snapshot in
                    var old: [JobKey] = []
                    try snapshot.scan(JobKey.rows(state), limit: Self.sweepRowsPerUpdate) { key, job in
                        guard now.duration(since: job.endedAt ?? now) > age else { return .stop }
                        old.append(key)
                        return .next
                    }
                    return old
                }
                guard !old.isEmpty else { break }
                // An ended job never changes, so what was old is old.
                try await store.update { transaction in
                    for key in old { try transaction.delete(key) }
                }
                purged += old.count
            }
        }
        return purged
    }

    /// Turns of 1,000 jobs in one pass: more than a minute of runs leaves behind.
    private static let purgeTurnsMax = 100
}
