import AVSClient
import ArgumentParser

/// How much of a list is shown.
struct ListOptions: ParsableArguments {
    @Option(name: .long, help: "How many.")
    var limit = 50

    var pageSize: Int { min(limit, 100) }

    func validate() throws {
        guard (1...1_000_000).contains(limit) else {
            throw ValidationError("--limit \(limit) is not allowed: wanted 1 to 1,000,000.")
        }
    }

    /// Prints a list page by page; says on standard error when there is nothing in it, and when there is more.
    func print<Item>(
        _ listing: Listing<Item>, _ printer: ListPrinter<Item>, _ things: String, to output: inout ResultWriter
    ) async throws {
        var (printer, left) = (printer, limit)
        for try await page in listing.pages {
            for line in printer.lines(page.items.prefix(left)) { try output.line(line) }
            if page.items.isEmpty, left == limit { Note.write("there are no \(things)") }
            if page.items.count > left || page.items.count == left && page.hasNext {
                return Note.write("there are more: --limit \(limit * 2)")
            }
            left -= page.items.count
        }
    }
}
