import AVSInspection
import AVSRocksDB
import ArgumentParser

/// `avsctl store check`
struct StoreCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Reads every row and checks it against the rows that it speaks of.",
        discussion: """
            Checks that each row can be decoded, and of the invariants all that the files of one moment can show: I1 (a \
            task is under one status and its index agrees), I2 and I3 (what was accepted led to one execution), I4 (a \
            run is awaited or over), I5 (indexes are unique), I6 (no more runs promised than allowed), I7 (jobs, \
            claims and promises belong together), I10 (records name the owners of their keys), I11 (no claim of a later \
            start) and I14 (no key outside the tables, of a task that is gone, or wrongly counted); and that every secret is \
            sealed (KMS-4). Prints one line per finding: rule, \
            key, problem. Ends with 65 if there is any.
            """)

    @OptionGroup var store: StoreOptions

    func run() throws {
        let printer = store.output.printer()
        let check = try store.withDatabase { database in
            var check = StoreCheck()
            var output = ResultWriter()
            var cursor: [UInt8]?
            repeat {
                cursor = try database.read { snapshot in
                    try check.check(after: cursor, in: snapshot) { try output.line(printer.finding($0)) }
                }
            } while cursor != nil
            try output.finish()
            return check
        }
        Note.write("\(check.rowCount) rows, \(check.findingCount) findings")
        if check.findingCount > 0 { throw Failure(.damaged, "the database breaks its rules") }
    }
}
