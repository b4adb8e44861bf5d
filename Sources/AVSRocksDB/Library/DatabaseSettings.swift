import AVSStorage
import CRocksDB

/// The library's options for one opening: the table of section 1.3, and the check that they arrived (RDB-3).
@safe struct DatabaseSettings: ~Copyable {
    /// Whether damage in the log is refused or dropped.
    enum Recovery: Int32 {
        /// An unfinished last record is dropped, everything else is refused (DUR-14). For every start.
        case tolerateTail = 0
        /// Whatever follows the first damage is dropped. For salvaging a copy, never for a start.
        case pointInTime = 2
    }

    let raw: OpaquePointer
    private let recovery: Recovery
    private let options: RocksDBOptions

    /// Options without a setter in the C API. The last one lets a wrong option file end the opening.
    private static let byName = """
        track_and_verify_wals_in_manifest=true;verify_sst_unique_id_in_manifest=true;fail_if_options_file_error=true
        """

    init(_ options: RocksDBOptions, recovery: Recovery = .tolerateTail) throws(RocksDBFailure) {
        let base: OpaquePointer = unsafe rocksdb_options_create()
        defer { unsafe rocksdb_options_destroy(base) }
        let raw: OpaquePointer = unsafe rocksdb_options_create()
        do throws(RocksDBFailure) {
            try unsafe catching("rocksdb_get_options_from_string") {
                unsafe rocksdb_get_options_from_string(base, Self.byName, raw, $0)
            }
        } catch {
            unsafe rocksdb_options_destroy(raw)
            throw error
        }
        unsafe self.raw = raw
        self.recovery = recovery
        self.options = options
        setLog()
        setMemory()
        setTables()
    }

    deinit { unsafe rocksdb_options_destroy(raw) }

    /// What decides over what survives.
    private func setLog() {
        unsafe rocksdb_options_set_wal_recovery_mode(raw, recovery.rawValue)
        unsafe rocksdb_options_set_paranoid_checks(raw, 1)
        unsafe rocksdb_options_set_recycle_log_file_num(raw, 0)
        unsafe rocksdb_options_set_manual_wal_flush(raw, 0)
        unsafe rocksdb_options_set_unordered_write(raw, 0)
        unsafe rocksdb_options_set_enable_pipelined_write(raw, 0)
        unsafe rocksdb_options_set_max_total_wal_size(raw, options.logBytesMax)
    }

    private func setMemory() {
        unsafe rocksdb_options_set_write_buffer_size(raw, options.writeBufferBytes)
        unsafe rocksdb_options_set_max_write_buffer_number(raw, Int32(RocksDBOptions.writeBufferCount))
        unsafe rocksdb_options_set_max_background_jobs(raw, 2)
        unsafe rocksdb_options_set_info_log_level(raw, 2)  // warn; the library's headers give the level no name in C
        unsafe rocksdb_options_set_max_log_file_size(raw, 16 << 20)
        unsafe rocksdb_options_set_keep_log_file_num(raw, 10)
        unsafe rocksdb_options_set_compression(raw, Int32(rocksdb_lz4_compression))
        unsafe rocksdb_options_set_bottommost_compression(raw, Int32(rocksdb_zstd_compression))
    }

    /// The options keep the table format, and that keeps cache and filter, so our own handles are given back here.
    private func setTables() {
        let table: OpaquePointer = unsafe rocksdb_block_based_options_create()
        defer { unsafe rocksdb_block_based_options_destroy(table) }
        let cache = unsafe makeCache()
        defer { unsafe rocksdb_cache_destroy(cache) }
        unsafe rocksdb_block_based_options_set_block_cache(table, cache)
        unsafe rocksdb_block_based_options_set_format_version(table, 5)
        unsafe rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10))
        unsafe rocksdb_block_based_options_set_whole_key_filtering(table, 1)
        unsafe rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1)
        unsafe rocksdb_options_set_block_based_table_factory(raw, table)
    }

    /// The library's own choice for 256 MiB is 64 parts of 4 MiB, and a part never keeps a block larger than itself:
    /// the filter of a table full of small rows is, and was read and checked anew for every row that was asked for.
    private func makeCache() -> OpaquePointer {
        let cacheOptions: OpaquePointer = unsafe rocksdb_lru_cache_options_create()
        defer { unsafe rocksdb_lru_cache_options_destroy(cacheOptions) }
        unsafe rocksdb_lru_cache_options_set_capacity(cacheOptions, options.blockCacheBytes)
        unsafe rocksdb_lru_cache_options_set_num_shard_bits(
            cacheOptions, Self.cachePartsLog2(cacheBytes: options.blockCacheBytes))
        return unsafe rocksdb_cache_create_lru_opts(cacheOptions)
    }

    /// As many parts, for threads that do not wait for each other, as have at least 32 MiB each: some times the largest
    /// filter of a table of 64 MiB. At most 64.
    static func cachePartsLog2(cacheBytes: Int) -> Int32 {
        let parts = max(1, cacheBytes / (32 << 20))
        return Int32(min(6, parts.bitWidth - 1 - parts.leadingZeroBitCount))
    }

    /// What the option file that the library wrote at opening has to say. The getters of the C API only repeat what we
    /// set; the file shows what the database runs with.
    static func expectedLines(_ options: RocksDBOptions) -> [String] {
        [
            "wal_recovery_mode=kTolerateCorruptedTailRecords",
            "track_and_verify_wals_in_manifest=true",
            "verify_sst_unique_id_in_manifest=true",
            "paranoid_checks=true",
            "recycle_log_file_num=0",
            "manual_wal_flush=false",
            "unordered_write=false",
            "enable_pipelined_write=false",
            "max_total_wal_size=\(options.logBytesMax)",
            "max_background_jobs=2",
            "info_log_level=WARN_LEVEL",
            "write_buffer_size=\(options.writeBufferBytes)",
            "max_write_buffer_number=\(RocksDBOptions.writeBufferCount)",
            "compression=kLZ4Compression",
            "bottommost_compression=kZSTD",
            "prefix_extractor=nullptr",
            "checksum=kXXH3",
            "format_version=5",
            "filter_policy=bloomfilter",
            "whole_key_filtering=true",
            "cache_index_and_filter_blocks=true",
        ]
    }

    /// The expected lines that an option file lacks.
    static func missingLines(in optionFile: String, _ options: RocksDBOptions) -> [String] {
        let found = Set(
            optionFile.split(whereSeparator: \.isNewline).map { line in
                String(line.drop { $0 == " " || $0 == "\t" })
            })
        return expectedLines(options).filter { !found.contains($0) }
    }
}
