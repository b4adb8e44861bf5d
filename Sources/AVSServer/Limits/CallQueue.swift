import AVSPrimitives
import AVSRPC
import AVSStorage

/// Which calls run, which wait and which are refused: the decisions alone, as a value.
///
/// Who waits is served by urgency, then in the order of arrival. When the queue is full the least urgent call leaves
/// it, which may be the one that just came (OVL-4). A caller beyond its own number is refused at once: waiting would
/// let it fill the queue for everybody.
struct CallQueue: Sendable {
    enum Caller: Hashable, Sendable {
        case account(Address)
        case source(SourceAddress)
    }

    /// One call, from its admission to its end.
    struct Slot: Hashable, Sendable {
        var number: UInt64
        var caller: Caller
        var workClass: WorkClass
    }

    enum Step: Hashable, Sendable {
        case run(Slot)
        /// The call waits; `instead` does not any more, because there is no room for both.
        case wait(Slot, instead: Slot?)
        case refuse(RPCStatus)
    }

    private struct Count {
        var calls = 0
        var trials = 0
    }

    private let limits: CallLimits
    /// Of callers with a call that runs or waits, so never more than both bounds together.
    private var counts: [Caller: Count] = [:]
    private(set) var running = 0
    private(set) var waiting: [Slot] = []
    private var lastNumber: UInt64 = 0

    init(_ limits: CallLimits) { self.limits = limits }

    mutating func enter(_ caller: Caller, _ workClass: WorkClass) -> Step {
        let count = counts[caller, default: Count()]
        if count.calls >= limits.runningPerCaller {
            return .refuse(
                .busy("calls of this caller at the same time", "running_handlers_per_caller", limits.runningPerCaller))
        }
        if workClass == .trial, count.trials >= limits.runningTrialsPerCaller {
            return .refuse(
                .busy(
                    "simulations of this caller at the same time", "running_simulations_per_caller",
                    limits.runningTrialsPerCaller))
        }
        lastNumber += 1
        let slot = Slot(number: lastNumber, caller: caller, workClass: workClass)
        if running < limits.runningInAll {
            running += 1
            add(slot, 1)
            return .run(slot)
        }
        waiting.append(slot)
        add(slot, 1)
        guard waiting.count > limits.waiting else { return .wait(slot, instead: nil) }
        guard let least = leastUrgent, giveUp(least) else { return .wait(slot, instead: nil) }
        return least == slot ? .refuse(overflow) : .wait(slot, instead: least)
    }

    /// What is told to a call that has to leave the queue.
    var overflow: RPCStatus { .busy("calls that wait", "waiting_calls", limits.waiting) }

    /// A running call is over.
    /// - Returns: the one that takes its place.
    mutating func leave(_ slot: Slot) -> Slot? {
        add(slot, -1)
        guard let next = waiting.indices.min(by: { isBefore(waiting[$0], waiting[$1]) }) else {
            running -= 1
            return nil
        }
        return waiting.remove(at: next)
    }

    /// A call does not wait any more.
    /// - Returns: false when it was not waiting.
    mutating func giveUp(_ slot: Slot) -> Bool {
        guard let place = waiting.firstIndex(of: slot) else { return false }
        waiting.remove(at: place)
        add(slot, -1)
        return true
    }

    private var leastUrgent: Slot? { waiting.max { isBefore($0, $1) } }

    private func isBefore(_ left: Slot, _ right: Slot) -> Bool {
        (left.workClass, left.number) < (right.workClass, right.number)
    }

    private mutating func add(_ slot: Slot, _ change: Int) {
        var count = counts[slot.caller, default: Count()]
        count.calls += change
        if slot.workClass == .trial { count.trials += change }
        counts[slot.caller] = count.calls > 0 ? count : nil
    }
}

extension RPCStatus {
    fileprivate static func busy(_ what: String, _ name: String, _ limit: Int) -> RPCStatus {
        .tooMany(
            "too many \(what), at most \(limit) are allowed", limit: "limits.\(name)", retryAfter: .seconds(1),
            spread: what.hashValue)
    }
}
