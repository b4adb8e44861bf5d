import AVSEthereum
public import AVSModel
public import AVSPrimitives
import DequeModule

/// What the event triggers of one chain remember from log to log. Copied before a look at the chain and kept once what
/// was found is durable.
public struct EventMemory: Sendable {
    struct LogID: Hashable, Sendable {
        var transaction: Hash32
        var index: UInt64
    }

    /// Logs that were handled lately: an answer of a node can repeat one. The aggregator knows the rest.
    static let seenLimit = 10_000

    private var seen: Set<LogID> = []
    private var order: Deque<LogID> = []
    /// When each task's trigger last matched.
    public private(set) var rests: [TaskID: Timestamp]

    public init(rests: [TaskID: Timestamp] = [:]) { self.rests = rests }

    /// Whether the log is new.
    mutating func take(_ log: EventLog) -> Bool {
        let id = LogID(transaction: log.transactionHash, index: log.logIndex)
        guard seen.insert(id).inserted else { return false }
        order.append(id)
        if order.count > Self.seenLimit, let oldest = order.popFirst() { seen.remove(oldest) }
        return true
    }

    /// Whether a match now is outside of the task's cooldown; takes it as the beginning of the next one.
    mutating func begin(_ id: TaskID, cooldown: Duration, at now: Timestamp) -> Bool {
        guard cooldown > .zero else { return true }
        // A stamp from the future is of a clock that stepped back: it must not make anything wait for a year (TIM-2).
        if let last = rests[id], last <= now, now.duration(since: last) < cooldown { return false }
        rests[id] = now
        return true
    }

    public mutating func forget(_ id: TaskID) { rests[id] = nil }
}
