import AVSEthereum
import AVSModel
import AVSPrimitives

/// One query of an event trigger, read once: what its texts mean.
struct EventQueryPlan: Sendable {
    /// Its place among the task's queries.
    var index: Int
    var filter: LogFilter
    var contract: ABIContract?
    var conditions: [FieldCondition]
    /// What to ask the log's contract for.
    var methodCalls: [MethodCall]
    /// Logs of one block that may match.
    var limit: UInt32

    init(_ query: EventQuery, index: Int, defaultLimit: UInt32) throws {
        self.index = index
        filter = try LogFilter(addresses: query.addresses, topics: query.topics)
        contract = query.contractABI.isEmpty ? nil : try ABIContract(entries: query.contractABI)
        conditions = query.conditions.map {
            FieldCondition(
                fieldName: $0.fieldName, comparison: $0.comparison, value: $0.value, fieldType: $0.fieldType)
        }
        methodCalls = query.methodCalls
        let own = query.maxEventsPerBlock ?? 0
        limit = own == 0 ? defaultLimit : own
    }

    /// What the log says if all conditions hold, else nil.
    ///
    /// Without ABI it is the raw log, and no condition can hold; an ABI without the event matches nothing (6.14).
    func read(_ log: EventLog) -> EventReport? {
        do throws(ABIError) {
            let report = try EventReport(log, by: contract)
            guard let decoded = report.decoded else { return contract == nil && conditions.isEmpty ? report : nil }
            return conditions.hold(on: decoded) ? report : nil
        } catch {
            return nil  // the chain says one thing, the ABI another
        }
    }
}
