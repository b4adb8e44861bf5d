import AVSModel
import AVSPrimitives
import DequeModule
import OrderedCollections

/// A job that waits for its run.
struct WaitingJob: Hashable, Sendable {
    var number: UInt64
    var taskID: TaskID
    var executionID: ExecutionID
    var owner: Address
}

/// Which job runs next: owners in turn, the runs of one task one after another in the order of their jobs.
///
/// A value without I/O. An owner with 100,000 jobs delays another's single job by at most one round (OVL-6).
struct ReadyJobs: Sendable {
    private struct Owner {
        /// Jobs of each task, oldest first.
        var jobs: [TaskID: Deque<WaitingJob>] = [:]
        /// Tasks that have a job and no run, in turn.
        var ready: Deque<TaskID> = []
        var running = 0
        var waiting = 0
    }

    private var owners: [Address: Owner] = [:]
    /// Owners with at least one ready task, in turn.
    private var turns: OrderedSet<Address> = []
    private var runningTasks: Set<TaskID> = []
    private(set) var running = 0
    private(set) var waiting = 0
    private let limits: EngineLimits

    init(limits: EngineLimits) { self.limits = limits }

    /// How many jobs of `owner` wait.
    func waiting(of owner: Address) -> Int {
        owners[owner]?.waiting ?? 0
    }

    mutating func add(_ job: WaitingJob) {
        var owner = owners[job.owner, default: Owner()]
        let isFirst = owner.jobs[job.taskID] == nil
        owner.jobs[job.taskID, default: []].append(job)
        if isFirst, !runningTasks.contains(job.taskID) { owner.ready.append(job.taskID) }
        owner.waiting += 1
        owners[job.owner] = owner
        waiting += 1
        if !owner.ready.isEmpty { turns.append(job.owner) }
    }

    /// Takes the next job that may run now, or `nil` when nothing may.
    mutating func next() -> WaitingJob? {
        guard running < limits.runningInAll else { return nil }
        for address in turns {
            guard var owner = owners[address], owner.running < limits.runningPerOwner,
                let task = owner.ready.popFirst(), let job = owner.jobs[task]?.popFirst()
            else { continue }
            if owner.jobs[task]?.isEmpty == true { owner.jobs[task] = nil }
            owner.running += 1
            owner.waiting -= 1
            running += 1
            waiting -= 1
            runningTasks.insert(task)
            turns.remove(address)
            if !owner.ready.isEmpty { turns.append(address) }
            owners[address] = owner
            return job
        }
        return nil
    }

    /// A run ended: the task's next job and the owner's next run may start.
    mutating func finished(_ job: WaitingJob) {
        guard var owner = owners[job.owner], runningTasks.remove(job.taskID) != nil else { return }
        owner.running -= 1
        running -= 1
        if owner.jobs[job.taskID] != nil { owner.ready.append(job.taskID) }
        if !owner.ready.isEmpty { turns.append(job.owner) }
        owners[job.owner] = owner.jobs.isEmpty && owner.running == 0 ? nil : owner
    }

    /// Forgets the waiting jobs of a deleted task.
    mutating func remove(task: TaskID, of address: Address) {
        guard var owner = owners[address], let gone = owner.jobs.removeValue(forKey: task) else { return }
        owner.waiting -= gone.count
        waiting -= gone.count
        owner.ready.removeAll { $0 == task }
        if owner.ready.isEmpty { turns.remove(address) }
        owners[address] = owner.jobs.isEmpty && owner.running == 0 ? nil : owner
    }
}
