public import AVSModel
public import AVSOperator
public import AVSPrimitives
import Logging

// What the aggregator says is to be watched.
extension Watcher {
    public var taskCount: Int { places.count }
    public func isWatching(_ id: TaskID) -> Bool { places[id] != nil }

    /// Does what the aggregator says, but for ``OperatorCheck/immediate(_:)``, which needs a look at the world.
    public func handle(_ check: OperatorCheck, at now: Timestamp) async throws {
        switch check {
        case .monitor(let check):
            if watch(check, last: nil, isRestored: false, at: now) { try await store.remember(check) }
        case .disable(let id), .delete(let id): try await stop(id)
        case .immediate: break
        }
    }

    /// Stops watching a task.
    public func stop(_ id: TaskID) async throws {
        guard forget(id) else { return }
        logger.info("stopped watching", metadata: ["task": "\(id)"])
        try await store.forget(id)
    }

    /// - Parameters:
    ///   - last: the last tick that was handled before a restart.
    ///   - isRestored: whether the task was watched before a restart: then what was missed since is its business.
    @discardableResult
    func watch(_ check: TaskCheck, last: Timestamp?, isRestored: Bool, at now: Timestamp) -> Bool {
        let chainID = check.chainID == 0 ? defaultChainID : check.chainID
        guard places[check.taskID] != nil || places.count < configuration.taskLimit else {
            return refuse(
                check, "\(places.count) tasks are watched already, at most \(configuration.taskLimit) are allowed")
        }
        var problems: [String] = []
        switch check.trigger.kind {
        case .manual: return refuse(check, "a manual trigger is watched by nobody")
        case .cron, .fixedTime:
            move(check.taskID, to: .time)
            problems = times.watch(check, last: last, at: now)
            timeBell.ring()
        case .event where !configuration.watchesEvents: return refuse(check, "event triggers are switched off here")
        case .block, .event:
            guard chains[chainID] != nil else { return refuse(check, "chain \(chainID) is not configured here") }
            move(check.taskID, to: .chain(chainID))
            problems = watch(check, on: chainID, since: isRestored ? 0 : chains[chainID]?.head)
        }
        for problem in problems {
            logger.warning(
                "part of a trigger cannot be watched", metadata: ["task": "\(check.taskID)", "reason": "\(problem)"])
        }
        return true
    }

    private func watch(_ check: TaskCheck, on chainID: UInt64, since: UInt64?) -> [String] {
        guard var chain = chains[chainID] else { return [] }
        defer {
            chains[chainID] = chain
            chain.bell.ring()
        }
        guard check.trigger.kind == .block else {
            chain.blocks.stop(check.taskID)
            return chain.events.watch(check, since: since)
        }
        chain.events.stop(check.taskID)
        return chain.blocks.watch(check, since: since).map { [$0] } ?? []
    }

    /// A task whose trigger changed place leaves the old one.
    private func move(_ id: TaskID, to place: Place) {
        if places[id] != place { forget(id) }
        places[id] = place
    }

    private func refuse(_ check: TaskCheck, _ reason: String) -> Bool {
        statistics.refusedTasks += 1
        logger.warning("not watching", metadata: ["task": "\(check.taskID)", "reason": "\(reason)"])
        return false
    }

    @discardableResult
    private func forget(_ id: TaskID) -> Bool {
        switch places.removeValue(forKey: id) {
        case nil: return false
        case .time: times.stop(id)
        case .chain(let chainID):
            chains[chainID]?.blocks.stop(id)
            chains[chainID]?.events.stop(id)
            chains[chainID]?.memory.forget(id)
        }
        return true
    }
}
