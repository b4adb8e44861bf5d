import AVSPrimitives
import AVSProto
import AVSSchema
import AVSStorage

extension StoredTable {
    /// Every table of the database. A key under none of their prefixes should not exist (I14).
    public static let all: [StoredTable] = [
        StoredTable("wallet", WalletKey.self, record: Stored.WalletRecord.self),
        StoredTable("wallet-by-salt", texts: WalletSaltKey.self),
        StoredTable("task", TaskKey.self, record: Stored.TaskRecord.self),
        StoredTable("task-by-owner", texts: TaskByOwnerKey.self),
        StoredTable("history", HistoryKey.self, record: Stored.ExecutionRecord.self),
        StoredTable("trigger", texts: TriggerKey.self),
        StoredTable("pending", texts: PendingKey.self),
        StoredTable("index-counter", texts: IndexCounterKey.self),
        StoredTable("job", JobKey.self, record: Stored.JobRecord.self),
        StoredTable("job-sequence", texts: JobSequenceKey.self),
        StoredTable("claim", ClaimKey.self, record: Stored.ClaimRecord.self),
        StoredTable("dedup", DedupKey.self, record: Stored.DedupRecord.self),
        StoredTable("dedup-low", DedupLowKey.self, record: Stored.DedupLowRecord.self),
        StoredTable("operator", OperatorKey.self, record: Stored.OperatorRecord.self),
        secret, meta,
    ]

    /// Values are never shown, sealed or not.
    static let secret = StoredTable(name: "secret", prefix: "secret:", checkKey: { _ in }, show: { _ in .null })

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
