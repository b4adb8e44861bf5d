import AVSModel
import AVSPrimitives
import AVSRocksDB
import AVSSchema
import AVSStorage
import AVSTesting
import Foundation
import Testing

/// A database on disk that a helper program ages, migrates, or is killed over.
private struct OldDatabase {
    let path: String

    private func run(_ arguments: [String]) throws -> (output: String, wasKilled: Bool, code: Int32) {
        let process = Process()
        let output = Pipe()
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        process.executableURL = URL(filePath: tests).deletingLastPathComponent().appending(path: "migration-crasher")
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (text, process.terminationReason == .uncaughtSignal, process.terminationStatus)
    }

    func age() throws {
        let end = try run(["age", path])
        #expect(!end.wasKilled && end.code == 0)
    }

    /// - Returns: how many updates it took.
    func migrate() throws -> Int {
        let end = try run(["migrate", path])
        #expect(!end.wasKilled && end.code == 0)
        return try #require(Int(end.output.trimmingCharacters(in: .newlines)))
    }

    /// - Returns: whether it died; if not, there were not so many updates to be made any more.
    func migrate(killedBehind update: Int) throws -> Bool {
        let end = try run(["migrate", path, "\(update)"])
        #expect(end.code == (end.wasKilled ? SIGKILL : 0))
        return end.wasKilled
    }

    func copy(to place: String) throws -> OldDatabase {
        try FileManager.default.copyItem(atPath: path, toPath: place)
        return OldDatabase(path: place)
    }

    /// Every row but the store's own, and the version of the schema.
    func rows() throws -> [String: [UInt8]] {
        let inspector = try RocksDBInspector.openReadOnly(path: path)
        defer { inspector.close() }
        return try inspector.read { snapshot in
            var found: [String: [UInt8]] = [:]
            var rest = KeyRange.all
            while true {
                var last: [UInt8]?
                try snapshot.scan(rest, order: .ascending, limit: 10_000) { key, value in
                    last = key
                    let text = String(decoding: key, as: UTF8.self)
                    if !text.hasPrefix("meta:") || text == "meta:schema" { found[text] = value }
                    return .next
                }
                guard let last else { return found }
                rest = rest.after(last)
            }
        }
    }
}

@Suite("A migration that is killed", .timeLimit(.minutes(5)))
struct KilledMigrationTests {
    private static let owners: [Address] = [0xa1, 0xa2].map {
        Address(bytes: [UInt8](repeating: $0, count: 20)) ?? .zero
    }
    private static let now = Timestamp(milliseconds: 1_900_000_000_000)

    /// More tasks and runs than one turn of each migration takes.
    private func fill(_ store: some KeyValueStore) async throws {
        for start in stride(from: 0, to: 1_500, by: 250) {
            try await store.update { transaction in
                for number in start..<(start + 250) { try Self.write(number, &transaction) }
            }
        }
    }

    private static func write(_ number: Int, _ transaction: inout Transaction) throws {
        let owner = owners[number % 2]
        let task = AutomationTask(
            id: TaskID(ULID(value: UInt128(number + 1) << 80)), owner: owner, wallet: owner, name: "",
            trigger: Trigger(id: "t", name: "t", config: .block(BlockTrigger(interval: 5))), nodes: [], edges: [],
            inputVariables: [:], chainID: 31_337, expiredAt: number % 3 == 0 ? now.adding(.seconds(number)) : nil)
        try transaction.create(task)
        for run in 0..<(number % 4) {
            let startAt = now.adding(.zero - Duration.seconds(run * 50_000 + number))
            let record = Execution(
                id: ExecutionID(ULID(value: UInt128(number + 1) << 82 | UInt128(run))), taskID: task.id,
                index: Int64(run),
                startAt: startAt, endAt: startAt.adding(.milliseconds(number)), status: run == 2 ? .failed : .success)
            try transaction.record(record, owner: owner)
        }
        if number % 10 == 0 {
            try transaction.promise(RunOfTask(task.id, ExecutionID(ULID(value: UInt128(number + 1) << 81))), index: 9)
        }
    }

    @Test("P7, D1: behind any of its updates leaves, once started again, what an unbroken one leaves")
    func everywhere() async throws {
        let folder = NSTemporaryDirectory() + "/avs-killed-migration-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record(error) } }
        let store = try Bench.open(folder + "/new", creates: true)
        try await fill(store)
        await store.close()

        let old = try OldDatabase(path: folder + "/new").copy(to: folder + "/old")
        let written = try old.rows()
        try old.age()
        #expect(try old.rows().count < written.count, "it is of an older release now")
        let unbroken = try old.copy(to: folder + "/unbroken")
        let updates = try unbroken.migrate()
        let expected = try unbroken.rows()
        #expect(updates >= 10, "several turns of each")
        let isWhole = written.allSatisfy { expected[$0.key] == $0.value }
        #expect(isWhole, "what this release writes by itself is there again")
        #expect(try unbroken.migrate() == 0, "once")

        for update in 1...updates {
            let broken = try old.copy(to: folder + "/broken-\(update)")
            #expect(try broken.migrate(killedBehind: update))
            _ = try broken.migrate()
            let isSame = try broken.rows() == expected
            #expect(isSame, "killed behind update \(update)")
        }

        // Again and again, each life a little longer than the one before.
        let tormented = try old.copy(to: folder + "/tormented")
        var lives = 1
        while try tormented.migrate(killedBehind: lives) { lives += 1 }
        #expect((3...updates).contains(lives), "what is done in turns is not begun again")
        let isSame = try tormented.rows() == expected
        #expect(isSame)
    }
}
