import AVSTesting
import Foundation
import Testing

@testable import AVSRocksDB

/// More lives for the nightly run: `AVS_CRASH_LIVES=1000`.
private let lives = ProcessInfo.processInfo.environment["AVS_CRASH_LIVES"].flatMap { Int($0) } ?? 6

@Suite("A killed store") struct KillTests {
    @Test(
        "DUR-1 DUR-2 DUR-3 P4 keeps every acknowledged update, whole, over many lives",
        arguments: [1, 2, 3] as [UInt64])
    func kills(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let directory = try TemporaryDirectory()
        let crasher = Crasher(database: directory.database, writers: 8)
        for life in 0..<lives {
            let end = try crasher.run(linesMax: Int.random(in: 1...400, using: &random))
            #expect(end.wasKilled)
            try await crasher.check(end.report, "life \(life)")
        }
    }
}

@Suite("A store killed while it starts") struct StartKillTests {
    /// Each sync of a start is a place where what was done before it may be all there is.
    @Test("P7 is made by the next start, wherever the making of it was killed")
    func creation() async throws {
        for call in 1...12 {
            let directory = try TemporaryDirectory()
            var crasher = Crasher(database: directory.database, writers: 8)
            crasher.environment = ["AVS_KILL_AT_SYNC": "\(call)"]
            let first = try crasher.run(linesMax: 30)
            #expect(first.wasKilled)
            crasher.environment = [:]
            let second = try crasher.run(linesMax: 30)
            #expect(second.wasKilled, "call \(call): \(second.code)")
            try await crasher.check(second.report, "call \(call)")
        }
    }

    @Test("P7 has everything after starts that were killed three times in a row")
    func recovery() async throws {
        let directory = try TemporaryDirectory()
        var crasher = Crasher(database: directory.database, writers: 8)
        for round in 0..<4 {
            let life = try crasher.run(linesMax: 100)
            for call in 1...3 {
                crasher.environment = ["AVS_KILL_AT_SYNC": "\(round * 3 + call)"]
                let start = try crasher.run(linesMax: 1)
                #expect(start.wasKilled)
            }
            crasher.environment = [:]
            try await crasher.check(life.report, "round \(round)")
        }
    }
}

@Suite("A store whose disk fails to sync") struct SyncErrorTests {
    @Test(
        "FAIL-1 P8 ends with 74 at once, and has everything that it acknowledged", arguments: [1, 3, 8, 14, 20, 33, 60])
    func fails(call: Int) async throws {
        let directory = try TemporaryDirectory()
        var crasher = Crasher(database: directory.database, writers: 8)
        _ = try crasher.run(linesMax: 20)
        crasher.environment = ["AVS_SYNC_FAILS_AT": "\(call)"]
        let end = try crasher.run(linesMax: .max)
        #expect(!end.wasKilled)
        #expect(end.code == 74)
        try await crasher.check(end.report, "call \(call)")
    }
}

/// What is not synced is gone: this is what tells an fsync from a write, which a kill alone does not.
@Suite("A store after a power cut") struct PowerCutTests {
    @Test("DUR-1 DUR-2 P6 keeps every acknowledged update, whole, over many cuts", arguments: [1, 2, 3] as [UInt64])
    func cuts(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let directory = try TemporaryDirectory()
        for life in 0..<lives {
            let end = try await PowerCut.run(in: directory, linesMax: Int.random(in: 1...400, using: &random), &random)
            try await end.crasher.check(end.report, "life \(life)")
        }
    }

    #if Failpoints
        @Test("P6 would be noticed if it lost something: with sync switched off it does")
        func selfTest() async throws {
            var random = SeededGenerator(seed: 1)
            var losses = 0
            for _ in 0..<20 where losses == 0 {
                let directory = try TemporaryDirectory()
                let end = try await PowerCut.run(
                    in: directory, linesMax: 300, environment: ["AVS_STORE_SYNC": "off"], &random)
                do { losses = try await end.crasher.losses(end.report) } catch { losses = 1 }
            }
            #expect(losses > 0)
        }
    #endif
}

/// Kills a helper program and cuts its files back to what it had synced.
enum PowerCut {
    static func run(
        in directory: TemporaryDirectory, linesMax: Int, environment: [String: String] = [:],
        _ random: inout SeededGenerator
    ) async throws -> (crasher: Crasher, report: Crasher.Report) {
        // What is there before this life was left by a store that was closed.
        let before = try files(directory.database).mapValues { Int(try $0.seekToEnd()) }
        let log = directory.path("synced-\(UUID())")
        var crasher = Crasher(database: directory.database, writers: 8)
        crasher.environment = environment.merging(["AVS_POWER_CUT_LOG": log]) { $1 }
        let end = try crasher.run(linesMax: linesMax)
        #expect(end.wasKilled)
        let synced = lengths(try String(contentsOfFile: log, encoding: .utf8), before: before)
        for (path, file) in try files(directory.database).sorted(by: { $0.key < $1.key }) {
            let length = Int(try file.seekToEnd())
            // A disk may have written any part of the rest by itself.
            let least = min(length, synced[path] ?? 0)
            let kept = Bool.random(using: &random) ? least : Int.random(in: least...length, using: &random)
            try file.truncate(atOffset: UInt64(kept))
        }
        return (crasher, end.report)
    }

    private static func files(_ directory: String) throws -> [String: FileHandle] {
        guard FileManager.default.fileExists(atPath: directory) else { return [:] }
        var files: [String: FileHandle] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            files["\(directory)/\(name)"] = try FileHandle(forUpdating: URL(filePath: "\(directory)/\(name)"))
        }
        return files
    }

    /// The last synced length of each path, renames followed.
    private static func lengths(_ log: String, before: [String: Int]) -> [String: Int] {
        var lengths = before
        for line in log.split(separator: "\n") {
            let rest = line.dropFirst(2)
            if line.hasPrefix("S "), let space = rest.firstIndex(of: " ") {
                lengths[String(rest[rest.index(after: space)...])] = Int(rest[..<space])
            } else if line.hasPrefix("R "), let tab = rest.firstIndex(of: "\t") {
                lengths[String(rest[rest.index(after: tab)...])] = lengths.removeValue(forKey: String(rest[..<tab]))
            }
        }
        return lengths
    }
}
