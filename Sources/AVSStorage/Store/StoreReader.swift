/// What a body of ``StoreReader/scan(_:order:limit:_:)`` says after each row.
public enum ScanControl: Hashable, Sendable { case next, stop }

/// In which order a scan walks its range.
public enum ScanOrder: Hashable, Sendable { case ascending, descending }

/// Why a scan ended.
public enum ScanEnd: Hashable, Sendable {
    /// There are no more rows in the range.
    case exhausted
    /// The limit is reached; there may be more.
    case limitReached
    /// The body said stop.
    case stopped
}

/// Reading, the same for a ``Snapshot`` and inside a ``Transaction``. Functions over stored data are generic over it.
public protocol StoreReader: ~Copyable {
    /// The value under `key`, or `nil`.
    ///
    /// - Throws: ``StorageError/corrupt(_:)`` or ``StorageError/io(call:text:)``.
    func get(_ key: [UInt8]) throws(StorageError) -> [UInt8]?

    /// Calls `body` for each row of `range`, in order, at most `limit` times.
    ///
    /// - Parameter limit: 1…``StorageLimits/scanRowsMax`` (KEY-4). For more, come back with `range.after(lastKey)`.
    /// - Throws: what `body` throws; ``StorageError/misuse(_:)`` for another limit; a scan that met an unreadable
    ///   block throws ``StorageError/corrupt(_:)`` and is never just shorter (FAIL-3).
    @discardableResult
    func scan(
        _ range: KeyRange, order: ScanOrder, limit: Int,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws -> ScanEnd
}

extension StoreReader where Self: ~Copyable {
    /// The value under a typed key, or `nil`.
    ///
    /// - Throws: ``StorageError/undecodable(key:reason:)`` if the bytes are not a `Key.Value`.
    public func value<Key: StoreKey>(for key: Key) throws(StorageError) -> Key.Value? {
        let bytes = key.bytes
        guard let stored = try get(bytes) else { return nil }
        return try decodeValue(stored, key: bytes)
    }

    /// Whether there is a value, without decoding it.
    public func contains(_ key: some StoreKey) throws(StorageError) -> Bool {
        try get(key.bytes) != nil
    }

    /// Calls `body` for each row, at most `limit` times.
    ///
    /// - Parameter undecodable: called instead of `body` for a row whose key or value cannot be read. Throws by
    ///   default; a list that should survive one bad record logs it and returns `.next`. Such rows count as well.
    @discardableResult
    public func scan<Key: StoreKey>(
        _ rows: Rows<Key>, order: ScanOrder = .ascending, limit: Int,
        undecodable: (StorageError) throws -> ScanControl = { throw $0 },
        _ body: (_ key: Key, _ value: Key.Value) throws -> ScanControl
    ) throws -> ScanEnd {
        try scan(rows.range, order: order, limit: limit) { bytes, stored in
            let key: Key
            let value: Key.Value
            do throws(StorageError) {
                key = try Key(bytes: bytes)
                value = try decodeValue(stored, key: bytes)
            } catch {
                return try undecodable(error)
            }
            return try body(key, value)
        }
    }

    /// The first `limit` rows.
    public func rows<Key: StoreKey>(
        _ rows: Rows<Key>, order: ScanOrder = .ascending, limit: Int
    ) throws -> [(key: Key, value: Key.Value)] {
        var found: [(key: Key, value: Key.Value)] = []
        try scan(rows, order: order, limit: limit) { key, value in
            found.append((key, value))
            return .next
        }
        return found
    }
}

private func decodeValue<Value: StoreValue>(_ stored: [UInt8], key: [UInt8]) throws(StorageError) -> Value {
    do {
        return try Value(stored: stored)
    } catch {
        throw .undecodable(key: key, reason: "\(error)")
    }
}

/// Where a snapshot or a transaction reads from: what a store has to supply.
///
/// A scan is pushed to its body, never pulled, so that an iterator of the library beneath lives inside one call.
public protocol ReadBackend: Sendable {
    func get(_ key: [UInt8]) throws(StorageError) -> [UInt8]?

    /// Calls `body` for each row of `range` in order until it says stop.
    ///
    /// - Parameter rowsExpected: how many rows are wanted, as a hint for caching and reading ahead.
    func scan(
        _ range: KeyRange, order: ScanOrder, rowsExpected: Int,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws
}

extension ReadBackend {
    /// The scan of ``StoreReader``: the same, with a limit and a reason for the end.
    func scan(
        _ range: KeyRange, order: ScanOrder, limit: Int,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws -> ScanEnd {
        guard (1...StorageLimits.scanRowsMax).contains(limit) else {
            throw StorageError.misuse("the limit of a scan is 1 to \(StorageLimits.scanRowsMax), not \(limit)")
        }
        guard !range.isEmpty else { return .exhausted }
        var count = 0
        var end = ScanEnd.exhausted
        try scan(range, order: order, rowsExpected: limit) { key, value in
            count += 1
            if try body(key, value) == .stop {
                end = .stopped
            } else if count == limit {
                end = .limitReached
            }
            return end == .exhausted ? .next : .stop
        }
        return end
    }
}
