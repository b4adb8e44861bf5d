import AVSInspection
import AVSRocksDB
import ArgumentParser

/// `avsctl store stat`
struct StoreStat: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat", abstract: "Counts the rows and bytes of each table.",
        discussion: "Reads every row. Says the commit number and the epoch of the database as well.")

    @OptionGroup var store: StoreOptions

    func run() throws {
        let printer = store.output.printer()
        try store.withDatabase { database in
            var rows = StoreStatistics()
            var cursor: [UInt8]?
            repeat { cursor = try database.read { try rows.count(after: cursor, in: $0) } } while cursor != nil
            let report = try database.report()
            let statistics = DatabaseStatistics(
                databaseID: report.databaseID, epoch: report.epoch, commit: report.commit, sequence: report.sequence,
                fileBytes: report.tableBytes, memtableBytes: report.memtableBytes, rows: rows)
            var output = ResultWriter()
            for line in printer.statistics(statistics) { try output.line(line) }
            try output.finish()
        }
    }
}
