import AVSPrimitives
import AVSTesting
import Testing
import Yams

@testable import AVSConfiguration

let facts = ProcessFacts(temporaryDirectory: "scratch", userID: 1_000)

/// The tests of the key tables, the same for both programs.
struct KeyTable<Root: ConfigurationSection> {
    let minimum: [(String, String)]
    let rows: [KeyRow]

    func read(_ bytes: [UInt8], facts: ProcessFacts = facts) throws -> LoadedConfiguration<Root> {
        try LoadedConfiguration(reading: bytes, file: "c.yaml", facts: facts)
    }

    /// The same, and a failure shows the document.
    func readGood(_ source: String, facts: ProcessFacts = facts) throws -> Root {
        do {
            return try read(Array(source.utf8), facts: facts).value
        } catch {
            Issue.record("\(error)\n\(source)")
            throw error
        }
    }

    /// A minimal document with the row's companions, and `value` at its key.
    func document(_ row: KeyRow, _ value: String) -> Document {
        document([row], values: [value])
    }

    /// The companions of all rows come first, so that no companion overrides a value.
    func document(_ rows: [KeyRow], values: [String]) -> Document {
        var document = Document(minimum)
        for (path, text) in rows.flatMap(\.companions) { document.set(path, text) }
        for (row, value) in zip(rows, values) { document.set(row.place, value) }
        if rows.contains(where: { $0.path.hasPrefix("smart_wallet.") || $0.path.hasPrefix("target_chain.") }) {
            document.remove("chains")
            let section = Root.self == AggregatorConfiguration.self ? "smart_wallet" : "target_chain"
            if !rows.contains(where: { $0.path == "\(section).eth_rpc_url" }) {
                document.set("\(section).eth_rpc_url", "http://127.0.0.1:8545")
            }
        }
        return document
    }

    func checkComplete() {
        let described = Set(Root.described().map(\.path))
        let tested = Set(rows.map(\.path))
        #expect(described.subtracting(tested) == [], "keys without a row")
        #expect(tested.subtracting(described) == [], "rows without a key")
        #expect(tested.count == rows.count, "rows given twice")
    }

    func checkStandard(_ row: KeyRow) throws {
        let printed = try Printer.yaml(try read(Document(minimum).bytes).value)
        var node = try Yams.compose(yaml: printed)
        for part in row.place.replacing("[]", with: ".[]").split(separator: ".") {
            node = part == "[]" ? node?.sequence?.first : node?[String(part)]
        }
        let secret = minimum.contains { $0.0 == row.path } && node?.string == Sensitive<String>.mark
        guard let standard = row.standard else {
            #expect(node == nil || secret || node?.mapping?.isEmpty == true)
            return
        }
        let shown = node?.string ?? node?.sequence?.compactMap(\.string).joined(separator: " ")
        #expect(shown == standard)
    }

    func checkAccepted(_ row: KeyRow) throws {
        for value in row.accepted {
            let document = document(row, value)
            try checkPrinted(readGood(document.text), document.text)
        }
    }

    func checkRefused(_ row: KeyRow) throws {
        for value in row.refused {
            let (text, places) = document(row, value).rendered
            let error = #expect(throws: ConfigurationError.self, "\(row.path): \(value)") {
                _ = try read(Array(text.utf8))
            }
            let path = row.place.replacing("[]", with: "[0]")
            let expected = try #require(places[path])
            let problem = error?.problems.first { $0.key.hasPrefix(path) }
            #expect(problem?.file == "c.yaml")
            #expect(problem?.position?.line == expected.line, "\(row.path): \(value): \(String(describing: error))")
            if !row.path.hasSuffix("*") { #expect(problem?.position == expected, "\(row.path): \(value)") }
            #expect(problem?.message.contains("wanted") == true, "\(problem?.message ?? "")")
        }
    }

    /// Printing and reading is the identity but for secrets, and what is read back prints the same.
    func checkPrinted(_ value: Root, _ source: String) throws {
        let printed = try Printer.yaml(value)
        var lenient = facts
        lenient.acceptsMarks = true
        let again = try readGood(printed, facts: lenient)
        #expect(try Printer.yaml(again) == printed)
        if !printed.contains(Sensitive<String>.mark) { #expect(again == value, "\(source)\n\(printed)") }
    }

    /// Any subset of the keys with their samples.
    func checkSubset(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let old = ["smart_wallet", "target_chain", "production"]
        let alone = ["controller.private_key", "bls_private_key_store_path", "tls.mode", "environment"]
        let usable = rows.filter { row in !old.contains { row.path.hasPrefix($0) } && !alone.contains(row.path) }
        let chosen = usable.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
        let document = document(chosen, values: chosen.map { $0.accepted[0] })
        try checkPrinted(readGood(document.text), document.text)
    }
}

extension KeyRow {
    /// The path of the value in a document: of a list the list, of named values their mapping.
    var place: String { path.hasSuffix("[]") || path.hasSuffix(".*") ? String(path.dropLast(2)) : path }
}

@Suite("A key of the aggregator's configuration")
struct AggregatorKeyTests {
    let table = KeyTable<AggregatorConfiguration>(minimum: AggregatorRows.minimum, rows: AggregatorRows.all)

    @Test("has a row in this test") func complete() { table.checkComplete() }

    @Test("has its default", arguments: AggregatorRows.all)
    func standard(row: KeyRow) throws { try table.checkStandard(row) }

    @Test("takes what is within its bounds, and prints so that it reads back", arguments: AggregatorRows.all)
    func accepted(row: KeyRow) throws { try table.checkAccepted(row) }

    @Test("HRD-5: refuses everything else, with line and column", arguments: AggregatorRows.all)
    func refused(row: KeyRow) throws { try table.checkRefused(row) }

    @Test("goes with any others: print, read, same", arguments: 0..<60 as Range<UInt64>)
    func subset(seed: UInt64) throws { try table.checkSubset(seed: seed) }
}

@Suite("A key of the operator's configuration")
struct OperatorKeyTests {
    let table = KeyTable<OperatorConfiguration>(minimum: OperatorRows.minimum, rows: OperatorRows.all)

    @Test("has a row in this test") func complete() { table.checkComplete() }

    @Test("has its default", arguments: OperatorRows.all)
    func standard(row: KeyRow) throws { try table.checkStandard(row) }

    @Test("takes what is within its bounds, and prints so that it reads back", arguments: OperatorRows.all)
    func accepted(row: KeyRow) throws { try table.checkAccepted(row) }

    @Test("HRD-5: refuses everything else, with line and column", arguments: OperatorRows.all)
    func refused(row: KeyRow) throws { try table.checkRefused(row) }

    @Test("goes with any others: print, read, same", arguments: 0..<60 as Range<UInt64>)
    func subset(seed: UInt64) throws { try table.checkSubset(seed: seed) }
}
