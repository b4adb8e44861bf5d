import AVSInspection
import AVSRocksDB
import AVSStorage
import ArgumentParser

/// `avsctl store get KEY`
struct StoreGet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Shows one row, decoded by its table.",
        discussion: """
            A value that cannot be decoded is shown in hex with the reason, and the command ends with 65. Secrets are \
            not shown. Without such a key the command ends with 1.
            """)

    @Argument(help: "The key as `store ls` prints it.")
    var key: String

    @OptionGroup var store: StoreOptions

    func validate() throws { _ = try KeyArgument.key(key, "KEY") }

    func run() throws {
        let printer = store.output.printer()
        let key = try KeyArgument.key(key, "KEY")
        try store.withDatabase { database in
            guard let value = try database.read({ try $0.get(key) }) else {
                throw Failure(.failed, "no key \(KeyText.text(of: key))")
            }
            let row = Row(key: key, value: value, table: StoredTable.table(of: key))
            var output = ResultWriter()
            for line in printer.row(row) { try output.line(line) }
            try output.finish()
            if case .unreadable(let reason) = row.content { throw Failure(.damaged, "undecodable: \(reason)") }
        }
    }
}

/// A key given on the command line.
enum KeyArgument {
    static func key(_ text: String, _ name: String) throws -> [UInt8] {
        if let key = KeyText.key(text) { return key }
        throw ValidationError("\(name) is not allowed: wanted at most 1,024 bytes, other than ASCII ones as \\xNN.")
    }
}
