extension AggregatorConfiguration {
    /// Bounds of what callers, owners and tasks may use: `limits`.
    ///
    /// - Source: reliability-security 4.2; the table there says what happens beyond each.
    public struct Limits: Hashable, Sendable {
        public var profile = LimitProfile.production

        public var connections = 20_000
        public var connectionsPerAddress = 200
        public var unauthenticatedPerAddress = Rate(perSecond: 20, burst: 40)
        public var signInsPerAddress = Rate(perSecond: 5, burst: 20)
        public var signInsPerWallet = Rate(perSecond: 1, burst: 10)
        public var readsPerCaller = Rate(perSecond: 100, burst: 200)
        public var writesPerCaller = Rate(perSecond: 10, burst: 50)
        public var simulationsPerCaller = Rate(perSecond: 2, burst: 5)
        /// Of one caller at the same time.
        public var runningSimulationsPerCaller = 5
        /// With one API key, or tokens made with it; they count for its account as well.
        public var readsPerKey = Rate(perSecond: 100, burst: 200)
        public var writesPerKey = Rate(perSecond: 10, burst: 50)
        public var simulationsPerKey = Rate(perSecond: 2, burst: 5)
        public var notificationsPerOperator = Rate(perSecond: 2_000, burst: 10_000)
        public var runningHandlers = 512
        public var runningHandlersPerCaller = 64
        /// Calls that wait for a handler.
        public var waitingCalls = 256

        /// Not finished ones.
        public var tasksPerOwner = 1_000
        public var walletsPerOwner = defaultWalletsPerOwner
        public var secretsPerOwner = 1_000
        public var secretBytes = 64 << 10
        public var nodesPerTask = 1_000
        public var edgesPerTask = 4_000
        public var nesting = 50
        public var schedulesPerTrigger = 10
        public var addressesPerQuery = 100
        public var conditionsPerQuery = 50

        public var loopElements = 10_000
        public var stepsPerExecution = 10_000
        /// No more than one update can delete with the task.
        public var queuedPerTask = 100
        public var queuedPerOwner = 1_000
        public var queuedInAll = 100_000
        public var journalBytes = 16 << 20
        public var stepOutputBytes = 1 << 20
        /// Beyond it outputs are cut with a mark. Smaller than a message may be, or an execution could be stored that
        /// no call can return.
        public var executionRecordBytes = 3_670_016
        public var pageRows = 1_000
        /// Of the encoded items of one page.
        public var pageBytes = 3_670_016

        public static let defaultWalletsPerOwner = 5
        public static let walletsPerOwnerBounds = 1...2_000

        init() {}
    }

    /// A token bucket: refills with `perSecond`, holds `burst`.
    public struct Rate: Hashable, Sendable {
        public var perSecond: Int
        public var burst: Int

        public init(perSecond: Int, burst: Int) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }
}

extension AggregatorConfiguration.Rate: ConfigurationSection {
    init() { self.init(perSecond: 1, burst: 1) }

    static let keys: [Key<Self>] = [
        .value("per_second", \.perSecond, .integer(1...1_000_000)),
        .value("burst", \.burst, .integer(1...10_000_000)),
    ]
}

extension AggregatorConfiguration.Limits: ConfigurationSection {
    static let keys: [Key<Self>] = callKeys + ownerKeys + runKeys

    private static let callKeys: [Key<Self>] = [
        .value("profile", \.profile, .choice),
        .value("connections", \.connections, .integer(1...1_000_000)),
        .value("connections_per_address", \.connectionsPerAddress, .integer(1...1_000_000)),
        .section("unauthenticated_per_address", \.unauthenticatedPerAddress),
        .section("sign_ins_per_address", \.signInsPerAddress),
        .section("sign_ins_per_wallet", \.signInsPerWallet),
        .section("reads_per_caller", \.readsPerCaller),
        .section("writes_per_caller", \.writesPerCaller),
        .section("simulations_per_caller", \.simulationsPerCaller),
        .value("running_simulations_per_caller", \.runningSimulationsPerCaller, .integer(1...1_000)),
        .section("reads_per_api_key", \.readsPerKey),
        .section("writes_per_api_key", \.writesPerKey),
        .section("simulations_per_api_key", \.simulationsPerKey),
        .section("notifications_per_operator", \.notificationsPerOperator),
        .value("running_handlers", \.runningHandlers, .integer(1...100_000)),
        .value("running_handlers_per_caller", \.runningHandlersPerCaller, .integer(1...100_000)),
        .value("waiting_calls", \.waitingCalls, .integer(0...100_000)),
    ]

    private static let ownerKeys: [Key<Self>] = [
        .value("tasks_per_owner", \.tasksPerOwner, .integer(1...10_000_000)),
        .value("wallets_per_owner", \.walletsPerOwner, .integer(walletsPerOwnerBounds)),
        .value("secrets_per_owner", \.secretsPerOwner, .integer(1...10_000)),
        .value("secret_size", \.secretBytes, .byteCount(1 << 10...1 << 20)),
        .value("nodes_per_task", \.nodesPerTask, .integer(1...10_000)),
        .value("edges_per_task", \.edgesPerTask, .integer(1...40_000)),
        .value("nesting", \.nesting, .integer(1...64)),
        .value("schedules_per_trigger", \.schedulesPerTrigger, .integer(1...1_000)),
        .value("addresses_per_query", \.addressesPerQuery, .integer(1...10_000)),
        .value("conditions_per_query", \.conditionsPerQuery, .integer(1...1_000)),
    ]

    private static let runKeys: [Key<Self>] = [
        .value("loop_elements", \.loopElements, .integer(1...1_000_000)),
        .value("steps_per_execution", \.stepsPerExecution, .integer(1...1_000_000)),
        .value("queued_per_task", \.queuedPerTask, .integer(1...10_000)),
        .value("queued_per_owner", \.queuedPerOwner, .integer(1...10_000_000)),
        .value("queued_in_all", \.queuedInAll, .integer(1...10_000_000)),
        .value("journal_size", \.journalBytes, .byteCount(1 << 20...256 << 20)),
        .value("step_output_size", \.stepOutputBytes, .byteCount(1 << 10...16 << 20)),
        .value("execution_record_size", \.executionRecordBytes, .byteCount(64 << 10...64 << 20)),
        .value("page_rows", \.pageRows, .integer(1...10_000)),
        .value("page_size", \.pageBytes, .byteCount(64 << 10...64 << 20)),
    ]

    mutating func finish(_ context: SectionContext) {
        let relations = [
            ("queued_per_task", queuedPerTask, "queued_per_owner", queuedPerOwner),
            ("queued_per_owner", queuedPerOwner, "queued_in_all", queuedInAll),
            ("connections_per_address", connectionsPerAddress, "connections", connections),
            ("step_output_size", stepOutputBytes, "journal_size", journalBytes),
        ]
        for (name, value, whole, most) in relations where value > most {
            context.refuse(name, "`\(value)` is above `\(whole)`: wanted at most \(most)")
        }
    }
}
