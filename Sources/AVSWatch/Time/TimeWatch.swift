public import AVSModel
public import AVSPrimitives
import HeapModule

/// The time triggers that an operator watches: cron schedules and fixed times. A value; the clock is told.
///
/// Missed ticks (reliability-security 3.4): a cron tick that is more than the tolerance late is skipped; of missed
/// fixed times the latest within the catch-up window fires once. Nothing fires twice, whichever way the clock steps
/// (TIM-5): each task remembers its last tick.
///
/// - Source: aggregator-api 6.12.
public struct TimeWatch: Sendable {
    public struct Policy: Hashable, Sendable {
        /// How late a cron tick may fire (TIM-12).
        public var tolerance = Duration.seconds(60)
        /// How late a fixed time may fire (TIM-12).
        public var catchUp = Duration.seconds(3_600)
        /// Ticks of different tasks are spread over this much after the tick (TIM-14).
        public var spread = Duration.seconds(1)

        public init() {}
    }

    /// A tick of a task.
    public struct Tick: Hashable, Sendable {
        public var taskID: TaskID
        public var kind: TriggerKind
        /// The scheduled instant.
        public var instant: Timestamp
    }

    /// What is due at one moment.
    public struct Due: Hashable, Sendable {
        public var ticks: [Tick] = []
        /// Ticks that came too late to fire; at least one for each gap.
        public var missed = 0
    }

    private struct Watched {
        var check: TaskCheck
        var schedules: [CronSchedule] = []
        /// Rising.
        var epochs: [Timestamp] = []
        var last: Timestamp?
        /// Tells this task's entries in the queue from those of an earlier version of it.
        var generation: UInt64
    }

    private struct Entry: Comparable {
        var fireAt: Timestamp
        var instant: Timestamp
        var taskID: TaskID
        var generation: UInt64

        static func < (left: Entry, right: Entry) -> Bool {
            (left.fireAt, left.taskID, left.generation) < (right.fireAt, right.taskID, right.generation)
        }
    }

    private let policy: Policy
    private var tasks: [TaskID: Watched] = [:]
    private var queue = Heap<Entry>()
    private var generation: UInt64 = 0

    public init(policy: Policy = Policy()) { self.policy = policy }

    public var count: Int { tasks.count }

    /// When ``due(at:)`` has something to say next; nil if never.
    public var next: Timestamp? { queue.min?.fireAt }

    /// Watches a task, in place of what was watched for it. Never fires here and now.
    ///
    /// - Parameter last: the last tick that was handled, as far as it is known from before a restart.
    /// - Returns: what cannot be read of the schedules; the rest is watched.
    @discardableResult
    public mutating func watch(_ check: TaskCheck, last: Timestamp? = nil, at now: Timestamp) -> [String] {
        generation += 1
        let last = [tasks[check.taskID]?.last, last].compactMap(\.self).max()
        var watched = Watched(check: check, last: last, generation: generation)
        var problems: [String] = []
        switch check.trigger.config {
        case .cron(let cron):
            for text in cron.schedules where !text.isEmpty {
                do { watched.schedules.append(try CronSchedule(text)) } catch {
                    problems.append("'\(text.prefix(64))': \(error)")
                }
            }
        case .fixedTime(let fixed): watched.epochs = Array(Set(fixed.epochs)).sorted()
        case .manual, .block, .event: return ["a \(check.trigger.kind) trigger is no time trigger"]
        }
        tasks[check.taskID] = watched
        enqueue(watched, after: start(of: watched, at: now))
        return problems
    }

    public mutating func stop(_ id: TaskID) {
        tasks[id] = nil
        // Entries of stopped tasks leave the queue when their time comes; but not if that would let it grow.
        if queue.count > 2 * tasks.count + 64 {
            queue = Heap(queue.unordered.filter { tasks[$0.taskID]?.generation == $0.generation })
        }
    }

    /// Takes what is due.
    public mutating func due(at now: Timestamp) -> Due {
        var due = Due()
        while let entry = queue.min, entry.fireAt <= now {
            queue.removeMin()
            guard var watched = tasks[entry.taskID], watched.generation == entry.generation else { continue }
            let tick = Tick(taskID: entry.taskID, kind: watched.check.trigger.kind, instant: entry.instant)
            let isLate = now.duration(since: entry.instant) > policy.tolerance + policy.spread
            var goOn = entry.instant
            if !isLate {
                due.ticks.append(tick)
            } else if tick.kind == .fixedTime, let latest = latestMissed(of: watched, at: now) {
                due.ticks.append(Tick(taskID: tick.taskID, kind: tick.kind, instant: latest))
                due.missed += watched.epochs.count { $0 >= entry.instant && $0 < latest }
                goOn = latest
            } else {
                due.missed += 1
                if tick.kind == .cron { goOn = max(goOn, now.adding(.zero - policy.tolerance)) }
            }
            watched.last = goOn
            tasks[entry.taskID] = watched
            enqueue(watched, after: goOn)
        }
        return due
    }

    // MARK: Which tick is next

    /// The instant behind which the first tick is looked for.
    private func start(of watched: Watched, at now: Timestamp) -> Timestamp {
        let check = watched.check
        var start = watched.last ?? Timestamp(milliseconds: .min)
        if watched.schedules.isEmpty {
            // Times before the task was made are none of its business; those since then were missed by somebody.
            start = max(start, check.taskID.ulid.timestamp, now.adding(.zero - policy.catchUp))
            if let startAt = check.startAt { start = max(start, startAt.adding(.milliseconds(-1))) }
        } else {
            start = max(start, now)
            if let startAt = check.startAt { start = max(start, startAt) }
        }
        return start
    }

    private mutating func enqueue(_ watched: Watched, after instant: Timestamp) {
        let epoch = watched.epochs.first { $0 > instant }
        guard let tick = watched.schedules.compactMap({ $0.next(after: instant) }).min() ?? epoch else { return }
        let id = watched.check.taskID
        queue.insert(
            Entry(fireAt: tick.adding(spread(of: id)), instant: tick, taskID: id, generation: watched.generation))
    }

    /// The low bits of an id are random, and the same for every operator.
    private func spread(of id: TaskID) -> Duration {
        policy.spread * Double(UInt32(truncatingIfNeeded: id.ulid.value)) / Double(UInt32.max)
    }

    /// The latest fixed time that has passed and may still fire.
    private func latestMissed(of watched: Watched, at now: Timestamp) -> Timestamp? {
        let floor = now.adding(.zero - policy.catchUp)
        return watched.epochs.last { $0 <= now && $0 >= floor }
    }
}
