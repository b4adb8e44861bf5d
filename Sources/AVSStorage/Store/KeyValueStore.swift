/// An ordered map from byte strings to byte strings with serializable, durable updates.
///
/// ``MemoryStore`` and `RocksDBStore` implement it, and one test suite runs against both. Three promises hold for
/// every implementation:
/// - **Acknowledged means durable** (DUR-1). When ``update(_:)`` returns, its changes survive a crash.
/// - **All or nothing, in order** (DUR-2, DUR-3). Updates run one after another; each sees the effects of those before
///   it, so a read-check-write needs no lock. A body that throws changes nothing.
/// - **Reads see only durable state** (DUR-6). A change is visible to ``read(_:)`` once it is durable, not earlier.
public protocol KeyValueStore: Sendable {
    /// Runs `body` over one consistent, durable state, on the calling thread.
    ///
    /// Keep it short: a snapshot that stays open keeps deleted data alive (KEY-4). The snapshot ends with the body.
    ///
    /// - Throws: what `body` throws, or ``StorageError/closed``.
    func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R

    /// As ``read(_:)``, without blocking the calling thread on the disk: for handlers on an event loop.
    ///
    /// What is in memory is read on the calling thread; otherwise `body` is run again elsewhere, so it must be pure.
    ///
    /// - Throws: what `body` throws, ``StorageError/closed``, or ``StorageError/overloaded(_:)``.
    func readWithoutBlocking<R: Sendable>(
        _ body: @escaping @Sendable (borrowing Snapshot) throws -> R
    ) async throws -> R

    /// Runs `body` after all earlier updates, commits what it wrote as one unit, and returns once that is durable.
    ///
    /// `body` must be pure over its transaction: it reads no clock and no random source, touches nothing outside, and
    /// may be run more than once. An update that writes nothing still waits until everything it has read is durable,
    /// so an answer that it computes can be given at once. Cancelling the calling task does not recall the update.
    ///
    /// - Throws: what `body` throws, and then nothing was changed; ``StorageError/tooLarge(bytes:limit:)``,
    ///   ``StorageError/overloaded(_:)`` or ``StorageError/readOnly(_:)``: nothing was changed;
    ///   ``StorageError/outcomeUnknown(_:)``: the changes may or may not be there.
    func update<R: Sendable>(_ body: @escaping @Sendable (inout Transaction) throws -> R) async throws -> R

    /// As ``update(_:)``, but returns before the changes are durable (DUR-10): for records that nobody waits for.
    ///
    /// Later updates see the changes at once. They become durable, and visible to ``read(_:)``, with the next
    /// ``update(_:)`` or at most 200 ms later. A crash before that loses them, together with everything unsynced that
    /// came after them, never with gaps.
    func updateUnsynced<R: Sendable>(_ body: @escaping @Sendable (inout Transaction) throws -> R) async throws -> R
}

extension KeyValueStore {
    /// For stores that have everything in memory.
    public func readWithoutBlocking<R: Sendable>(
        _ body: @escaping @Sendable (borrowing Snapshot) throws -> R
    ) async throws -> R {
        try read(body)
    }
}

/// How far one scan or one update may go.
public enum StorageLimits {
    /// Rows in one turn of a scan (KEY-4). Whoever needs more comes back with a cursor.
    public static let scanRowsMax = 10_000
    /// Bytes in one key. The longest one, of a secret, needs about 600.
    public static let keyBytesMax = 1_024
    /// Bytes that one update may change, and with it one commit (DUR-8).
    public static let updateBytesMax = 4 << 20
}
