import AVSEthereum
public import AVSModel
public import AVSPrimitives
import DequeModule

/// What the event triggers of one chain remember from block to block. Copied before a look at the chain and kept once
/// what was found is durable.
public struct EventMemory: Sendable {
    /// One report of a log by one task.
    struct Report: Hashable, Sendable {
        var taskID: TaskID
        var occurrence: LogOccurrence
    }

    /// Reports that are remembered: a reorganisation puts transactions into other blocks, where their logs have other
    /// indexes, and they are the same occurrences all the same (XO-7). What is older than this is known to the
    /// aggregator by its place.
    static let reportLimit = 10_000

    private var reported: Set<Report> = []
    private var order: Deque<Report> = []
    /// When each task's trigger last matched.
    public private(set) var rests: [TaskID: Timestamp]

    public init(rests: [TaskID: Timestamp] = [:]) { self.rests = rests }

    func hasReported(_ report: Report) -> Bool { reported.contains(report) }

    mutating func note(_ report: Report) {
        guard reported.insert(report).inserted else { return }
        order.append(report)
        if order.count > Self.reportLimit, let oldest = order.popFirst() { reported.remove(oldest) }
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

/// A log as what happened, wherever a chain has put it: its transaction, what it says, and how many alike came before
/// it in that transaction.
struct LogOccurrence: Hashable, Sendable {
    var transaction: Hash32
    /// Of contract, topics and data.
    var content: Hash32
    var repetition = 0

    private init(_ log: EventLog) {
        transaction = log.transactionHash
        content = Keccak256.hash(log.address.bytes + log.topics.flatMap(\.bytes) + log.data)
    }

    /// The occurrences in the logs of one block, by log index.
    static func all(in logs: some Sequence<EventLog>) -> [UInt64: LogOccurrence] {
        var counts: [LogOccurrence: Int] = [:]
        var occurrences: [UInt64: LogOccurrence] = [:]
        for log in logs {
            var occurrence = LogOccurrence(log)
            let repetition = counts[occurrence, default: 0]
            counts[occurrence] = repetition + 1
            occurrence.repetition = repetition
            occurrences[log.logIndex] = occurrence
        }
        return occurrences
    }
}
