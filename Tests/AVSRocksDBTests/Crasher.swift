import AVSStorage
import Foundation
import Testing

@testable import AVSRocksDB

/// A helper program that writes and reports what was acknowledged, until it is killed.
struct Crasher {
    /// What it said before it died.
    struct Report {
        /// Highest number that each writer was told is durable, and highest that it was told is written.
        var acknowledged: [Int: UInt64] = [:]
        var unsynced: [Int: UInt64] = [:]
        var lines = 0
    }

    /// How it ended, and its exit code if it ended by itself.
    struct End {
        let report: Report
        let wasKilled: Bool
        let code: Int32
    }

    let database: String
    let writers: Int
    var environment: [String: String] = [:]

    /// Runs it and kills it after `linesMax` lines. If it dies by itself before, that is reported as it is.
    func run(linesMax: Int) throws -> End {
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
        return End(
            report: report, wasKilled: process.terminationReason == .uncaughtSignal, code: process.terminationStatus)
    }

    /// Beside the program that runs the tests, where the build puts both.
    private static func executable() throws -> URL {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: tests).deletingLastPathComponent().appending(path: "store-crasher")
    }
}

extension Crasher.Report {
    mutating func add(_ line: String) {
        lines += 1
        let words = line.split(separator: " ")
        if words.count == 2, let writer = Int(words[0]), let number = UInt64(words[1]) { acknowledged[writer] = number }
        if words.count == 3, let writer = Int(words[1]), let number = UInt64(words[2]) { unsynced[writer] = number }
    }
}

extension Crasher {
    /// Opens the database as the next start would, and compares it with what the last life was told.
    func check(_ report: Report, _ life: Comment) async throws {
        let rows = try await survivors()
        var sum: UInt64 = 0
        for writer in 0..<writers {
            let numbers = try (0..<5).map { try rows["row:\($0):\(writer)"].map { try #require(UInt64($0)) } ?? 0 }
            let found = numbers[0]
            #expect(numbers.allSatisfy { $0 == found }, "\(life): the update of writer \(writer) is torn")
            #expect(found >= report.acknowledged[writer] ?? 0, "\(life): writer \(writer) lost an acknowledged update")
            sum += found
        }
        // Every update counted the shared row up exactly once.
        #expect(try #require(UInt64(rows["total"] ?? "0")) == sum, life)
    }

    /// How many writers miss something that they were told is durable.
    func losses(_ report: Report) async throws -> Int {
        let rows = try await survivors()
        return report.acknowledged.count { writer, number in UInt64(rows["row:0:\(writer)"] ?? "0") ?? 0 < number }
    }

    private func survivors() async throws -> [String: String] {
        let store = try RocksDBStore.open(path: database, options: StoreLog().options())
        let rows = try store.contents()
        await store.close()
        return rows
    }
}
