import AVSCrypto
public import AVSPrimitives
public import AVSRocksDB
public import AVSSchema
import AVSStorage
import Foundation

/// The copy of a database that is made before it is migrated (BAK-2, aggregator-api 4.11).
///
///     <directory>/<YY-MM-DD-HH-MM>/full-backup.db/…    the copy: a database of its own
///     <directory>/<YY-MM-DD-HH-MM>/manifest.json       its last commit, why it was made, each file's SHA-256
///
/// On the file system of the database the copy is made of hard links and takes seconds. It is restored by copying it to
/// an empty place; a service starts on it after `avsctl store accept-rollback`.
public struct MigrationBackup: Sendable {
    private let directory: String

    public init(directory: String) { self.directory = directory }

    /// - Returns: where the copy is.
    /// - Throws: what the disk says; then no migration may begin.
    public func make(
        of store: RocksDBStore, before pending: [MigrationName], at now: Timestamp
    ) async throws -> String {
        let lock = try RocksDBBackups(directory: directory).lock()
        defer { withExtendedLifetime(lock) {} }
        let folder = try emptyFolder(at: now)
        let copy = folder + "/full-backup.db"
        let commit = try await store.checkpoint(to: copy)
        try writeManifest(folder + "/manifest.json", of: copy, commit: commit, pending, now)
        return copy
    }

    /// Named by local time, as the reference names it; a second one of the same minute gets a number.
    private func emptyFolder(at now: Timestamp) throws -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.dateFormat = "yy-MM-dd-HH-mm"
        let name = format.string(from: Date(timeIntervalSince1970: Double(now.milliseconds) / 1_000))
        for number in 0..<100 {
            let folder = directory + "/" + (number == 0 ? name : "\(name)-\(number)")
            if FileManager.default.fileExists(atPath: folder) { continue }
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            return folder
        }
        throw StorageError.unusable("\(directory) has 100 copies of the minute \(name)")
    }

    private func writeManifest(
        _ path: String, of copy: String, commit: UInt64, _ pending: [MigrationName], _ now: Timestamp
    ) throws {
        var files: [String: JSONValue] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: copy) {
            // One at a time, and none is larger than a table file.
            let content = try Data(contentsOf: URL(filePath: "\(copy)/\(name)"), options: .mappedIfSafe)
            files[name] = ["bytes": .string("\(content.count)"), "sha256": .string(SHA256.hash(Array(content)).hex)]
        }
        let manifest: JSONValue = [
            "made_at": .string(now.iso8601), "commit": .string("\(commit)"), "files": .object(files),
            "before": .array(pending.map { .string("\($0)") }),
        ]
        try Data((manifest.serialized + "\n").utf8).write(to: URL(filePath: path), options: .atomic)
    }
}
