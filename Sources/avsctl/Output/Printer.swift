import AVSInspection
import AVSPrimitives

/// One format of the results. `--json` changes only which one is used: what is printed is the same.
protocol Printer {
    /// A key of a listing.
    func key(_ key: [UInt8], valueBytes: Int) -> String
    /// One row.
    func row(_ row: Row) -> [String]
    /// What a database holds.
    func statistics(_ statistics: DatabaseStatistics) -> [String]
    /// Something that a check found.
    func finding(_ finding: StoreFinding) -> String
    /// What would put a row right.
    func step(_ step: RepairStep) -> String
}

/// A row of the database as far as it can be read.
struct Row {
    var key: [UInt8]
    var value: [UInt8]
    var table: StoredTable?

    var content: StoredTable.Content {
        table?.content(key: key, value: value) ?? .unreadable(reason: "key: under no table's prefix")
    }
}

/// What `store stat` shows.
struct DatabaseStatistics {
    var databaseID: [UInt8]
    var epoch: UInt64
    var commit: UInt64
    var sequence: UInt64
    var fileBytes: UInt64
    var memtableBytes: UInt64
    var rows: StoreStatistics
}
