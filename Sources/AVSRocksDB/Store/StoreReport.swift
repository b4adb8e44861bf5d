public import AVSStorage

/// What a database says about itself, for a person or a metric.
public struct StoreReport: Hashable, Sendable {
    /// 16 bytes; empty in a database whose making was interrupted.
    public let databaseID: [UInt8]
    public let epoch: UInt64
    public let commit: UInt64
    /// The library's number of the last write.
    public let sequence: UInt64
    /// An estimate: the library does not count.
    public let rows: UInt64
    public let tableBytes: UInt64
    public let memtableBytes: UInt64
    public let blockCacheBytes: UInt64
    public let snapshots: UInt64
    public let runningFlushes: UInt64
    public let runningCompactions: UInt64
    public let pendingCompactionBytes: UInt64
    /// Above 0, the library slows writers down to so many bytes a second (DUR-13).
    public let delayedWriteBytesPerSecond: UInt64
    public let areWritesStopped: Bool
    public let backgroundErrors: UInt64
    /// A table of the levels, as the library prints it.
    public let levels: String

    init(_ database: Database) throws(StorageError) {
        let identity = try StoredIdentity(database)
        databaseID = identity.databaseID ?? []
        epoch = identity.epoch
        commit = identity.commit
        sequence = database.sequence
        func number(_ name: String) -> UInt64 { database.number("rocksdb.\(name)") ?? 0 }
        rows = number("estimate-num-keys")
        tableBytes = number("total-sst-files-size")
        memtableBytes = number("cur-size-all-mem-tables")
        blockCacheBytes = number("block-cache-usage")
        snapshots = number("num-snapshots")
        runningFlushes = number("num-running-flushes")
        runningCompactions = number("num-running-compactions")
        pendingCompactionBytes = number("estimate-pending-compaction-bytes")
        delayedWriteBytesPerSecond = number("actual-delayed-write-rate")
        areWritesStopped = number("is-write-stopped") > 0
        backgroundErrors = number("background-errors")
        levels = database.text("rocksdb.levelstats") ?? ""
    }
}

extension RocksDBStore {
    /// The database behind the store, now.
    ///
    /// - Throws: ``StorageError/closed``, or as a read.
    public func report() throws(StorageError) -> StoreReport {
        guard let snapshot = core.snapshot else { throw .closed }
        return try StoreReport(snapshot.database)
    }
}
