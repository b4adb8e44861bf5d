import AVSRocksDB
import AVSStorage
import Glibc

/// Writes to a store until it is killed, and says on standard output what was acknowledged.
///
///     store-crasher DIRECTORY WRITERS
///
/// Each writer repeats one update: in several places of the key space it sets its rows to its next number, and it
/// counts one row up that all writers share. Lines: `ready`, then `WRITER NUMBER` after each answer; `U WRITER NUMBER`
/// for an update that does not wait for the disk. A fatal error of the store ends the process with its exit code.
@main struct StoreCrasher {
    static let rowsPerWriter = 5

    static func main() async throws {
        guard CommandLine.arguments.count == 3, let writers = Int(CommandLine.arguments[2]) else { exit(64) }
        var options = RocksDBOptions(onFatal: { exit($0.exitCode) })
        options.ballastBytes = 0
        options.blockCacheBytes = 4 << 20
        options.writeBufferBytes = 256 << 10  // many flushes and log files in a short life
        options.housekeepingInterval = .milliseconds(20)
        options.unsyncedAgeMax = .milliseconds(5)
        let path = CommandLine.arguments[1]
        let store: RocksDBStore
        do {
            store = try RocksDBStore.open(path: path, creates: access("\(path)/CURRENT", F_OK) != 0, options: options)
        } catch {
            exit(74)
        }
        say("ready")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    do {
                        try await write(store, writer)
                    } catch is StorageError {
                        try await Task.sleep(for: .seconds(3_600))  // the store is ending the process
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func write(_ store: RocksDBStore, _ writer: Int) async throws {
        var number = try store.read { try $0.get(row(writer, 0)) }.map { try DecimalText(stored: $0).value } ?? 0
        while true {
            number += 1
            let next = DecimalText(number)
            let padding = [UInt8](repeating: UInt8(number % 251), count: 2_000)
            if number % 7 == 0 {
                try await store.updateUnsynced { try $0.put(Array("unsynced:\(writer)".utf8), next.stored) }
                say("U \(writer) \(number)")
            }
            try await store.update { transaction in
                for index in 0..<rowsPerWriter { try transaction.put(row(writer, index), next.stored) }
                try transaction.put(Array("padding:\(writer)".utf8), padding)
                let total = try transaction.get(Array("total".utf8)).map { try DecimalText(stored: $0).value } ?? 0
                try transaction.put(Array("total".utf8), DecimalText(total + 1).stored)
            }
            say("\(writer) \(number)")
        }
    }

    private static func row(_ writer: Int, _ index: Int) -> [UInt8] { Array("row:\(index):\(writer)".utf8) }

    /// One system call per line: a line is there whole, and at once.
    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = Glibc.write(STDOUT_FILENO, bytes, bytes.count)
    }
}
