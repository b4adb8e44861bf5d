public import AVSEthereum
public import AVSModel
public import AVSPrimitives
import AVSStorage
public import AVSWorkflow

/// What an operator of the service decides about the engine, with its defaults and bounds.
public struct EngineConfiguration: Sendable {
    /// At least one. A task's chain is `settings.chain_id`, else ``defaultChainID``.
    public var chains: [UInt64: ChainSettings]
    public var defaultChainID: UInt64
    public var limits = EngineLimits()
    public var times = EngineTimes()
    /// Lower-case or checksummed, compared as bytes. Only these receive checks and may report (6.10).
    public var approvedOperators: Set<Address>
    /// Server-wide secrets that every run sees, under names that start with `ap_` (`macros.secrets`).
    public var macroSecrets: [String: String] = [:]
    /// Where the keys come from that secrets are sealed with; none by default, and then secrets cannot be used (KMS-2).
    public var rootKeys: any RootKeyProvider = NoRootKeys()
    /// What runs are asked for.
    public var fees = FeeRates()
    /// For nodes that do not say themselves what becomes of them when nobody knows whether their effect came about.
    public var afterUnknownOutcome = Node.UnknownOutcome.fail
    /// Takes messages to the outside about runs that ended and tasks that the service disabled; `nil` tells nobody.
    public var notifications: (any NotificationSink)?
    /// Sends what wallets are to do.
    public var walletCalls: any WalletCallSender = NoWalletCallSender()
    /// Whether free space is below the soft mark (FAIL-5): then nothing new is taken in.
    public var isSpaceLow: @Sendable () -> Bool = { false }

    public init(chains: [UInt64: ChainSettings], defaultChainID: UInt64, approvedOperators: Set<Address>) {
        self.chains = chains
        self.defaultChainID = defaultChainID
        self.approvedOperators = approvedOperators
    }
}

/// One chain on which tasks watch and act.
public struct ChainSettings: Sendable {
    public var client: any ChainClient
    public var entryPoint: Address
    public var factory: Address
    /// Takes user operations; without one wallets do nothing on this chain.
    public var bundler: (any ChainClient)?
    /// Pays for user operations; `nil` leaves that to the wallets.
    public var paymaster: Address?
    /// Tokens that are known without asking their contracts.
    public var tokens: [Address: TokenMetadata] = [:]

    public init(client: any ChainClient, entryPoint: Address, factory: Address) {
        self.client = client
        self.entryPoint = entryPoint
        self.factory = factory
    }
}

/// Bounds of what owners may use.
///
/// - Source: reliability-security 4.2, aggregator-api 7.2 and D-26.
public struct EngineLimits: Sendable, Hashable {
    /// A new wallet beyond it is refused; registered ones stay reachable. 1 to 2,000.
    public var walletsPerOwner = 5
    /// Tasks of an owner that are not finished.
    public var tasksPerOwner = 1_000
    /// Accepted triggers of one task whose run has not started: at most 10,000, which one update can delete.
    public var queuedPerTask: Int64 = 100
    /// Those of them that wait for an operator's next report. Few, because the update that stops a task writes a record
    /// for each.
    public var promisedPerTask = 256
    /// Cron ticks that wait while a run of their task is on; those behind them are skipped (TIM-13).
    public var waitingTicksPerTask: Int64 = 1
    public var queuedPerOwner = 1_000
    /// All jobs that wait: bounds the memory of the scheduler, about 200 bytes each.
    public var queuedInAll = 100_000
    /// Runs at the same time, in all and for one owner. The last quarter of the places is for owners without a run.
    public var runningInAll = 32
    public var runningPerOwner = 8
    /// The attempt of this number at a run is not begun if the process died during all before it (XO-20). 1 or more.
    public var attemptsPerExecution: UInt32 = 3
    /// Rows of one page, and the bytes of its items: together they fit a 4 MiB message.
    public var rowsPerPage = 1_000
    public var bytesPerPage = 3_670_016
    /// Rows of a page when the caller names no limit.
    public var defaultRowsPerPage = 50
    /// Dedup records of one task that are kept whatever their age (XO-8).
    public var dedupRecordsPerTask = 10_000
    /// Secrets of an owner, in all scopes: 1 to 10,000, which one turn of a scan can count.
    public var secretsPerOwner = 1_000
    /// Of one value: 1 KiB to 1 MiB.
    public var secretBytes = 64 << 10
    /// Answers to calls with an idempotency key that are kept for one owner: about 300 bytes each.
    public var answersPerOwner = 10_000
    /// Of all entries of one run's journal; what a step produced beyond it fails the step.
    public var journalBytes = 16 << 20
    /// Of one record, with what is around it in a message; more is cut with a mark (``Execution/cut(toFit:)``).
    public var executionRecordBytes = 3_670_016
    /// What the store takes in one update.
    public var updateBytes = StorageLimits.updateBytesMax
    /// Checks that wait for one slow operator; beyond it the stream ends (OVL-8).
    public var checksPerStream = 100_000

    /// What the end of one promised run adds to an update, at most: its record and the keys that it had.
    public static let promiseBytes = 1 << 10
    /// For the keys and small rows of an update.
    public static let updateReserveBytes = 64 << 10

    public init() {}
}

/// Durations of the engine.
public struct EngineTimes: Sendable, Hashable {
    /// A run that is not over by then is given up (XO-21), unless its task says another time. Monotonic in the process,
    /// wall time across restarts.
    public var executionDeadline = Duration.seconds(15 * 60)
    /// How long a disable, cancel or delete waits for a running task (R4).
    public var runningGrace = Duration.milliseconds(5_000)
    /// How late a cron tick may be reported (TIM-12).
    public var cronCatchUp = Duration.seconds(60)
    /// How late a fixed time may be reported (TIM-12).
    public var fixedTimeCatchUp = Duration.seconds(3_600)
    /// How far ahead of our clock a reported instant may lie (3.2).
    public var futureTolerance = Duration.seconds(60)
    /// The age from which dedup records may go (XO-8).
    public var dedupRetention = Duration.seconds(7 * 24 * 3_600)
    /// The age from which ended jobs may go (4.12).
    public var jobRetention = Duration.seconds(7 * 24 * 3_600)
    /// How long a call with an idempotency key is answered as the first time.
    public var answerRetention = Duration.seconds(24 * 3_600)
    /// Between two passes of the sweeper (D-27).
    public var sweepPeriod = Duration.seconds(60)
    /// How long a derived wallet address is believed (7.1).
    public var derivationCache = Duration.seconds(120 * 60)
    /// Between an operator's connection and its first checks (6.4).
    public var syncInitialDelay = Duration.milliseconds(10_000)
    /// Between two passes that send an operator what it should have (6.4).
    public var syncPeriod = Duration.seconds(900)
    /// A second stream of one operator within this time of the last is refused (6.3).
    public var reconnectCooldown = Duration.seconds(5)
    /// After the first failed delivery of a message; it doubles with each further one, up to the longest (XO-23).
    public var outboxFirstRetry = Duration.seconds(1)
    public var outboxLongestRetry = Duration.seconds(3_600)
    /// The age at which a message is given up.
    public var outboxGivenUpAfter = Duration.seconds(24 * 3_600)

    public init() {}
}
