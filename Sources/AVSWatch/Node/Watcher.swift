public import AVSEthereum
public import AVSModel
public import AVSOperator
public import AVSPrimitives
public import Logging

/// Everything that an operator watches, and what it has found.
///
/// Decides in memory, keeps in the store. What must not be lost is durable before anybody hears of it: findings are
/// written to the outbox together with the cursor that says they were seen (E1).
public actor Watcher {
    private struct Chain {
        var blocks = BlockWatch()
        var events: EventWatch
        var memory: EventMemory
        /// The last block that was looked at; nil means: begin at the newest.
        var cursor: UInt64?
        var head: UInt64 = 0

        var isIdle: Bool { blocks.isEmpty && events.isEmpty }
    }

    /// Who watches a task.
    private enum Place: Hashable {
        case time
        case chain(UInt64)
    }

    /// A range of blocks to look at.
    public struct Range: Sendable {
        public var chainID: UInt64
        public var blocks: ClosedRange<UInt64>
        /// Blocks whose header somebody wants.
        public var headers: [UInt64]
        /// Every log that these match is wanted.
        public var filters: [LogFilter]
    }

    /// What a chain's follower does next.
    public enum Work: Sendable {
        /// Nothing is watched on this chain.
        case idle
        case upToDate
        /// Reports do not get through: look no further, so that nothing is lost (the cursor waits).
        case full
        case look(Range)
    }

    /// What happened since the start.
    public struct Statistics: Hashable, Sendable {
        public var fired = 0
        public var missedTicks = 0
        public var skippedBlocks: UInt64 = 0
        public var logs: UInt64 = 0
        public var overloads = 0
        public var refusedTasks = 0
    }

    private let store: WatchStore
    private let configuration: WatchConfiguration
    private let reporter: Address
    private let defaultChainID: UInt64
    private let logger: Logger
    private var times: TimeWatch
    private var chains: [UInt64: Chain] = [:]
    private var places: [TaskID: Place] = [:]
    private var clockOffset = Duration.zero
    public private(set) var statistics = Statistics()
    /// Rings when the outbox has something, and when time triggers change.
    let outboxBell = WakeUp()
    let timeBell = WakeUp()

    /// - Parameters:
    ///   - reporter: in whose name triggers are reported.
    ///   - chainIDs: the chains that can be watched; the first is the one meant by chain 0.
    public init(
        store: WatchStore, configuration: WatchConfiguration = WatchConfiguration(), reporter: Address,
        chainIDs: [UInt64], logger: Logger
    ) {
        self.store = store
        self.configuration = configuration
        self.reporter = reporter
        self.logger = logger
        defaultChainID = chainIDs.first ?? 0
        times = TimeWatch(policy: configuration.time)
        for id in chainIDs {
            let events = EventWatch(defaultLimit: configuration.eventsPerQueryAndBlock)
            chains[id] = Chain(events: events, memory: EventMemory())
        }
    }

    /// Takes up what was watched before a restart. Before anything else.
    public func restore(at now: Timestamp) throws {
        let kept = try store.load()
        for problem in kept.problems { logger.error("a stored row cannot be read", metadata: ["reason": "\(problem)"]) }
        for id in chains.keys {
            chains[id]?.cursor = kept.cursors[id]
            chains[id]?.memory = EventMemory(rests: kept.rests)
        }
        for check in kept.checks { watch(check, last: kept.marks[check.taskID], at: now) }
        logger.info(
            "watching what was watched before",
            metadata: ["tasks": "\(places.count)", "reports waiting": "\(store.waitingReports)"])
        outboxBell.ring()
    }

    // MARK: Tasks

    public var taskCount: Int { places.count }
    public func isWatching(_ id: TaskID) -> Bool { places[id] != nil }

    /// Does what the aggregator says, but for ``OperatorCheck/immediate(_:)``, which needs a look at the world.
    public func handle(_ check: OperatorCheck, at now: Timestamp) async throws {
        switch check {
        case .monitor(let check):
            if watch(check, last: nil, at: now) { try await store.remember(check) }
        case .disable(let id), .delete(let id): try await stop(id)
        case .immediate: break
        }
    }

    /// Stops watching a task.
    public func stop(_ id: TaskID) async throws {
        guard forget(id) else { return }
        logger.info("stopped watching", metadata: ["task": "\(id)"])
        try await store.forget(id)
    }

    @discardableResult
    private func watch(_ check: TaskCheck, last: Timestamp?, at now: Timestamp) -> Bool {
        let chainID = check.chainID == 0 ? defaultChainID : check.chainID
        guard places[check.taskID] != nil || places.count < configuration.taskLimit else {
            return refuse(
                check, "\(places.count) tasks are watched already, at most \(configuration.taskLimit) are allowed")
        }
        var problems: [String] = []
        switch check.trigger.kind {
        case .manual: return refuse(check, "a manual trigger is watched by nobody")
        case .cron, .fixedTime:
            move(check.taskID, to: .time)
            problems = times.watch(check, last: last, at: now)
            timeBell.ring()
        case .event where !configuration.watchesEvents: return refuse(check, "event triggers are switched off here")
        case .block, .event:
            guard chains[chainID] != nil else { return refuse(check, "chain \(chainID) is not configured here") }
            move(check.taskID, to: .chain(chainID))
            problems = watch(check, on: chainID)
        }
        for problem in problems {
            logger.warning(
                "part of a trigger cannot be watched", metadata: ["task": "\(check.taskID)", "reason": "\(problem)"])
        }
        return true
    }

    private func watch(_ check: TaskCheck, on chainID: UInt64) -> [String] {
        // What is restored has its cursor; what is new begins behind the newest block that we know.
        let head = chains[chainID]?.head ?? 0
        guard check.trigger.kind == .block else {
            chains[chainID]?.blocks.stop(check.taskID)
            return chains[chainID]?.events.watch(check, head: head) ?? []
        }
        chains[chainID]?.events.stop(check.taskID)
        return chains[chainID]?.blocks.watch(check, head: head).map { [$0] } ?? []
    }

    /// A task whose trigger changed place leaves the old one.
    private func move(_ id: TaskID, to place: Place) {
        if places[id] != place { forget(id) }
        places[id] = place
    }

    private func refuse(_ check: TaskCheck, _ reason: String) -> Bool {
        statistics.refusedTasks += 1
        logger.warning("not watching", metadata: ["task": "\(check.taskID)", "reason": "\(reason)"])
        return false
    }

    @discardableResult
    private func forget(_ id: TaskID) -> Bool {
        switch places.removeValue(forKey: id) {
        case nil: return false
        case .time: times.stop(id)
        case .chain(let chainID):
            chains[chainID]?.blocks.stop(id)
            chains[chainID]?.events.stop(id)
            chains[chainID]?.memory.forget(id)
        }
        return true
    }

    // MARK: Time

    /// When ``tick(at:)`` has something to do next; nil if never, or not before the clocks agree again.
    public var nextTick: Timestamp? { isClockTrusted ? times.next : nil }

    /// Fires what is due.
    public func tick(at now: Timestamp) async throws {
        guard isClockTrusted else { return }
        let due = times.due(at: now)
        statistics.missedTicks += due.missed
        if due.missed > 0 { logger.warning("ticks were missed", metadata: ["count": "\(due.missed)"]) }
        guard !due.ticks.isEmpty else { return }
        var findings = WatchStore.Findings()
        for tick in due.ticks {
            findings.fired.append(.time(tick.taskID, kind: tick.kind, at: tick.instant, reporter: reporter))
            findings.marks[tick.taskID] = tick.instant
        }
        guard !store.isFull else {
            statistics.missedTicks += due.ticks.count
            logger.error("ticks are dropped: the outbox is full", metadata: ["count": "\(due.ticks.count)"])
            return
        }
        try await commit(findings, at: now)
    }

    /// What the last check-in said about our clock.
    public func note(clockOffset: Duration) {
        let wasTrusted = isClockTrusted
        self.clockOffset = clockOffset
        let size = clockOffset < .zero ? .zero - clockOffset : clockOffset
        if size > configuration.clockOffsetWarning {
            logger.warning("the aggregator's clock is another", metadata: ["offset": "\(clockOffset)"])
        }
        guard wasTrusted != isClockTrusted else { return }
        logger.error(isClockTrusted ? "time triggers go on" : "time triggers stop: the clocks differ too much")
        timeBell.ring()
    }

    var isClockTrusted: Bool {
        clockOffset <= configuration.clockOffsetLimit && clockOffset >= .zero - configuration.clockOffsetLimit
    }

    // MARK: Chains

    /// The newest block seen on a chain.
    public func head(of chainID: UInt64) -> UInt64 { chains[chainID]?.head ?? 0 }

    /// The newest block of the default chain, as check-ins say it.
    public var head: UInt64 { head(of: defaultChainID) }

    /// What a chain's follower does next, now that the newest block is `head`.
    ///
    /// - Parameter limit: blocks in one range.
    public func work(on chainID: UInt64, head: UInt64, limit: UInt64) async throws -> Work {
        guard var chain = chains[chainID] else { return .idle }
        chain.head = max(chain.head, head)
        let cursor = chain.cursor
        if chain.isIdle {
            chain.cursor = nil
            chains[chainID] = chain
            if cursor != nil { try await store.dropCursor(of: chainID) }
            return .idle
        }
        guard let cursor else {
            chain.cursor = head
            chains[chainID] = chain
            try await store.move(cursor: chainID, to: head)
            return .upToDate
        }
        chains[chainID] = chain
        guard head > cursor else { return .upToDate }
        guard !store.isFull else { return .full }
        return .look(range(of: chain, chainID, behind: cursor, head: head, limit: limit))
    }

    private func range(
        of chain: Chain, _ chainID: UInt64, behind cursor: UInt64, head: UInt64, limit: UInt64
    ) -> Range {
        var first = cursor + 1  // below head, so it cannot overflow
        let missed = head - cursor
        if missed > configuration.missedBlocksOfEvents {
            let skipped = missed - configuration.missedBlocksOfEvents
            first = cursor + skipped + 1
            statistics.skippedBlocks += skipped
            logger.warning("missed blocks are skipped", metadata: ["chain": "\(chainID)", "count": "\(skipped)"])
        }
        let last = min(head, first + (max(1, limit) - 1))
        let oldest = head > configuration.missedBlocksOfBlocks ? head - configuration.missedBlocksOfBlocks : 0
        let headers = (first...last).filter { $0 > oldest && chain.blocks.matches($0) }
        return Range(chainID: chainID, blocks: first...last, headers: headers, filters: chain.events.filters())
    }

    /// What the look at a range found. The cursor moves over it in the same update that keeps the reports.
    ///
    /// - Parameters:
    ///   - headers: of the range's ``Range/headers``; those that could not be had are missing.
    ///   - logs: all that the range's filters match.
    /// - Returns: queries that matched too much, to be reported.
    public func conclude(
        _ range: Range, headers: [UInt64: Block], logs: [EventLog], at now: Timestamp
    ) async throws -> [EventOverload] {
        guard let chain = chains[range.chainID] else { return [] }
        var findings = WatchStore.Findings()
        for number in range.headers {
            let output = Block.triggerOutput(number: number, headers[number])
            for id in chain.blocks.tasks(at: number, now: now) {
                findings.fired.append(
                    .block(id, number: number, header: output, chainID: range.chainID, reporter: reporter))
            }
        }
        var memory = chain.memory
        let verdict = chain.events.judge(logs, &memory, at: now, chainID: range.chainID, reporter: reporter)
        findings.fired += verdict.fired
        findings.rests = verdict.rests
        findings.cursor = (range.chainID, range.blocks.upperBound)
        if findings.fired.isEmpty {
            try await store.move(cursor: range.chainID, to: range.blocks.upperBound)
        } else {
            try await commit(findings, at: now)
        }
        // Durable: only now do we remember. A task that was stopped meanwhile has nothing to remember.
        for id in memory.rests.keys where places[id] == nil { memory.forget(id) }
        chains[range.chainID]?.memory = memory
        if chains[range.chainID]?.cursor != nil { chains[range.chainID]?.cursor = range.blocks.upperBound }
        statistics.logs += UInt64(verdict.count)
        statistics.overloads += verdict.overloads.count
        return verdict.overloads
    }

    // MARK: Findings

    /// Reports a trigger at once: the aggregator asked for it.
    public func fire(_ report: TriggerFired, at now: Timestamp) async throws {
        var findings = WatchStore.Findings()
        findings.fired = [report]
        try await commit(findings, at: now)
    }

    private func commit(_ findings: WatchStore.Findings, at now: Timestamp) async throws {
        try await store.commit(findings, at: now)
        statistics.fired += findings.fired.count
        outboxBell.ring()
    }
}
