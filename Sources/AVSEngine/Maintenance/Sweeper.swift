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
}

extension TaskEngine {
    /// Sweeps until cancelled: expired tasks complete (D-27), old jobs and dedup records go (4.12, XO-8).
    public func runSweeper() async throws {
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

    /// One pass, in turns of bounded size (KEY-4).
    public func sweep() async throws -> SweepReport {
        var report = SweepReport()
        let now = time.now
        for status in [TaskStatus.enabled, .running] {
            try await forEachPage(of: status) { checks in
                for check in checks {
                    if status == .enabled, let expiredAt = check.expiredAt, expiredAt <= now {
                        report.completedTasks += try await complete(check.taskID, now: now) ? 1 : 0
                    }
                    report.purgedDedupRecords += try await purgeDedup(of: check.taskID, now: now)
                }
            }
        }
        report.purgedJobs = try await purgeJobs(now: now)
        report.purgedAnswers = try await purgeAnswers(now: now)
        return report
    }

    private func complete(_ id: TaskID, now: Timestamp) async throws -> Bool {
        let isDone = try await store.update { [fee = configuration.executionFee] transaction -> Bool in
            guard var task = try transaction.task(id), task.status == .enabled, task.isExpired(at: now) else { return false }
            let old = task
            task.complete(at: now)
            try transaction.closePromises(of: &task, fee: fee, now: now)
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
            let count = try await store.update { transaction -> Int in
                let old = try transaction.rows(JobKey.rows(state), limit: 1_000).prefix { row in
                    now.duration(since: row.value.endedAt ?? now) > age
                }
                for row in old { try transaction.delete(row.key) }
                return old.count
            }
            purged += count
        }
        return purged
    }
}
