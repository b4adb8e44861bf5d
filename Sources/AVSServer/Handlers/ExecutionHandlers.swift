import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSSchema
import AVSWire

/// Runs of the caller's tasks.
///
/// - Source: aggregator-api 2.9.
struct ExecutionHandlers: Sendable {
    let engine: TaskEngine
    let time: any TimeSource

    var methods: [RPCMethod] {
        [
            .unarySpliced(Wire.AggregatorMethods.listExecutions) { request, call in
                try await list(request, owner: call.user)
            },
            .unarySpliced(Wire.AggregatorMethods.getExecution) { request, call in
                try await execution(request, owner: call.user)
            },
            .unary(Wire.AggregatorMethods.getExecutionStatus) { request, call in
                let status = try await view(request, owner: call.user).status
                return .with { $0.status = Wire.ExecutionStatus(rawValue: status.rawValue) }
            },
        ]
    }

    /// The bytes of an `aggregator.ListExecutionsResp`.
    private func list(_ request: Wire.ListExecutionsReq, owner: Address) async throws -> [UInt8] {
        var tasks: Set<TaskID> = []
        for text in request.taskIds {
            try RequestText.checked(text, "task id")
            guard let id = TaskID(text) else { throw EngineError.taskNotFound }
            tasks.insert(id)
        }
        try await engine.checkOwner(of: tasks, is: owner)  // before cursor and limit (2.4)
        let limits = engine.configuration.limits
        let asked = try PageRequest(before: request.before, after: request.after, limit: request.limit, limits: limits)
        let page = try await engine.executions(of: tasks, owner: owner, page: asked).map { execution in
            SplicedItem(id: execution.id.ulid, message: execution.message)
        }
        let cut = page.cut(to: limits.bytesPerPage, isForward: asked.isForward) { $0.message.count }
        return cut.answer(Wire.ListExecutionsResp.with { $0.pageInfo = Wire.PageInfo(cut, id: \.id) })
    }

    /// The bytes of an `aggregator.Execution`.
    private func execution(_ request: Wire.ExecutionReq, owner: Address) async throws -> [UInt8] {
        switch try await view(request, owner: owner) {
        case .record(let execution): return execution.message
        case .pending(let id, let index, let status):
            return Wire.Execution.with {
                $0.id = id.description
                $0.startAt = time.now.milliseconds
                $0.status = Wire.ExecutionStatus(rawValue: status.rawValue)
                $0.index = index
                $0.executionFee = Wire.Fee(engine.configuration.fees.execution.description, .dollars)
            }.serialized()
        }
    }

    private func view(_ request: Wire.ExecutionReq, owner: Address) async throws -> ExecutionView {
        try RequestText.checked(request.taskId, "task id")
        try RequestText.checked(request.executionId, "execution id")
        guard let task = TaskID(request.taskId) else { throw EngineError.taskNotFound }
        guard let id = ExecutionID(request.executionId) else {
            try await engine.checkOwner(of: [task], is: owner)  // an unknown task is told before an unknown execution
            throw EngineError.executionNotFound
        }
        return try await engine.execution(id, of: task, owner: owner)
    }
}
