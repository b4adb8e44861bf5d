import AVSEngine
import AVSPrimitives

/// What is written beside a backup, as JSON:
///
///     {"created_at": "…Z", "commit": "12", "epoch": "3", "database": "<32 hex digits>",
///      "proof": {"at": "…Z", "rows": "340"} or {"at": "…Z", "failed": "why"}}
///
/// `proof` is absent until the backup was looked at.
struct BackupNote: Hashable, Sendable {
    var createdAt: Timestamp
    /// The last commit that was durable before the backup began.
    var commit: UInt64
    var epoch: UInt64
    var databaseID: [UInt8]
    var proof: BackupRecord.Proof

    var bytes: [UInt8] {
        var fields: [String: JSONValue] = [
            "created_at": .string(createdAt.iso8601), "commit": .string("\(commit)"), "epoch": .string("\(epoch)"),
            "database": .string(Hex.encode(databaseID)),
        ]
        switch proof {
        case .none: break
        case .proven(let at, let rows): fields["proof"] = ["at": .string(at.iso8601), "rows": .string("\(rows)")]
        case .failed(let at, let reason): fields["proof"] = ["at": .string(at.iso8601), "failed": .string(reason)]
        }
        return Array((JSONValue.object(fields).serialized + "\n").utf8)
    }

    /// Nil for a text that is not one of ours: the backup is then as good as one without a note.
    init?(bytes: [UInt8]) {
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes) } catch { return nil }
        guard let createdAt = json["created_at"]?.stringValue.flatMap({ Timestamp(iso8601: $0) }),
            let commit = json["commit"]?.stringValue.flatMap({ UInt64($0) }),
            let epoch = json["epoch"]?.stringValue.flatMap({ UInt64($0) }),
            let databaseID = json["database"]?.stringValue.flatMap({ Hex.decode($0) })
        else { return nil }
        self.init(createdAt: createdAt, commit: commit, epoch: epoch, databaseID: databaseID, proof: .none)
        guard let at = json["proof"]?["at"]?.stringValue.flatMap({ Timestamp(iso8601: $0) }) else { return }
        if let rows = json["proof"]?["rows"]?.stringValue.flatMap({ Int($0) }) { proof = .proven(at: at, rows: rows) }
        if let reason = json["proof"]?["failed"]?.stringValue { proof = .failed(at: at, reason: reason) }
    }

    init(createdAt: Timestamp, commit: UInt64, epoch: UInt64, databaseID: [UInt8], proof: BackupRecord.Proof = .none) {
        self.createdAt = createdAt
        self.commit = commit
        self.epoch = epoch
        self.databaseID = databaseID
        self.proof = proof
    }
}
