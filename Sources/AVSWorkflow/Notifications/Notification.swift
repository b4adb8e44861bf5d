import AVSModel
import AVSPrimitives

/// A request that tells people of the run: the service it goes to, and what is put into its body.
///
/// - Source: execution-engine.md 5.5.4.
enum Notification: Hashable, Sendable {
    case sendGrid
    case telegram

    /// The server's secret that names the template of mails. Without it a mail carries the summary as plain text.
    static let templateName = "sendgrid_template_id"
    private static let senderName = "Workflow notifications"

    /// Nil for a URL of no known service.
    init?(url: String) {
        let url = url.lowercased()
        if url.contains("/mail/send") {
            self = .sendGrid
        } else if url.contains("/sendmessage"), url.contains("api.telegram.org") || url.contains("/bot") {
            self = .telegram
        } else {
            return nil
        }
    }

    /// The body with the summary in it; nil for one that is no JSON object, which goes out as it is.
    func body(_ body: String, _ summary: RunSummary, template: String?) -> String? {
        let members: [String: JSONValue]
        do throws(JSONError) {
            guard case .object(let object) = try JSONValue(parsing: body, duplicateKeys: .last) else { return nil }
            members = object
        } catch {
            return nil
        }
        switch self {
        case .sendGrid: return JSONValue.object(Self.mail(members, summary, template: template)).serialized
        case .telegram:
            var message = members
            message["parse_mode"] = "HTML"
            message["text"] = .string(TelegramText.text(of: summary))
            return JSONValue.object(message).serialized
        }
    }

    private static func mail(
        _ members: [String: JSONValue], _ summary: RunSummary, template: String?
    ) -> [String: JSONValue] {
        var mail = members
        mail["categories"] = ["workflow-summary"]
        if case .object(var sender)? = mail["from"], sender["name"]?.stringValue?.isEmpty != false {
            sender["name"] = .string(senderName)
            mail["from"] = .object(sender)
        }
        mail["dynamic_template_data"] = summary.json
        if let letters = mail["personalizations"]?.arrayValue {
            mail["personalizations"] = .array(
                letters.map { letter in
                    guard case .object(var fields) = letter else { return letter }
                    fields["dynamic_template_data"] = summary.json
                    return .object(fields)
                })
        }
        if let template, !template.isEmpty {
            mail["template_id"] = .string(template)
            mail["content"] = nil
        } else if mail["template_id"] != nil {
            mail["content"] = nil
        } else {
            mail["subject"] = .string(summary.subject)
            mail["content"] = [["type": "text/plain", "value": .string(summary.body)]]
        }
        return mail
    }
}

extension RestAPINode {
    /// Whether the node's request carries a summary of the run.
    var isNotification: Bool { options?["summarize"] == true && Notification(url: url) != nil }
}

extension Node {
    var isNotification: Bool {
        guard case .restAPI(let node) = config else { return false }
        return node.isNotification
    }
}

/// A summary as Telegram's HTML.
enum TelegramText {
    static func text(of summary: RunSummary) -> String {
        if let transfer = summary.transfer { return text(of: transfer, summary) }
        var lines = ["\(emoji(summary.status)) \(title(summary))", ""]
        lines.append("<b>Network:</b> \(escaped(summary.network))")
        lines.append("<b>Time:</b> \(escaped(summary.triggeredAt))")
        if !summary.trigger.isEmpty { lines.append("<b>Trigger:</b> \(marked(summary.trigger))") }
        if !summary.effects.isEmpty {
            lines += ["", "<b>Executed:</b>"] + summary.effects.map { "• \(line(of: $0, on: summary.chainID))" }
        }
        if !summary.errors.isEmpty {
            lines += ["", "<b>What Went Wrong:</b>"] + summary.errors.map { "• \(marked($0))" }
        }
        if !summary.annotation.isEmpty { lines += ["", "<i>\(escaped(summary.annotation))</i>"] }
        return lines.joined(separator: "\n")
    }

    private static func emoji(_ status: RunSummary.Status) -> String {
        switch status {
        case .success: "✅"
        case .partialSuccess: "⚠️"
        case .failure: "❌"
        }
    }

    /// The subject, the workflow's name in it set as code.
    private static func title(_ summary: RunSummary) -> String {
        guard !summary.workflowName.isEmpty, let place = summary.subject.firstRange(of: summary.workflowName) else {
            return escaped(summary.subject)
        }
        return escaped(String(summary.subject[..<place.lowerBound])) + "<code>\(escaped(summary.workflowName))</code>"
            + escaped(String(summary.subject[place.upperBound...]))
    }

    private static func line(of effect: RunSummary.Effect, on chain: UInt64) -> String {
        guard let hash = effect.transaction, let link = ChainNames.link(toTransaction: hash, on: chain) else {
            return marked(effect.description)
        }
        return "\(marked(effect.description)) (<a href=\"\(escaped(link))\">transaction</a>)"
    }

    private static func text(of transfer: TransferNotice, _ summary: RunSummary) -> String {
        let verb = transfer.isSent ? "⬆️ Sent" : "⬇️ Received"
        let amount = escaped("\(transfer.amount) \(transfer.symbol)")
        return "\(verb) <b>\(amount)</b> \(transfer.isSent ? "to" : "from") <code>\(escaped(transfer.party))</code>"
            + " on <b>\(escaped(summary.network))</b> (<i>\(escaped(transfer.time))</i>)"
    }

    /// Escaped, and what stands between backticks set as code.
    static func marked(_ text: String) -> String {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false).map { escaped(String($0)) }
        guard parts.count % 2 == 1 else { return escaped(text) }
        return parts.enumerated().map { $0 % 2 == 1 ? "<code>\($1)</code>" : $1 }.joined()
    }

    /// By scalars: a `<` with an accent behind it is one character to Swift, and still opens a tag (INP-1).
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
