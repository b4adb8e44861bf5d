import AVSModel
import AVSPrimitives

/// What must hold for a trigger's configuration when a task is created (aggregator-api.md 2.8, row 12 and its table).
struct TriggerRules {
    let limits: TaskValidator.Limits

    func check(_ config: Trigger.Config) throws(InvalidArgument) {
        switch config {
        case .manual: break
        case .fixedTime(let trigger):
            guard !trigger.epochs.isEmpty else { throw refusal("fixed time trigger must have at least one epoch") }
        case .block(let trigger):
            guard trigger.interval > 0 else {
                throw refusal("block trigger interval must be greater than 0, got \(trigger.interval)")
            }
        case .cron(let trigger): try check(trigger)
        case .event(let trigger): try check(trigger)
        }
    }

    private func refusal(_ text: String) -> InvalidArgument {
        InvalidArgument(.invalidTriggerConfig, "Invalid task argument: \(text)")
    }

    private func check(_ trigger: CronTrigger) throws(InvalidArgument) {
        guard !trigger.schedules.isEmpty else { throw refusal("cron trigger must have at least one schedule") }
        try check("cron trigger", "schedules", trigger.schedules.count, limit: limits.schedules)
        for schedule in trigger.schedules {
            do throws(CronError) {
                _ = try CronSchedule(schedule)
            } catch {
                throw refusal("cron schedule '\(schedule.excerpt())' cannot be used: \(error)")
            }
        }
    }

    private func check(_ trigger: EventTrigger) throws(InvalidArgument) {
        guard !trigger.queries.isEmpty else { throw refusal("event trigger must have at least one query") }
        for (index, query) in trigger.queries.enumerated() {
            let name = "event trigger query[\(index)]"
            try check(name, "addresses", query.addresses.count, limit: limits.addresses)
            try check(name, "topics", query.topics.count, limit: limits.topics)
            try check(name, "conditions", query.conditions.count, limit: limits.conditions)
            for (position, address) in query.addresses.enumerated() where !Template(address).hasMarkers {
                guard Address(address) != nil else {
                    throw refusal("\(name).addresses[\(position)] '\(address.excerpt())' is not a hex address")
                }
            }
            for (position, topic) in query.topics.enumerated() where !Template(topic).hasMarkers {
                guard EventTemplates.isTopic(topic) || EventTemplates.isWildcard(topic) else {
                    throw refusal("\(name).topics[\(position)] '\(topic.excerpt())' is not 0x and hex digits")
                }
            }
            try checkABI(query.contractABI, name)
        }
    }

    private func check(_ name: String, _ what: String, _ count: Int, limit: Int) throws(InvalidArgument) {
        guard count <= limit else { throw refusal("\(name) has \(count) \(what), at most \(limit) are allowed") }
    }

    private func checkABI(_ items: [JSONValue], _ name: String) throws(InvalidArgument) {
        var total = 0
        for (position, item) in items.enumerated() {
            guard case .object = item else { throw refusal("\(name).contractAbi[\(position)] must be an object") }
            let size = item.serializedBytes.count
            total += size
            guard size <= limits.contractABIItemBytes, total <= limits.contractABIBytes else {
                throw InvalidArgument(
                    .invalidNodeConfig,
                    "Invalid task argument: \(name).contractAbi exceeds maximum size limit:"
                        + " \(limits.contractABIItemBytes) bytes for an item, \(limits.contractABIBytes) in all")
            }
        }
    }
}
