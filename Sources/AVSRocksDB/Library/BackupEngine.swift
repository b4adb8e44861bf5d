import AVSStorage
import CRocksDB

/// The library's backups in one directory: numbered, sharing the table files that they have in common (BAK-3).
///
/// One thread at a time. Opened for one piece of work and closed after it.
@safe struct BackupEngine: ~Copyable {
    private let raw: OpaquePointer

    init(_ path: String, bytesPerSecond: UInt64) throws(RocksDBFailure) {
        let options: OpaquePointer = unsafe rocksdb_backup_engine_options_create(path)
        defer { unsafe rocksdb_backup_engine_options_destroy(options) }
        unsafe rocksdb_backup_engine_options_set_sync(options, 1)
        unsafe rocksdb_backup_engine_options_set_share_table_files(options, 1)
        unsafe rocksdb_backup_engine_options_set_backup_rate_limit(options, bytesPerSecond)
        unsafe rocksdb_backup_engine_options_set_restore_rate_limit(options, bytesPerSecond)
        let env: OpaquePointer = unsafe rocksdb_create_default_env()
        defer { unsafe rocksdb_env_destroy(env) }  // the default environment itself lives as long as the process
        let raw = try unsafe catching("rocksdb_backup_engine_open_opts") {
            unsafe rocksdb_backup_engine_open_opts(options, env, $0)
        }
        guard let raw = unsafe raw else { throw RocksDBFailure(call: "rocksdb_backup_engine_open_opts", text: "") }
        unsafe self.raw = raw
    }

    deinit { unsafe rocksdb_backup_engine_close(raw) }

    /// Flushes the memtables first, so that a backup needs no log.
    mutating func create(of database: Database) throws(RocksDBFailure) {
        let raw = unsafe self.raw
        let source = unsafe database.raw
        try unsafe catching("rocksdb_backup_engine_create_new_backup_flush") {
            unsafe rocksdb_backup_engine_create_new_backup_flush(raw, source, 1, $0)
        }
    }

    mutating func purge(keeping count: UInt32) throws(RocksDBFailure) {
        let raw = unsafe self.raw
        try unsafe catching("rocksdb_backup_engine_purge_old_backups") {
            unsafe rocksdb_backup_engine_purge_old_backups(raw, count, $0)
        }
    }

    func restore(_ id: UInt32, to path: String) throws(RocksDBFailure) {
        let raw = unsafe self.raw
        let options: OpaquePointer = unsafe rocksdb_restore_options_create()
        defer { unsafe rocksdb_restore_options_destroy(options) }
        try unsafe catching("rocksdb_backup_engine_restore_db_from_backup") {
            unsafe rocksdb_backup_engine_restore_db_from_backup(raw, path, path, options, id, $0)
        }
    }

    /// Oldest first.
    var backups: [RocksDBBackups.Backup] {
        guard let info = unsafe rocksdb_backup_engine_get_backup_info(raw) else { return [] }
        defer { unsafe rocksdb_backup_engine_info_destroy(info) }
        return unsafe (0..<rocksdb_backup_engine_info_count(info)).map { index in
            unsafe RocksDBBackups.Backup(
                id: rocksdb_backup_engine_info_backup_id(info, index),
                createdAtSeconds: rocksdb_backup_engine_info_timestamp(info, index),
                bytes: rocksdb_backup_engine_info_size(info, index),
                files: Int(rocksdb_backup_engine_info_number_files(info, index)))
        }
    }
}

extension Database {
    /// Makes a copy of the database at a path where nothing is: hard links where they are possible (BAK-1).
    func checkpoint(to path: String) throws(RocksDBFailure) {
        let raw = unsafe self.raw
        let checkpoint = try unsafe catching("rocksdb_checkpoint_object_create") {
            unsafe rocksdb_checkpoint_object_create(raw, $0)
        }
        defer { unsafe rocksdb_checkpoint_object_destroy(checkpoint) }
        try unsafe catching("rocksdb_checkpoint_create") {
            // 0: flush first, so that there is no log to copy.
            unsafe rocksdb_checkpoint_create(checkpoint, path, 0, $0)
        }
    }
}
