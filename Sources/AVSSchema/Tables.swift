public import AVSStorage

/// The whole database on one page. A prefix is never reused, and a key never changes shape: a new shape is a new table.
///
/// Whoever looks at every table, the check and the listings of `avsctl`, switches over these names: a new one does not
/// compile there until it is known.
///
/// Texts in angle brackets are key parts; addresses are lower-case hex with `0x`, ids 26 characters, numbers 20 digits.
/// - Source: aggregator-api 4.1, reliability-security 2.2.
public enum TableName: String, CaseIterable, Sendable {
    /// `w:<owner>:<wallet>` → ``SmartWallet``. Every wallet of an owner is one prefix scan.
    case wallet = "w:"
    /// `wsalt:<owner>:<factory>:<salt>` → the wallet's address. The canonical address of that triple.
    case walletBySalt = "wsalt:"
    /// `t:<letter>:<task id>` → ``AutomationTask``. The status is part of the key: a change of status is one delete
    /// and one put in one batch, and "all enabled tasks" is one prefix scan. Never scan `t:` without a letter.
    case task = "t:"
    /// `u:<owner>:<wallet>:<task id>` → the status's number as text. Whose tasks, without reading them.
    case taskByOwner = "u:"
    /// `history:<task id>:<execution id>` → ``Execution``. There from the end of the run on.
    case history = "history:"
    /// `trigger:<task id>:<execution id>` → the status's number as text. There from the acceptance to the end (I4).
    case trigger = "trigger:"
    /// `pending:<task id>:<execution id>` → the run's index as text, with a mark once a job has it.
    case pending = "pending:"
    /// `execution_index_counter:<task id>` → how many indexes were given away, as text.
    case indexCounter = "execution_index_counter:"
    /// `q:default:<q|p|c|f>:<job number>` → ``Job``.
    case job = "q:"
    /// `q:seq:default` → the number of the newest job, as text.
    case jobSequence = "q:seq:"
    /// `claim:<execution id>` → ``Claim``. Who runs it; every write of the run compares it (XO-14).
    case claim = "claim:"
    /// `journal:<execution id>:<6 digits>` → ``JournalEntry``. What the nodes of a run in progress came to (XO-15).
    case journal = "journal:"
    /// `dedup:<task id>:<32 hex digits>` → ``Dedup``. What was accepted (XO-4).
    case dedup = "dedup:"
    /// `dedup_low:<task id>` → ``DedupLow``. Below it everything is refused (XO-8).
    case dedupLow = "dedup_low:"
    /// `operator:<address>` → ``OperatorInfo``. Written unsynced: a lost last-seen harms nobody.
    case node = "operator:"
    /// `secret:<org or _>:<owner>:<workflow or _>:<name>` → ``StoredSecret``: sealed, so a copy of it tells nothing.
    case secret = "secret:"
    /// `secret_org:<owner>:<org>:<name>` → nothing. Which secrets of organisations an owner has.
    case secretOfOwner = "secret_org:"
    /// `idem:<owner>:<32 hex digits>` → ``RecordedAnswer``. What a call with an idempotency key was answered.
    case answer = "idem:"
    /// `idem_count:<owner>` → how many answers are kept for the owner, as text.
    case answerCount = "idem_count:"
    /// `task_count:<owner>:<wallet>:<letter>` → how many tasks of the wallet have that status, as text. Like all counts
    /// it changes with what it counts, in one update, and is not there for none.
    case taskCount = "task_count:"
    /// `execution_count:<task id>` → how many runs of the task are recorded, as text.
    case executionCount = "execution_count:"
    /// `execution_count_of:<owner>` → how many runs are recorded of all tasks of the owner, as text.
    case executionCountOfOwner = "execution_count_of:"
    /// `execution_day:<task id>:<day>` → ``ExecutionDay``. How the recorded runs ended that began on the day, counted
    /// from 1970-01-01 in UTC. Not there for a day without runs.
    case executionDay = "execution_day:"
    /// `execution_day_of:<owner>:<day>` → ``ExecutionDay``. The same of all tasks of the owner.
    case executionDayOfOwner = "execution_day_of:"
    /// `expiry:<milliseconds>:<task id>` → nothing. When an enabled task expires; the next to expire comes first.
    case expiry = "expiry:"
    /// `promise:<task id>:<execution id>` → nothing. Promised runs that no job has: the next report takes the oldest.
    case promise = "promise:"
    /// `migration:<name>` → ``MigrationMark``. What was done once to the rows of an older release.
    case migration = "migration:"
    /// `migration_at:<name>` → ``MigrationProgress``. There while it is being done.
    case migrationProgress = "migration_at:"
    /// `intent:<execution id>:<6 digits>` → ``Intent``. There before an effect is tried, and for a week after its end.
    case intent = "intent:"
    /// `lane:<chain>:<sender>` → ``Lane``. The next nonce of a wallet, and which of its operations is under way.
    case lane = "lane:"
    /// `apikey:<key id>` → ``APIKey``. What is known of an API key or of a revoked token; when it was last used is
    /// written unsynced.
    case apiKey = "apikey:"
    /// `audit:<ulid>` → ``RecordedAct``. What administrators did, each entry chained to the one before (ADM-1).
    case audit = "audit:"
    /// `fl:<owner>` → ``FeeAccount``. What an owner owes for the value that its workflows moved.
    case feeAccount = "fl:"
    /// `fr:<owner>:<execution id>` → ``FeeRecord``. What one execution added to that.
    case feeRecord = "fr:"
    /// `outbox:<20 digits>` → ``OutboxMessage``. What the outside is to be told, from the change that causes it to its
    /// delivery (XO-23).
    case outbox = "outbox:"
    /// `outbox_number:newest` → the number of the newest message, as text.
    case outboxNumber = "outbox_number:"
    /// `outbox_count:all` → how many messages there are, as text.
    case outboxCount = "outbox_count:"
}

extension Table {
    public static let wallet = Table(.wallet)
    public static let walletBySalt = Table(.walletBySalt)
    public static let task = Table(.task)
    public static let taskByOwner = Table(.taskByOwner)
    public static let history = Table(.history)
    public static let trigger = Table(.trigger)
    public static let pending = Table(.pending)
    public static let indexCounter = Table(.indexCounter)
    public static let job = Table(.job)
    public static let jobSequence = Table(.jobSequence)
    public static let claim = Table(.claim)
    public static let journal = Table(.journal)
    public static let dedup = Table(.dedup)
    public static let dedupLow = Table(.dedupLow)
    public static let node = Table(.node)
    public static let secret = Table(.secret)
    public static let secretOfOwner = Table(.secretOfOwner)
    public static let answer = Table(.answer)
    public static let answerCount = Table(.answerCount)
    public static let taskCount = Table(.taskCount)
    public static let executionCount = Table(.executionCount)
    public static let executionCountOfOwner = Table(.executionCountOfOwner)
    public static let executionDay = Table(.executionDay)
    public static let executionDayOfOwner = Table(.executionDayOfOwner)
    public static let expiry = Table(.expiry)
    public static let promise = Table(.promise)
    public static let migration = Table(.migration)
    public static let migrationProgress = Table(.migrationProgress)
    public static let intent = Table(.intent)
    public static let lane = Table(.lane)
    public static let apiKey = Table(.apiKey)
    public static let audit = Table(.audit)
    public static let feeAccount = Table(.feeAccount)
    public static let feeRecord = Table(.feeRecord)
    public static let outbox = Table(.outbox)
    public static let outboxNumber = Table(.outboxNumber)
    public static let outboxCount = Table(.outboxCount)

    /// Every table of the schema; beside them a database holds the store's own `meta:` (``StoreMeta/table``).
    public static let all = TableName.allCases.map { Table($0) }

    private init(_ name: TableName) { self.init(prefix: name.rawValue) }
}
