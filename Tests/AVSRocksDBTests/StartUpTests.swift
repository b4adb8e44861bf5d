import AVSStorage
import Foundation
import Testing

@testable import AVSRocksDB

@Suite("Opening a store") struct StartUpTests {
    private let directory: TemporaryDirectory
    private let log = StoreLog()

    init() throws { directory = try TemporaryDirectory() }

    private func open(_ path: String? = nil, creates: Bool = false) throws -> RocksDBStore {
        try RocksDBStore.open(path: path ?? directory.database, creates: creates, options: log.options())
    }

    private func make(_ files: [String], in path: String) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for file in files { try Data("x".utf8).write(to: URL(filePath: "\(path)/\(file)")) }
    }

    @Test("FAIL-7 never makes a database where none was asked for")
    func refusesMissing() throws {
        let path = directory.database
        #expect(throws: StorageError.notFound(path: path)) { try open() }
        #expect(!FileManager.default.fileExists(atPath: path))
        try make([], in: path)
        #expect(throws: StorageError.notFound(path: path)) { try open() }
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["AVS-LOCK"])
    }

    @Test("makes one with init, once, and only in an empty directory")
    func creates() async throws {
        let store = try open(creates: true)
        await store.close()
        #expect(throws: StorageError.self) { try open(creates: true) }
        await (try open()).close()
        let other = directory.path("other")
        try make(["somebody's"], in: other)
        #expect(throws: StorageError.self) { try open(other, creates: true) }
        #expect(!FileManager.default.fileExists(atPath: other + "/AVS-STORE"))
    }

    @Test("finishes a making that was interrupted after the marker")
    func interruptedMaking() async throws {
        try make(["AVS-STORE"], in: directory.database)
        let store = try open()
        #expect(store.status.epoch == 1)
        await store.close()
    }

    @Test("finishes a making that the library did not finish, unless something was stored already")
    func unfinishedMaking() async throws {
        try make(["AVS-STORE", "LOG", "IDENTITY", "MANIFEST-000001"], in: directory.database)
        await (try open()).close()
        let other = directory.path("other")
        try make(["AVS-STORE", "LOG", "000009.sst"], in: other)
        #expect(throws: StorageError.self) { try open(other) }
    }

    @Test("refuses a directory that others may enter")
    func refusesMode() async throws {
        await (try open(creates: true)).close()
        try FileManager.default.setAttributes([.posixPermissions: 0o750], ofItemAtPath: directory.database)
        let error = #expect(throws: StorageError.self) { try open() }
        #expect("\(try #require(error))".contains("mode 750"))
    }

    @Test("API-4.10 refuses a second opener and says who holds the lock")
    func lock() async throws {
        let store = try open(creates: true)
        let error = #expect(throws: StorageError.self) { try open() }
        let text = "\(try #require(error))"
        #expect(text.contains("database locked by another process"))
        #expect(text.contains("process \(getpid()) ("))
        #expect(try RocksDBStore.lockHolder(path: directory.database)?.hasPrefix("process \(getpid())") == true)
        await store.close()
        #expect(try RocksDBStore.lockHolder(path: directory.database) == nil)
        await (try open()).close()
    }

    @Test("DUR-11 raises the epoch at each start and goes on counting commits")
    func epochs() async throws {
        var last: UInt64 = 0
        for epoch in 1...4 as ClosedRange<UInt64> {
            let store = try open(creates: epoch == 1)
            #expect(store.status.epoch == epoch)
            #expect(store.status.commit == last + 1)
            try await store.put("k", "\(epoch)")
            let stored = try store.read { snapshot in
                (
                    try snapshot.get(StoreMeta.epoch), try snapshot.get(StoreMeta.commit),
                    try snapshot.get(StoreMeta.databaseID)
                )
            }
            #expect(stored.0 == BigEndianNumber(epoch).stored)
            #expect(stored.1 == BigEndianNumber(last + 2).stored)
            #expect(stored.2?.count == 16)
            last = store.status.commit
            await store.close()
        }
        #expect(log.events.filter { if case .opened = $0 { true } else { false } }.count == 4)
        #expect(log.events.filter { if case .closed = $0 { true } else { false } }.count == 4)
    }

    @Test("FAIL-5 refuses to start with less space than recovery needs")
    func space() async throws {
        let store = try open(creates: true)
        try await store.put("k", String(repeating: "v", count: 100_000))
        let copy = try directory.copyDatabase(to: "copy")
        await store.close()
        let bare: UInt64 = 64 << 20
        let options = log.options {
            $0.fileSystemSpace = { _ throws(StorageError) in .init(totalBytes: 1 << 40, freeBytes: bare + 100_000) }
        }
        let error = #expect(throws: StorageError.self) { try RocksDBStore.open(path: copy, options: options) }
        guard case .noSpace(let text) = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(text.contains("AVS-BALLAST"))
    }

    @Test("FAIL-5 keeps a ballast where there is plenty of space, and gives it back")
    func ballast() async throws {
        let path = directory.database
        let options = log.options { $0.ballastBytes = 1 << 20 }
        await (try RocksDBStore.open(path: path, creates: true, options: options)).close()
        let file = try FileManager.default.attributesOfItem(atPath: path + "/AVS-BALLAST")
        #expect(file[.size] as? Int == 1 << 20)
        try RocksDBStore.releaseBallast(path: path)
        #expect(!FileManager.default.fileExists(atPath: path + "/AVS-BALLAST"))
        let tight = log.options {
            $0.ballastBytes = 1 << 20
            $0.fileSystemSpace = { _ throws(StorageError) in .init(totalBytes: 100 << 30, freeBytes: 5 << 30) }
        }
        await (try RocksDBStore.open(path: path, options: tight)).close()
        #expect(!FileManager.default.fileExists(atPath: path + "/AVS-BALLAST"))
    }

    @Test(
        "gives a part of the block cache room for the largest filter of a table",
        arguments: zip([0, 1, 63, 64, 256, 1_024, 2_048, 1_048_576], [0, 0, 0, 1, 3, 5, 6, 6] as [Int32]))
    func cacheParts(mebibytes: Int, log2: Int32) {
        #expect(DatabaseSettings.cachePartsLog2(cacheBytes: mebibytes << 20) == log2)
        #expect(log2 == 0 || mebibytes >> log2 >= 32)
    }

    @Test("RDB-3 notices an option that did not arrive")
    func options() {
        let options = log.options()
        let text = DatabaseSettings.expectedLines(options).map { "  \($0)" }.joined(separator: "\n")
        #expect(DatabaseSettings.missingLines(in: text, options).isEmpty)
        let other = text.replacing("kTolerateCorruptedTailRecords", with: "kPointInTimeRecovery")
        #expect(
            DatabaseSettings.missingLines(in: other, options) == ["wal_recovery_mode=kTolerateCorruptedTailRecords"])
    }

    @Test("FAIL-7 refuses a directory whose CURRENT is gone")
    func missingCurrent() async throws {
        await (try open(creates: true)).close()
        try FileManager.default.removeItem(atPath: directory.database + "/CURRENT")
        let error = #expect(throws: StorageError.self) { try open() }
        guard case .rolledBack = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("refuses a database of somebody else")
    func foreign() async throws {
        await (try open(creates: true)).close()
        let copy = directory.path("foreign")
        try make(["AVS-STORE"], in: copy)
        let settings = try DatabaseSettings(log.options())
        let database = try Database.open(copy, .readWrite(create: true), settings)
        var batch = WriteBatch()
        batch.put(bytes("k"), bytes("v"))
        try database.write(batch, isSynced: true, mayStall: true)
        withExtendedLifetime(database) {}
        #expect(throws: StorageError.self) { try open(copy) }
    }
}
