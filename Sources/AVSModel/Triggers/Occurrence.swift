public import AVSPrimitives

/// One occurrence of a trigger, named by its content and not by whoever reports it (XO-4).
///
/// Two reports of the same occurrence have the same text, whatever id their operators gave them.
public enum Occurrence: Hashable, Sendable {
    case event(chainID: UInt64, transaction: Hash32, logIndex: UInt64, block: UInt64?)
    case block(chainID: UInt64, number: UInt64)
    /// A tick of a cron schedule or a fixed time, by its minute in UTC (D-17).
    case minute(Int64)

    /// The canonical identity inside its task.
    public var identity: String {
        switch self {
        case .event(let chain, let transaction, let index, _): "e \(chain) \(transaction.hex) \(index)"
        case .block(let chain, let number): "b \(chain) \(number)"
        case .minute(let minute): "t \(minute)"
        }
    }

    /// Where it lies on its axis: below the low mark of that axis everything is refused (XO-8).
    public var position: Position? {
        switch self {
        case .event(let chain, _, _, let block): block.map { Position(axis: .chain(chain), value: $0) }
        case .block(let chain, let number): Position(axis: .chain(chain), value: number)
        case .minute(let minute): Position(axis: .time, value: UInt64(clamping: minute))
        }
    }

    /// A place on the axis along which occurrences of a kind follow each other.
    public struct Position: Hashable, Sendable {
        public enum Axis: Hashable, Sendable {
            case chain(UInt64)
            case time
        }

        public var axis: Axis
        /// A block number, or minutes since the epoch.
        public var value: UInt64

        public init(axis: Axis, value: UInt64) {
            self.axis = axis
            self.value = value
        }
    }
}

/// A report contradicts itself or lacks what identifies the occurrence (XO-5).
public struct MalformedTrigger: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}

extension Occurrence {
    /// The occurrence that `report` is about, for a task whose trigger is `trigger` on chain `chainID`.
    ///
    /// The kind is the task's own: operators of the reference network report fixed times as cron (6.8).
    /// - Returns: `nil` for a manual trigger, which has no identity of its own.
    /// - Throws: ``MalformedTrigger`` when neither content nor id names the occurrence, or the two disagree (XO-5).
    public init?(of report: TriggerFired, trigger: TriggerKind, chainID: UInt64) throws(MalformedTrigger) {
        let id = try RequestID(report.requestID, taskID: report.taskID)
        if let stated = report.chainID, stated != chainID {
            throw MalformedTrigger("the report names chain \(stated), the task is on chain \(chainID)")
        }
        let chain = chainID
        switch trigger {
        case .manual: return nil
        case .block: self = try .block(chainID: chain, number: Self.blockNumber(report, id))
        case .event: self = try Self.event(report, id, chain: chain)
        case .cron, .fixedTime: self = try .minute(Self.minute(report, id))
        }
    }

    private static func blockNumber(_ report: TriggerFired, _ id: RequestID) throws(MalformedTrigger) -> UInt64 {
        let stated = report.output.data?["blockNumber"].flatMap(unsigned)
        let named = id.parts.last.flatMap(decimal)
        guard let number = stated ?? named else {
            throw MalformedTrigger(
                "block trigger names no block: output.blockNumber and trigger_request_id lack a number")
        }
        if let named, named != number {
            throw MalformedTrigger("trigger_request_id names block \(named), output.blockNumber is \(number)")
        }
        return number
    }

    private static func event(
        _ report: TriggerFired, _ id: RequestID, chain: UInt64
    ) throws(MalformedTrigger) -> Occurrence {
        let data = report.output.data
        let stated = data?["transactionHash"]?.stringValue.flatMap { Hash32($0) }
        let statedIndex = data?["logIndex"].flatMap(unsigned)
        let named = id.parts.count == 2 ? Hash32(id.parts[0]) : nil
        let namedIndex = id.parts.count == 2 ? decimal(id.parts[1]) : nil
        guard let transaction = stated ?? named, let index = statedIndex ?? namedIndex else {
            throw MalformedTrigger("event trigger names no log: transactionHash and logIndex are required")
        }
        if let named, named != transaction {
            throw MalformedTrigger("trigger_request_id names transaction \(named.hex), the output \(transaction.hex)")
        }
        if let namedIndex, namedIndex != index {
            throw MalformedTrigger("trigger_request_id names log \(namedIndex), the output \(index)")
        }
        return .event(
            chainID: chain, transaction: transaction, logIndex: index, block: data?["blockNumber"].flatMap(unsigned))
    }

    private static func minute(_ report: TriggerFired, _ id: RequestID) throws(MalformedTrigger) -> Int64 {
        let stated = report.output.data?["timestamp"].flatMap(unsigned)
        guard let marker = id.parts.last.flatMap(decimal) ?? stated else {
            throw MalformedTrigger(
                "time trigger names no instant: output.timestamp and trigger_request_id lack a number")
        }
        return Int64(clamping: milliseconds(ofMarker: marker) / 60_000)
    }

    /// A marker above 10^15 counts nanoseconds, any other milliseconds (D-17).
    private static func milliseconds(ofMarker marker: UInt64) -> UInt64 {
        marker > 1_000_000_000_000_000 ? marker / 1_000_000 : marker
    }

    /// A whole, not negative number, given as a number or as decimal text.
    private static func unsigned(_ value: JSONValue) -> UInt64? {
        if let number = value.doubleValue { return UInt64(exactly: number) }
        return value.stringValue.flatMap(decimal)
    }

    /// Digits only (INP-6).
    private static func decimal(_ text: some StringProtocol) -> UInt64? {
        guard !text.isEmpty, text.utf8.count <= 20, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return UInt64(text)
    }
}

/// The operator's own id of an occurrence: empty, opaque, or `<task id>:<parts>`.
private struct RequestID {
    static let sizeLimitBytes = 256
    /// What follows the task id; empty for an opaque id.
    var parts: [String] = []

    init(_ text: String, taskID: TaskID) throws(MalformedTrigger) {
        guard text.utf8.count <= Self.sizeLimitBytes else {
            throw MalformedTrigger(
                "trigger_request_id is \(text.utf8.count) bytes, at most \(Self.sizeLimitBytes) are allowed")
        }
        let all = text.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        guard all.count > 1, let first = all.first, let named = TaskID(first) else { return }
        guard named == taskID else {
            throw MalformedTrigger("trigger_request_id names task \(named), the report task \(taskID)")
        }
        parts = Array(all.dropFirst())
    }
}
