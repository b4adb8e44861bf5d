import AVSStorage
import Foundation
import Testing

@testable import AVSRocksDB

@Suite("An inspector") struct InspectorTests {
    private let directory: TemporaryDirectory
    private let log = StoreLog()

    init() throws { directory = try TemporaryDirectory() }

    private func get(_ inspector: RocksDBInspector, _ key: String) throws -> String? {
        try inspector.read { try $0.get(bytes(key)) }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Every file with its size and time: what a reader must leave alone.
    private func files(_ path: String) throws -> [String: String] {
        var files: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
            files[name] = "\(attributes[.size] ?? 0) \(attributes[.modificationDate] ?? Date.distantPast)"
        }
        return files
    }

    @Test("BAK-6 reads beside a running server, without the lock and without a trace")
    func readOnly() async throws {
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: log.options())
        try await store.put("a", "1")
        let before = try files(directory.database)
        let inspector = try RocksDBInspector.openReadOnly(path: directory.database)
        #expect(try get(inspector, "a") == "1")
        try await store.put("a", "2")
        #expect(try get(inspector, "a") == "1")
        let report = try inspector.report()
        #expect(report.commit == 2)
        #expect(report.epoch == 1)
        #expect(report.databaseID.count == 16)
        #expect(try inspector.verifyEveryRow() == 4)
        inspector.close()
        #expect(throws: StorageError.closed) { try get(inspector, "a") }
        await store.close()
        let after = try files(directory.database)
        #expect(Set(after.keys).subtracting(before.keys).isEmpty)
    }

    @Test("BAK-6 follows a running server on demand")
    func following() async throws {
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: log.options())
        try await store.put("a", "1")
        let inspector = try RocksDBInspector.openFollowing(
            path: directory.database, ownDirectory: directory.path("own"))
        #expect(try get(inspector, "a") == "1")
        try await store.put("a", "2")
        #expect(try get(inspector, "a") == "1")
        try inspector.catchUp()
        #expect(try get(inspector, "a") == "2")
        #expect(try inspector.report().commit == store.report().commit)
        inspector.close()
        await store.close()
    }

    @Test("BAK-7 leaves a stopped database exactly as it is")
    func stopped() async throws {
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: log.options())
        try await store.put("a", "1")
        await store.close()
        let before = try files(directory.database)
        let inspector = try RocksDBInspector.openReadOnly(path: directory.database)
        #expect(try get(inspector, "a") == "1")
        inspector.close()
        #expect(try files(directory.database) == before)
    }

    @Test("says that there is no database")
    func missing() throws {
        #expect(throws: StorageError.notFound(path: directory.database)) {
            try RocksDBInspector.openReadOnly(path: directory.database)
        }
    }

    @Test("shows what there is before the damage, if it is asked to")
    func damaged() async throws {
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: log.options())
        for index in 0..<100 { try await store.put("k\(100 + index)", String(repeating: "v", count: 100)) }
        let copy = try directory.copyDatabase(to: "copy")
        await store.close()
        let names = try FileManager.default.contentsOfDirectory(atPath: copy).filter {
            LogTail.number(ofLog: $0) != nil
        }
        let newest = URL(filePath: "\(copy)/\(try #require(names.max()))")
        var data = try Data(contentsOf: newest)
        data[data.count / 2] ^= 1
        try data.write(to: newest)
        #expect(throws: StorageError.self) { try RocksDBInspector.openReadOnly(path: copy) }
        let inspector = try RocksDBInspector.openReadOnly(path: copy, skipsDamage: true)
        #expect((10...90).contains(Int(try inspector.report().commit)))
        #expect(try get(inspector, "k100") != nil)
        inspector.close()
    }
}

@Suite("A copy of a store") struct BackupTests {
    private let directory: TemporaryDirectory
    private let log = StoreLog()

    init() throws { directory = try TemporaryDirectory() }

    private func makeStore() async throws -> RocksDBStore {
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: log.options())
        for index in 0..<50 { try await store.put("k\(index)", String(repeating: "v", count: 1_000)) }
        return store
    }

    @Test("BAK-1 is a checkpoint that has everything up to a commit")
    func checkpoint() async throws {
        let store = try await makeStore()
        let path = directory.path("checkpoint")
        #expect(try await store.checkpoint(to: path) == store.status.commit)
        try await store.put("later", "1")
        let inspector = try RocksDBInspector.openReadOnly(path: path)
        #expect(try inspector.read { try $0.get(bytes("k49")) } != nil)
        #expect(try inspector.read { try $0.get(bytes("later")) } == nil)
        inspector.close()
        await #expect(throws: StorageError.self) { try await store.checkpoint(to: path) }
        await store.close()
    }

    @Test("BAK-4 is a backup that is proven, kept in a bounded number, and restored")
    func backup() async throws {
        let store = try await makeStore()
        let backups = RocksDBBackups(directory: directory.path("backups"))
        let lock = try backups.lock()
        #expect(throws: StorageError.self) { try backups.lock() }
        for round in 1...4 {
            try await store.put("round", "\(round)")
            let backup = try await backups.create(of: store)
            #expect(backup.id == round)
            try backups.setNote(bytes("round \(round)"), of: backup.id)
            try await backups.prove(backup.id) { inspector throws in
                #expect(try inspector.read { try $0.get(bytes("round")) } == bytes("\(round)"))
            }
        }
        #expect(!FileManager.default.fileExists(atPath: directory.path("backups/AVS-PROOF")))
        let before = try size(of: "backups")
        try await backups.remove([1, 3])
        #expect(try await backups.list().map(\.id) == [2, 4])
        #expect(try backups.note(of: 3) == nil && backups.note(of: 4) == bytes("round 4"))
        #expect(try size(of: "backups") < before)
        for id in [2, 4] as [UInt32] { #expect(try await backups.prove(id) { try $0.verifyEveryRow() } > 50) }
        let commit = try store.report().commit
        await store.close()
        _ = consume lock

        let restored = directory.path("restored")
        try await backups.restore(4, to: restored)
        await #expect(throws: StorageError.self) { try await backups.restore(4, to: restored) }
        #expect(throws: StorageError.self) { try RocksDBStore.open(path: restored, options: log.options()) }
        let loss = try RocksDBStore.acceptRollback(path: restored, options: log.options()) {
            _, _ throws(StorageError) in
        }
        #expect(loss?.found.commit == commit)
        let again = try RocksDBStore.open(path: restored, options: log.options())
        #expect(try again.get("round") == "4")
        await again.close()
    }

    @Test("BAK-3 BAK-4 is not proven if one of its files was changed")
    func damagedBackup() async throws {
        let store = try await makeStore()
        let backups = RocksDBBackups(directory: directory.path("backups"))
        _ = try backups.lock()
        let backup = try await backups.create(of: store)
        await store.close()
        let tables = try #require(FileManager.default.enumerator(atPath: directory.path("backups")))
        for case let name as String in tables where name.hasSuffix(".sst") {
            let url = URL(filePath: directory.path("backups") + "/" + name)
            var data = try Data(contentsOf: url)
            data[data.count / 3] ^= 1
            try data.write(to: url)
        }
        await #expect(throws: StorageError.self) {
            try await backups.prove(backup.id) { _ in }
        }
        #expect(!FileManager.default.fileExists(atPath: directory.path("backups/AVS-PROOF")))
        await #expect(throws: StorageError.self) {
            try await backups.restore(backup.id, to: directory.path("restored"))
        }
        #expect(!FileManager.default.fileExists(atPath: directory.path("restored")), "half a database is none")
        await #expect(throws: StorageError.notFound(path: "\(directory.path("backups")), backup 7")) {
            try await backups.restore(7, to: directory.path("restored"))
        }
    }

    @Test("FAIL-5 is not begun where there is too little space")
    func noSpace() async throws {
        let store = try RocksDBStore.open(
            path: directory.database, creates: true,
            options: log.options {
                $0.fileSystemSpace = { _ throws(StorageError) in .init(totalBytes: 100 << 30, freeBytes: 1 << 30) }
            })
        let backups = RocksDBBackups(directory: directory.path("backups"))
        _ = try backups.lock()
        await #expect(throws: StorageError.self) { try await backups.create(of: store) }
        #expect(try await backups.list().isEmpty)
        await store.close()
    }

    @Test("BAK-5 goes only where nobody else can read it")
    func privacy() throws {
        let path = directory.path("open")
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        _ = try RocksDBBackups(directory: path).lock()
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o700, "empty, so it can be made private")
        try FileManager.default.setAttributes([.posixPermissions: 0o750], ofItemAtPath: path)
        #expect(throws: StorageError.unusable("\(path) has mode 750, which lets others in; it must be 700")) {
            try RocksDBBackups(directory: path).lock()
        }
    }

    /// Bytes of all files under a folder.
    private func size(of name: String) throws -> Int {
        let files = try #require(FileManager.default.enumerator(atPath: directory.path(name)))
        var size = 0
        for case let file as String in files {
            size +=
                try FileManager.default.attributesOfItem(atPath: directory.path(name) + "/" + file)[.size] as? Int ?? 0
        }
        return size
    }
}
