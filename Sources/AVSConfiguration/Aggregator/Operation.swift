public import AVSPrimitives

extension AggregatorConfiguration {
    /// The execution of runs: `queue`.
    public struct Queue: Hashable, Sendable {
        /// Runs at the same time, in all.
        public var workers = 32
        /// And of one owner.
        public var workersPerOwner = 8

        init() {}
    }

    /// What connected operators are sent, and when: `sync`.
    public struct Sync: Hashable, Sendable {
        /// Between an operator's connection and its first checks.
        public var initialDelay = Duration.milliseconds(10_000)
        /// Between two passes that send an operator what it should have.
        public var period = Duration.seconds(900)

        init() {}
    }

    /// The periodic backup (D-28): `backup`.
    public struct Backup: Hashable, Sendable {
        public var isEnabled = false
        public var interval = Duration.seconds(24 * 3_600)
        /// Nil is `backup_dir`.
        public var directory: String?
        /// How many proven ones stay (BAK-4).
        public var keptCount = 7

        init() {}
    }

    /// Prices of runs: `fee_rates`.
    public struct FeeRates: Hashable, Sendable {
        /// Dollars; 0 is free.
        public var executionFee = DecimalAmount(millionths: 20_000)
        /// Dollars; 0 lets any outstanding balance block.
        public var creditLimit = DecimalAmount(millionths: 0)
        /// Dollars for one coin of the chain; 0 is not known: then nothing is charged in coins, and no credit is
        /// checked.
        public var coinPrice = DecimalAmount(millionths: 2_500_000_000)
        public var tiers = Tiers()

        init() {}

        /// Percent of the value moved.
        public struct Tiers: Hashable, Sendable {
            public var first = DecimalAmount(millionths: 30_000)
            public var second = DecimalAmount(millionths: 90_000)
            public var third = DecimalAmount(millionths: 180_000)

            init() {}
        }
    }

    /// `notifications`.
    public struct Notifications: Hashable, Sendable {
        public var summary = Summary()

        init() {}

        /// The remote service that words the summaries.
        public struct Summary: Hashable, Sendable {
            public var isEnabled = false
            public var provider = SummaryProvider.contextMemory
            public var endpoint: EndpointURL?
            public var apiKey: Sensitive<String>?

            init() {}
        }
    }

    /// Workers that run JavaScript: `script`.
    public struct Script: Hashable, Sendable {
        /// Resident bytes at which a worker ends (JS-4).
        public var memoryBytes = 128 << 20
        public var usesJIT = false
        /// Whether a missing layer of the sandbox keeps the pool from starting (JS-2). In development false unless the
        /// file says otherwise.
        public var requiresSandbox = true
        /// Path of `avs-script-worker`; nil for the one beside this program.
        public var worker: String?
        /// Path of the file that `require("lodash")` gives.
        public var lodash = "/usr/share/javascript/lodash/lodash.min.js"
        /// Scripts that run at the same time, and those of one owner.
        public var workers = 4
        public var workersPerOwner = 2

        init() {}
    }

    /// Requests that tasks make: `fetch`.
    public struct Fetch: Hashable, Sendable {
        /// Private addresses that may be reached all the same (SSRF-10).
        public var allowed: [HostPort] = []
        public var maximumRedirects = 5
        /// Whether requests to the host of execution-engine.md 5.5.3 are answered here: for tests of tasks.
        public var hasMockHost = false

        init() {}
    }
}

extension AggregatorConfiguration.Queue: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("workers", \.workers, .integer(1...1_024)),
        .value("workers_per_owner", \.workersPerOwner, .integer(1...1_024)),
    ]

    mutating func finish(_ context: SectionContext) {
        guard workersPerOwner > workers else { return }
        if context.isGiven("workers_per_owner") {
            context.refuse("workers_per_owner", "`\(workersPerOwner)` is above `workers`: wanted at most \(workers)")
        } else {
            workersPerOwner = workers
        }
    }
}

extension AggregatorConfiguration.Sync: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("initial_delay_ms", \.initialDelay, .count(of: .milliseconds, 0...600_000)),
        .value("period_s", \.period, .count(of: .seconds, 1...86_400)),
    ]
}

extension AggregatorConfiguration.Backup: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("enabled", \.isEnabled, .boolean),
        .value("interval_minutes", \.interval, .count(of: .minutes, 1...43_200)),
        .optional("backup_dir", \.directory, .path),
        .value("keep", \.keptCount, .integer(1...1_000)),
    ]
}

extension AggregatorConfiguration.FeeRates: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("execution_fee_usd", \.executionFee, .amount(upTo: 1_000_000)),
        .value("credit_limit_usd", \.creditLimit, .amount(upTo: 1_000_000)),
        .value("native_price_usd", \.coinPrice, .amount(upTo: 1_000_000)),
        .section("tiers", \.tiers),
    ]
}

extension AggregatorConfiguration.FeeRates.Tiers: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("tier_1", \.first, .amount(upTo: 100)),
        .value("tier_2", \.second, .amount(upTo: 100)),
        .value("tier_3", \.third, .amount(upTo: 100)),
    ]
}

extension AggregatorConfiguration.Notifications: ConfigurationSection {
    static let keys: [Key<Self>] = [.section("summary", \.summary)]
}

extension AggregatorConfiguration.Notifications.Summary: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("enabled", \.isEnabled, .boolean),
        .value("provider", \.provider, .choice),
        .optional("api_endpoint", \.endpoint, .url("http", "https")),
        .optional("api_key", \.apiKey, .secret()),
    ]

    mutating func finish(_ context: SectionContext) {
        if isEnabled, endpoint == nil { context.refuse("api_endpoint", "is missing: `enabled` needs it") }
    }
}

extension AggregatorConfiguration.Script: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("memory", \.memoryBytes, .byteCount(32 << 20...4 << 30)),
        .value("jit", \.usesJIT, .boolean),
        .value("require_sandbox", \.requiresSandbox, .boolean),
        .optional("worker", \.worker, .path),
        .value("lodash", \.lodash, .path),
        .value("workers", \.workers, .integer(1...64)),
        .value("workers_per_owner", \.workersPerOwner, .integer(1...64)),
    ]

    mutating func finish(_ context: SectionContext) {
        guard workersPerOwner > workers else { return }
        if context.isGiven("workers_per_owner") {
            context.refuse("workers_per_owner", "`\(workersPerOwner)` is above `workers`: wanted at most \(workers)")
        } else {
            workersPerOwner = workers
        }
    }
}

extension AggregatorConfiguration.Fetch: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .list("allow", \.allowed, .addressPort, count: 0...100),
        .value("max_redirects", \.maximumRedirects, .integer(0...20)),
        .value("mock_host", \.hasMockHost, .boolean),
    ]
}
