import AVSInspection
import AVSPrimitives

/// For eyes, and for `cut` and `grep`.
struct TextPrinter: Printer {
    /// Sizes and tables beside the keys of a listing.
    var isLong = false

    func key(_ key: [UInt8], valueBytes: Int) -> String {
        let text = KeyText.text(of: key)
        guard isLong else { return text }
        return "\(text)\t\(StoredTable.table(of: key)?.name ?? "unknown")\t\(valueBytes)"
    }

    func row(_ row: Row) -> [String] {
        switch row.content {
        case .readable(let value): return indented(value)
        case .unreadable(let reason): return ["undecodable: \(reason)", Hex.encode(row.value)]
        case .hidden(let byteCount): return ["\(Sensitive<Void>.mark) (\(byteCount) bytes)"]
        }
    }

    func statistics(_ statistics: DatabaseStatistics) -> [String] {
        let head = [
            "database  \(Hex.encode(statistics.databaseID))", "epoch     \(statistics.epoch)",
            "commit    \(statistics.commit)", "sequence  \(statistics.sequence)",
            "files     \(statistics.fileBytes) bytes", "memtables \(statistics.memtableBytes) bytes", "",
        ]
        var lines = [["table", "prefix", "rows", "key bytes", "value bytes"]]
        for (table, rows) in statistics.rows.tables { lines.append([table.name, table.prefix] + counts(rows)) }
        lines.append(["unknown", ""] + counts(statistics.rows.unknown))
        return head + aligned(lines)
    }

    func finding(_ finding: StoreFinding) -> String {
        "\(finding.rule)\t\(KeyText.text(of: finding.key))\t\(finding.problem)"
    }

    func step(_ step: RepairStep) -> String { "repair\t\(KeyText.text(of: step.key))\t\(step.purpose)" }

    private func counts(_ rows: StoreStatistics.Rows) -> [String] {
        ["\(rows.count)", "\(rows.keyBytes)", "\(rows.valueBytes)"]
    }

    /// Columns: the first two to the left, numbers to the right.
    private func aligned(_ lines: [[String]]) -> [String] {
        let widths = (lines.first ?? []).indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            zip(line.indices, line).map { column, text in
                let space = String(repeating: " ", count: widths[column] - text.count)
                return column < 2 ? text + space : space + text
            }.joined(separator: "  ")
        }
    }

    /// Two spaces per level, keys sorted.
    private func indented(_ value: JSONValue, _ indent: String = "") -> [String] {
        let inner = indent + "  "
        switch value {
        case .object(let fields) where !fields.isEmpty:
            let parts = fields.sorted { $0.key < $1.key }.map { name, value in
                prefixed(inner + JSONValue.string(name).serialized + ": ", indented(value, inner), inner)
            }
            return ["{"] + separated(parts) + [indent + "}"]
        case .array(let values) where !values.isEmpty:
            return ["["] + separated(values.map { prefixed(inner, indented($0, inner), inner) }) + [indent + "]"]
        default: return [value.serialized]
        }
    }

    /// The first line of a value stands behind its name.
    private func prefixed(_ head: String, _ lines: [String], _ indent: String) -> [String] {
        [head + (lines.first ?? "")] + lines.dropFirst()
    }

    private func separated(_ parts: [[String]]) -> [String] {
        parts.enumerated().flatMap { index, lines in
            index == parts.count - 1 ? lines : lines.dropLast() + [(lines.last ?? "") + ","]
        }
    }
}
