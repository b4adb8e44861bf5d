import AVSEngine
import AVSStorage
import AVSTesting
import AVSWorkflow
import Synchronization
import Testing

/// What a dead process gets from its store.
struct ProcessDied: Error {}

/// A store as one process sees it: once that has died, nothing that is left of it here reaches what others see.
final class MortalStore: KeyValueStore {
    private let base: any KeyValueStore
    private let isDead = Mutex(false)

    init(_ base: any KeyValueStore) { self.base = base }

    /// As by SIGKILL.
    func die() { isDead.withLock { $0 = true } }

    private func live() throws {
        guard !isDead.withLock({ $0 }) else { throw ProcessDied() }
    }

    func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R {
        try live()
        return try base.read(body)
    }

    func update<R: Sendable>(_ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R) async throws -> R {
        try live()
        return try await base.update(body)
    }

    func updateUnsynced<R: Sendable>(
        _ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R
    ) async throws -> R {
        try live()
        return try await base.updateUnsynced(body)
    }
}

extension Harness {
    /// How a process ends in the middle of a run.
    enum End: CaseIterable {
        /// As by SIGTERM, when the time for runs in progress is over.
        case orderly
        /// As by SIGKILL.
        case death
    }

    /// A process over `store` that takes up what there is, and ends in the middle of its first run, or once nothing is
    /// left to run.
    ///
    /// - Returns: the runs that it had begun.
    @discardableResult
    static func process(
        _ epoch: UInt64, over store: any KeyValueStore, _ time: ManualTime, ending end: End,
        records: [(record: NodeRecord, isDurable: Bool)] = [], _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) async throws -> [RunRequest] {
        let mortal = MortalStore(store)
        let harness = Harness(store: mortal, time: time, epoch: epoch, seed: epoch, change)
        harness.runner.hold()
        harness.runner.write(records)
        #expect(try await harness.engine.executions.recover().repaired == 0, "the process before left nothing undone")
        let worker = Task { await harness.engine.executions.run() }  // ends with the cancellation below
        while !harness.runner.hasStarted(1), await harness.hasWork { await Task.yield() }
        if end == .death { mortal.die() }
        worker.cancel()
        harness.runner.letGo()
        await worker.value
        return harness.runner.started
    }

    /// Whether a job waits or a run is in progress.
    var hasWork: Bool {
        get async {
            let load = await engine.executions.load
            return load.waiting > 0 || load.running > 0
        }
    }
}
