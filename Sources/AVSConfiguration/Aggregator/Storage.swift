public import AVSPrimitives

extension AggregatorConfiguration {
    /// The committer: `store`. Whether commits are synced is no choice.
    public struct Store: Hashable, Sendable {
        /// Of one write batch.
        public var batchBytes = 4 << 20
        /// Closures in one write batch.
        public var batchCount = 1_024
        /// How long a write that nobody waits for may stay unsynced (DUR-10).
        public var unsyncedAge = Duration.milliseconds(200)
        /// Between two commit marks (DUR-15).
        public var commitMarkInterval = Duration.seconds(1)
        public var blockCacheBytes = 256 << 20
        /// Of one memtable, of which there are three.
        public var writeBufferBytes = 64 << 20

        init() {}
    }

    /// Free space at which the service changes its ways (FAIL-5): `disk`.
    public struct Disk: Hashable, Sendable {
        /// Below it nothing new is taken in.
        public var soft = FreeSpaceMark(percent: 5, bytes: 2 << 30)
        /// Below it nothing is written.
        public var hard = FreeSpaceMark(percent: 2, bytes: 512 << 20)
        /// A file that can be deleted to get out of a full disk; 0 has none.
        public var ballastBytes = 256 << 20

        init() {}
    }

    /// How long a repeated trigger is recognised by its own record (XO-8); a low mark refuses it ever after: `dedup`.
    public struct Dedup: Hashable, Sendable {
        public var retention = Duration.seconds(7 * 86_400)
        /// Records of one task that stay whatever their age.
        public var recordsPerTask = 10_000

        init() {}
    }

    /// One run: `execution`.
    public struct Execution: Hashable, Sendable {
        /// For tasks that give their runs no other (XO-21).
        public var deadline = Duration.seconds(15 * 60)
        /// The attempt of this number at a run is not begun if the process died during all before it (XO-20). Orderly
        /// ends of the process do not count.
        public var maximumAttempts = 3

        init() {}
    }

    /// Steps with an effect outside: `effects`.
    public struct Effects: Hashable, Sendable {
        public var blindAfterRestart = BlindEffects.fail

        init() {}
    }

    /// Messages to the outside that are sent until somebody takes them: `outbox`.
    public struct Outbox: Hashable, Sendable {
        /// Gets a POST for each run that ended and each task that the service disabled; nil tells nobody.
        public var webhookURL: EndpointURL?
        /// Sent along as a bearer token; nil sends none.
        public var webhookToken: Sensitive<String>?
        /// After the first failure; doubles with each further one.
        public var firstRetry = Duration.seconds(1)
        public var longestRetry = Duration.seconds(3_600)
        public var givenUpAfter = Duration.seconds(86_400)

        init() {}
    }

    /// Triggers that come late (TIM-12): `time`.
    public struct Time: Hashable, Sendable {
        public var catchUp = CatchUp()

        init() {}

        /// `time.catch_up`.
        public struct CatchUp: Hashable, Sendable {
            /// How late a cron tick or a block may be reported.
            public var skipped = Duration.seconds(60)
            /// How late a fixed time may be reported.
            public var once = Duration.seconds(3_600)

            init() {}
        }
    }

    /// `clock`.
    public struct Clock: Hashable, Sendable {
        /// A step of the wall clock beyond it is an event (TIM-5).
        public var jump = Duration.seconds(1)

        init() {}
    }

    /// `memory`.
    public struct Memory: Hashable, Sendable {
        public var budget = MemoryBudget.percent(70)

        init() {}
    }

    /// The end of the process (OVL-12): `drain`.
    public struct Drain: Hashable, Sendable {
        /// For running executions.
        public var timeout = Duration.seconds(30)
        /// For everything; then the process ends as it is.
        public var totalTimeout = Duration.seconds(45)

        init() {}
    }
}

extension AggregatorConfiguration.Store: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("batch_max", \.batchBytes, .byteCount(64 << 10...64 << 20)),
        .value("batch_updates_max", \.batchCount, .integer(1...100_000)),
        .value("unsynced_max_age", \.unsyncedAge, .duration(.milliseconds(1) ... .seconds(10))),
        .value("commit_mark_interval", \.commitMarkInterval, .duration(.milliseconds(100) ... .seconds(60))),
        .value("block_cache", \.blockCacheBytes, .byteCount(1 << 20...1 << 40)),
        .value("write_buffer", \.writeBufferBytes, .byteCount(1 << 20...4 << 30)),
    ]
}

extension AggregatorConfiguration.Disk: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("soft", \.soft, .freeSpace),
        .value("hard", \.hard, .freeSpace),
        .value("ballast", \.ballastBytes, .byteCount(0...64 << 30)),
    ]

    mutating func finish(_ context: SectionContext) {
        if hard.percent > soft.percent || hard.bytes > soft.bytes {
            context.refuse("hard", "`\(hard)` is above `soft`: wanted at most \(soft)")
        }
    }
}

extension AggregatorConfiguration.Dedup: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("keep", \.retention, .duration(.seconds(3_600) ... .seconds(3_650 * 86_400))),
        .value("keep_per_task", \.recordsPerTask, .integer(100...10_000_000)),
    ]
}

extension AggregatorConfiguration.Execution: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("deadline", \.deadline, .duration(.seconds(1) ... .seconds(86_400))),
        .value("max_attempts", \.maximumAttempts, .integer(1...100)),
    ]
}

extension AggregatorConfiguration.Effects: ConfigurationSection {
    static let keys: [Key<Self>] = [.value("blind_after_restart", \.blindAfterRestart, .choice)]
}

extension AggregatorConfiguration.Outbox: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .optional("webhook_url", \.webhookURL, .url("http", "https")),
        .optional("webhook_token", \.webhookToken, .secret()),
        .value("first_retry", \.firstRetry, .duration(.milliseconds(100) ... .seconds(3_600))),
        .value("longest_retry", \.longestRetry, .duration(.milliseconds(100) ... .seconds(86_400))),
        .value("give_up_after", \.givenUpAfter, .duration(.seconds(60) ... .seconds(30 * 86_400))),
    ]

    mutating func finish(_ context: SectionContext) {
        if firstRetry > longestRetry {
            context.refuse(
                "first_retry", "`\(firstRetry.yaml)` is above `longest_retry`: wanted at most \(longestRetry.yaml)")
        }
    }
}

extension AggregatorConfiguration.Time: ConfigurationSection {
    static let keys: [Key<Self>] = [.section("catch_up", \.catchUp)]
}

extension AggregatorConfiguration.Time.CatchUp: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("skip", \.skipped, .duration(.seconds(10) ... .seconds(7 * 86_400))),
        .value("once", \.once, .duration(.seconds(10) ... .seconds(7 * 86_400))),
    ]
}

extension AggregatorConfiguration.Clock: ConfigurationSection {
    static let keys: [Key<Self>] = [.value("jump", \.jump, .duration(.milliseconds(100) ... .seconds(60)))]
}

extension AggregatorConfiguration.Memory: ConfigurationSection {
    static let keys: [Key<Self>] = [.value("budget", \.budget, .memory)]
}

extension AggregatorConfiguration.Drain: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("timeout", \.timeout, .duration(.seconds(1) ... .seconds(600), zero: "not waiting")),
        .value("total_timeout", \.totalTimeout, .duration(.seconds(1) ... .seconds(900))),
    ]

    mutating func finish(_ context: SectionContext) {
        if timeout > totalTimeout {
            context.refuse("timeout", "`\(timeout.yaml)` is above `total_timeout`: wanted at most \(totalTimeout.yaml)")
        }
    }
}
