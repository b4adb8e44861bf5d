public import AVSModel
public import AVSPrimitives

/// An operator's stream, for people who look.
public struct OperatorStream: Hashable, Sendable {
    public var capabilities: OperatorCapabilities
    public var connectedAt: ContinuousClock.Instant
    /// Tasks that the operator was told to watch, or reported itself.
    public var trackedTasks: Int
    /// Changes that wait to be sent.
    public var waitingMessages: Int
}

/// The operators that hold a stream: who they are, what they watch, what waits for them.
///
/// Decides in memory only; after a restart every operator connects anew and gets everything (6.5). What it says about
/// a task is always said after the change of the task was committed (XO-12).
public actor OperatorRegistry {
    struct Session {
        /// Tells a stream from the one that replaced it.
        let number: UInt64
        let capabilities: OperatorCapabilities
        let isApproved: Bool
        let outbox: OperatorOutbox
        let connectedAt: ContinuousClock.Instant
        /// What the operator was told to watch, or reported itself.
        var tracked: Set<TaskID> = []
        /// Whether it is told of changes: from its first pass on (6.4).
        var isSynced = false
        /// Tasks that stopped during the pass that is on, whose page may still hold them as enabled; `nil` outside one.
        var stoppedDuringPass: Set<TaskID>?
    }

    private let configuration: EngineConfiguration
    private var sessions: [Address: Session] = [:]
    /// The operator that has to watch a task. Kept while that operator stays eligible.
    private var assigned: [TaskID: Address] = [:]
    /// Of connects within the cooldown only, so its size is bounded by the rate of connections.
    private var lastConnect: [Address: ContinuousClock.Instant] = [:]
    private var nextNumber: UInt64 = 1
    /// How many assignments were made: the next goes to the operator at this place, in turn.
    private var turn = 0
    private var isClosed = false

    public init(configuration: EngineConfiguration) { self.configuration = configuration }

    // MARK: Streams

    /// Registers a stream; an older one of the same operator ends with OK.
    /// - Throws: ``EngineError/reconnectTooFast(waited:cooldown:)`` within the cooldown of the last connect (6.3).
    func connect(
        _ address: Address, capabilities: OperatorCapabilities, at now: ContinuousClock.Instant
    ) throws(EngineError) -> (number: UInt64, outbox: OperatorOutbox) {
        guard !isClosed else { throw .shuttingDown }
        let cooldown = configuration.times.reconnectCooldown
        if let last = lastConnect[address], now - last < cooldown {
            throw .reconnectTooFast(waited: now - last, cooldown: cooldown)
        }
        lastConnect = lastConnect.filter { now - $0.value < cooldown }
        lastConnect[address] = now
        sessions[address]?.outbox.close(.replaced)
        let session = Session(
            number: nextNumber, capabilities: capabilities,
            isApproved: configuration.approvedOperators.contains(address),
            outbox: OperatorOutbox(limit: configuration.limits.checksPerStream), connectedAt: now)
        nextNumber += 1
        sessions[address] = session
        return (session.number, session.outbox)
    }

    /// Ends a registration, unless a newer stream has taken its place.
    /// - Returns: the tasks that now have nobody to watch them.
    func disconnect(_ address: Address, number: UInt64) -> [TaskID] {
        guard let session = sessions[address], session.number == number else { return [] }
        sessions[address] = nil
        let orphans = assigned.filter { $0.value == address }.map(\.key)
        for id in orphans { assigned[id] = nil }
        // At the end of the process nobody takes over: after the next start every operator is told everything (6.5).
        return isClosed ? [] : orphans.sorted()
    }

    /// Ends all streams with OK; later connects are refused.
    public func close() {
        isClosed = true
        for session in sessions.values { session.outbox.close(.shuttingDown) }
    }

    /// The addresses that hold a stream, sorted.
    public var connected: [Address] { sessions.keys.sorted() }

    /// The streams that are open.
    public var streams: [Address: OperatorStream] {
        sessions.mapValues { session in
            OperatorStream(
                capabilities: session.capabilities, connectedAt: session.connectedAt,
                trackedTasks: session.tracked.count, waitingMessages: session.outbox.count)
        }
    }

    /// Ends an operator's stream with OK; its tasks go to others, and it may connect again.
    /// - Returns: whether it held one.
    public func end(_ address: Address) -> Bool {
        guard let session = sessions[address] else { return false }
        session.outbox.close(.replaced)
        return true
    }

    public func isTracking(_ id: TaskID, by address: Address) -> Bool {
        sessions[address]?.tracked.contains(id) ?? false
    }

    /// An operator that reports a task watches it.
    func reported(_ id: TaskID, by address: Address) { sessions[address]?.tracked.insert(id) }

    // MARK: Changes of tasks

    /// A task was created or enabled: every operator that can watch it is told at once (6.4).
    func enabled(_ check: TaskCheck) {
        for address in eligible(for: check.trigger.kind) {
            sessions[address]?.stoppedDuringPass?.remove(check.taskID)
            guard sessions[address]?.isSynced == true else { continue }
            send(.monitor(check), to: address)
        }
        assign(check)
    }

    /// A task stopped: those that watch it are told.
    func stopped(_ message: OperatorMessage) {
        let id = message.taskID
        assigned[id] = nil
        for address in sessions.keys {
            sessions[address]?.stoppedDuringPass?.insert(id)
            guard sessions[address]?.tracked.remove(id) != nil else { continue }
            sessions[address]?.outbox.put(message)
        }
    }

    /// Every connected operator is asked to report the task's next block (6.4).
    func immediate(_ check: TaskCheck) {
        for address in eligible(for: check.trigger.kind) where sessions[address]?.isSynced == true {
            sessions[address]?.outbox.put(.immediate(check))
        }
    }

    // MARK: Passes

    /// A pass over all tasks begins for this stream; from now on it is told of changes.
    /// - Returns: whether the operator is to get tasks at all.
    func beginPass(_ address: Address, number: UInt64) -> Bool {
        guard sessions[address]?.number == number else { return false }
        sessions[address]?.isSynced = true
        sessions[address]?.stoppedDuringPass = []
        return sessions[address]?.isApproved ?? false
    }

    /// Sends what this operator has to watch of `checks` and was not told yet.
    func pass(_ checks: [TaskCheck], to address: Address, number: UInt64) {
        for check in checks {
            guard let session = sessions[address], session.number == number else { return }
            guard session.stoppedDuringPass?.contains(check.taskID) != true else { continue }
            assign(check)
            if assigned[check.taskID] == address, !session.tracked.contains(check.taskID) {
                send(.monitor(check), to: address)
            }
        }
    }

    func endPass(_ address: Address, number: UInt64) {
        guard sessions[address]?.number == number else { return }
        sessions[address]?.stoppedDuringPass = nil
    }

    /// Gives tasks of an operator that left to others, at once (DEFECT-24).
    func reassign(_ checks: [TaskCheck]) {
        for check in checks {
            assign(check)
            guard let address = assigned[check.taskID], let session = sessions[address] else { continue }
            guard session.isSynced, !session.tracked.contains(check.taskID) else { continue }
            send(.monitor(check), to: address)
        }
    }

    // MARK: Assignment

    private func send(_ message: OperatorMessage, to address: Address) {
        sessions[address]?.tracked.insert(message.taskID)
        sessions[address]?.outbox.put(message)
    }

    /// Keeps the task's operator while it is eligible, else chooses the next in turn (6.5).
    private func assign(_ check: TaskCheck) {
        let candidates = eligible(for: check.trigger.kind)
        if let current = assigned[check.taskID], candidates.contains(current) { return }
        guard !candidates.isEmpty else {
            assigned[check.taskID] = nil
            return
        }
        assigned[check.taskID] = candidates[turn % candidates.count]
        turn = (turn + 1) % max(candidates.count, 1)
    }

    /// Who may be given a trigger of `kind`, sorted, so that the order of turns is stable.
    private func eligible(for kind: TriggerKind) -> [Address] {
        sessions.filter { $0.value.isApproved && $0.value.capabilities.supports(kind) }.keys.sorted()
    }
}
