public import AVSModel
import AVSPrimitives
public import AVSProto

extension Trigger {
    /// A trigger as a client sent it. Its kind is that of the part that is set; the `type` field is not looked at.
    /// - Throws: ``InvalidArgument`` when no part is set, or a block trigger has no configuration.
    public init(_ wire: Wire.TaskTrigger) throws(InvalidArgument) {
        self.init(id: wire.id, name: wire.name, config: try Config(wire.triggerType))
    }
}

extension Trigger.Config {
    fileprivate init(_ wire: Wire.TaskTrigger.OneOf_TriggerType?) throws(InvalidArgument) {
        switch wire {
        case nil: throw InvalidArgument(.invalidTriggerConfig, "Invalid task argument: trigger is required")
        case .manual(let manual): self = .manual(ManualTrigger(manual.config ?? .init()))
        case .fixedTime(let fixed):
            let epochs = fixed.config?.epochs ?? []
            self = .fixedTime(FixedTimeTrigger(epochs: epochs.map(Timestamp.init(milliseconds:))))
        case .cron(let cron): self = .cron(CronTrigger(schedules: cron.config?.schedules ?? []))
        case .block(let block):
            guard let config = block.config else {
                let text = "Invalid task argument: block trigger config is required but missing"
                throw InvalidArgument(.invalidTriggerConfig, text)
            }
            self = .block(BlockTrigger(interval: config.interval))
        case .event(let event): self = .event(EventTrigger(event.config ?? .init()))
        }
    }
}

extension ManualTrigger {
    fileprivate init(_ wire: Wire.ManualTrigger.Config) {
        self.init(
            data: wire.data, headers: wire.headers, pathParameters: wire.pathParams,
            language: Language(rawValue: wire.lang.rawValue))
    }
}

extension EventTrigger {
    fileprivate init(_ wire: Wire.EventTrigger.Config) {
        self.init(queries: wire.queries.map(EventQuery.init), cooldownSeconds: wire.cooldownSeconds)
    }
}

extension EventQuery {
    fileprivate init(_ wire: Wire.EventTrigger.Query) {
        self.init(
            addresses: wire.addresses, topics: wire.topics, maxEventsPerBlock: wire.maxEventsPerBlock,
            contractABI: wire.contractAbi,
            conditions: wire.conditions.map {
                EventCondition(
                    fieldName: $0.fieldName, comparison: $0.operator, value: $0.value, fieldType: $0.fieldType)
            },
            methodCalls: wire.methodCalls.map {
                MethodCall(
                    methodName: $0.methodName, callData: $0.callData, parameters: $0.methodParams,
                    applyToFields: $0.applyToFields)
            })
    }
}

extension Wire.TaskTrigger {
    public init(_ trigger: Trigger) {
        self.init()
        id = trigger.id
        name = trigger.name
        type = Wire.TriggerType(rawValue: trigger.kind.rawValue)
        triggerType = OneOf_TriggerType(trigger.config)
    }
}

extension Wire.TaskTrigger.OneOf_TriggerType {
    fileprivate init(_ config: Trigger.Config) {
        switch config {
        case .manual(let manual):
            var wire = Wire.ManualTrigger()
            wire.config = Wire.ManualTrigger.Config(manual)
            self = .manual(wire)
        case .fixedTime(let fixed):
            var wire = Wire.FixedTimeTrigger()
            wire.config = .init()
            wire.config?.epochs = fixed.epochs.map(\.milliseconds)
            self = .fixedTime(wire)
        case .cron(let cron):
            var wire = Wire.CronTrigger()
            wire.config = .init()
            wire.config?.schedules = cron.schedules
            self = .cron(wire)
        case .block(let block):
            var wire = Wire.BlockTrigger()
            wire.config = .init()
            wire.config?.interval = block.interval
            self = .block(wire)
        case .event(let event):
            var wire = Wire.EventTrigger()
            wire.config = Wire.EventTrigger.Config(event)
            self = .event(wire)
        }
    }
}

extension Wire.ManualTrigger.Config {
    fileprivate init(_ manual: ManualTrigger) {
        self.init()
        data = manual.data
        headers = manual.headers
        pathParams = manual.pathParameters
        lang = Wire.Lang(rawValue: manual.language?.rawValue ?? 0)
    }
}

extension Wire.EventTrigger.Config {
    fileprivate init(_ event: EventTrigger) {
        self.init()
        cooldownSeconds = event.cooldownSeconds
        queries = event.queries.map(Wire.EventTrigger.Query.init)
    }
}

extension Wire.EventTrigger.Query {
    fileprivate init(_ query: EventQuery) {
        self.init()
        addresses = query.addresses
        topics = query.topics
        maxEventsPerBlock = query.maxEventsPerBlock
        contractAbi = query.contractABI
        conditions = query.conditions.map { condition in
            var wire = Wire.EventCondition()
            wire.fieldName = condition.fieldName
            wire.operator = condition.comparison
            wire.value = condition.value
            wire.fieldType = condition.fieldType
            return wire
        }
        methodCalls = query.methodCalls.map { call in
            var wire = Wire.EventTrigger.MethodCall()
            wire.methodName = call.methodName
            wire.callData = call.callData
            wire.methodParams = call.parameters
            wire.applyToFields = call.applyToFields
            return wire
        }
    }
}
