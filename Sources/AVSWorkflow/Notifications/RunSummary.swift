import AVSEthereum
import AVSModel
import AVSPrimitives

/// What a notification says of a run, made of its steps by fixed rules.
///
/// - Source: execution-engine.md 5.5.4.
struct RunSummary: Hashable, Sendable {
    enum Status: String, Hashable, Sendable {
        case success
        case partialSuccess = "partial_success"
        case failure
    }

    /// One thing that was done on a chain.
    struct Effect: Hashable, Sendable {
        var description: String
        /// Only of transactions that were made.
        var transaction: String?
    }

    var status: Status
    var subject: String
    var summaryLine: String
    var workflowName: String
    var network: String
    var chainID: UInt64
    var trigger: String
    /// `Jan 2, 2026 at 3:04 PM UTC`.
    var triggeredAt: String
    var effects: [Effect]
    var errors: [String]
    var wallet: String
    var annotation: String
    var isSimulation: Bool
    /// From 1; nil for what is no run of a stored task.
    var runNumber: Int64?
    /// A known transfer of tokens, where the run did nothing else worth telling.
    var transfer: TransferNotice?

    /// - Parameter variables: where a `transfer_monitor` may have left a transfer.
    init(_ report: RunReport, variables: [String: JSONValue]) {
        // Nodes that tell of the run are no part of what they tell.
        let nodes = report.nodes.filter { !$0.isNotification }
        let told = Set(nodes.map(\.id))
        let steps = report.steps.filter { told.contains($0.id) }
        let failed = steps.filter { !$0.success }
        let executed = (report.trigger == nil ? 0 : 1) + steps.count
        let total = (report.trigger == nil ? 0 : 1) + nodes.count
        status = !failed.isEmpty ? .failure : executed < total ? .partialSuccess : .success
        workflowName = report.workflowName
        isSimulation = report.kind == .simulation
        network = ChainNames.name(of: report.chainID)
        chainID = report.chainID
        summaryLine = "Your workflow '\(workflowName)' executed \(executed) out of \(total) total steps"
        subject = Self.subject(report, status, failed: failed.first, executed: executed, total: total)
        trigger = Self.triggerText(report.trigger, isSimulation: isSimulation, network: network)
        triggeredAt = Self.display(report.startAt)
        effects = steps.flatMap(Self.effects)
        errors = failed.map { "\(Self.name(of: $0)): \(Self.firstLine($0.error))" }
        errors += nodes.filter { report.skipped.contains($0.id) }.map { "\($0.name) - skipped due to branch condition" }
        wallet = report.wallet
        annotation = isSimulation ? "This is a simulation: nothing was sent to the chain." : ""
        if case .deployed(let index) = report.kind { runNumber = index + 1 }
        if effects.isEmpty, errors.isEmpty {
            let event = report.trigger?.output ?? .null
            transfer = TransferNotice(event) ?? TransferNotice(variables["transfer_monitor"]?["data"] ?? .null)
        }
    }

    // MARK: Texts

    private static func subject(
        _ report: RunReport, _ status: Status, failed: Step?, executed: Int, total: Int
    ) -> String {
        let name = report.workflowName
        let step = failed.map(self.name) ?? ""
        switch report.kind {
        case .singleNode:
            return failed == nil ? "Run Node: \(name) succeeded" : "Run Node: \(name) failed at \(step)"
        case .simulation:
            switch status {
            case .success: return "Simulation: \(name) successfully completed"
            case .partialSuccess: return "Simulation: \(name) partially executed"
            case .failure: return "Simulation: \(name) failed to execute"
            }
        case .deployed(let index):
            let figures = "(\(executed) out of \(total) steps)"
            let ending = failed == nil ? "succeeded" : "failed at \(step)"
            // What a branch left out is told with the number of the run: the next one may go another way.
            return report.skipped.isEmpty
                ? "\(name): \(ending) \(figures)" : "Run #\(index + 1): \(name) \(ending) \(figures)"
        }
    }

    private static func triggerText(_ trigger: Step?, isSimulation: Bool, network: String) -> String {
        guard let trigger else { return "" }
        let text =
            switch trigger.kind {
            case .trigger(.manual): "Manually started"
            case .trigger(.fixedTime): "At a fixed time"
            case .trigger(.cron): "On schedule"
            case .trigger(.block): "At block \(number(trigger.output?["blockNumber"]))"
            case .trigger(.event): "Event \(trigger.output?["eventName"]?.stringValue?.excerpt() ?? "matched")"
            case .node: ""
            }
        return "\(isSimulation ? "(Simulated) " : "")\(text) on \(network)"
    }

    private static func number(_ value: JSONValue?) -> String {
        value?.doubleValue.map { JSONValue.text(of: $0) } ?? "?"
    }

    private static func name(of step: Step) -> String { step.name.isEmpty ? step.id : step.name }

    private static func firstLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).first.map { String($0).excerpt(300) } ?? ""
    }

    // MARK: Parts

    /// A line per method of a contract write that succeeded.
    private static func effects(of step: Step) -> [Effect] {
        guard step.kind == .node(.contractWrite), step.success else { return [] }
        let isReal = step.executionContext?["is_simulated"] == false
        let calls = step.metadata?.arrayValue ?? []
        return calls.filter { $0["success"] == true }.map { call in
            let hash = call["receipt"]?["transactionHash"]?.stringValue.flatMap { Hash32($0)?.hex }
            let method = call["methodName"]?.stringValue?.excerpt() ?? "call"
            return Effect(description: "\(name(of: step)): \(method)", transaction: isReal ? hash : nil)
        }
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Of `2026-01-02T15:04:05.000Z`: `Jan 2, 2026 at 3:04 PM UTC`.
    static func display(_ time: Timestamp) -> String {
        let numbers = time.iso8601.split { !$0.isNumber }.compactMap { Int($0) }
        guard numbers.count >= 5, (1...12).contains(numbers[1]) else { return time.iso8601 }
        let hour = numbers[3] % 12 == 0 ? 12 : numbers[3] % 12
        let minute = numbers[4] < 10 ? "0\(numbers[4])" : "\(numbers[4])"
        return
            "\(months[numbers[1] - 1]) \(numbers[2]), \(numbers[0]) at \(hour):\(minute) \(numbers[3] < 12 ? "AM" : "PM") UTC"
    }

    // MARK: Output

    /// The text of a mail without template.
    var body: String {
        var lines = [summaryLine, "", "Network: \(network)", "Time: \(triggeredAt)"]
        if !trigger.isEmpty { lines.append("Trigger: \(trigger)") }
        if let transfer { lines.append(transfer.plain(network: network)) }
        if !effects.isEmpty { lines += ["", "Executed:"] + effects.map { "- \($0.line)" } }
        if !errors.isEmpty { lines += ["", "What Went Wrong:"] + errors.map { "- \($0)" } }
        if !annotation.isEmpty { lines += ["", annotation] }
        return lines.joined(separator: "\n")
    }

    /// What a mail's template finds.
    var json: JSONValue {
        var workflow: [String: JSONValue] = [
            "name": .string(workflowName), "chain": .string(network), "chainId": .number(Double(chainID)),
            "isSimulation": .bool(isSimulation),
        ]
        if let runNumber { workflow["runNumber"] = .number(Double(runNumber)) }
        return [
            "subject": .string(subject), "body": .string(body), "summaryLine": .string(summaryLine),
            "status": .string(status.rawValue), "network": .string(network), "trigger": .string(trigger),
            "triggeredAt": .string(triggeredAt), "executions": .array(effects.map(\.json)),
            "errors": .array(errors.map(JSONValue.string)), "smartWallet": .string(wallet),
            "annotation": .string(annotation), "transfers": .array(transfer.map { [$0.json] } ?? []), "balances": [],
            "workflow": .object(workflow),
        ]
    }
}

extension RunSummary.Effect {
    fileprivate var line: String { transaction.map { "\(description) (\($0))" } ?? description }

    fileprivate var json: JSONValue {
        var fields: [String: JSONValue] = ["description": .string(description)]
        if let transaction { fields["txHash"] = .string(transaction) }
        return .object(fields)
    }
}

/// A transfer of tokens that a trigger saw.
struct TransferNotice: Hashable, Sendable {
    var isSent: Bool
    var amount: String
    var symbol: String
    /// The other side.
    var party: String
    /// `2026-01-02 15:04`.
    var time: String

    /// Nil for what is no Transfer with an amount.
    init?(_ event: JSONValue) {
        guard event["eventName"] == "Transfer", let amount = event["valueFormatted"]?.stringValue else { return nil }
        isSent = event["direction"] != "received"
        self.amount = amount.excerpt()
        symbol = (event["tokenSymbol"]?.stringValue ?? "tokens").excerpt(20)
        party = (event[isSent ? "toAddress" : "fromAddress"]?.stringValue ?? "").excerpt()
        let milliseconds = event["blockTimestamp"]?.doubleValue.flatMap { Int64(exactly: $0) }
        let iso = milliseconds.map { Timestamp(milliseconds: $0).iso8601 } ?? ""
        time = iso.prefix(16).split(separator: "T").joined(separator: " ")
    }

    var json: JSONValue {
        [
            "direction": isSent ? "sent" : "received", "amount": .string(amount), "symbol": .string(symbol),
            "address": .string(party), "time": .string(time),
        ]
    }

    func plain(network: String) -> String {
        "\(isSent ? "Sent" : "Received") \(amount) \(symbol) \(isSent ? "to" : "from") \(party) on \(network) (\(time))"
    }
}
