import AVSStorage
import CRocksDB

#if Failpoints
    import Foundation
#endif

/// One open database of the library.
///
/// It is closed by the last reference to it. Each snapshot holds one, and an iterator lives inside one call, so the
/// library can never be closed under a live child, which would abort the process (RDB-2): reference counting does the
/// accounting. Whoever closes drops its references and waits for ``onClosed``.
@safe final class Database: Sendable {
    enum Mode: Hashable, Sendable {
        /// The one writer. `create` makes a database where none is.
        case readWrite(create: Bool)
        /// A frozen view, without the lock, beside a writer or not (BAK-6).
        case readOnly
        /// A view that follows the writer on demand, with its own log in a directory of its own (BAK-6).
        case secondary(directory: String)
    }

    /// RocksDB allows all calls used here from any thread at the same time; only closing has to be last, and `deinit`
    /// is.
    nonisolated(unsafe) let raw: OpaquePointer
    /// For reads of the newest state. Never changed after it was made, so reads may share it.
    nonisolated(unsafe) private let readOptions: OpaquePointer
    private let onClosed: @Sendable () -> Void

    private init(owning raw: OpaquePointer, onClosed: @escaping @Sendable () -> Void) {
        unsafe self.raw = raw
        unsafe self.readOptions = rocksdb_readoptions_create()
        self.onClosed = onClosed
    }

    deinit {
        unsafe rocksdb_readoptions_destroy(readOptions)
        unsafe rocksdb_cancel_all_background_work(raw, 1)
        unsafe rocksdb_close(raw)
        onClosed()
    }

    /// Opens the database at `path`. `onClosed` is called when it has been closed.
    static func open(
        _ path: String, _ mode: Mode, _ settings: borrowing DatabaseSettings,
        onClosed: @escaping @Sendable () -> Void = {}
    ) throws(RocksDBFailure) -> Database {
        let options = unsafe settings.raw
        let raw: OpaquePointer?
        switch mode {
        case .readWrite(let create):
            unsafe rocksdb_options_set_create_if_missing(options, create ? 1 : 0)
            unsafe raw = try unsafe catching("rocksdb_open") { unsafe rocksdb_open(options, path, $0) }
        case .readOnly:
            unsafe raw = try unsafe catching("rocksdb_open_for_read_only") {
                unsafe rocksdb_open_for_read_only(options, path, 0, $0)
            }
        case .secondary(let directory):
            // The primary may delete table files; open ones stay readable.
            unsafe rocksdb_options_set_max_open_files(options, -1)
            unsafe raw = try unsafe catching("rocksdb_open_as_secondary") {
                unsafe rocksdb_open_as_secondary(options, path, directory, $0)
            }
        }
        guard let raw = unsafe raw else { throw RocksDBFailure(call: "rocksdb_open", text: "returned nothing") }
        return unsafe Database(owning: raw, onClosed: onClosed)
    }

    /// Commits `batch` as one unit, and does not return before its log is on the disk if `isSynced`.
    ///
    /// - Parameter mayStall: wait while the library slows writers down; otherwise fail with `incomplete` (DUR-13).
    func write(_ batch: borrowing WriteBatch, isSynced: Bool, mayStall: Bool) throws(RocksDBFailure) {
        let options: OpaquePointer = unsafe rocksdb_writeoptions_create()
        defer { unsafe rocksdb_writeoptions_destroy(options) }
        unsafe rocksdb_writeoptions_set_sync(options, isSynced && Syncing.isOn ? 1 : 0)
        unsafe rocksdb_writeoptions_set_no_slowdown(options, mayStall ? 0 : 1)
        let raw = unsafe self.raw
        let records = unsafe batch.raw
        try unsafe catching("rocksdb_write") { unsafe rocksdb_write(raw, options, records, $0) }
    }

    /// Puts everything written so far on the disk.
    func syncLog() throws(RocksDBFailure) {
        guard Syncing.isOn else { return }
        let raw = unsafe self.raw
        try unsafe catching("rocksdb_flush_wal") { unsafe rocksdb_flush_wal(raw, 1, $0) }
    }

    /// Lets a secondary see what the primary has written since.
    func catchUpWithPrimary() throws(RocksDBFailure) {
        let raw = unsafe self.raw
        try unsafe catching("rocksdb_try_catch_up_with_primary") { unsafe rocksdb_try_catch_up_with_primary(raw, $0) }
    }

    /// The library's number of the last write.
    var sequence: UInt64 { unsafe rocksdb_get_latest_sequence_number(raw) }

    /// A numeric property such as `rocksdb.estimate-num-keys`; `nil` if there is none of that name.
    func number(_ property: String) -> UInt64? {
        var value: UInt64 = 0
        return unsafe rocksdb_property_int(raw, property, &value) == 0 ? value : nil
    }

    /// A property as text.
    func text(_ property: String) -> String? {
        guard let value = unsafe rocksdb_property_value(raw, property) else { return nil }
        defer { unsafe rocksdb_free(value) }
        return unsafe String(cString: value)
    }
}

/// Syncing cannot be switched off, except by `AVS_STORE_SYNC=off` in a test build: a crash test has to see that it
/// would notice a loss.
enum Syncing {
    #if Failpoints
        static let isOn = ProcessInfo.processInfo.environment["AVS_STORE_SYNC"] != "off"
    #else
        static var isOn: Bool { true }
    #endif
}

// MARK: Reading

/// The newest state: each get and each scan sees what was written last. For the committer, which is the only writer,
/// and for databases that do not change.
extension Database: ReadBackend {
    func get(_ key: [UInt8]) throws(StorageError) -> [UInt8]? {
        do throws(RocksDBFailure) { return try unsafe get(key, readOptions) } catch { throw StorageError(error) }
    }

    func scan(
        _ range: KeyRange, order: ScanOrder, rowsExpected: Int,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws {
        try Self.translating { try unsafe scan(range, order: order, rowsExpected: rowsExpected, at: nil, body) }
    }

    fileprivate func get(_ key: [UInt8], _ options: OpaquePointer) throws(RocksDBFailure) -> [UInt8]? {
        try unsafe withCBytes(key) { start, count throws(RocksDBFailure) -> [UInt8]? in
            let raw = unsafe self.raw
            let slice = try unsafe catching("rocksdb_get_pinned") {
                unsafe rocksdb_get_pinned(raw, options, start, count, $0)
            }
            guard let slice = unsafe slice else { return nil }
            defer { unsafe rocksdb_pinnableslice_destroy(slice) }
            var length = 0
            let value = unsafe rocksdb_pinnableslice_value(slice, &length)
            return unsafe copyBytes(value, length)
        }
    }

    /// Only blocks in memory: one of `rocksdb::ReadTier`, which the C API has as numbers.
    fileprivate static let cacheTier: Int32 = 1

    /// Runs one iterator over `range`. The bounds are lent to it (RDB-4), and it is gone when this returns (RDB-2).
    ///
    /// - Throws: what `body` throws, or a ``RocksDBFailure``.
    fileprivate func scan(
        _ range: KeyRange, order: ScanOrder, rowsExpected: Int, at snapshot: OpaquePointer?,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws {
        try unsafe withCBytes(range.lower) { lower, lowerCount in
            try unsafe withCBytes(range.upper) { upper, upperCount in
                let options: OpaquePointer = unsafe rocksdb_readoptions_create()
                defer { unsafe rocksdb_readoptions_destroy(options) }
                unsafe rocksdb_readoptions_set_iterate_lower_bound(options, lower, lowerCount)
                unsafe rocksdb_readoptions_set_iterate_upper_bound(options, upper, upperCount)
                if let snapshot = unsafe snapshot { unsafe rocksdb_readoptions_set_snapshot(options, snapshot) }
                // KEY-3: a long scan must not push everything else out of the cache.
                unsafe rocksdb_readoptions_set_fill_cache(options, rowsExpected > Self.cachedScanRowsMax ? 0 : 1)
                guard let iterator = unsafe rocksdb_create_iterator(raw, options) else {
                    throw RocksDBFailure(call: "rocksdb_create_iterator", text: "returned nothing")
                }
                defer { unsafe rocksdb_iter_destroy(iterator) }
                try unsafe walk(iterator, range, order, body)
            }
        }
    }

    /// A page of a list is worth caching, a sweep over a table is not.
    private static var cachedScanRowsMax: Int { 1_000 }

    private func walk(
        _ iterator: OpaquePointer, _ range: KeyRange, _ order: ScanOrder,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws {
        switch order {
        case .ascending: unsafe rocksdb_iter_seek_to_first(iterator)
        case .descending: unsafe rocksdb_iter_seek_to_last(iterator)
        }
        // Key and value may be asked for, and the iterator moved, only while it is valid (RDB-2).
        while unsafe rocksdb_iter_valid(iterator) != 0 {
            var count = 0
            let keyStart = unsafe rocksdb_iter_key(iterator, &count)
            let key = unsafe copyBytes(keyStart, count)
            // KEY-3: the bound says it already; a key beyond it would be somebody else's row.
            guard range.contains(key) else { break }
            let valueStart = unsafe rocksdb_iter_value(iterator, &count)
            if try body(key, unsafe copyBytes(valueStart, count)) == .stop { break }
            switch order {
            case .ascending: unsafe rocksdb_iter_next(iterator)
            case .descending: unsafe rocksdb_iter_prev(iterator)
            }
        }
        // FAIL-3: the end of a loop looks the same after an unreadable block.
        try unsafe catching("rocksdb_iter_get_error") { unsafe rocksdb_iter_get_error(iterator, $0) }
    }

    /// The errors of reads as a caller sees them.
    fileprivate static func translating<R>(_ body: () throws -> R) throws -> R {
        do { return try body() } catch let failure as RocksDBFailure { throw StorageError(failure) }
    }
}

/// The state of the database at one moment. Released by its last reference, and before the database is closed.
@safe final class DatabaseSnapshot: ReadBackend {
    let database: Database
    /// Made once and only read from; the library allows concurrent reads with one snapshot and one set of options.
    nonisolated(unsafe) private let raw: OpaquePointer
    nonisolated(unsafe) private let readOptions: OpaquePointer
    nonisolated(unsafe) private let cacheOptions: OpaquePointer

    init(of database: Database) throws(RocksDBFailure) {
        guard let raw = unsafe rocksdb_create_snapshot(database.raw) else {
            throw RocksDBFailure(call: "rocksdb_create_snapshot", text: "Not supported")
        }
        self.database = database
        unsafe self.raw = raw
        unsafe readOptions = rocksdb_readoptions_create()
        unsafe rocksdb_readoptions_set_snapshot(readOptions, raw)
        unsafe cacheOptions = rocksdb_readoptions_create()
        unsafe rocksdb_readoptions_set_snapshot(cacheOptions, raw)
        unsafe rocksdb_readoptions_set_read_tier(cacheOptions, Database.cacheTier)
    }

    deinit {
        unsafe rocksdb_readoptions_destroy(readOptions)
        unsafe rocksdb_readoptions_destroy(cacheOptions)
        unsafe rocksdb_release_snapshot(database.raw, raw)
    }

    func get(_ key: [UInt8]) throws(StorageError) -> [UInt8]? {
        do throws(RocksDBFailure) { return try unsafe database.get(key, readOptions) } catch {
            throw StorageError(error)
        }
    }

    /// As ``get(_:)``, from memory; `incomplete` if the disk would be needed.
    func getCached(_ key: [UInt8]) throws(RocksDBFailure) -> [UInt8]? {
        try unsafe database.get(key, cacheOptions)
    }

    func scan(
        _ range: KeyRange, order: ScanOrder, rowsExpected: Int,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws {
        try Database.translating {
            try unsafe database.scan(range, order: order, rowsExpected: rowsExpected, at: raw, body)
        }
    }
}
