import AVSStorage
import Foundation
import Synchronization

@testable import AVSRocksDB

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A directory of its own for one test, removed at its end.
final class TemporaryDirectory: Sendable {
    let url: URL
    /// A place for a database inside.
    var database: String { url.appending(path: "db").path(percentEncoded: false) }

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "avs-storage-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        do { try FileManager.default.removeItem(at: url) } catch { print("left behind: \(url): \(error)") }
    }

    func path(_ name: String) -> String { url.appending(path: name).path(percentEncoded: false) }

    /// The database's files as a crash right now would leave them, at another place.
    func copyDatabase(to name: String) throws -> String {
        let copy = path(name)
        try FileManager.default.copyItem(atPath: database, toPath: copy)
        return copy
    }
}

/// What a store reported.
final class StoreLog: Sendable {
    private let entries = Mutex((events: [StoreEvent](), fatalities: [StoreFatality]()))
    var events: [StoreEvent] { entries.withLock { $0.events } }
    var fatalities: [StoreFatality] { entries.withLock { $0.fatalities } }

    /// Small and quiet options: no ballast, housekeeping only when a test says so, unsynced updates wait for a sync.
    func options(_ change: (inout RocksDBOptions) -> Void = { _ in }) -> RocksDBOptions {
        var options = RocksDBOptions(
            onEvent: { event in self.entries.withLock { $0.events.append(event) } },
            onFatal: { fatality in self.entries.withLock { $0.fatalities.append(fatality) } })
        options.ballastBytes = 0
        options.blockCacheBytes = 4 << 20
        options.housekeepingInterval = .seconds(3_600)
        options.unsyncedAgeMax = .seconds(3_600)
        options.fileSystemSpace = { _ throws(StorageError) in
            FileSystemSpace(totalBytes: 100 << 30, freeBytes: 50 << 30)
        }
        change(&options)
        return options
    }
}

/// Each implementation of the protocol.
enum StoreKind: String, CaseIterable, Sendable {
    case memory, rocksDB

    /// Runs `body` with a new, empty store.
    func withStore<R>(_ body: (any KeyValueStore) async throws -> R) async throws -> R {
        switch self {
        case .memory: return try await body(MemoryStore())
        case .rocksDB:
            let directory = try TemporaryDirectory()
            let store = try RocksDBStore.open(path: directory.database, creates: true, options: StoreLog().options())
            let result = try await body(store)
            await store.close()
            return result
        }
    }
}

extension KeyValueStore {
    func put(_ key: String, _ value: String) async throws {
        try await update { try $0.put(bytes(key), bytes(value)) }
    }

    func get(_ key: String) throws -> String? {
        try read { try $0.get(bytes(key)) }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// All rows but the store's own, in order.
    func contents() throws -> [String: String] {
        try read { snapshot in
            var rows: [String: String] = [:]
            try snapshot.scan(.all, order: .ascending, limit: StorageLimits.scanRowsMax) { key, value in
                if !key.starts(with: StoreMeta.table.prefix.utf8) {
                    rows[String(decoding: key, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
                }
                return .next
            }
            return rows
        }
    }
}
