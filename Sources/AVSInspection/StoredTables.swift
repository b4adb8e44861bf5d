import AVSPrimitives
import AVSProto
import AVSSchema
import AVSStorage

extension StoredTable {
    /// Every table of the database. A key under none of their prefixes should not exist (I14).
    public static let all: [StoredTable] = TableName.allCases.map { StoredTable($0) } + [meta]

    private init(_ name: TableName) {
        switch name {
        case .wallet: self.init("wallet", WalletKey.self, record: Stored.WalletRecord.self)
        case .walletBySalt: self.init("wallet-by-salt", texts: WalletSaltKey.self)
        case .task: self.init("task", TaskKey.self, record: Stored.TaskRecord.self)
        case .taskByOwner: self.init("task-by-owner", texts: TaskByOwnerKey.self)
        case .history: self.init("history", HistoryKey.self, record: Stored.ExecutionRecord.self)
        case .trigger: self.init("trigger", texts: TriggerKey.self)
        case .pending: self.init("pending", texts: PendingKey.self)
        case .indexCounter: self.init("index-counter", texts: IndexCounterKey.self)
        case .job: self.init("job", JobKey.self, record: Stored.JobRecord.self)
        case .jobSequence: self.init("job-sequence", texts: JobSequenceKey.self)
        case .claim: self.init("claim", ClaimKey.self, record: Stored.ClaimRecord.self)
        case .journal: self.init("journal", JournalKey.self, record: Stored.JournalRecord.self)
        case .dedup: self.init("dedup", DedupKey.self, record: Stored.DedupRecord.self)
        case .dedupLow: self.init("dedup-low", DedupLowKey.self, record: Stored.DedupLowRecord.self)
        case .node: self.init("operator", OperatorKey.self, record: Stored.OperatorRecord.self)
        case .secret: self = Self.secret
        case .secretOfOwner: self.init("secret-of-owner", empty: SecretOfOwnerKey.self)
        case .answer: self.init("answer", AnswerKey.self, record: Stored.AnswerRecord.self)
        case .answerCount: self.init("answer-count", texts: AnswerCountKey.self)
        case .taskCount: self.init("task-count", texts: TaskCountKey.self)
        case .executionCount: self.init("execution-count", texts: ExecutionCountKey.self)
        case .executionCountOfOwner: self.init("execution-count-of-owner", texts: ExecutionCountOfOwnerKey.self)
        case .executionDay: self.init("execution-day", texts: ExecutionDayKey.self)
        case .executionDayOfOwner: self.init("execution-day-of-owner", texts: ExecutionDayOfOwnerKey.self)
        case .expiry: self.init("expiry", empty: ExpiryKey.self)
        case .promise: self.init("promise", empty: PromiseKey.self)
        case .migration: self.init("migration", texts: MigrationKey.self)
        case .migrationProgress: self.init("migration-progress", texts: MigrationProgressKey.self)
        case .intent: self.init("intent", IntentKey.self, record: Stored.IntentRecord.self)
        case .lane: self.init("lane", LaneKey.self, record: Stored.LaneRecord.self)
        case .apiKey: self.init("api-key", APIKeyKey.self, record: Stored.ApiKeyRecord.self)
        case .audit: self.init("audit", AuditKey.self, record: Stored.AuditRecord.self)
        case .feeAccount: self.init("fee-account", texts: FeeAccountKey.self)
        case .feeRecord: self.init("fee-record", texts: FeeRecordKey.self)
        case .outbox: self.init("outbox", OutboxKey.self, record: Stored.OutboxRecord.self)
        case .outboxNumber: self.init("outbox-number", texts: OutboxNumberKey.self)
        case .outboxCount: self.init("outbox-count", texts: OutboxCountKey.self)
        }
    }

    /// Values are never shown, sealed or not.
    static let secret = StoredTable(
        name: "secret", prefix: TableName.secret.rawValue, checkKey: { _ = try SecretKey(bytes: $0) },
        checkValue: { _ = try StoredSecret(stored: $0) }, show: { _ in .null })

    /// The store's own rows.
    private static let meta = StoredTable(name: "meta", prefix: StoreMeta.table.prefix, checkKey: { _ in }) { bytes in
        bytes.count == 8 ? .string("\(try BigEndianNumber(stored: bytes).value)") : .string(Hex.encode(bytes))
    }

    /// The table of a key: the one with the longest prefix that fits, since `q:seq:` lies inside `q:`. Nil for a key
    /// that should not exist.
    public static func table(of key: [UInt8]) -> StoredTable? {
        all.filter { key.starts(with: $0.prefix.utf8) }.max { $0.prefix.utf8.count < $1.prefix.utf8.count }
    }
}
