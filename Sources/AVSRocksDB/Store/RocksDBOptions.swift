public import AVSStorage

/// What may be set about a store on disk. The defaults are those of a service in production (section 8).
public struct RocksDBOptions: Sendable {
    /// Memtable size. With ``writeBufferCount`` it bounds how much log a start has to replay: 64 MiB take 0.3 s.
    public var writeBufferBytes = 64 << 20
    public static let writeBufferCount = 3
    /// Block, index and filter cache: the one number for the memory of reads.
    public var blockCacheBytes = 256 << 20
    /// The library's own limit for its logs; part of the hard mark of free space.
    public var logBytesMax: UInt64 = 256 << 20

    /// One commit (DUR-8): large enough to share an fsync widely, small enough that nobody waits long for it.
    public var batchBytesMax = StorageLimits.updateBytesMax
    public var batchUpdatesMax = 1_024
    /// Updates waiting for the committer (section 4.3): four full commits.
    public var intakeUpdatesMax = 4_096
    public var intakeBytesMax = 16 << 20
    /// After this time the committer makes unsynced updates durable by itself (DUR-10).
    public var unsyncedAgeMax = Duration.milliseconds(200)
    /// How often free space is looked at, and the commit mark is written if that is due (DUR-15, FAIL-5).
    public var housekeepingInterval = Duration.seconds(1)
    /// At least so long between two commit marks; zero writes one each time.
    public var commitMarkInterval = Duration.zero
    /// Below it, nothing new is created (FAIL-5).
    public var softMark = SpaceMark(percent: 5, bytes: 2 << 30)
    /// Below it, nothing is written. What the library itself may need at once is kept free whatever this says.
    public var hardMark = SpaceMark(percent: 2, bytes: 512 << 20)
    /// How often a store that is read-only tries whether it can write again (FAIL-2).
    public var probeInterval = Duration.seconds(5)
    /// A file that an administrator deletes to get out of a full disk (FAIL-5). 0 for none.
    public var ballastBytes = 256 << 20
    /// How long closing waits for readers before it leaves the database open: a kill is always safe (OVL-12).
    public var closeTimeout = Duration.seconds(10)

    /// Size and free space of the file system that holds a directory. The default asks `statvfs`.
    public var fileSystemSpace: @Sendable (_ directory: String) throws(StorageError) -> FileSystemSpace = {
        directory throws(StorageError) in try FileSystemSpace(of: directory)
    }
    /// The monotonic clock (TIM-3).
    public var now: @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }

    /// What a log should hold. Called on the store's own threads; must not call the store.
    public var onEvent: @Sendable (StoreEvent) -> Void
    /// Called once, on one of the store's threads, when going on could lose or tear something (FAIL-1, FAIL-4, FAIL-7).
    /// It must end the process with ``StoreFatality/exitCode``. The store takes no update any more.
    public var onFatal: @Sendable (StoreFatality) -> Void

    /// For tests: a text that the library is made to answer to a write, by number of the write.
    var injectedWriteFailure: @Sendable (_ commit: UInt64) -> String? = { _ in nil }

    public init(
        onEvent: @escaping @Sendable (StoreEvent) -> Void = { _ in },
        onFatal: @escaping @Sendable (StoreFatality) -> Void
    ) {
        self.onEvent = onEvent
        self.onFatal = onFatal
    }
}

/// How much of a file system should stay free: the larger of a share and an amount.
public struct SpaceMark: Hashable, Sendable {
    /// 0 to 100, of the size of the file system.
    public var percent: Int
    public var bytes: Int

    public init(percent: Int, bytes: Int) {
        self.percent = percent
        self.bytes = bytes
    }

    func bytes(ofTotal total: UInt64) -> UInt64 {
        max(total / 100 * UInt64(min(max(percent, 0), 100)), UInt64(max(bytes, 0)))
    }
}

/// Why the process has to end.
public struct StoreFatality: Hashable, Sendable {
    /// 65: data is damaged or rolled back. 74: a write failed and its outcome is unknown.
    public let exitCode: Int32
    public let reason: String
}

/// Something worth a line in the log.
public enum StoreEvent: Hashable, Sendable {
    /// DUR-11. `sequence` is the library's own number.
    case opened(epoch: UInt64, commit: UInt64, sequence: UInt64)
    case closed(commit: UInt64, sequence: UInt64)
    /// DUR-14a: `bytes` zeros at the end of a log were cut; the file as it was is kept as `saved`.
    case cutLogTail(file: String, bytes: Int, saved: String)
    /// FAIL-2, FAIL-5: writing is off.
    case becameReadOnly(reason: String)
    case becameWritable
    /// FAIL-5: free space fell below the soft mark, or rose above the mark to resume.
    case spaceIsLow(Bool, freeBytes: UInt64)
    /// DUR-13: the library slows writers down, so less urgent updates are refused for a while.
    case writesStalled
    /// KEY-4: somebody has been reading one state for longer than a minute.
    case snapshotIsOld(seconds: UInt64)
    /// Closing did not wait any longer for readers.
    case leftOpen
}

/// The store at one moment.
public struct StoreStatus: Hashable, Sendable {
    public enum Mode: Hashable, Sendable {
        case writable
        /// FAIL-2: reads go on, updates are refused.
        case readOnly(reason: String)
        /// The process is about to end, or the store is closed.
        case closed
    }

    public var mode: Mode
    /// Free space is below the soft mark (FAIL-5): create nothing new, purge early.
    public var isSpaceLow: Bool
    public var epoch: UInt64
    /// Number of the last durable commit.
    public var commit: UInt64
    /// Updates waiting for the committer.
    public var waitingUpdates: Int
    public var waitingBytes: Int
}
