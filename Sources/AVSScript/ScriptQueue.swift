import AVSPrimitives

/// Scripts that wait: a queue per owner, served in turn, so that one owner's many delay another's single one by at most
/// one round (OVL-6). Bounded (4.3).
struct ScriptQueue: Sendable {
    private let limit: Int
    private let perOwner: Int
    private var waiting: [Address: [ScriptJob]] = [:]
    /// Owners with waiting scripts; the next one to be served first.
    private var turn: [Address] = []
    private var running: [Address: Int] = [:]
    private(set) var count = 0

    init(limit: Int, perOwner: Int) {
        self.limit = limit
        self.perOwner = perOwner
    }

    /// False if there is no room.
    mutating func add(_ job: ScriptJob) -> Bool {
        guard count < limit else { return false }
        count += 1
        if waiting[job.owner, default: []].isEmpty { turn.append(job.owner) }
        waiting[job.owner, default: []].append(job)
        return true
    }

    /// Whether there is a script that may run now.
    var isReady: Bool { turn.contains(where: mayRun) }

    private func mayRun(_ owner: Address) -> Bool { running[owner, default: 0] < perOwner }

    /// The next script that may run; it counts as running until ``finish(_:)``.
    mutating func take() -> ScriptJob? {
        guard let place = turn.firstIndex(where: mayRun) else { return nil }
        let owner = turn.remove(at: place)
        guard let job = waiting[owner]?.removeFirst() else { return nil }
        count -= 1
        if waiting[owner]?.isEmpty == true { waiting[owner] = nil } else { turn.append(owner) }
        running[owner, default: 0] += 1
        return job
    }

    mutating func finish(_ owner: Address) {
        let left = running[owner, default: 1] - 1
        running[owner] = left > 0 ? left : nil
    }

    /// Takes out what nobody waits for any more, or what has waited too long.
    mutating func remove(where isDue: (ScriptJob) -> Bool) -> [ScriptJob] {
        var removed: [ScriptJob] = []
        for (owner, jobs) in waiting {
            let due = jobs.filter(isDue)
            guard !due.isEmpty else { continue }
            removed += due
            let left = jobs.filter { !isDue($0) }
            waiting[owner] = left.isEmpty ? nil : left
            if left.isEmpty { turn.removeAll { $0 == owner } }
        }
        count -= removed.count
        return removed
    }

    /// When the longest wait ends; nil if nothing waits.
    var nextExpiry: ContinuousClock.Instant? { waiting.values.compactMap(\.first?.expiry).min() }
}

/// A script that waits for a worker or runs in one.
struct ScriptJob: Sendable {
    let id: UInt64
    let owner: Address
    let body: [UInt8]
    let limit: Duration
    /// When it has waited too long.
    let expiry: ContinuousClock.Instant
    /// Called once, from any thread.
    let finish: @Sendable (Result<[UInt8], ScriptFailureError>) -> Void
}

struct ScriptFailureError: Error {
    var failure: ScriptFailure

    init(_ failure: ScriptFailure) { self.failure = failure }
}
