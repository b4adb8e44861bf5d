import AVSPrimitives
import AVSProto

/// What `aggregator.Admin` answered, as lines. `--json` changes only the format: each result is one object on one line,
/// with the names of the protobuf messages.
struct AdminPrinter {
    var isJSON: Bool

    func row(_ node: Wire.OperatorState) -> String {
        if isJSON { return json(node) }
        let stream = node.connected ? "connected since \(Self.instant(node.connectedAt))" : "not connected"
        let tasks = node.connected ? "\(node.trackedTasks) tasks" : ""
        return fields([
            node.address, node.approved ? "approved" : "not approved", stream, tasks,
            "seen \(Self.instant(node.lastPing))", node.name, node.version,
        ])
    }

    func disconnected(_ answer: Wire.DisconnectOperatorResp) -> String {
        isJSON ? json(answer) : answer.disconnected ? "disconnected" : "not connected"
    }

    func row(_ key: Wire.ApiKey) -> String {
        if isJSON { return json(key) }
        return fields([
            key.id, key.state, Self.scopes(key), key.account.isEmpty ? "nobody's" : key.account,
            "until \(Self.instant(key.expiresAt))", "used \(Self.instant(key.lastUsedAt))", key.name,
        ] + Self.rates(key))
    }

    func row(_ key: Wire.RootKeyState) -> String { isJSON ? json(key) : fields([key.id, key.state, "\(key.secrets)"]) }

    func row(_ entry: Wire.AuditLogEntry) -> String {
        if isJSON { return json(entry) }
        return fields([
            entry.id, Self.instant(entry.at), entry.who, entry.origin, entry.action, entry.object, entry.before,
            entry.after,
        ])
    }

    func json(_ message: some ProtoMessage) -> String { ProtoJSON.json(message).serialized }

    /// Operators choose some of these texts: nothing in them ends a line, or steers a terminal (T39).
    private func fields(_ texts: [String]) -> String { texts.map(Self.plain).joined(separator: "\t") }

    private static func rates(_ key: Wire.ApiKey) -> [String] {
        [("reads", key.rates?.reads), ("writes", key.rates?.writes), ("simulations", key.rates?.simulations)]
            .compactMap { name, rate in rate.map { "\(name) \($0.perSecond)/\($0.burst)" } }
    }

    private static func scopes(_ key: Wire.ApiKey) -> String {
        let names: [Wire.ApiScope: String] = [.read: "read", .write: "write", .admin: "admin", .operator: "operator"]
        return key.scopes.map { names[$0] ?? "\($0.rawValue)" }.joined(separator: ",")
    }

    private static func instant(_ milliseconds: Int64) -> String {
        milliseconds == 0 ? "never" : Timestamp(milliseconds: milliseconds).iso8601
    }

    private static func plain(_ text: String) -> String {
        var safe = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            // Formats are what turns the direction of text around.
            case .control, .format, .lineSeparator, .paragraphSeparator: safe += " "
            default: safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }
}
