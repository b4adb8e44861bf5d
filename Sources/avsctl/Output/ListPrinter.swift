import AVSPrimitives

/// Items of a list as lines: a heading and columns for eyes, one object per line with `--json`.
///
/// Items come in pages: columns are as wide as what the pages so far have in them, so that nothing has to wait for the
/// end of a long list. Columns are two spaces or more apart; only the last may have spaces in it.
struct ListPrinter<Item> {
    let isJSON: Bool
    let heading: [String]
    let cells: (Item) -> [String]
    let json: (Item) -> JSONValue

    private var widths: [Int] = []

    init(
        isJSON: Bool, _ heading: String..., cells: @escaping (Item) -> [String], json: @escaping (Item) -> JSONValue
    ) {
        self.isJSON = isJSON
        self.heading = heading
        self.cells = cells
        self.json = json
    }

    /// The lines of the next items; the heading is in front of the first.
    mutating func lines(_ items: some Sequence<Item>) -> [String] {
        if isJSON { return items.map { json($0).serialized } }
        var rows = items.map(cells)
        guard !rows.isEmpty else { return [] }
        if widths.isEmpty {
            widths = heading.map { _ in 0 }
            rows.insert(heading, at: 0)
        }
        for row in rows { widths = zip(widths, row).map { max($0, $1.count) } }
        return rows.map(line)
    }

    private func line(_ row: [String]) -> String {
        let padded = zip(widths, row).dropLast().map { width, text in
            (text.isEmpty ? "-" : text).padded(to: width + 2)
        }
        var line = padded.joined() + (row.last ?? "")
        while line.last == " " { line.removeLast() }
        return line
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
