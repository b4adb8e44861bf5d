public import AVSModel
public import AVSPrimitives

/// What steps and variables show of a trigger.
///
/// - Source: execution-engine.md 2.3, 4.1 to 4.5.
public enum TriggerShape {
    // MARK: Configuration

    /// The configuration as the trigger's step echoes it and `triggerConfig.data` holds it.
    public static func config(of trigger: Trigger) -> JSONValue {
        switch trigger.config {
        case .manual(let manual):
            return [
                "data": manual.data ?? .null, "lang": .string(manual.language?.wireName ?? "LANG_UNSPECIFIED"),
                "headers": .object(manual.headers.mapValues(JSONValue.string)),
                "pathParams": .object(manual.pathParameters.mapValues(JSONValue.string)),
            ]
        case .fixedTime(let time):
            return ["epochs": .array(time.epochs.map { .number(Double($0.milliseconds)) })]
        case .cron(let cron):
            return ["schedules": .array(cron.schedules.map(JSONValue.string))]
        case .block(let block):
            return ["interval": .number(Double(block.interval))]
        case .event(let event):
            var config: [String: JSONValue] = ["queries": .array(event.queries.map(query))]
            if let seconds = event.cooldownSeconds { config["cooldownSeconds"] = .number(Double(seconds)) }
            return .object(config)
        }
    }

    private static func query(_ query: EventQuery) -> JSONValue {
        var shape: [String: JSONValue] = [
            "addresses": .array(query.addresses.map(JSONValue.string)),
            "topics": .array(query.topics.map(JSONValue.string)),
        ]
        if let limit = query.maxEventsPerBlock { shape["maxEventsPerBlock"] = .number(Double(limit)) }
        if !query.contractABI.isEmpty { shape["contractAbi"] = .array(query.contractABI) }
        if !query.conditions.isEmpty {
            shape["conditions"] = .array(
                query.conditions.map {
                    [
                        "fieldName": .string($0.fieldName), "operator": .string($0.comparison),
                        "value": .string($0.value), "fieldType": .string($0.fieldType),
                    ]
                })
        }
        if !query.methodCalls.isEmpty {
            shape["methodCalls"] = .array(query.methodCalls.map { NodeShape.methodCall($0, withAppliedFields: true) })
        }
        return .object(shape)
    }

    // MARK: Output

    /// What the trigger's step shows as its output: the report with what it left out filled in.
    ///
    /// - Parameter now: the time of a time trigger that was fired without one.
    /// - Returns: Nil for an event without data.
    public static func output(of trigger: Trigger, _ output: TriggerOutput, now: Timestamp) -> JSONValue? {
        let given = output.data.flatMap { $0.isNull ? nil : $0 }
        switch trigger.config {
        case .manual(let manual): return given ?? manual.data
        case .fixedTime, .cron: return timeOutput(given, now: now)
        case .block: return blockOutput(given)
        case .event: return given
        }
    }

    private static func timeOutput(_ given: JSONValue?, now: Timestamp) -> JSONValue {
        var fields = given?.objectValue ?? [:]
        let milliseconds = fields["timestamp"].flatMap(wholeNumber).flatMap { Int64(exactly: $0) } ?? now.milliseconds
        fields["timestamp"] = .number(Double(milliseconds))
        if fields["timestampIso"]?.stringValue?.isEmpty != false {
            fields["timestampIso"] = .string(Timestamp(milliseconds: milliseconds).iso8601)
        }
        return .object(fields)
    }

    /// All seven fields with their types, whatever was reported (execution-engine.md 4.4).
    private static func blockOutput(_ given: JSONValue?) -> JSONValue {
        var fields = given?.objectValue ?? [:]
        for name in ["blockNumber", "timestamp", "gasLimit", "gasUsed"] {
            fields[name] = .number(fields[name].flatMap(wholeNumber) ?? 0)
        }
        for name in ["blockHash", "parentHash"] {
            fields[name] = .string(fields[name]?.stringValue ?? "")
        }
        switch fields["difficulty"] {
        case .string: break
        case .number(let number): fields["difficulty"] = .string(JSONValue.text(of: number))
        default: fields["difficulty"] = "0"
        }
        return .object(fields)
    }

    /// A number, or decimal text of one.
    private static func wholeNumber(_ value: JSONValue) -> Double? {
        switch value {
        case .number(let number): number
        case .string(let text): UInt256(decimal: text)?.uint64.map { Double($0) }
        default: nil
        }
    }

    // MARK: Variable

    /// The variable under the trigger's name: `data`, `input`, for manual triggers `headers` and `pathParams` too.
    ///
    /// - Parameter output: of the trigger's step; without one `data` is the configuration.
    public static func variable(of trigger: Trigger, output: JSONValue?) -> JSONValue {
        let config = config(of: trigger)
        var variable: [String: JSONValue] = ["data": data(of: trigger, output: output) ?? config]
        switch trigger.config {
        case .manual(let manual):
            variable["input"] = config
            variable["headers"] = .object(manual.headers.mapValues(JSONValue.string))
            variable["pathParams"] = .object(manual.pathParameters.mapValues(JSONValue.string))
        case .event(let event):
            var input = config.objectValue ?? [:]
            if let seconds = event.cooldownSeconds { input["cooldown_seconds"] = .number(Double(seconds)) }
            variable["input"] = .object(input)
        case .fixedTime, .cron, .block:
            variable["input"] = config
        }
        return .object(variable)
    }

    /// Time triggers show their ISO text under both spellings: the variable's and the wire's (Q23).
    private static func data(of trigger: Trigger, output: JSONValue?) -> JSONValue? {
        switch trigger.config {
        case .fixedTime, .cron:
            guard case .object(var fields) = output else { return output }
            fields["timestamp_iso"] = fields["timestampIso"]
            return .object(fields)
        case .manual, .block, .event:
            return output
        }
    }

    /// The variable `triggerConfig`.
    public static func triggerConfig(of trigger: Trigger) -> JSONValue {
        [
            "id": .string(trigger.id), "name": .string(trigger.name), "type": .string(trigger.kind.wireName),
            "data": config(of: trigger),
        ]
    }
}
