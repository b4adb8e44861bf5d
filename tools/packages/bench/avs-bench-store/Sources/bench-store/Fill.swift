import AVSModel
import AVSPrimitives
import AVSRocksDB
import AVSSchema
import AVSStorage
import ArgumentParser
import Foundation

/// Makes a database as one that has been in use for months: tasks of many owners, and the records of their runs.
///
/// Prints one JSON object: how many rows there are, and some of the tasks, each with its owner.
@main
struct Fill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-store")

    @Option(help: "The database's directory; must be empty or absent.")
    var db: String

    @Option(help: "How many tasks.")
    var tasks: Int

    @Option(help: "How many owners they have, in turn.")
    var owners: Int

    @Option(help: "Recorded runs of each task.")
    var runs: Int

    @Option(help: "One more owner with so many tasks, the first of which has so many recorded runs; may be repeated.")
    var single: [Int] = []

    func run() async throws {
        let began = ContinuousClock.now
        var options = RocksDBOptions(onFatal: { fatality in
            FileHandle.standardError.write(Data("bench-store: \(fatality.reason)\n".utf8))
            Foundation.exit(fatality.exitCode)
        })
        (options.softMark, options.hardMark) = (SpaceMark(percent: 0, bytes: 0), SpaceMark(percent: 0, bytes: 1 << 30))
        options.ballastBytes = 0
        let store = try RocksDBStore.open(path: db, creates: true, options: options)
        let collection = Collection(tasks: tasks, owners: owners, runs: runs, now: Timestamp(seconds: Int64(time(nil))))
        try await write(collection, to: store)
        var singles: [String] = []
        for (place, count) in single.enumerated() {
            singles.append(try await write(Single(count: count, owner: owners + place, in: collection), to: store))
        }
        await store.close()
        let sample = collection.sample(4_000).map { #"["\#($0.owner.checksummed)", "\#($0.id)"]"# }.joined(separator: ", ")
        let seconds = Double((ContinuousClock.now - began).components.seconds)
        print(#"{"seconds": \#(seconds), "sample": [\#(sample)], "singles": [\#(singles.joined(separator: ", "))]}"#)
    }

    /// Tasks in one update: with their runs somewhat less than it may change.
    private static let tasksPerUpdate = 300
    /// Updates that are being made or written at the same time: one for each processor, and one that waits.
    private static let updatesAtOnce = 3

    private func write(_ collection: Collection, to store: RocksDBStore) async throws {
        try await store.update { transaction in
            for name in [DerivedRows.migration, DerivedRows.daysMigration].compactMap({ $0 }) {
                try transaction.put(MigrationKey(name), MigrationMark(records: 0, doneAt: collection.now))
            }
        }
        let starts = Array(stride(from: 0, to: collection.tasks, by: Self.tasksPerUpdate))
        try await eachAtOnce(starts, label: "tasks", total: collection.tasks) { start in
            let rows = try collection.rows(start..<min(start + Self.tasksPerUpdate, collection.tasks))
            try await store.put(rows)
        }
        let firsts = Array(stride(from: 0, to: collection.owners, by: 1_000))
        try await eachAtOnce(firsts, label: "owners", total: collection.owners) { first in
            try await store.put(try collection.ownerRows(first..<min(first + 1_000, collection.owners)))
        }
    }

    /// - Returns: the owner and the task with the runs, as JSON.
    private func write(_ single: Single, to store: RocksDBStore) async throws -> String {
        let starts = Array(stride(from: 0, to: single.count, by: 1_000))
        try await eachAtOnce(starts, label: "one owner's tasks", total: single.count) { start in
            try await store.put(try single.rows(start..<min(start + 1_000, single.count)))
        }
        try await store.put(try single.ownerRows())
        return #"{"count": \#(single.count), "owner": "\#(single.owner.checksummed)", "task": "\#(single.task(0).id)"}"#
    }

    private func eachAtOnce(
        _ starts: [Int], label: String, total: Int, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, start) in starts.enumerated() {
                if place >= Self.updatesAtOnce { try await group.next() }
                group.addTask { try await body(start) }
                guard place % max(starts.count / 20, 1) == 0 else { continue }
                FileHandle.standardError.write(Data("bench: \(start) of \(total) \(label)\n".utf8))
            }
            try await group.waitForAll()
        }
    }
}

extension RocksDBStore {
    func put(_ rows: [StoredRow]) async throws {
        try await update { transaction in
            for row in rows { try transaction.put(row.key, row.value) }
        }
    }
}
