public import AVSModel
public import AVSPrimitives

/// The block triggers of one chain that an operator watches. A value.
///
/// Every interval is tried on its own against every block, so no task waits for another's multiples (DEFECT-22).
///
/// - Source: aggregator-api 6.13.
public struct BlockWatch: Sendable {
    private struct Watched {
        var interval: UInt64
        var startAt: Timestamp?
        /// Blocks up to this one were there before we were told to watch; nil until the newest one is known.
        var since: UInt64?
    }

    private var tasks: [TaskID: Watched] = [:]
    private var byInterval: [UInt64: Set<TaskID>] = [:]

    public init() {}

    public var isEmpty: Bool { tasks.isEmpty }
    public var count: Int { tasks.count }

    /// Watches a task, in place of what was watched for it.
    ///
    /// - Parameter since: the newest block, if the task is new to us: it reports only later ones. Nil waits for
    ///   ``settle(since:)``.
    /// - Returns: why it cannot be watched, or nil.
    @discardableResult
    public mutating func watch(_ check: TaskCheck, since: UInt64?) -> String? {
        let since = tasks[check.taskID]?.since ?? since
        stop(check.taskID)
        guard case .block(let trigger) = check.trigger.config else {
            return "a \(check.trigger.kind) trigger has no interval"
        }
        guard let interval = UInt64(exactly: trigger.interval), interval > 0 else {
            return "interval \(trigger.interval) is not 1 or more"
        }
        tasks[check.taskID] = Watched(interval: interval, startAt: check.startAt, since: since)
        byInterval[interval, default: []].insert(check.taskID)
        return nil
    }

    public mutating func stop(_ id: TaskID) {
        guard let watched = tasks.removeValue(forKey: id) else { return }
        byInterval[watched.interval]?.remove(id)
        if byInterval[watched.interval]?.isEmpty == true { byInterval[watched.interval] = nil }
    }

    /// The newest block is known now: tasks that were told before report later ones.
    public mutating func settle(since head: UInt64) {
        for id in tasks.keys where tasks[id]?.since == nil { tasks[id]?.since = head }
    }

    /// The tasks for which block `number` is one to report, in the order of their ids.
    public func tasks(at number: UInt64, now: Timestamp) -> [TaskID] {
        var found: [TaskID] = []
        for (interval, ids) in byInterval where number % interval == 0 {
            for id in ids {
                guard let watched = tasks[id], let since = watched.since, number > since else { continue }
                if let startAt = watched.startAt, now < startAt { continue }
                found.append(id)
            }
        }
        return found.sorted()
    }
}
