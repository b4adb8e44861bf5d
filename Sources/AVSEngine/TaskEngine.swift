import AVSModel
public import AVSPrimitives
import AVSSchema
public import AVSStorage
public import Logging
import Synchronization

/// The decisions of the service: what happens to tasks, triggers, executions, wallets and operators.
///
/// Each operation is one store update, or reads of one snapshot; what has to follow a change (a run, a word to an
/// operator) follows its commit (XO-12). Times and ids are made before the update, because an update may run again.
public final class TaskEngine: Sendable {
    public let configuration: EngineConfiguration
    public let operators: OperatorRegistry
    public let executions: ExecutionService
    public let wallets: WalletDirectory
    public let secrets: SecretDirectory
    public let tokens: TokenDirectory
    public let apiKeys: APIKeyDirectory
    public let audit: AuditLog
    /// Tells the outside; `nil` where nobody is to be told anything.
    public let outbox: OutboxDelivery?
    let store: any KeyValueStore
    let time: any TimeSource
    let logger: Logger
    let runner: any WorkflowRunner
    let immediate: any ImmediateRunner
    let answerSweep = AnswerSweep()
    let intentSweep = IntentSweep()
    let dedupSweep = DedupSweep()
    private let ids: Mutex<IDSource>

    /// - Parameters:
    ///   - immediate: runs what is not stored; without one such calls fail.
    ///   - random: unpredictable in production; seeded in tests.
    public init(
        store: any KeyValueStore, configuration: EngineConfiguration, runner: any WorkflowRunner,
        immediate: any ImmediateRunner = NoImmediateRunner(), epoch: UInt64, time: any TimeSource,
        random: sending any RandomNumberGenerator, logger: Logger
    ) {
        self.store = store
        self.configuration = configuration
        self.time = time
        self.logger = logger
        self.runner = runner
        self.immediate = immediate
        let random = RandomSource(random)
        ids = Mutex(IDSource(random: random.generator))
        operators = OperatorRegistry(configuration: configuration)
        wallets = WalletDirectory(store: store, configuration: configuration, time: time)
        tokens = TokenDirectory(configuration: configuration, time: time)
        secrets = SecretDirectory(
            store: store, configuration: configuration, time: time, random: random, logger: logger)
        audit = AuditLog(store: store, time: time, logger: logger, random: random)
        apiKeys = APIKeyDirectory(store: store, audit: audit, random: random, time: time, logger: logger)
        outbox = configuration.notifications.map {
            OutboxDelivery(store: store, sink: $0, times: configuration.times, time: time, logger: logger)
        }
        executions = ExecutionService(
            store: store, runner: runner, registry: operators, wallets: wallets, secrets: secrets, outbox: outbox,
            configuration: configuration, epoch: epoch, time: time, logger: logger)
    }

    func newTaskID(at now: Timestamp) -> TaskID { TaskID(ids.withLock { $0.next(at: now) }) }
    func newExecutionID(at now: Timestamp) -> ExecutionID { ExecutionID(ids.withLock { $0.next(at: now) }) }

    /// The task, if it exists and is the owner's: the two refusals are not told apart.
    func ownedTask(
        _ id: TaskID, of owner: Address, in reader: borrowing some StoreReader & ~Copyable
    ) throws -> AutomationTask? {
        guard let task = try reader.task(id), task.owner == owner else { return nil }
        return task
    }
}

/// One monotonic source of ids for the process (D-12).
private struct IDSource {
    var generator = ULIDGenerator(after: nil)
    var random: RandomSource.Draw

    init(random: RandomSource.Draw) { self.random = random }

    mutating func next(at now: Timestamp) -> ULID { generator.next(at: now, using: &random) }
}
