import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire
import AVSWorkflow

/// Runs of which nothing is kept. What goes wrong in them is part of the answer.
///
/// - Source: aggregator-api 2.12, execution-engine 6.2 and 6.3.
struct ImmediateHandlers: Sendable {
    let engine: TaskEngine
    let validator: TaskValidator

    var methods: [RPCMethod] {
        [
            .unary(Wire.AggregatorMethods.runNodeWithInputs) { request, call in
                try await runNode(request, owner: call.user)
            },
            .unary(Wire.AggregatorMethods.runTrigger) { request, _ in await runTrigger(request) },
            .unary(Wire.AggregatorMethods.simulateTask) { request, call in
                try await simulate(request, owner: call.user)
            },
        ]
    }

    // MARK: One node

    private func runNode(
        _ request: Wire.RunNodeWithInputsReq, owner: Address
    ) async throws -> Wire.RunNodeWithInputsResp {
        guard let wire = request.node else {
            return .refused(NodeFailure(code: .invalidRequest, "node is required"), kind: .restAPI)
        }
        guard let part = wire.taskType else {
            let name = wire.type == .unspecified ? "NODE_TYPE_UNSPECIFIED" : "\(wire.type.rawValue)"
            let text = "unsupported node type: \(NodeKind(rawValue: wire.type.rawValue)?.wireName ?? name)"
            return .refused(NodeFailure(code: .invalidRequest, text), kind: .restAPI)
        }
        let node = try Node(wire)
        guard part.hasConfiguration else {
            let text = "failed to extract node configuration"
            return .refused(NodeFailure(code: .invalidRequest, text), kind: node.kind)
        }
        let result = await engine.run(node, input: request.inputVariables, owner: owner)
        guard let step = result.step else {
            return .refused(result.failure ?? NodeFailure("the node did not run"), kind: node.kind)
        }
        return .with {
            $0.success = result.failure == nil
            $0.error = result.failure?.message ?? ""
            $0.errorCode = result.failure.map { Wire.ErrorCode($0.immediateCode) } ?? .init(rawValue: 0)
            let (data, metadata) = step.trialResult
            $0.outputData = .init(node.kind, data: data)
            $0.metadata = metadata
            // One that was refused by its own runner has produced nothing, and was nowhere.
            guard result.failure == nil || step.output != nil else { return }
            $0.executionContext = step.executionContext?.withCamelCaseKeys
        }
    }

    // MARK: One trigger

    private func runTrigger(_ request: Wire.RunTriggerReq) async -> Wire.RunTriggerResp {
        guard let wire = request.trigger else {
            return .refused(NodeFailure(code: .invalidRequest, "trigger is required"), kind: .manual)
        }
        guard wire.triggerType != nil else {
            let type = TriggerKind(rawValue: wire.type.rawValue)?.wireName ?? "\(wire.type.rawValue)"
            let text = "unsupported trigger type: \(type)"
            return .refused(NodeFailure(code: .invalidRequest, text), kind: .manual)
        }
        guard !wire.lacksQueries else { return .refused(.missing("queries"), kind: .event) }
        let trigger: Trigger
        do throws(InvalidArgument) {
            trigger = try Trigger(wire)
        } catch {
            return .refused(NodeFailure(code: error.code, error.message), kind: .block)
        }
        do throws(NodeFailure) {
            let (outcome, chainID) = try await engine.run(trigger, input: request.triggerInput)
            return .answer(outcome, kind: trigger.kind, chainID: chainID)
        } catch {
            return .refused(error, kind: trigger.kind)
        }
    }

    // MARK: A whole task

    private func simulate(_ request: Wire.SimulateTaskReq, owner: Address) async throws -> Wire.Execution {
        let draft = SimulationDraft(
            trigger: try request.trigger.flatMap { $0.triggerType == nil ? nil : try Trigger($0) },
            declaredKind: request.trigger.flatMap { TriggerKind(rawValue: $0.type.rawValue) },
            nodes: try request.nodes.map { try Node($0) }, edges: request.edges.map { Edge($0) },
            inputVariables: request.inputVariables)
        let (trigger, settings) = try validator.check(draft)
        let task = AutomationTask(
            id: TaskID(ULID.zero), owner: owner, wallet: settings.runner, name: settings.name, trigger: trigger,
            nodes: draft.nodes, edges: draft.edges, inputVariables: draft.inputVariables,
            chainID: settings.chainID ?? engine.configuration.defaultChainID)
        do {
            if request.trigger?.lacksQueries == true { throw NodeFailure.missing("queries") }
            return Wire.Execution(try await engine.simulate(task))
        } catch let failure as NodeFailure {
            let text = "simulation failed: failed to simulate trigger: \(failure.message)"
            switch failure.code {
            case .invalidTriggerConfig, .invalidNodeConfig, .missingRequiredField, .invalidAddress, .invalidRequest:
                throw InvalidArgument(failure.code, text)
            default: throw RPCStatus(.internal, .executionEngineError, text)
            }
        }
    }
}

extension NodeFailure {
    /// The number of a failure in an answer: where it has none but that of a bad request, a connection that could not
    /// be made is the node's failure (execution-engine 6.2). Texts of foreign services say so in their own words.
    fileprivate var immediateCode: ErrorCode {
        guard code == .unspecified || code == .invalidRequest else { return code }
        let signs = [
            "could not connect", "chain connection error", "bundler service unavailable", "connection refused",
            "dial tcp",
        ]
        return signs.contains { message.contains($0) } ? .rpcNodeError : .invalidRequest
    }
}

extension Step {
    /// What an immediate run shows as data and as metadata. Of a request over HTTP the data is the body alone, the
    /// envelope is metadata (execution-engine 5.5.2).
    fileprivate var trialResult: (data: JSONValue?, metadata: JSONValue?) {
        guard kind == .node(.restAPI), case .object(var envelope)? = output else { return (output, metadata) }
        envelope["success"] = .bool(success)
        envelope["error"] = .string(error)
        return (envelope["data"], .object(envelope))
    }
}

extension Wire.ErrorCode {
    fileprivate init(_ code: ErrorCode) { self.init(rawValue: code.rawValue) }
}

extension JSONValue {
    /// A step's context as immediate runs spell it: `chainId`, `isSimulated`, `provider`.
    fileprivate var withCamelCaseKeys: JSONValue {
        guard case .object(let fields) = self else { return self }
        let names = ["chain_id": "chainId", "is_simulated": "isSimulated"]
        return .object(Dictionary(fields.map { (names[$0.key] ?? $0.key, $0.value) }) { first, _ in first })
    }
}

extension Wire.RunNodeWithInputsResp {
    fileprivate static func refused(_ failure: NodeFailure, kind: NodeKind) -> Wire.RunNodeWithInputsResp {
        .with {
            $0.error = failure.message
            $0.errorCode = Wire.ErrorCode(failure.immediateCode)
            $0.outputData = .init(kind, data: nil)
        }
    }
}

extension Wire.RunTriggerResp {
    /// Conditions that do not hold are a failure that keeps its output.
    fileprivate static func answer(
        _ outcome: TriggerTrial.Outcome, kind: TriggerKind, chainID: UInt64
    ) -> Wire.RunTriggerResp {
        .with {
            $0.success = outcome.failure == nil
            $0.error = outcome.failure?.message ?? ""
            $0.errorCode = outcome.failure.map { Wire.ErrorCode($0.immediateCode) } ?? .init(rawValue: 0)
            $0.outputData = .init(kind, data: outcome.output)
            $0.metadata = outcome.metadata
            $0.executionContext = [
                "chainId": .number(Double(chainID)),
                "isSimulated": .bool(outcome.isSimulated),
                "provider": outcome.isSimulated ? "tenderly" : "chain_rpc",
            ]
        }
    }

    fileprivate static func refused(_ failure: NodeFailure, kind: TriggerKind) -> Wire.RunTriggerResp {
        .with {
            $0.error = failure.message
            $0.errorCode = Wire.ErrorCode(failure.immediateCode)
            $0.outputData = .init(kind, data: nil)
        }
    }
}

extension Wire.RunNodeWithInputsResp.OneOf_OutputData {
    /// The output under the name of its kind; an empty message when there is none.
    fileprivate init(_ kind: NodeKind, data: JSONValue?) {
        switch kind {
        case .ethTransfer: self = .ethTransfer(.with { $0.data = data })
        case .contractWrite: self = .contractWrite(.with { $0.data = data })
        case .contractRead: self = .contractRead(.with { $0.data = data })
        case .graphQLQuery: self = .graphql(.with { $0.data = data })
        case .restAPI: self = .restApi(.with { $0.data = data })
        case .customCode: self = .customCode(.with { $0.data = data })
        case .branch: self = .branch(.with { $0.data = data })
        case .filter: self = .filter(.with { $0.data = data })
        case .loop: self = .loop(.with { $0.data = data })
        case .balance: self = .balance(.with { $0.data = data })
        }
    }
}

extension Wire.RunTriggerResp.OneOf_OutputData {
    /// The output under the name of its kind; an empty message when there is none.
    fileprivate init(_ kind: TriggerKind, data: JSONValue?) {
        switch kind {
        case .manual: self = .manualTrigger(.with { $0.data = data })
        case .fixedTime: self = .fixedTimeTrigger(.with { $0.data = data })
        case .cron: self = .cronTrigger(.with { $0.data = data })
        case .block: self = .blockTrigger(.with { $0.data = data })
        case .event: self = .eventTrigger(.with { $0.data = data })
        }
    }
}

extension Wire.TaskTrigger {
    /// An event trigger without configuration: its queries are missing, which is not the same as there being none.
    fileprivate var lacksQueries: Bool {
        if case .event(let event) = triggerType { event.config == nil } else { false }
    }
}

extension Wire.TaskNode.OneOf_TaskType {
    /// Whether the part holds a configuration at all.
    fileprivate var hasConfiguration: Bool {
        switch self {
        case .ethTransfer(let node): node.config != nil
        case .contractWrite(let node): node.config != nil
        case .contractRead(let node): node.config != nil
        case .graphqlQuery(let node): node.config != nil
        case .restApi(let node): node.config != nil
        case .branch(let node): node.config != nil
        case .filter(let node): node.config != nil
        case .loop(let node): node.config != nil || node.runner != nil
        case .customCode(let node): node.config != nil
        case .balance(let node): node.config != nil
        }
    }
}
