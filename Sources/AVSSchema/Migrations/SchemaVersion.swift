public import AVSStorage

/// Which shape the rows of a database have: `meta:schema`, 8 bytes, big-endian.
///
/// It rises with each migration that an older release could not live with, and with the first batch of it: from then on
/// an older release refuses the database. A database without the row is of a release that had no migrations: shape 0.
public enum SchemaVersion {
    /// What this release writes, and the highest that it reads. 1: counts, 2: statistics by day.
    public static let current: UInt64 = 2
    static let key = Array("meta:schema".utf8)

    /// The version of a database; nil for one that no release with migrations has opened.
    public static func stored(in reader: borrowing some StoreReader & ~Copyable) throws -> UInt64? {
        guard let bytes = try reader.get(key) else { return nil }
        do { return try BigEndianNumber(stored: bytes).value } catch {
            throw StorageError.undecodable(key: key, reason: "\(error)")
        }
    }

    /// - Throws: ``StorageError/unusable(_:)`` for a version that is newer than `known` (exit code 78).
    public static func check(
        _ reader: borrowing some StoreReader & ~Copyable, known: UInt64 = current
    ) throws {
        guard let found = try stored(in: reader), found > known else { return }
        throw StorageError.unusable(
            "the database has schema \(found) and this release knows schemas up to \(known): start the release that "
                + "wrote it, or restore a backup that was made before it did")
    }
}
