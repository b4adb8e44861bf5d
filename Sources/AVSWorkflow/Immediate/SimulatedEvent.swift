import AVSEthereum
import AVSModel
import AVSPrimitives

/// One query of an event trigger, read: what its texts mean.
struct SimulatedQuery: Sendable {
    /// The contract whose log is made up: the first that the query names.
    let contract: Address
    /// By position; nil matches anything.
    let topics: [Hash32?]
    /// Nil without ABI.
    let abi: ABIContract?
    let conditions: [FieldCondition]
    let methodCalls: [MethodCall]

    /// - Parameter name: of the query, in messages.
    /// - Throws: ``NodeFailure`` 3001.
    init(_ query: EventQuery, name: String) throws(NodeFailure) {
        do throws(LogFilterError) {
            let filter = try LogFilter(addresses: query.addresses, topics: query.topics)
            guard let first = filter.addresses.first else { throw .invalidAddress("") }
            contract = first
            topics = filter.topics.map { $0?.first }
        } catch {
            throw NodeFailure(code: .invalidTriggerConfig, "\(name): \(error)")
        }
        do throws(ABIError) {
            abi = query.contractABI.isEmpty ? nil : try ABIContract(entries: query.contractABI)
        } catch {
            throw NodeFailure(code: .invalidTriggerConfig, "\(name).contractAbi: \(error)")
        }
        conditions = query.conditions.map { FieldCondition($0) }
        methodCalls = query.methodCalls
    }

    /// The event that is wanted: topic 0, else the first event of the ABI; nil matches any.
    var signature: Hash32? {
        if let wanted = topics.first.flatMap({ $0 }) { return wanted }
        return abi?.events.first { !$0.isAnonymous }?.topic0
    }

    /// Without topics, but with methods to be called, as for a price feed; the ABI names no other event.
    var asksFeedDirectly: Bool {
        let isAboutFeeds = signature == nil || signature == PriceUpdate.event.topic0
        return topics.allSatisfy { $0 == nil } && !methodCalls.isEmpty && isAboutFeeds
    }

    /// The event of the ABI that the query is about; nil where there is no such event.
    var event: ABIEvent? {
        let candidates = (abi?.events ?? []).filter { !$0.isAnonymous && $0.topic0 == signature }
        return candidates.first { $0.indexedCount + 1 >= topics.count } ?? candidates.first
    }
}

/// A log that nobody emitted, and what a trigger would report of it.
struct SimulatedEvent: Sendable {
    let report: EventReport
    /// The trigger's output.
    var data: JSONValue
    /// Of a transfer: the watched side's; the recipient's where nobody is watched.
    var balanceChange: TokenBalanceChange?

    init(_ report: EventReport) {
        self.report = report
        data = report.json
    }

    var log: EventLog { report.log }
    /// Nil where no ABI tells what the log means.
    var decoded: DecodedEvent? { report.decoded }

    /// A field of the output as conditions name it: an exact key, `Event.field`, or a key one level below. Where the
    /// output has other names, those of the ABI are known too, and `amount` is a transfer's value.
    ///
    /// - Returns: the value, and whether it was formatted by decimals; nil if there is no such field.
    func field(named name: String) -> (value: JSONValue, isFormatted: Bool)? {
        guard case .object(let members) = data else { return nil }
        if let found = Self.entry(name, of: members) { return found }
        let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let field = parts.last, let event = parts.first else { return nil }
        if parts.count == 1 {
            for key in members.keys.sorted() {
                if let inner = members[key]?.objectValue, let found = Self.entry(field, of: inner) { return found }
            }
        } else {
            if let inner = members[event]?.objectValue, let found = Self.entry(field, of: inner) { return found }
            guard event == decoded?.name else { return nil }
            if let found = Self.entry(field, of: members) { return found }
        }
        if let argument = decoded?[field: field] { return (argument.json, false) }
        return field == "amount" && members["eventName"] != nil ? Self.entry("value", of: members) : nil
    }

    private static func entry(_ key: String, of members: [String: JSONValue]) -> (JSONValue, Bool)? {
        members[key].map { ($0, members["\(key)Raw"] != nil) }
    }
}
