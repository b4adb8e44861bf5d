/// One update: reads the state that all earlier updates left, with its own writes on top.
///
/// Lent to the body of ``KeyValueStore/update(_:)``. It cannot be copied, so it cannot leave the body.
public struct Transaction: ~Copyable, StoreReader {
    private var view: ChangedView
    private let limitBytes: Int

    /// For implementations of ``KeyValueStore``.
    ///
    /// - Parameter limitBytes: how much the update may change (DUR-8).
    public init(over base: any ReadBackend, limitBytes: Int = StorageLimits.updateBytesMax) {
        view = ChangedView(changes: ChangeSet(), base: base)
        self.limitBytes = limitBytes
    }

    /// What the body has changed so far.
    public var changes: ChangeSet { view.changes }

    /// Ends the transaction and hands over what it changed.
    public consuming func finish() -> ChangeSet { view.changes }

    public func get(_ key: [UInt8]) throws(StorageError) -> [UInt8]? {
        try view.get(key)
    }

    @discardableResult
    public func scan(
        _ range: KeyRange, order: ScanOrder, limit: Int,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws -> ScanEnd {
        try view.scan(range, order: order, limit: limit, body)
    }

    /// Sets the value under `key`.
    ///
    /// - Throws: ``StorageError/tooLarge(bytes:limit:)`` if the key is longer than ``StorageLimits/keyBytesMax`` or
    ///   the update would become larger than it may be; ``StorageError/misuse(_:)`` for an empty key.
    public mutating func put(_ key: [UInt8], _ value: [UInt8]) throws(StorageError) {
        guard !key.isEmpty else { throw .misuse("a key has at least one byte") }
        guard key.count <= StorageLimits.keyBytesMax else {
            throw .tooLarge(bytes: key.count, limit: StorageLimits.keyBytesMax)
        }
        try admit(ChangeSet.bytes(of: key, value))
        view.changes.put(key, value)
    }

    /// Removes `key` if it is there.
    ///
    /// - Throws: ``StorageError/tooLarge(bytes:limit:)`` if the update would become larger than it may be.
    public mutating func delete(_ key: [UInt8]) throws(StorageError) {
        try admit(ChangeSet.bytes(of: key, []))
        view.changes.delete(key)
    }

    /// Removes every key of `range`. Costs the same for one row and for a million.
    ///
    /// - Throws: ``StorageError/tooLarge(bytes:limit:)`` if the update would become larger than it may be.
    public mutating func deleteRange(_ range: KeyRange) throws(StorageError) {
        try admit(ChangeSet.bytes(of: range.lower, range.upper))
        view.changes.deleteRange(range)
    }

    /// Sets the value under a typed key.
    ///
    /// - Throws: as ``put(_:_:)-([UInt8],[UInt8])``, and what encoding the value throws.
    public mutating func put<Key: StoreKey>(_ key: Key, _ value: Key.Value) throws {
        try put(key.bytes, value.stored)
    }

    /// Removes a typed key if it is there.
    public mutating func delete(_ key: some StoreKey) throws(StorageError) {
        try delete(key.bytes)
    }

    /// Removes all these rows: few small ones one by one, others as a range.
    ///
    /// A range leaves a mark in the library's memory. Each later read looks through all marks, and after each new one
    /// sorts them again, until that memory is written to a file: with a mark for each run that ended, the cost of a run
    /// grew with the number of runs before it.
    public mutating func deleteAll(_ rows: Rows<some StoreKey>) throws {
        var keys: [[UInt8]] = []
        var bytes = 0
        let end = try scan(rows.range, order: .ascending, limit: DeletedSingly.rowsMax + 1) { key, value in
            keys.append(key)
            bytes += value.count
            return bytes > DeletedSingly.bytesMax ? .stop : .next
        }
        guard end == .exhausted else { return try deleteRange(rows.range) }
        for key in keys { try delete(key) }
    }

    /// What is removed row by row. The journal of a run of usual size is below both.
    enum DeletedSingly {
        /// As single deletes these are some 20 KiB of an update.
        static let rowsMax = 256
        /// To learn the keys the values are read as well.
        static let bytesMax = 256 << 10
    }

    private func admit(_ bytes: Int) throws(StorageError) {
        let (total, overflow) = view.changes.byteCount.addingReportingOverflow(bytes)
        guard !overflow, total <= limitBytes else { throw .tooLarge(bytes: total, limit: limitBytes) }
    }
}
