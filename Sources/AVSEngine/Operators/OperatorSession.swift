public import AVSModel
public import AVSPrimitives
import AVSSchema
import AVSStorage
import Logging

/// Why an operator's stream ended.
public enum StreamOutcome: Hashable, Sendable {
    /// Shutdown, or a newer stream of the same operator: the stream ends with OK.
    case closed
    /// More changes than this waited unsent: RESOURCE_EXHAUSTED. The next stream begins with everything.
    case tooSlow(limit: Int)
}

extension TaskEngine {
    /// Serves one operator's stream until it ends: first nothing, then everything it has to watch, then each change.
    ///
    /// - Parameter send: writes one message; waits while the peer takes no more. Never called twice at a time
    ///   (DEFECT-28).
    /// - Throws: ``EngineError/reconnectTooFast(waited:cooldown:)``, ``EngineError/shuttingDown``, whatever `send`
    ///   throws.
    public func serveOperator(
        _ address: Address, capabilities: OperatorCapabilities,
        send: @escaping @Sendable (OperatorMessage) async throws -> Void
    ) async throws -> StreamOutcome {
        let (number, outbox) = try await operators.connect(address, capabilities: capabilities, at: time.monotonic)
        let result: Result<StreamOutcome, any Error>
        do {
            result = .success(
                try await withThrowingTaskGroup(of: StreamOutcome?.self) { group in
                    group.addTask { try await self.forward(outbox, to: send) }
                    group.addTask {
                        try await self.keepSynced(address, number: number, outbox)
                        return nil
                    }
                    defer { group.cancelAll() }
                    while let next = try await group.next() {
                        if let next { return next }
                    }
                    return .closed
                })
        } catch {
            result = .failure(error)
        }
        await handOver(operators.disconnect(address, number: number))
        return try result.get()
    }

    private func forward(
        _ outbox: OperatorOutbox, to send: @Sendable (OperatorMessage) async throws -> Void
    ) async throws -> StreamOutcome {
        while true {
            switch try await outbox.next() {
            case .success(let message): try await send(message)
            case .failure(let end):
                return end.reason == .tooSlow ? .tooSlow(limit: configuration.limits.checksPerStream) : .closed
            }
        }
    }

    /// Tells the operator what it has to watch: once it is stable, then now and again as a safety net (6.4).
    private func keepSynced(_ address: Address, number: UInt64, _ outbox: OperatorOutbox) async throws {
        try await time.sleep(until: time.monotonic + configuration.times.syncInitialDelay)
        while true {
            if await operators.beginPass(address, number: number) {
                for status in [TaskStatus.enabled, .running] {
                    try await forEachPage(of: status) {
                        await operators.pass($0, to: address, number: number)
                        await outbox.waitForRoom()
                    }
                }
                await operators.endPass(address, number: number)
            }
            try await time.sleep(until: time.monotonic + configuration.times.syncPeriod)
        }
    }

    /// Tasks in pages of at most 1,000, so that no snapshot is held long (KEY-4). Unreadable records are left out.
    func forEachPage(of status: TaskStatus, _ body: ([TaskCheck]) async throws -> Void) async throws {
        var range = Rows<TaskKey>(under: status).range
        while true {
            let page = try await store.readWithoutBlocking { [range] in try CheckPage(range, of: $0) }
            for reason in page.unreadable {
                logger.error("a task cannot be read and is not watched", metadata: ["reason": "\(reason)"])
            }
            try await body(page.checks)
            guard let last = page.last else { return }
            range = range.after(last)
        }
    }

    /// Gives the tasks of an operator that left to others.
    private func handOver(_ tasks: [TaskID]) async {
        for id in tasks {
            do {
                guard let task = try await store.readWithoutBlocking({ try $0.task(id) }), task.status.acceptsTriggers
                else { continue }
                await operators.reassign([TaskCheck(task)])
            } catch {
                logger.error("a task could not be given to another operator", metadata: [
                    "task": "\(id)", "error": "\(error)",
                ])
            }
        }
    }

    // MARK: Last seen

    /// Notes what an operator said of itself. Not synced: a lost last-seen harms nobody (1.1).
    public func ping(_ info: OperatorInfo) async throws {
        try await store.updateUnsynced { try $0.put(OperatorKey(info.address), info) }
    }

    /// All operators that ever pinged, by address.
    public func knownOperators() async throws -> [OperatorInfo] {
        try await store.readWithoutBlocking {
            try $0.rows(Rows<OperatorKey>.all, limit: StorageLimits.scanRowsMax).map(\.value)
        }
    }
}

/// One turn of a scan over tasks.
private struct CheckPage: Sendable {
    var checks: [TaskCheck] = []
    var unreadable: [StorageError] = []
    /// The last key of the turn; `nil` at the end of the range.
    var last: [UInt8]?

    init(_ range: KeyRange, of snapshot: borrowing Snapshot) throws {
        try snapshot.scan(range, order: .ascending, limit: 1_000) { key, value in
            last = key
            do {
                checks.append(TaskCheck(try AutomationTask(stored: value)))
            } catch {
                unreadable.append(.undecodable(key: key, reason: "\(error)"))
            }
            return .next
        }
    }
}
