import AVSInspection
import AVSPrimitives

/// One JSON object per line, so that a listing of any length can be read as it comes.
struct JSONPrinter: Printer {
    func key(_ key: [UInt8], valueBytes: Int) -> String {
        let table = StoredTable.table(of: key)?.name
        return object([
            "key": .string(KeyText.text(of: key)), "table": table.map { .string($0) } ?? .null,
            "value_bytes": number(valueBytes),
        ])
    }

    func row(_ row: Row) -> [String] {
        var fields: [String: JSONValue] = [
            "key": .string(KeyText.text(of: row.key)), "table": row.table.map { .string($0.name) } ?? .null,
            "value_bytes": number(row.value.count),
        ]
        switch row.content {
        case .readable(let value): fields["value"] = value
        case .unreadable(let reason):
            fields["error"] = .string(reason)
            fields["hex"] = .string(Hex.encode(row.value))
        case .hidden: fields["value"] = .string(Sensitive<Void>.mark)
        }
        return [object(fields)]
    }

    func statistics(_ statistics: DatabaseStatistics) -> [String] {
        let tables = statistics.rows.tables.map { table, rows in
            JSONValue.object(counts(rows, ["table": .string(table.name), "prefix": .string(table.prefix)]))
        }
        return [
            object([
                "database": .string(Hex.encode(statistics.databaseID)), "epoch": .string("\(statistics.epoch)"),
                "commit": .string("\(statistics.commit)"), "sequence": .string("\(statistics.sequence)"),
                "file_bytes": .string("\(statistics.fileBytes)"),
                "memtable_bytes": .string("\(statistics.memtableBytes)"), "tables": .array(tables),
                "unknown": .object(counts(statistics.rows.unknown, [:])),
            ])
        ]
    }

    func finding(_ finding: StoreFinding) -> String {
        object([
            "rule": .string(finding.rule), "key": .string(KeyText.text(of: finding.key)),
            "problem": .string(finding.problem),
        ])
    }

    func step(_ step: RepairStep) -> String {
        object([
            "repair": .string(step.purpose), "key": .string(KeyText.text(of: step.key)),
            "changes": .array(step.changes.map { .string(KeyText.text(of: $0.key)) }),
        ])
    }

    private func counts(_ rows: StoreStatistics.Rows, _ other: [String: JSONValue]) -> [String: JSONValue] {
        let counts: [String: JSONValue] = [
            "rows": number(rows.count), "key_bytes": number(rows.keyBytes), "value_bytes": number(rows.valueBytes),
        ]
        return other.merging(counts) { $1 }
    }

    private func object(_ fields: [String: JSONValue]) -> String { JSONValue.object(fields).serialized }

    /// Exact up to 2⁵³, which no count of rows or bytes passes.
    private func number(_ value: Int) -> JSONValue { .number(Double(value)) }
}
