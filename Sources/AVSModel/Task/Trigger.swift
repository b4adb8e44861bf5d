public import AVSPrimitives

/// The five kinds of trigger; raw values are the numbers on the wire.
public enum TriggerKind: Int32, Sendable, Hashable, CaseIterable {
    case manual = 1
    case fixedTime = 2
    case cron = 3
    case block = 4
    case event = 5

    /// The enum's name on the wire, as steps carry it: `TRIGGER_TYPE_CRON`.
    public var wireName: String {
        switch self {
        case .manual: "TRIGGER_TYPE_MANUAL"
        case .fixedTime: "TRIGGER_TYPE_FIXED_TIME"
        case .cron: "TRIGGER_TYPE_CRON"
        case .block: "TRIGGER_TYPE_BLOCK"
        case .event: "TRIGGER_TYPE_EVENT"
        }
    }
}

/// The condition on which a task runs.
public struct Trigger: Hashable, Sendable {
    /// Chosen by the client; the source of the trigger's edges.
    public var id: String
    /// Empty, or an identifier under which nodes see the trigger's output.
    public var name: String
    public var config: Config

    public init(id: String, name: String, config: Config) {
        self.id = id
        self.name = name
        self.config = config
    }

    public var kind: TriggerKind { config.kind }

    public enum Config: Hashable, Sendable {
        case manual(ManualTrigger)
        case fixedTime(FixedTimeTrigger)
        case cron(CronTrigger)
        case block(BlockTrigger)
        case event(EventTrigger)

        public var kind: TriggerKind {
            switch self {
            case .manual: .manual
            case .fixedTime: .fixedTime
            case .cron: .cron
            case .block: .block
            case .event: .event
            }
        }
    }
}

/// Fires when its owner says so. `data` is what nodes see; absent when the task gave none.
public struct ManualTrigger: Hashable, Sendable {
    public var data: JSONValue?
    public var headers: [String: String]
    public var pathParameters: [String: String]
    /// `nil` is the wire's `LANG_UNSPECIFIED`.
    public var language: Language?

    public init(
        data: JSONValue? = nil, headers: [String: String] = [:], pathParameters: [String: String] = [:],
        language: Language? = nil
    ) {
        self.data = data
        self.headers = headers
        self.pathParameters = pathParameters
        self.language = language
    }
}

/// Fires once at each of the given instants.
public struct FixedTimeTrigger: Hashable, Sendable {
    public var epochs: [Timestamp]

    public init(epochs: [Timestamp]) { self.epochs = epochs }
}

/// Fires at each tick of any of its schedules, in UTC. A schedule is five fields or a descriptor such as `@hourly`.
public struct CronTrigger: Hashable, Sendable {
    public var schedules: [String]

    public init(schedules: [String]) { self.schedules = schedules }
}

/// Fires at every block whose number is a multiple of `interval`.
public struct BlockTrigger: Hashable, Sendable {
    /// In blocks; at least 1 in a valid task.
    public var interval: Int64

    public init(interval: Int64) { self.interval = interval }
}

/// Fires at a log that matches any of its queries, then rests for the cooldown.
public struct EventTrigger: Hashable, Sendable {
    /// Seconds of rest after a match when the task names none.
    public static let defaultCooldownSeconds: UInt32 = 300

    public var queries: [EventQuery]
    /// `nil` means ``defaultCooldownSeconds``; 0 means no rest.
    public var cooldownSeconds: UInt32?

    public init(queries: [EventQuery], cooldownSeconds: UInt32? = nil) {
        self.queries = queries
        self.cooldownSeconds = cooldownSeconds
    }
}

/// Which logs an event trigger looks at.
public struct EventQuery: Hashable, Sendable {
    /// Any of these contracts; empty means any contract. Texts, because templates are allowed until creation.
    public var addresses: [String]
    /// By position: 0 is the event's signature, 1 to 3 its indexed parameters. `""` and `"null"` match anything.
    public var topics: [String]
    /// `nil` or 0 means the operator's own default.
    public var maxEventsPerBlock: UInt32?
    /// One JSON object per ABI entry.
    public var contractABI: [JSONValue]
    /// All must hold.
    public var conditions: [EventCondition]
    public var methodCalls: [MethodCall]

    public init(
        addresses: [String] = [], topics: [String] = [], maxEventsPerBlock: UInt32? = nil,
        contractABI: [JSONValue] = [], conditions: [EventCondition] = [], methodCalls: [MethodCall] = []
    ) {
        self.addresses = addresses
        self.topics = topics
        self.maxEventsPerBlock = maxEventsPerBlock
        self.contractABI = contractABI
        self.conditions = conditions
        self.methodCalls = methodCalls
    }
}

/// One comparison on a decoded event field.
public struct EventCondition: Hashable, Sendable {
    /// `Event` or `Event.field`.
    public var fieldName: String
    /// gt, gte, lt, lte, eq or ne.
    public var comparison: String
    public var value: String
    /// uint256, int256, decimal, address, bool, bytes32, …
    public var fieldType: String

    public init(fieldName: String, comparison: String, value: String, fieldType: String) {
        self.fieldName = fieldName
        self.comparison = comparison
        self.value = value
        self.fieldType = fieldType
    }
}

/// One call of a contract's method, as event queries and contract nodes describe it.
public struct MethodCall: Hashable, Sendable {
    public var methodName: String
    /// Given calldata, used when `parameters` is empty; `nil` when unset.
    public var callData: String?
    /// Texts, possibly with templates, in the order of the ABI's inputs.
    public var parameters: [String]
    /// The fields that this call's answer (the decimals) formats.
    public var applyToFields: [String]

    public init(methodName: String, callData: String? = nil, parameters: [String] = [], applyToFields: [String] = []) {
        self.methodName = methodName
        self.callData = callData
        self.parameters = parameters
        self.applyToFields = applyToFields
    }
}

/// The language of a piece of user text; raw values are the numbers on the wire.
public enum Language: Int32, Sendable, Hashable, CaseIterable {
    case javaScript = 1
    case json = 2
    case graphQL = 3
    case handlebars = 4

    /// The enum's name on the wire: `LANG_JSON`.
    public var wireName: String {
        switch self {
        case .javaScript: "LANG_JAVASCRIPT"
        case .json: "LANG_JSON"
        case .graphQL: "LANG_GRAPHQL"
        case .handlebars: "LANG_HANDLEBARS"
        }
    }
}
