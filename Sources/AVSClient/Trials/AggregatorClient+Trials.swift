public import AVSModel
public import AVSPrimitives
import AVSProto
import AVSWire

extension AggregatorClient {
    /// Tries out one node. Nothing is stored; whether it acts on a chain its own `isSimulated` says.
    ///
    /// - Parameters:
    ///   - node: as a task would have it.
    ///   - input: what the node's templates see, by name.
    public func runNodeWithInputs(
        _ node: Node, input: [String: JSONValue] = [:]
    ) async throws(AggregatorError) -> TrialResult {
        let request = Wire.RunNodeWithInputsReq.with {
            $0.node = Wire.TaskNode(node)
            $0.inputVariables = input
        }
        let answer = try await call(
            Wire.AggregatorMethods.runNodeWithInputs, request, .change(nil), timeout: configuration.blockingTimeout)
        return TrialResult(
            success: answer.success, error: answer.error,
            errorCode: ErrorCode(rawValue: answer.errorCode.rawValue) ?? .unspecified, output: answer.outputData?.data,
            metadata: answer.metadata, executionContext: answer.executionContext)
    }

    /// Tries out one trigger: what it would report now, a sample for an event. Nothing is stored.
    public func runTrigger(
        _ trigger: Trigger, input: [String: JSONValue] = [:]
    ) async throws(AggregatorError) -> TrialResult {
        let request = Wire.RunTriggerReq.with {
            $0.trigger = Wire.TaskTrigger(trigger)
            $0.triggerInput = input
        }
        let answer = try await call(
            Wire.AggregatorMethods.runTrigger, request, .safe, timeout: configuration.blockingTimeout)
        return TrialResult(
            success: answer.success, error: answer.error,
            errorCode: ErrorCode(rawValue: answer.errorCode.rawValue) ?? .unspecified, output: answer.outputData?.data,
            metadata: answer.metadata, executionContext: answer.executionContext)
    }

    /// Runs a whole task without storing it and without touching a chain. The wallet need not be there yet.
    ///
    /// - Returns: an execution that is stored nowhere: its ids name nothing.
    public func simulateTask(_ task: NewTask) async throws(AggregatorError) -> Execution {
        let request = Wire.SimulateTaskReq.with {
            $0.trigger = Wire.TaskTrigger(task.trigger)
            $0.nodes = task.nodes.map { Wire.TaskNode($0) }
            $0.edges = task.edges.map { Wire.TaskEdge($0) }
            $0.inputVariables = task.filledVariables
        }
        // Its nodes fetch what they are told to fetch, so it is not harmless to run it twice.
        let answer = try await call(
            Wire.AggregatorMethods.simulateTask, request, .change(nil), timeout: configuration.blockingTimeout)
        return try reading { try Execution(answer, taskID: TaskID(ULID.zero)) }
    }
}

extension Wire.RunNodeWithInputsResp.OneOf_OutputData {
    /// The output itself, whatever its kind.
    fileprivate var data: JSONValue? {
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
        case .balance(let output): output.data
        }
    }
}

extension Wire.RunTriggerResp.OneOf_OutputData {
    /// The output itself, whatever its kind.
    fileprivate var data: JSONValue? {
        switch self {
        case .blockTrigger(let output): output.data
        case .fixedTimeTrigger(let output): output.data
        case .cronTrigger(let output): output.data
        case .eventTrigger(let output): output.data
        case .manualTrigger(let output): output.data
        }
    }
}
