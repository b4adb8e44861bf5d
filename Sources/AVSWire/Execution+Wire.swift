public import AVSModel
public import AVSPrimitives
public import AVSProto

extension Execution {
    /// A record as we wrote it ourselves.
    public init(_ wire: Wire.Execution, taskID: TaskID) throws {
        guard let id = ExecutionID(wire.id) else {
            throw MalformedMessage("'\(wire.id.prefix(64))' is no execution id")
        }
        guard let status = ExecutionStatus(rawValue: wire.status.rawValue) else {
            throw MalformedMessage("execution \(id) has the unknown status \(wire.status.rawValue)")
        }
        self.init(
            id: id, taskID: taskID, index: wire.index, startAt: Timestamp(milliseconds: wire.startAt),
            endAt: Timestamp(wire: wire.endAt), status: status, error: wire.error,
            fees: ExecutionFees(wire), steps: try wire.steps.map { try Step($0) })
    }
}

extension Step {
    public init(_ wire: Wire.Execution.Step) throws {
        guard let kind = StepKind(wireName: wire.type) else {
            throw MalformedMessage("step '\(wire.id.prefix(64))' has the unknown type '\(wire.type.prefix(64))'")
        }
        self.init(
            id: wire.id, name: wire.name, kind: kind, success: wire.success, error: wire.error,
            errorCode: ErrorCode(rawValue: wire.errorCode.rawValue) ?? .unspecified, log: wire.log, inputs: wire.inputs,
            config: wire.config, output: wire.outputData?.data, metadata: wire.metadata,
            executionContext: wire.executionContext, gasUsed: wire.gasUsed, gasPrice: wire.gasPrice,
            totalGasCost: wire.totalGasCost, startAt: Timestamp(milliseconds: wire.startAt),
            endAt: Timestamp(milliseconds: wire.endAt))
        failedAttempts = wire.failedAttempts.map { Attempt($0) }
    }
}

extension Step.Attempt {
    fileprivate init(_ wire: Wire.Execution.Attempt) {
        self.init(
            startAt: Timestamp(milliseconds: wire.startAt), endAt: Timestamp(milliseconds: wire.endAt),
            error: wire.error, errorCode: ErrorCode(rawValue: wire.errorCode.rawValue) ?? .unspecified)
    }
}

extension StepKind {
    /// - Returns: `nil` for a name that no kind has.
    public init?(wireName: String) {
        if let trigger = TriggerKind.allCases.first(where: { $0.wireName == wireName }) {
            self = .trigger(trigger)
        } else if let node = NodeKind.allCases.first(where: { $0.wireName == wireName }) {
            self = .node(node)
        } else {
            return nil
        }
    }
}

extension Wire.Execution {
    /// What the task's owner sees of a run.
    public init(_ execution: Execution) {
        self.init()
        id = execution.id.description
        startAt = execution.startAt.milliseconds
        endAt = execution.endAt?.milliseconds ?? 0
        status = Wire.ExecutionStatus(rawValue: execution.status.rawValue)
        error = execution.error
        index = execution.index
        executionFee = Wire.Fee(execution.fees.execution, .dollars)
        steps = execution.steps.map { Wire.Execution.Step($0) }
        cogs = execution.costs.map { Wire.NodeCOGS($0) }
        valueFee = execution.fees.value.map { Wire.ValueFee($0) }
    }
}

extension Wire.Execution.Step {
    public init(_ step: Step) {
        self.init()
        id = step.id
        success = step.success
        log = step.log
        error = step.error
        startAt = step.startAt.milliseconds
        endAt = step.endAt.milliseconds
        inputs = step.inputs
        type = step.kind.wireName
        name = step.name
        config = step.config
        metadata = step.metadata
        executionContext = step.executionContext
        gasUsed = step.gasUsed
        gasPrice = step.gasPrice
        totalGasCost = step.totalGasCost
        errorCode = Wire.ErrorCode(rawValue: step.errorCode.rawValue)
        outputData = step.output.map { OneOf_OutputData(step.kind, data: $0) }
        failedAttempts = step.failedAttempts.map { attempt in
            .with {
                $0.startAt = attempt.startAt.milliseconds
                $0.endAt = attempt.endAt.milliseconds
                $0.error = attempt.error
                $0.errorCode = Wire.ErrorCode(rawValue: attempt.errorCode.rawValue)
            }
        }
    }
}

extension Wire.Execution.Step.OneOf_OutputData {
    /// The output under the name that its kind has on the wire.
    public init(_ kind: StepKind, data: JSONValue) {
        switch kind {
        case .trigger(let trigger): self = Self.output(of: trigger, data)
        case .node(let node): self = Self.output(of: node, data)
        }
    }

    private static func output(of trigger: TriggerKind, _ data: JSONValue) -> Self {
        switch trigger {
        case .manual: .manualTrigger(filled(.init()) { $0.data = data })
        case .fixedTime: .fixedTimeTrigger(filled(.init()) { $0.data = data })
        case .cron: .cronTrigger(filled(.init()) { $0.data = data })
        case .block: .blockTrigger(filled(.init()) { $0.data = data })
        case .event: .eventTrigger(filled(.init()) { $0.data = data })
        }
    }

    private static func output(of node: NodeKind, _ data: JSONValue) -> Self {
        switch node {
        case .ethTransfer: .ethTransfer(filled(.init()) { $0.data = data })
        case .contractWrite: .contractWrite(filled(.init()) { $0.data = data })
        case .contractRead: .contractRead(filled(.init()) { $0.data = data })
        case .graphQLQuery: .graphql(filled(.init()) { $0.data = data })
        case .restAPI: .restApi(filled(.init()) { $0.data = data })
        case .customCode: .customCode(filled(.init()) { $0.data = data })
        case .branch: .branch(filled(.init()) { $0.data = data })
        case .filter: .filter(filled(.init()) { $0.data = data })
        case .loop: .loop(filled(.init()) { $0.data = data })
        case .balance: .balance(filled(.init()) { $0.data = data })
        }
    }

    /// The output itself, whatever its kind.
    public var data: JSONValue? {
        switch self {
        case .ethTransfer(let output): output.data
        case .graphql(let output): output.data
        case .contractRead(let output): output.data
        case .contractWrite(let output): output.data
        case .customCode(let output): output.data
        case .restApi(let output): output.data
        case .branch(let output): output.data
        case .filter(let output): output.data
        case .loop(let output): output.data
        case .blockTrigger(let output): output.data
        case .fixedTimeTrigger(let output): output.data
        case .cronTrigger(let output): output.data
        case .eventTrigger(let output): output.data
        case .manualTrigger(let output): output.data
        case .balance(let output): output.data
        }
    }
}

private func filled<Message>(_ message: Message, _ change: (inout Message) -> Void) -> Message {
    var message = message
    change(&message)
    return message
}
