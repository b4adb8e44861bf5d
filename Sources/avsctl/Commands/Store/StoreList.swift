import AVSInspection
import AVSRocksDB
import AVSStorage
import ArgumentParser

/// `avsctl store ls [PREFIX]`
struct StoreList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "Lists keys, in their order.",
        discussion: "Bytes beyond printable ASCII are \\xNN, in the output as in the arguments.")

    @Argument(help: "What the keys start with; none lists all.")
    var prefix = ""

    @Option(name: .long, help: "How many keys.")
    var limit = 1_000

    @Option(name: .long, help: ArgumentHelp("Go on behind this key, which need not exist.", valueName: "key"))
    var after: String?

    @Flag(name: .shortAndLong, help: "Show the table and the size of the value as well.")
    var long = false

    @OptionGroup var store: StoreOptions

    func validate() throws {
        guard (1...1_000_000_000).contains(limit) else {
            throw ValidationError("--limit \(limit) is not allowed: wanted 1 to 1,000,000,000.")
        }
        _ = try range()
    }

    func run() throws {
        let printer = store.output.printer(isLong: long)
        let range = try range()
        let last = try store.withDatabase { database in
            var output = ResultWriter()
            let last = try list(range, of: database, printer, &output)
            try output.finish()
            return last
        }
        if let last { Note.write("there may be more: --after '\(KeyText.text(of: last))'") }
    }

    /// Prints up to ``limit`` keys in turns of a bounded scan (KEY-4).
    ///
    /// - Returns: the last key, if the limit ended the list.
    private func list(
        _ whole: KeyRange, of database: RocksDBInspector, _ printer: any Printer, _ output: inout ResultWriter
    ) throws -> [UInt8]? {
        var range = whole
        var left = limit
        while left > 0 {
            let turn = min(left, StorageLimits.scanRowsMax)
            var last: [UInt8]?
            let end = try database.read { snapshot in
                try snapshot.scan(range, order: .ascending, limit: turn) { key, value in
                    try output.line(printer.key(key, valueBytes: value.count))
                    last = key
                    return .next
                }
            }
            guard end == .limitReached, let last else { return nil }
            left -= turn
            range = range.after(last)
            if left == 0 { return last }
        }
        return nil
    }

    private func range() throws -> KeyRange {
        let start = try KeyArgument.key(prefix, "PREFIX")
        let range = start.isEmpty ? KeyRange.all : KeyRange(prefix: start)
        return try after.map { range.after(try KeyArgument.key($0, "--after")) } ?? range
    }
}
