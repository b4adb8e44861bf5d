import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSWorkflow
import Logging

extension TaskEngine {
    /// Looks at every enabled task once, in the background of a start. One that no run could work for becomes Failed;
    /// one that cannot be read is logged, and stays as it is.
    ///
    /// - Returns: how many became Failed.
    /// - Source: aggregator-api 4.10 step 4.
    func failInvalidTasks() async throws -> Int {
        var failed = 0
        var rows = Rows<TaskKey>(under: TaskStatus.enabled).range
        while true {
            try Task.checkCancellation()
            let turn = try await store.readWithoutBlocking { [rows] in try Turn(rows, in: $0) }
            for reason in turn.unreadable {
                logger.error("a stored task cannot be read and is passed over", metadata: ["reason": "\(reason)"])
            }
            for id in turn.invalid where try await failIfInvalid(id) { failed += 1 }
            guard let last = turn.last else { return failed }
            rows = rows.after(last)
        }
    }

    private func failIfInvalid(_ id: TaskID) async throws -> Bool {
        let now = time.now
        let reason = try await store.update { [rates = configuration.fees] transaction -> String? in
            guard var task = try transaction.value(for: TaskKey(status: .enabled, id: id)),
                let refusal = TaskValidator.refusal(ofStored: task)
            else { return nil }
            let old = task
            task.status = .failed
            try transaction.closePromises(of: &task, rates, now: now)
            try transaction.save(task, replacing: old)
            return refusal.message
        }
        guard let reason else { return false }
        logger.warning("a stored task is invalid and failed", metadata: ["task": "\(id)", "reason": "\(reason)"])
        await operators.stopped(.disable(id))
        return true
    }

    /// The next tasks, of which only what is wrong is kept.
    private struct Turn: Sendable {
        private static let rowsMax = 200
        private(set) var invalid: [TaskID] = []
        private(set) var unreadable: [String] = []
        /// Nil at the end.
        private(set) var last: [UInt8]?

        init(_ rows: KeyRange, in snapshot: borrowing Snapshot) throws {
            let end = try snapshot.scan(rows, order: .ascending, limit: Self.rowsMax) { bytes, value in
                last = bytes
                do {
                    let task = try AutomationTask(stored: value)
                    if TaskValidator.refusal(ofStored: task) != nil { invalid.append(try TaskKey(bytes: bytes).id) }
                } catch {
                    unreadable.append("\(StorageError.printable(bytes)): \(error)")
                }
                return .next
            }
            if end != .limitReached { last = nil }
        }
    }
}
