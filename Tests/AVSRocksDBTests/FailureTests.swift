import AVSStorage
import Foundation
import Synchronization
import Testing

@testable import AVSRocksDB

/// Section 1.5: what the store does when writing fails.
@Suite("A store that cannot write") struct FailureTests {
    private let directory: TemporaryDirectory
    private let log = StoreLog()

    init() throws { directory = try TemporaryDirectory() }

    private func open(_ change: (inout RocksDBOptions) -> Void) throws -> RocksDBStore {
        try RocksDBStore.open(path: directory.database, creates: true, options: log.options(change))
    }

    private func outcome(_ body: () async throws -> Void) async -> StorageError? {
        do { try await body() } catch { return error as? StorageError }
        return nil
    }

    @Test(
        "FAIL-1 ends the process with 74 after any error that leaves the outcome unknown",
        arguments: [
            ("IO error: While fdatasync: Input/output error", 74), ("Corruption: checksum mismatch", 65),
            ("Shutdown in progress: ", 74), ("Invalid argument: x", 74), ("something new", 74),
        ] as [(String, Int32)])
    func fatal(text: String, code: Int32) async throws {
        let store = try open { $0.injectedWriteFailure = { commit in commit == 3 ? text : nil } }
        try await store.put("before", "1")
        let failed = await outcome { try await store.put("unknown", "1") }
        guard case .outcomeUnknown = failed else {
            Issue.record("\(String(describing: failed))")
            return
        }
        #expect(await outcome { try await store.put("after", "1") } == .closed)
        #expect(log.fatalities.map(\.exitCode) == [code])
        #expect(try store.contents() == ["before": "1"])
        #expect(store.status.mode == .closed)
        await store.close()
    }

    @Test("FAIL-1 tells everybody in a failed batch that the outcome is unknown, also those who only read it")
    func wholeBatch() async throws {
        let store = try open { $0.injectedWriteFailure = { commit in commit == 2 ? "IO error: x" : nil } }
        let results = try await Grouped.run(on: store) { group in
            group.addTask { await outcome { try await store.put("a", "1") } }
            group.addTask { await outcome { _ = try await store.update { try $0.get(bytes("a")) } } }
            group.addTask { await outcome { try await store.updateUnsynced { try $0.put(bytes("b"), []) } } }
        }
        for result in results {
            guard case .outcomeUnknown = result else {
                Issue.record("\(String(describing: result))")
                return
            }
        }
        #expect(log.fatalities.count == 1)
        await store.close()
    }

    @Test("FAIL-2 becomes read-only on a full disk and writable again after a probe")
    func diskFull() async throws {
        let isFull = Mutex(false)
        let store = try open {
            $0.injectedWriteFailure = { _ in
                isFull.withLock { $0 } ? "IO error: No space left on device: While appending to file" : nil
            }
        }
        try await store.put("before", "1")
        isFull.withLock { $0 = true }
        let failed = await outcome { try await store.put("unknown", "1") }
        guard case .outcomeUnknown = failed else {
            Issue.record("\(String(describing: failed))")
            return
        }
        let refused = await outcome { try await store.put("refused", "1") }
        #expect(refused == .readOnly("disk full"))
        #expect(refused.map { "\($0)" } == "storage is read-only: disk full")
        #expect(try store.contents() == ["before": "1"])
        #expect(store.status.mode == .readOnly(reason: "disk full"))

        store.core.houseKeepOnce()  // space is there, by the injected numbers, but the probe fails
        try await settle(store, .readOnly(reason: "disk full"), after: 1)
        isFull.withLock { $0 = false }
        store.core.intake.requestProbe()
        try await settle(store, .writable)
        try await store.put("after", "1")
        #expect(try store.contents() == ["before": "1", "after": "1"])
        #expect(log.fatalities.isEmpty)
        await store.close()
    }

    @Test("FAIL-5 stops writing before the disk is full, and goes on when there is space again")
    func marks() async throws {
        let free = Mutex<UInt64>(50 << 30)
        let now = Mutex(ContinuousClock.now)
        let store = try open {
            $0.fileSystemSpace = { _ throws(StorageError) in
                .init(totalBytes: 100 << 30, freeBytes: free.withLock { $0 })
            }
            $0.now = { now.withLock { $0 } }
        }
        store.core.houseKeepOnce()
        #expect(!store.status.isSpaceLow)
        free.withLock { $0 = (5 << 30) - 1 }  // soft mark: 5 % of 100 GiB
        store.core.houseKeepOnce()
        #expect(store.status.isSpaceLow)
        try await store.put("while low", "1")
        free.withLock { $0 = (2 << 30) - 1 }  // hard mark: 2 %
        store.core.houseKeepOnce()
        #expect(await outcome { try await store.put("refused", "1") } == .readOnly("disk full"))
        free.withLock { $0 = 5 << 30 }  // above the soft mark, below the one to resume
        store.core.houseKeepOnce()
        #expect(await outcome { try await store.put("refused", "1") } == .readOnly("disk full"))
        free.withLock { $0 = 6 << 30 }
        store.core.houseKeepOnce()
        try await settle(store, .writable)
        #expect(!store.status.isSpaceLow)
        try await store.put("again", "1")
        await store.close()
    }

    @Test("FAIL-7 ends the process when its directory was replaced")
    func replacedDirectory() async throws {
        let store = try open { _ in }
        try FileManager.default.moveItem(atPath: directory.database, toPath: directory.path("moved"))
        try FileManager.default.createDirectory(atPath: directory.database, withIntermediateDirectories: false)
        store.core.houseKeepOnce()
        #expect(log.fatalities.map(\.exitCode) == [74])
        await store.close()
    }

    @Test("FAIL-7 ends the process when somebody changed its lock file")
    func changedLock() async throws {
        let store = try open { _ in }
        store.core.houseKeepOnce()
        #expect(log.fatalities.isEmpty)
        try Data("process 1 (somebody)\n".utf8).write(to: URL(filePath: directory.database + "/AVS-LOCK"))
        store.core.houseKeepOnce()
        #expect(log.fatalities.map(\.exitCode) == [74])
        await store.close()
    }

    /// Waits until the committer has done what it was told, which it does on its own thread.
    private func settle(_ store: RocksDBStore, _ mode: StoreStatus.Mode, after rounds: Int = 0) async throws {
        for _ in 0..<rounds { await Task.yield() }
        while store.status.mode != mode { await Task.yield() }
    }
}

@Suite("The marks of free space") struct SpaceTests {
    private let options = StoreLog().options()

    @Test(
        "FAIL-5 are 5 % and 2 %, but never small",
        arguments: [
            (1 << 40, (1 << 40) / 100 * 5, (1 << 40) / 100 * 2), (10 << 30, 2 << 30, 704 << 20),
            (1 << 30, 2 << 30, 704 << 20),
        ] as [(UInt64, UInt64, UInt64)])
    func marks(total: UInt64, soft: UInt64, hard: UInt64) {
        let marks = SpaceMarks(totalBytes: total, options)
        #expect(marks.soft == soft)
        #expect(marks.hard == hard)
        #expect(marks.resume == soft + soft / 10)
    }

    @Test("FAIL-5 are what the administrator says, but leave the library what it may need at once")
    func configured() {
        var options = options
        options.softMark = SpaceMark(percent: 50, bytes: 0)
        options.hardMark = SpaceMark(percent: 0, bytes: 1)
        let marks = SpaceMarks(totalBytes: 10 << 30, options)
        #expect(marks.soft == (10 << 30) / 100 * 50)
        #expect(marks.hard == 704 << 20)
        options.hardMark = SpaceMark(percent: 20, bytes: 3 << 30)
        #expect(SpaceMarks(totalBytes: 10 << 30, options).hard == 3 << 30)
    }

    @Test("FAIL-2 try a write every five seconds once there is space")
    func probes() {
        var monitor = SpaceMonitor()
        let start = ContinuousClock.now
        func observe(_ free: UInt64, blocked: Bool, at seconds: Int) -> [SpaceMonitor.Change] {
            monitor.observe(
                FileSystemSpace(totalBytes: 100 << 30, freeBytes: free), isBlocked: blocked,
                at: start + .seconds(seconds), options)
        }
        #expect(observe(50 << 30, blocked: false, at: 0) == [])
        #expect(observe(1 << 30, blocked: false, at: 1) == [.low(true), .block])
        #expect(observe(1 << 30, blocked: true, at: 2) == [])
        #expect(observe(6 << 30, blocked: true, at: 3) == [.low(false), .mayWrite])
        #expect(observe(6 << 30, blocked: true, at: 4) == [])
        #expect(observe(6 << 30, blocked: true, at: 8) == [.mayWrite])
        #expect(observe(6 << 30, blocked: false, at: 9) == [])
    }
}

/// FAIL-6: the texts of the library, and what they are taken for.
@Suite("An error of the library") struct RocksDBFailureTests {
    @Test(
        "FAIL-6 is told by its first words",
        arguments: [
            ("IO error: No space left on device: While appending", .noSpace), ("IO error: While fdatasync: x", .io),
            ("IO error: While lock file: x/LOCK: Resource temporarily unavailable", .locked),
            ("IO error: lock hold by current process, acquire time 1", .locked),
            ("Corruption: block checksum mismatch", .corruption),
            ("Resource busy: ", .busy), ("Operation timed out: Timeout waiting to lock key", .timedOut),
            ("Result incomplete: Write stall", .incomplete), ("Incomplete: x", .incomplete),
            ("Invalid argument: x", .invalidArgument),
            ("Not implemented: Not supported operation in read only mode.", .notSupported),
            ("", .unknown), ("io error:", .unknown), ("Something: IO error:", .unknown),
        ] as [(String, RocksDBFailure.Kind)])
    func kinds(text: String, kind: RocksDBFailure.Kind) {
        #expect(RocksDBFailure(call: "x", text: text).kind == kind)
    }

    private func kind(_ body: () throws -> Void) -> RocksDBFailure.Kind? {
        do { try body() } catch { return (error as? RocksDBFailure)?.kind }
        return nil
    }

    @Test("FAIL-6 has the words that this build of the library uses")
    func provoked() async throws {
        let directory = try TemporaryDirectory()
        let options = StoreLog().options()
        let path = directory.path("db")
        #expect(
            kind { _ = try Database.open(path, .readWrite(create: false), DatabaseSettings(options)) }
                == .invalidArgument)
        let database = try Database.open(path, .readWrite(create: true), DatabaseSettings(options))
        #expect(kind { _ = try Database.open(path, .readWrite(create: false), DatabaseSettings(options)) } == .locked)
        var batch = WriteBatch()
        batch.put(bytes("k"), bytes("v"))
        try database.write(batch, isSynced: true, mayStall: false)
        let reader = try Database.open(path, .readOnly, DatabaseSettings(options))
        #expect(kind { try reader.write(batch, isSynced: true, mayStall: true) } == .notSupported)
        let follower = try Database.open(path, .secondary(directory: directory.path("log")), DatabaseSettings(options))
        #expect(kind { try follower.write(batch, isSynced: true, mayStall: true) } == .notSupported)
        try Data("x".utf8).write(to: URL(filePath: directory.path("file")))
        #expect(
            kind {
                _ = try Database.open(directory.path("file/db"), .readWrite(create: true), DatabaseSettings(options))
            } == .io)
        try Data("nonsense\n".utf8).write(to: URL(filePath: path + "/CURRENT"))
        #expect(kind { _ = try Database.open(path, .readOnly, DatabaseSettings(options)) } == .corruption)
        withExtendedLifetime(database) {}
    }
}
