import AVSModel
import AVSPrimitives
import DequeModule

/// A job that waits for its run.
struct WaitingJob: Hashable, Sendable {
    var number: UInt64
    var taskID: TaskID
    var executionID: ExecutionID
    var owner: Address
}

/// Which job runs next. A value without I/O.
///
/// - Jobs that a caller waits for go before the others; but after ``awaitedInARowMax`` of them one of the others goes.
/// - Among either kind owners take turns, and so do the tasks of one owner: an owner with 100,000 jobs delays another's
///   single job by at most one round (OVL-6).
/// - Runs of one task go one after another (XO-22): of either kind in the order of their jobs.
/// - The last quarter of the places is for owners without a run, so that runs that hang do not take the places of
///   owners who have none.
struct ReadyJobs: Sendable {
    /// Whether somebody waits for the end of a job's run.
    enum Urgency: Sendable { case awaited, queued }

    /// So many runs that callers wait for begin before one that nobody waits for, when there are both.
    static let awaitedInARowMax = 4

    private var awaited = JobLine()
    private var queued = JobLine()
    private var awaitedInARow = 0
    private var runningTasks: Set<TaskID> = []
    private var runningByOwner: [Address: Int] = [:]
    private var waitingByOwner: [Address: Int] = [:]
    private(set) var running = 0
    private(set) var waiting = 0
    private let limits: EngineLimits

    init(limits: EngineLimits) { self.limits = limits }

    /// How many jobs of `owner` wait.
    func waiting(of owner: Address) -> Int { waitingByOwner[owner] ?? 0 }

    mutating func add(_ job: WaitingJob, _ urgency: Urgency = .queued) {
        let isReady = !runningTasks.contains(job.taskID)
        switch urgency {
        case .awaited: awaited.add(job, isReady: isReady)
        case .queued: queued.add(job, isReady: isReady)
        }
        count(1, waitingFor: job.owner)
    }

    /// Takes the next job that may run now, or `nil` when nothing may.
    mutating func next() -> WaitingJob? {
        guard running < limits.runningInAll else { return nil }
        let isOthersTurn = awaitedInARow >= Self.awaitedInARowMax
        if isOthersTurn, let job = takeQueued() { return job }
        if let owner = awaited.turns.first(where: mayRun), let job = awaited.take(of: owner) {
            awaitedInARow += 1
            begin(job)
            return job
        }
        return isOthersTurn ? nil : takeQueued()
    }

    private mutating func takeQueued() -> WaitingJob? {
        guard let owner = queued.turns.first(where: mayRun), let job = queued.take(of: owner) else { return nil }
        awaitedInARow = 0
        begin(job)
        return job
    }

    private func mayRun(_ owner: Address) -> Bool {
        let own = runningByOwner[owner] ?? 0
        return own == 0 || own < limits.runningPerOwner && running < limits.runningInAll - limits.runningInAll / 4
    }

    private mutating func begin(_ job: WaitingJob) {
        count(-1, waitingFor: job.owner)
        runningTasks.insert(job.taskID)
        runningByOwner[job.owner, default: 0] += 1
        running += 1
        awaited.rest(job.taskID, of: job.owner)
        queued.rest(job.taskID, of: job.owner)
    }

    /// A run ended: the task's next job and the owner's next run may start.
    mutating func finished(_ job: WaitingJob) {
        guard runningTasks.remove(job.taskID) != nil, let own = runningByOwner[job.owner] else { return }
        runningByOwner[job.owner] = own > 1 ? own - 1 : nil
        running -= 1
        awaited.wake(job.taskID, of: job.owner)
        queued.wake(job.taskID, of: job.owner)
    }

    /// Forgets the waiting jobs of a deleted task.
    mutating func remove(task: TaskID, of owner: Address) {
        let gone = awaited.remove(task, of: owner) + queued.remove(task, of: owner)
        if gone > 0 { count(-gone, waitingFor: owner) }
    }

    private mutating func count(_ change: Int, waitingFor owner: Address) {
        waiting += change
        let left = waiting(of: owner) + change
        waitingByOwner[owner] = left > 0 ? left : nil
    }
}

/// Jobs of equal urgency.
private struct JobLine: Sendable {
    /// Jobs of each task, oldest first.
    private var jobs: [TaskID: Deque<WaitingJob>] = [:]
    /// Of each owner, the tasks that have a job here and no run, in turn.
    private var ready: [Address: Turns<TaskID>] = [:]
    /// Owners with a ready task, in turn.
    private(set) var turns = Turns<Address>()

    /// - Parameter isReady: whether the task has no run.
    mutating func add(_ job: WaitingJob, isReady: Bool) {
        jobs[job.taskID, default: []].append(job)
        if isReady { wake(job.taskID, of: job.owner) }
    }

    /// The owner's next job; the owner's next turn comes after all others'.
    mutating func take(of owner: Address) -> WaitingJob? {
        guard let task = ready[owner]?.first, let job = jobs[task]?.popFirst() else { return nil }
        if jobs[task]?.isEmpty == true { jobs[task] = nil }
        rest(task, of: owner)
        guard ready[owner] != nil else { return job }
        turns.remove(owner)
        turns.append(owner)
        return job
    }

    /// The task has no run any more.
    mutating func wake(_ task: TaskID, of owner: Address) {
        guard jobs[task] != nil else { return }
        ready[owner, default: Turns()].append(task)
        turns.append(owner)
    }

    /// The task has a run, or no job.
    mutating func rest(_ task: TaskID, of owner: Address) {
        ready[owner]?.remove(task)
        guard ready[owner]?.isEmpty == true else { return }
        ready[owner] = nil
        turns.remove(owner)
    }

    /// - Returns: how many jobs there were.
    mutating func remove(_ task: TaskID, of owner: Address) -> Int {
        rest(task, of: owner)
        return jobs.removeValue(forKey: task)?.count ?? 0
    }
}
