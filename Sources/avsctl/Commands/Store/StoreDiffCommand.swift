import AVSInspection
import AVSPrimitives
import AVSRocksDB
import AVSStorage
import ArgumentParser

/// `avsctl store diff`
struct StoreDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Lists the rows in which two databases differ.",
        discussion: """
            A line for each row, with - before what only the database has, + before what only --with has, and ~ before \
            what both have with different values. Ends with 0 if they are the same, with 1 if they differ. The store's \
            own rows are left out. What a recovery lost:
              avsctl store diff --db db.damaged-812 --with db
            What came after a backup:
              avsctl store diff --config aggregator.yaml --with restored
            """)

    @Argument(help: "What the keys start with; none compares all.")
    var prefix = ""

    @Option(name: .long, help: ArgumentHelp("The folder of the other database.", valueName: "path"))
    var with: String

    @OptionGroup var store: StoreOptions

    func validate() throws { _ = try KeyArgument.key(prefix, "PREFIX") }

    func run() throws {
        let start = try KeyArgument.key(prefix, "PREFIX")
        let range = start.isEmpty ? KeyRange.all : KeyRange(prefix: start)
        let diff = try store.withDatabase { first in
            try store.withDatabase(at: with) { second in try compare(range, first, second) }
        }
        let counts = "\(diff.same) rows are the same, \(diff.changed) differ"
        Note.write("\(counts), \(diff.onlyFirst) are only here, \(diff.onlySecond) only in \(with)")
        if !diff.isEmpty { throw Failure(.failed, "the databases differ") }
    }

    private func compare(
        _ range: KeyRange, _ first: RocksDBInspector, _ second: RocksDBInspector
    ) throws -> StoreDiff {
        var output = ResultWriter()
        var diff = StoreDiff(range, first: turn(of: first), second: turn(of: second))
        while let difference = try diff.next() { try output.line(line(difference)) }
        try output.finish()
        return diff
    }

    private func turn(of database: RocksDBInspector) -> StoreDiff.Turn {
        { range, limit, body in
            try database.read { try $0.scan(range, order: .ascending, limit: limit, body) }
        }
    }

    private func line(_ difference: StoreDiff.Difference) -> String {
        let (sign, word) =
            switch difference {
            case .onlyFirst: ("-", "onlyFirst")
            case .onlySecond: ("+", "onlySecond")
            case .changed: ("~", "changed")
            }
        let key = KeyText.text(of: difference.key)
        guard store.output.json else { return "\(sign)\t\(key)" }
        return JSONValue.object(["key": .string(key), "difference": .string(word)]).serialized
    }
}
