import AVSChain
import AVSEthereum
public import AVSModel
import AVSOperator
public import AVSPrimitives
public import Logging

/// Everything that an operator watches, and what it has found.
///
/// Decides in memory, keeps in the store. What must not be lost is durable before anybody hears of it: findings are
/// written to the outbox together with the position that says they were seen (E1).
///
/// `Watcher+Tasks` is told what to watch, `Watcher+Time` fires ticks, `Watcher+Chains` looks at blocks.
public actor Watcher {
    /// What is watched on one chain, and how far.
    struct Chain {
        var blocks = BlockWatch()
        var events: EventWatch
        var memory: EventMemory
        /// Everything up to here was looked at; nil means: begin at the newest block.
        var position: ChainPosition?
        /// The newest block that is known; nil while nothing is watched.
        var head: UInt64?
        /// The highest block whose block triggers were looked at: one that takes the place of another is the same
        /// occurrence (XO-4).
        var highest: UInt64 = 0
        /// Rings when something is watched here.
        let bell = WakeUp()

        var isIdle: Bool { blocks.isEmpty && events.isEmpty }
    }

    /// Who watches a task.
    enum Place: Hashable {
        case time
        case chain(UInt64)
    }

    /// What happened since the start.
    public struct Statistics: Hashable, Sendable {
        public var fired = 0
        public var missedTicks = 0
        public var skippedBlocks: UInt64 = 0
        /// Blocks that reorganisations took back.
        public var removedBlocks: UInt64 = 0
        /// Blocks whose logs the node refused.
        public var refusedBlocks: UInt64 = 0
        public var logs: UInt64 = 0
        public var overloads = 0
        public var refusedTasks = 0
    }

    let store: WatchStore
    let configuration: WatchConfiguration
    let reporter: Address
    let defaultChainID: UInt64
    let logger: Logger
    var times: TimeWatch
    var chains: [UInt64: Chain] = [:]
    var places: [TaskID: Place] = [:]
    var clockOffset = Duration.zero
    public internal(set) var statistics = Statistics()
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
            chains[id]?.position = kept.positions[id]
            chains[id]?.highest = kept.positions[id]?.number ?? 0
            chains[id]?.memory = EventMemory(rests: kept.rests)
        }
        for check in kept.checks { watch(check, last: kept.marks[check.taskID], isRestored: true, at: now) }
        // A position that nobody needed while it grew old is none to go on from.
        for (id, chain) in chains where chain.isIdle { chains[id]?.position = nil }
        logger.info(
            "watching what was watched before",
            metadata: ["tasks": "\(places.count)", "reports waiting": "\(store.waitingReports)"])
        outboxBell.ring()
    }

    // MARK: Findings

    /// Reports a trigger at once: the aggregator asked for it.
    public func fire(_ report: TriggerFired, at now: Timestamp) async throws {
        var findings = WatchStore.Findings()
        findings.fired = [report]
        try await commit(findings, at: now)
    }

    func commit(_ findings: WatchStore.Findings, at now: Timestamp) async throws {
        try await store.commit(findings, at: now)
        statistics.fired += findings.fired.count
        if !findings.fired.isEmpty { outboxBell.ring() }
    }
}
