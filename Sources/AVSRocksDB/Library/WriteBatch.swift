import AVSStorage
import CRocksDB

/// Records that the library writes as one unit. Owned here, lent to `rocksdb_write`.
@safe struct WriteBatch: ~Copyable {
    let raw: OpaquePointer

    init() {
        unsafe raw = rocksdb_writebatch_create()
    }

    deinit { unsafe rocksdb_writebatch_destroy(raw) }

    mutating func put(_ key: [UInt8], _ value: [UInt8]) {
        let raw = unsafe self.raw
        unsafe withCBytes(key) { keyStart, keyCount in
            unsafe withCBytes(value) { valueStart, valueCount in
                unsafe rocksdb_writebatch_put(raw, keyStart, keyCount, valueStart, valueCount)
            }
        }
    }

    mutating func delete(_ key: [UInt8]) {
        let raw = unsafe self.raw
        unsafe withCBytes(key) { start, count in
            unsafe rocksdb_writebatch_delete(raw, start, count)
        }
    }

    mutating func deleteRange(_ range: KeyRange) {
        let raw = unsafe self.raw
        unsafe withCBytes(range.lower) { lower, lowerCount in
            unsafe withCBytes(range.upper) { upper, upperCount in
                unsafe rocksdb_writebatch_delete_range(raw, lower, lowerCount, upper, upperCount)
            }
        }
    }

    /// Adds a change set: the ranges first, since each record of the batch acts on what those before it left.
    mutating func add(_ changes: ChangeSet) {
        for range in changes.deletedRanges { deleteRange(range) }
        changes.forEachEntry { key, value in
            if let value { put(key, value) } else { delete(key) }
        }
    }
}
