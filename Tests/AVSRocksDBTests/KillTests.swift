import AVSStorage
import AVSTesting
import Foundation
import Testing

@testable import AVSRocksDB

/// A helper program that writes and reports what was acknowledged, until it is killed.
private struct Crasher {
    /// What it said before it died.
    struct Report {
        /// Highest number that each writer was told is durable, and highest that it was told is written.
        var acknowledged: [Int: UInt64] = [:]
        var unsynced: [Int: UInt64] = [:]
        var lines = 0
    }

    let database: String
    let writers: Int
    var environment: [String: String] = [:]

    /// Runs it and kills it after `linesMax` lines. If it dies by itself before, that is reported as it is.
    func run(linesMax: Int) throws -> (report: Report, endedBySignal: Bool, code: Int32) {
        let process = Process()
        let output = Pipe()
        process.executableURL = try Self.executable()
        process.arguments = [database, "\(writers)"]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        try process.run()
        var report = Report()
        var rest: [UInt8] = []
        while true {
            let chunk = output.fileHandleForReading.availableData
            if chunk.isEmpty { break }
            rest += chunk
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                report.add(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
                if report.lines == linesMax { kill(process.processIdentifier, SIGKILL) }
            }
        }
        process.waitUntilExit()
        return (report, process.terminationReason == .uncaughtSignal, process.terminationStatus)
    }

    /// Beside the program that runs the tests, where the build puts both.
    private static func executable() throws -> URL {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: tests).deletingLastPathComponent().appending(path: "store-crasher")
    }
}

extension Crasher.Report {
    fileprivate mutating func add(_ line: String) {
        lines += 1
        let words = line.split(separator: " ")
        if words.count == 2, let writer = Int(words[0]), let number = UInt64(words[1]) { acknowledged[writer] = number }
        if words.count == 3, let writer = Int(words[1]), let number = UInt64(words[2]) { unsynced[writer] = number }
    }
}

@Suite("A killed store") struct KillTests {
    @Test("DUR-1 DUR-2 DUR-3 P4 keeps every acknowledged update, whole, over many lives", arguments: [1, 2, 3] as [UInt64])
    func kills(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let directory = try TemporaryDirectory()
        let crasher = Crasher(database: directory.database, writers: 8)
        for life in 0..<6 {
            let (report, endedBySignal, _) = try crasher.run(linesMax: Int.random(in: 1...400, using: &random))
            #expect(endedBySignal)
            try await check(directory.database, report, "life \(life)")
        }
    }

    private func check(_ path: String, _ report: Crasher.Report, _ life: Comment) async throws {
        let store = try RocksDBStore.open(path: path, options: StoreLog().options())
        let rows = try store.contents()
        await store.close()
        var sum: UInt64 = 0
        for writer in 0..<8 {
            let numbers = try (0..<5).map { try rows["row:\($0):\(writer)"].map { try #require(UInt64($0)) } ?? 0 }
            let found = numbers[0]
            #expect(numbers.allSatisfy { $0 == found }, "\(life): the update of writer \(writer) is torn")
            #expect(found >= report.acknowledged[writer] ?? 0, "\(life): writer \(writer) lost an acknowledged update")
            sum += found
        }
        // Every update counted the shared row up exactly once.
        #expect(try #require(UInt64(rows["total"] ?? "0")) == sum, life)
    }
}
