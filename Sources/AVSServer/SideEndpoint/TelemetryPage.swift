import AVSModel
import AVSPrimitives

/// The page that shows people the operators. Operators choose much of its text, so all of it is escaped (DEFECT-39).
struct TelemetryPage {
    var operators: [OperatorInfo]
    var now: Timestamp

    var html: String {
        let rows = operators.map(row).joined(separator: "\n")
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>Operators</title></head><body>
            <h1>Operators</h1>
            <table><tr><th>Name</th><th>Address</th><th>Version</th><th>Last seen</th><th>Block</th></tr>
            \(rows)
            </table></body></html>
            """
    }

    private func row(_ node: OperatorInfo) -> String {
        let cells = [
            node.name, node.address.checksummed, node.version, Self.lastSeen(node.lastPing, now: now),
            "\(node.blockNumber)",
        ]
        return "<tr>" + cells.map { "<td>\(Self.escaped($0))</td>" }.joined() + "</tr>"
    }

    /// How long ago, in the two largest units that are not 0.
    static func lastSeen(_ ping: Timestamp, now: Timestamp) -> String {
        let seconds = max(0, now.duration(since: ping).components.seconds)
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60)
        if days > 0 { return "\(days)d\(hours)h ago" }
        if hours > 0 { return "\(hours)h\(minutes)m ago" }
        if minutes > 0 { return "\(minutes)m\(seconds % 60)s ago" }
        return "\(seconds)s ago"
    }

    private static func escaped(_ text: String) -> String {
        var safe = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": safe += "&amp;"
            case "<": safe += "&lt;"
            case ">": safe += "&gt;"
            case "\"": safe += "&quot;"
            case "'": safe += "&#39;"
            default: safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }
}
