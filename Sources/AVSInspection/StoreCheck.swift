import AVSSchema
public import AVSStorage

/// Looks at every row once, alone and against the rows that it speaks of.
///
/// Checked is that every row can be read, and of the invariants all that the files of one moment can show:
/// - I1: a task is under one letter, its index entries agree, and its wallet's count
/// - I2: what was accepted led to an execution that is awaited or recorded
/// - I3: an accepted identity is where its digest belongs, so it cannot be accepted twice
/// - I4: an execution is awaited or recorded, not both; what is promised is awaited
/// - I5: indexes of a task are unique and below its counter; no more runs started than it counts; as many are recorded
///   as are counted of it and of its owner
/// - I6: no more runs started and promised than allowed; as many promised as it counts
/// - I7: a job that waits or runs, a claim and a promise belong together, and to a task
/// - I10: a record names the owner, task or execution that its key names
/// - I11: no claim is of an epoch that is yet to come
/// - I14: no key lies outside the tables, and none is of a task that is gone
/// - I8: of a wallet's user operations at most one is under way, and it is that wallet's
///
/// With a way to open them, also that every secret is authentic (KMS-1).
///
/// I9 speaks of what others see, I12 and I13 of what happens in time.
///
/// It reads in bounded turns and remembers nothing between rows but the indexes of one task at a time, 8 bytes for each
/// of its runs. On a database that is being written to, use it over one snapshot.
/// - Source: reliability-security 2.7.
public struct StoreCheck: Sendable {
    /// What was looked at so far.
    public private(set) var summary = CheckSummary()
    public var rowCount: Int { summary.rows }
    public var findingCount: Int { summary.findings }
    private let openSecret: (@Sendable (_ key: [UInt8], _ value: [UInt8]) -> String?)?

    /// - Parameter openSecret: tries to open a sealed secret and says why it cannot be; without it none is opened.
    public init(openSecret: (@Sendable (_ key: [UInt8], _ value: [UInt8]) -> String?)? = nil) {
        self.openSecret = openSecret
    }

    /// Checks the next turn of rows behind `cursor` (KEY-4).
    ///
    /// - Returns: where to go on, or nil at the end.
    public mutating func check(
        after cursor: [UInt8]?, in reader: borrowing some StoreReader & ~Copyable,
        report: (StoreFinding) throws -> Void
    ) throws -> [UInt8]? {
        let range = cursor.map { KeyRange.all.after($0) } ?? .all
        var rows: [(key: [UInt8], value: [UInt8])] = []
        let end = try reader.scan(range, order: .ascending, limit: 1_000) { key, value in
            rows.append((key, value))
            return .next
        }
        for (key, value) in rows {
            summary.rows += 1
            for finding in try Self.findings(key: key, value: value, in: reader)
                + secretFindings(key: key, value: value)
            {
                summary.findings += 1
                summary.findingsByRule[finding.rule, default: 0] += 1
                try report(finding)
            }
        }
        return end == .limitReached ? rows.last?.key : nil
    }

    /// KMS-1: a record that was changed, moved or renamed does not authenticate; KMS-2: nor does one whose key is gone.
    private mutating func secretFindings(key: [UInt8], value: [UInt8]) -> [StoreFinding] {
        guard let openSecret, StoredTable.table(of: key) == .secret,
            StoredTable.secret.problem(key: key, value: value) == nil
        else { return [] }
        summary.secretsOpened += 1
        return openSecret(key, value).map { [StoreFinding(rule: "KMS-1", key: key, problem: $0)] } ?? []
    }

    private static func findings(
        key: [UInt8], value: [UInt8], in reader: borrowing some StoreReader & ~Copyable
    ) throws -> [StoreFinding] {
        guard let table = StoredTable.table(of: key) else {
            return [StoreFinding(rule: "I14", key: key, problem: "the key is in no table")]
        }
        if let problem = table.problem(key: key, value: value) {
            return [StoreFinding(rule: "readable", key: key, problem: problem)]
        }
        guard let name = TableName(rawValue: table.prefix) else { return [] }  // the store's own rows
        var row = RowCheck(key: key, value: value)
        do {
            try row.check(name, in: reader)
        } catch StorageError.undecodable(let other, let reason) {
            // It is a finding of its own where it stands; what it would have said about this row is not known.
            row.found("readable", "it speaks of \(KeyText.text(of: other)), which cannot be read: \(reason)")
        }
        return row.findings
    }
}
