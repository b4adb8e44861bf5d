public import AVSStorage

/// The whole database on one page. A prefix is never reused, and a key never changes shape: a new shape is a new table.
///
/// Texts in angle brackets are key parts; addresses are lower-case hex with `0x`, ids 26 characters, numbers 20 digits.
/// - Source: aggregator-api 4.1, reliability-security 2.2.
extension Table {
    /// `w:<owner>:<wallet>` → ``SmartWallet``. Every wallet of an owner is one prefix scan.
    public static let wallet = Table(prefix: "w:")
    /// `wsalt:<owner>:<factory>:<salt>` → the wallet's address. The canonical address of that triple.
    public static let walletBySalt = Table(prefix: "wsalt:")
    /// `t:<letter>:<task id>` → ``AutomationTask``. The status is part of the key: a change of status is one delete
    /// and one put in one batch, and "all enabled tasks" is one prefix scan. Never scan `t:` without a letter.
    public static let task = Table(prefix: "t:")
    /// `u:<owner>:<wallet>:<task id>` → the status's number as text. Whose tasks, without reading them.
    public static let taskByOwner = Table(prefix: "u:")
    /// `history:<task id>:<execution id>` → ``Execution``. There from the end of the run on.
    public static let history = Table(prefix: "history:")
    /// `trigger:<task id>:<execution id>` → the status's number as text. There from the acceptance to the end (I4).
    public static let trigger = Table(prefix: "trigger:")
    /// `pending:<task id>:<execution id>` → the run's index as text, with a mark once a job has it.
    public static let pending = Table(prefix: "pending:")
    /// `execution_index_counter:<task id>` → how many indexes were given away, as text.
    public static let indexCounter = Table(prefix: "execution_index_counter:")
    /// `q:default:<q|p|c|f>:<job number>` → ``Job``.
    public static let job = Table(prefix: "q:")
    /// `q:seq:default` → the number of the newest job, as text.
    public static let jobSequence = Table(prefix: "q:seq:")
    /// `claim:<execution id>` → ``Claim``. Who runs it; every write of the run compares it (XO-14).
    public static let claim = Table(prefix: "claim:")
    /// `dedup:<task id>:<32 hex digits>` → ``Dedup``. What was accepted (XO-4).
    public static let dedup = Table(prefix: "dedup:")
    /// `dedup_low:<task id>` → ``DedupLow``. Below it everything is refused (XO-8).
    public static let dedupLow = Table(prefix: "dedup_low:")
    /// `operator:<address>` → ``OperatorInfo``. Written unsynced: a lost last-seen harms nobody.
    public static let node = Table(prefix: "operator:")
}
