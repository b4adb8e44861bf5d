import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Testing

@testable import AVSEngine

@Suite("A task with a long queue")
struct QueueLimitTests {
    private static let jobs = 1_000

    @Test("limits.queued_per_task: is deleted in one update: a job costs less of it than the configuration counts with")
    func deleted() async throws {
        let harness = Harness { ($0.limits.queuedPerTask, $0.limits.queuedPerOwner) = (10_000, 10_000) }
        let id = try await harness.createTask()
        for block in 1...Self.jobs { _ = try await harness.engine.accept(Harness.report(id, block: block)) }
        let bytes = try await harness.store.update { transaction in
            try transaction.deleteJobs(of: id)
            return transaction.changes.byteCount
        }
        #expect(bytes <= Self.jobs * 128, "AggregatorConfiguration.bytesOfDeletedJob")
        #expect(bytes > Self.jobs * 20, "nothing was deleted")
        #expect(10_000 * 128 <= StorageLimits.updateBytesMax)
    }

    @Test("with as many promised runs as it may have is cancelled in one update beside the largest record")
    func cancelled() async throws {
        let limits = EngineLimits()
        let harness = Harness { ($0.limits.queuedPerTask, $0.limits.queuedPerOwner) = (10_000, 10_000) }
        let id = try await harness.createTask()
        let request = TriggerRequest(taskID: id, owner: Harness.owner)
        for _ in 0..<limits.promisedPerTask { _ = try await harness.engine.trigger(request) }
        let refusal = EngineError.queueFull(
            name: "executions per task that await a block", limit: limits.promisedPerTask)
        await #expect(throws: refusal) { try await harness.engine.trigger(request) }
        let bytes = try await harness.store.update { [harness] transaction in
            var task = try #require(try transaction.task(id))
            try transaction.closePromises(of: &task, harness.engine.configuration.fees, now: harness.time.now)
            return transaction.changes.byteCount
        }
        let each = EngineLimits.promiseBytes
        #expect(bytes <= limits.promisedPerTask * each && bytes > limits.promisedPerTask * each / 8)
        let rest = limits.updateBytes - limits.executionRecordBytes - EngineLimits.updateReserveBytes
        #expect(limits.promisedPerTask * each <= rest, "so that the last run of a task can end with a full record")
    }
}
