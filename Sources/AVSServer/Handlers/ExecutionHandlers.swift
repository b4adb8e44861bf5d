import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire

/// Runs of the caller's tasks.
///
/// - Source: aggregator-api 2.9.
struct ExecutionHandlers: Sendable {
    let engine: TaskEngine
    let time: any TimeSource

    var methods: [RPCMethod] {
        [
            .unary(Wire.AggregatorMethods.listExecutions) { request, call in try list(request, owner: call.user) },
            .unary(Wire.AggregatorMethods.getExecution) { request, call in try execution(request, owner: call.user) },
            .unary(Wire.AggregatorMethods.getExecutionStatus) { request, call in
                let status = try view(request, owner: call.user).status
                return .with { $0.status = Wire.ExecutionStatus(rawValue: status.rawValue) }
            },
        ]
    }

    private func list(_ request: Wire.ListExecutionsReq, owner: Address) throws -> Wire.ListExecutionsResp {
        var tasks: Set<TaskID> = []
        for text in request.taskIds {
            try RequestText.checked(text, "task id")
            guard let id = TaskID(text) else { throw EngineError.taskNotFound }
            tasks.insert(id)
        }
        for id in tasks { _ = try engine.task(id, owner: owner) }  // ownership before cursor and limit (2.4)
        let limits = engine.configuration.limits
        let asked = try PageRequest(before: request.before, after: request.after, limit: request.limit, limits: limits)
        let found = try engine.executions(of: tasks, owner: owner, page: asked)
        let page = Page(
            rows: found.rows.map { Wire.Execution($0) }, hasPrevious: found.hasPrevious, hasNext: found.hasNext
        ).cut(to: limits.bytesPerPage, isForward: asked.isForward) { $0.serialized().count }
        return .with {
            $0.items = page.rows
            $0.pageInfo = Wire.PageInfo(page) { ULID(anyCase: $0.id) ?? .zero }
        }
    }

    private func execution(_ request: Wire.ExecutionReq, owner: Address) throws -> Wire.Execution {
        switch try view(request, owner: owner) {
        case .record(let execution): return Wire.Execution(execution)
        case .pending(let id, let index, let status):
            return .with {
                $0.id = id.description
                $0.startAt = time.now.milliseconds
                $0.status = Wire.ExecutionStatus(rawValue: status.rawValue)
                $0.index = index
                $0.executionFee = Wire.Execution.flatFee
            }
        }
    }

    private func view(_ request: Wire.ExecutionReq, owner: Address) throws -> ExecutionView {
        try RequestText.checked(request.taskId, "task id")
        try RequestText.checked(request.executionId, "execution id")
        guard let task = TaskID(request.taskId) else { throw EngineError.taskNotFound }
        guard let id = ExecutionID(request.executionId) else {
            _ = try engine.task(task, owner: owner)  // an unknown task is told before an unknown execution
            throw EngineError.executionNotFound
        }
        return try engine.execution(id, of: task, owner: owner)
    }
}
