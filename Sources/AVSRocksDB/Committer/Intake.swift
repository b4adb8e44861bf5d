import AVSStorage
import Dispatch
import Synchronization

/// One update on its way to the committer, without its result type.
struct UpdateJob: Sendable {
    /// Whether the answer waits for the disk.
    let isSynced: Bool
    let origin: UpdateOrigin
    /// Runs the body. The result stays inside until the outcome of the commit is known.
    let perform: @Sendable (inout Transaction) -> Performed
    /// Answers without having run the body.
    let refuse: @Sendable (StorageError) -> Void

    /// A body that was run.
    struct Performed: Sendable {
        /// `false` if the body threw: then its changes do not count.
        let isKept: Bool
        /// Gives the caller what the body returned or threw, or this error instead.
        let answer: @Sendable (StorageError?) -> Void
    }
}

/// The bounded queue in front of the committer (section 4.3).
///
/// Within one class the order is kept. Classes 0 and 1 go first, and keep a quarter of each commit for themselves
/// (OVL-4): so a flood of new tasks does not delay a report whose sender will not repeat it.
final class Intake: Sendable {
    /// Whether updates are taken in.
    enum Gate: Hashable, Sendable {
        case open
        case readOnly(reason: String)
        case closed
    }

    /// What the committer is to do next. All empty if it was woken by the clock.
    struct Work: Sendable {
        var jobs: [UpdateJob] = []
        /// Try whether the disk takes writes again.
        var isProbe = false
        /// No further job will come.
        var isLast = false
    }

    private struct State {
        var urgent: [UpdateJob] = []
        var others: [UpdateJob] = []
        var bytes = 0
        var gate = Gate.open
        var isStalled = false
        var wantsProbe = false
        var committerWaits = false

        var count: Int { urgent.count + others.count }
    }

    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let updatesMax: Int
    private let bytesMax: Int

    init(updatesMax: Int, bytesMax: Int) {
        self.updatesMax = updatesMax
        self.bytesMax = bytesMax
    }

    var gate: Gate { state.withLock { $0.gate } }
    var load: (updates: Int, bytes: Int) { state.withLock { ($0.count, $0.bytes) } }

    /// Takes the job in, or says why not.
    func admit(_ job: UpdateJob) -> StorageError? {
        let (refusal, wakes) = state.withLock { state -> (StorageError?, Bool) in
            if let refusal = self.refusal(for: job.origin, state) { return (refusal, false) }
            if job.origin.workClass <= .report { state.urgent.append(job) } else { state.others.append(job) }
            state.bytes += max(0, job.origin.requestBytes)
            return (nil, takeWaiting(&state))
        }
        if wakes { wakeUp.signal() }
        return refusal
    }

    /// Removes the next commit's jobs; waits for some until `timeout` has passed (`nil`: for ever).
    func take(updatesMax: Int, timeout: Duration?) -> Work {
        if let work = takeNow(updatesMax: updatesMax) { return work }
        _ = wakeUp.wait(timeout: timeout.map(DispatchTime.after) ?? .distantFuture)
        return takeNow(updatesMax: updatesMax) ?? Work()
    }

    /// Opens or closes. Jobs already inside stay: the committer answers them.
    func setGate(_ gate: Gate) {
        wake { state in
            if state.gate != .closed { state.gate = gate }
        }
    }

    /// While the library slows writers down, only classes 0 to 2 are taken (DUR-13).
    func setStalled(_ isStalled: Bool) {
        state.withLock { $0.isStalled = isStalled }
    }

    func requestProbe() {
        wake { $0.wantsProbe = true }
    }

    /// Removes everything: after a fatal error nothing more is run.
    func removeAll() -> [UpdateJob] {
        state.withLock { state in
            defer { (state.urgent, state.others, state.bytes) = ([], [], 0) }
            return state.urgent + state.others
        }
    }

    private func wake(_ change: (inout State) -> Void) {
        let wakes = state.withLock { state in
            change(&state)
            return takeWaiting(&state)
        }
        if wakes { wakeUp.signal() }
    }

    /// One signal for each time the committer went to sleep: the semaphore does not count up while it works.
    private func takeWaiting(_ state: inout State) -> Bool {
        defer { state.committerWaits = false }
        return state.committerWaits
    }

    private func takeNow(updatesMax: Int) -> Work? {
        state.withLock { state in
            if state.wantsProbe {
                state.wantsProbe = false
                return Work(isProbe: true)
            }
            guard state.count > 0 else {
                if state.gate == .closed { return Work(isLast: true) }
                state.committerWaits = true
                return nil
            }
            // Where both kinds wait, each gets a quarter for certain.
            let reserved = updatesMax / 4
            let urgentMax = state.others.isEmpty ? updatesMax : updatesMax - reserved
            let urgentCount = min(state.urgent.count, urgentMax)
            let othersMax = updatesMax - (state.urgent.isEmpty ? 0 : max(urgentCount, reserved))
            let othersCount = min(state.others.count, othersMax)
            let jobs = Array(state.urgent.prefix(urgentCount) + state.others.prefix(othersCount))
            state.urgent.removeFirst(urgentCount)
            state.others.removeFirst(othersCount)
            state.bytes -= jobs.reduce(0) { $0 + max(0, $1.origin.requestBytes) }
            return Work(jobs: jobs)
        }
    }

    private func refusal(for origin: UpdateOrigin, _ state: borrowing State) -> StorageError? {
        switch state.gate {
        case .closed: return .closed
        case .readOnly(let reason): return .readOnly(reason)
        case .open: break
        }
        if state.isStalled, origin.workClass >= .read { return .overloaded("the disk cannot keep up with writes") }
        let share = Intake.sharePercent(of: origin.workClass)
        guard state.count < updatesMax * share / 100 else {
            return .overloaded("\(state.count) updates are waiting, limit \(updatesMax * share / 100)")
        }
        let (bytes, overflow) = state.bytes.addingReportingOverflow(max(0, origin.requestBytes))
        guard !overflow, bytes <= bytesMax * share / 100 else {
            return .overloaded("\(state.bytes) bytes of updates are waiting, limit \(bytesMax * share / 100)")
        }
        return nil
    }

    /// How full the intake may be for a class: the less urgent, the earlier it is refused.
    private static func sharePercent(of workClass: WorkClass) -> Int {
        switch workClass {
        case .control, .report: 100
        case .change: 80
        case .read, .create, .trial: 50
        }
    }
}
