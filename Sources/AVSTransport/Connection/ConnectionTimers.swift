import AVSHTTP2

/// When the next thing is due on one connection: call deadlines in a heap, and one instant for each duty of the
/// connection. The owner arms one timer of its event loop for ``next`` (DL-7); libnghttp2 has no timers at all (CON-3).
struct ConnectionTimers {
    /// What a connection waits for besides its calls.
    enum Duty: Int, CaseIterable {
        case preface, settingsAcknowledgement, headers, keepalive, keepaliveAnswer, drainPing, linger, stalledSocket
        case stalledStreams, idle, age, ageGrace, connect, budget
    }

    enum Expiry: Hashable {
        case deadline(StreamID)
        case duty(Duty)
    }

    private struct Deadline {
        var instant: ContinuousClock.Instant
        var stream: StreamID
    }

    private var heap: [Deadline] = []
    private var duties: [ContinuousClock.Instant?] = Array(repeating: nil, count: Duty.allCases.count)
    /// Calls that ended leave their entry behind; when most are such, the heap is built anew.
    private var compactionMark = 64

    mutating func set(_ duty: Duty, _ instant: ContinuousClock.Instant?) { duties[duty.rawValue] = instant }

    subscript(duty: Duty) -> ContinuousClock.Instant? { duties[duty.rawValue] }

    var next: ContinuousClock.Instant? {
        var soonest = heap.first?.instant
        for case let instant? in duties where soonest.map({ instant < $0 }) ?? true { soonest = instant }
        return soonest
    }

    /// - Parameter isOpen: whether a stream's call still runs; asked only when the heap is cleaned.
    mutating func add(_ stream: StreamID, at instant: ContinuousClock.Instant, isOpen: (StreamID) -> Bool) {
        if heap.count >= compactionMark {
            let live = heap.filter { isOpen($0.stream) }
            heap = []
            for deadline in live { push(deadline) }
            compactionMark = max(64, live.count * 2)
        }
        push(Deadline(instant: instant, stream: stream))
    }

    /// Takes out one thing that is due.
    mutating func expire(at now: ContinuousClock.Instant) -> Expiry? {
        if let first = heap.first, first.instant <= now {
            pop()
            return .deadline(first.stream)
        }
        for duty in Duty.allCases {
            if let instant = duties[duty.rawValue], instant <= now {
                duties[duty.rawValue] = nil
                return .duty(duty)
            }
        }
        return nil
    }

    var deadlineCount: Int { heap.count }

    private mutating func push(_ deadline: Deadline) {
        heap.append(deadline)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if heap[parent].instant <= heap[child].instant { break }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].instant < heap[smallest].instant { smallest = child }
            }
            if smallest == parent { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
