import AVSEngine
import AVSModel
import AVSPrimitives
import AVSRocksDB
import AVSSchema
import AVSStorage
import AVSTesting
import Foundation
import Logging
import Testing

@testable import AVSBackup

/// A store on disk with a row that keeps the rules, and a place for its backups. Goes away with the test.
final class Bench: Sendable {
    let folder = NSTemporaryDirectory() + "/avs-backup-tests-\(UUID().uuidString)"
    let store: RocksDBStore
    let time = ManualTime()
    let backups: BackupService

    var directory: String { folder + "/backups" }

    init(keeping count: Int = 7, interval: Duration = .seconds(3_600)) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        store = try Self.open(folder + "/db", creates: true)
        var settings = BackupService.Settings(directory: folder + "/backups")
        settings.keptCount = count
        settings.interval = interval
        backups = BackupService(store: store, settings: settings, time: time, logger: Self.logger)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    static var logger: Logger { Logger(label: "backup") { _ in SwiftLogNoOpLogHandler() } }

    static func open(_ path: String, creates: Bool = false) throws -> RocksDBStore {
        var options = RocksDBOptions { fatality in Issue.record("\(fatality)") }
        options.ballastBytes = 0
        options.softMark = SpaceMark(percent: 0, bytes: 0)
        options.hardMark = SpaceMark(percent: 0, bytes: 0)
        options.writeBufferBytes = 1 << 20
        options.logBytesMax = 1 << 20
        return try RocksDBStore.open(path: path, creates: creates, options: options)
    }

    static func node(_ number: UInt8) -> OperatorInfo {
        OperatorInfo(
            address: Address(bytes: [UInt8](repeating: number, count: 20)) ?? .zero, name: "node \(number)",
            remoteIP: "127.0.0.1", lastPing: Timestamp(seconds: 1), version: "1", metricsPort: 1, blockNumber: 2,
            eventCount: 3)
    }

    func add(_ number: UInt8) async throws {
        let node = Self.node(number)
        try await store.update { try $0.put(OperatorKey(node.address), node) }
    }

    /// Returns once no backup is being made.
    func waitForWork() async {
        while await backups.state.isRunning { await Task.yield() }
    }
}

@Suite("The backups of a service", .timeLimit(.minutes(2)))
struct BackupServiceTests {
    @Test("API-10.8.11: one at a time; a file exists after a backup; what is stopped takes no more")
    func life() async throws {
        let bench = try Bench()
        try await bench.add(1)
        async let first = bench.backups.create()
        while await !bench.backups.state.isRunning { await Task.yield() }
        await #expect(throws: BackupError.alreadyRunning) { try await bench.backups.create() }
        let record = try await first
        #expect(record.isProven && record.commit == bench.store.status.commit && record.bytes > 0)
        #expect(FileManager.default.fileExists(atPath: bench.directory + "/meta/1"))
        #expect(FileManager.default.fileExists(atPath: bench.directory + "/AVS-BACKUP-1"))
        #expect(try await bench.backups.list() == [record])
        #expect(await bench.backups.state.lastProvenAt == bench.time.now)
        #expect(await bench.backups.stopWorking(within: .seconds(1)))
        await #expect(throws: BackupError.stopping) { try await bench.backups.create() }
        await bench.store.close()
    }

    @Test("API-10.8.11, BAK-4: the periodic one starts once, works at its times, and stops")
    func periodic() async throws {
        let bench = try Bench(interval: .seconds(60))
        try await bench.add(1)
        let loop = Task { try await bench.backups.runPeriodically() }
        await bench.time.waitForSleepers(1)
        await #expect(throws: BackupError.alreadyStarted) { try await bench.backups.runPeriodically() }
        await bench.waitForWork()
        #expect(try await bench.backups.list().count == 1, "the first at once")
        for expected in [1, 1, 2, 2, 2, 3] {
            bench.time.advance(by: .seconds(20))
            await bench.time.waitForSleepers(1)
            await bench.waitForWork()
            #expect(try await bench.backups.list().count == expected)
        }
        loop.cancel()
        await #expect(throws: CancellationError.self) { try await loop.value }
        await bench.store.close()

        let again = BackupService(
            store: bench.store, settings: .init(directory: bench.directory), time: bench.time, logger: Bench.logger)
        #expect(await again.state.lastProvenAt == bench.time.now, "the files remember")
    }

    @Test("BAK-4: a backup of rows that break their rules, or of another database, is not proven and does not count")
    func broken() async throws {
        let bench = try Bench(keeping: 2)
        try await bench.add(1)
        for _ in 0..<2 { _ = try await bench.backups.create() }
        try await bench.store.update { try $0.put(Array("strange".utf8), [1]) }
        for _ in 0..<3 {
            do {
                _ = try await bench.backups.create()
                Issue.record("it was proven")
            } catch BackupError.notProven(_, let reason) {
                #expect(reason == "I14: strange: the key is in no table")
            }
        }
        let left = try await bench.backups.list()
        #expect(left.map(\.isProven) == [true, true, false], "they never push out a proven one, and do not pile up")
        #expect(left.map(\.id).prefix(2) == [1, 2])
        let state = await bench.backups.state
        #expect(state.failedCount == 3 && state.provenCount == 2 && state.lastProvenAt == left[1].createdAt)
        try await bench.store.update { try $0.delete(Array("strange".utf8)) }
        _ = try await bench.backups.create()
        #expect(try await bench.backups.list().filter(\.isProven).count == 2, "the oldest went")
        #expect(try await bench.backups.verify(left[2].id).isProven == false)
        await #expect(throws: BackupError.notFound(99)) { try await bench.backups.verify(99) }
        await bench.store.close()
    }

    @Test("BAK-3: a changed byte is found by verifying, and nothing is restored from it")
    func damaged() async throws {
        let bench = try Bench()
        try await bench.add(1)
        let record = try await bench.backups.create()
        await bench.store.close()
        let files = try #require(FileManager.default.enumerator(atPath: bench.directory))
        for case let name as String in files where name.hasSuffix(".sst") {
            let url = URL(filePath: bench.directory + "/" + name)
            var data = try Data(contentsOf: url)
            data[data.count / 3] ^= 1
            try data.write(to: url)
        }
        let archive = BackupArchive(directory: bench.directory)
        guard case .failed = try await archive.verify(record.id, at: bench.time.now).proof else {
            Issue.record("it was proven")
            return
        }
        #expect(try await archive.list().map(\.isProven) == [false], "and that is remembered")
        await #expect(throws: StorageError.self) {
            try await archive.restore(record.id, to: bench.folder + "/restored", at: bench.time.now)
        }
        #expect(!FileManager.default.fileExists(atPath: bench.folder + "/restored"))
    }

    @Test("DUR-5, BAK-4: what is restored has everything up to the backup, and never goes over a database")
    func restored() async throws {
        let bench = try Bench()
        try await bench.add(1)
        let record = try await bench.backups.create()
        try await bench.add(2)
        let archive = BackupArchive(directory: bench.directory)
        let place = bench.folder + "/restored"
        await #expect(throws: StorageError.unusable("\(bench.folder)/db is not empty")) {
            try await archive.restore(record.id, to: bench.folder + "/db", at: bench.time.now)
        }
        let restored = try await archive.restore(record.id, to: place, at: bench.time.now)
        #expect(restored.isProven && restored.commit == record.commit)
        await bench.store.close()
        #expect(throws: StorageError.self, "acknowledged commits may be missing: a person has to say so") {
            try Bench.open(place)
        }
        let loss = try RocksDBStore.acceptRollback(
            path: place, options: RocksDBOptions { _ in }, record: { _, _ throws(StorageError) in })
        #expect(loss != nil)
        let store = try Bench.open(place)
        #expect(try store.read { try $0.value(for: OperatorKey(Bench.node(1).address)) } == Bench.node(1))
        #expect(try store.read { try $0.value(for: OperatorKey(Bench.node(2).address)) } == nil)
        await store.close()
    }

    @Test("BAK-4: a proof that is given up at the end of the service counts for nothing, and harms nothing")
    func stopped() async throws {
        let bench = try Bench()
        try await bench.add(1)
        let creation = Task { try await bench.backups.create() }
        while await !bench.backups.state.isRunning { await Task.yield() }
        #expect(await bench.backups.stopWorking(within: .seconds(3_600)))
        switch await creation.result {
        case .success(let record): #expect(record.isProven, "it was done already")
        case .failure(let error): #expect(error as? BackupError == .stopping)
        }
        await bench.store.close()
        let archive = BackupArchive(directory: bench.directory)
        for record in try await archive.list() {
            #expect(try await archive.verify(record.id, at: bench.time.now).isProven)
        }
    }

    @Test("ADM: a backup whose caller goes away ends, is removed with its files, and is no failure; the next is made")
    func cancelled() async throws {
        let bench = try Bench()
        try await bench.add(1)
        let kept = try await bench.backups.create()
        try await bench.add(2)
        let creation = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await bench.backups.create()
        }
        await #expect(throws: BackupError.cancelled) { try await creation.value }
        #expect(try await bench.backups.list() == [kept])
        let state = await bench.backups.state
        #expect(state.failedCount == 0 && state.provenCount == 1 && !state.isRunning)
        #expect(try await bench.backups.create().isProven)
        await bench.store.close()
    }
}

@Suite("A backup that its caller cancels in the middle", .timeLimit(.minutes(2)))
struct CancelledBackupTests {
    @Test("is removed with every file that was copied for it; one that is proven again stays as it is")
    func cancelledInProof() async throws {
        let bench = try Bench()
        try await bench.add(1)
        let kept = try await bench.backups.create()
        try await bench.add(2)
        let before = try Self.files(bench)
        let work = StopFlag()
        // Asked before the backup is restored for its proof: then the copy of the database is complete.
        let files = RocksDBBackups(directory: bench.directory) { directory throws(StorageError) in
            work.set()
            return try FileSystemSpace(of: directory)
        }
        let archive = BackupArchive(files: files, stop: WorkStop(work: work))
        await #expect(throws: BackupError.cancelled) {
            try await archive.create(of: bench.store, keeping: 7, at: bench.time.now)
        }
        #expect(work.isSet)
        #expect(try Self.files(bench) == before)
        await #expect(throws: BackupError.cancelled) { try await archive.verify(kept.id, at: bench.time.now) }
        #expect(try Self.files(bench) == before)
        #expect(try await bench.backups.list() == [kept])
        await bench.store.close()
    }

    /// What is in the directory of the backups, without empty folders.
    private static func files(_ bench: Bench) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: bench.directory).filter { name in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: bench.directory + "/" + name, isDirectory: &isFolder)
                && !isFolder.boolValue
        }.sorted()
    }
}
