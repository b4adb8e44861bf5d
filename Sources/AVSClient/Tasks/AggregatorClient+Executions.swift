public import AVSModel
import AVSProto
import AVSWire

extension AggregatorClient {
    /// The finished runs of a task, newest first. Pending ones are not listed.
    ///
    /// - Parameters:
    ///   - task: one of the caller's.
    ///   - pageSize: items to ask for at once; not negative.
    public func executions(
        of task: TaskID, pageSize: Int = Listing<Execution>.defaultPageSize
    ) -> Listing<Execution> {
        Listing { (position) async throws(AggregatorError) in
            let request = Wire.ListExecutionsReq.with {
                $0.taskIds = [task.description]
                $0.limit = Int64(pageSize)
                ($0.after, $0.before) = position.fields
            }
            let answer = try await self.call(Wire.AggregatorMethods.listExecutions, request, .safe)
            return try self.reading {
                Page(try answer.items.map { try Execution($0, taskID: task) }, answer.pageInfo)
            }
        }
    }

    /// One run with its steps; one that has not ended is pending and has none.
    public func getExecution(_ id: ExecutionID, of task: TaskID) async throws(AggregatorError) -> Execution {
        let request = Wire.ExecutionReq(id, of: task)
        let answer = try await call(Wire.AggregatorMethods.getExecution, request, .safe)
        return try reading { try Execution(answer, taskID: task) }
    }

    /// How a run stands, without its steps.
    public func getExecutionStatus(
        _ id: ExecutionID, of task: TaskID
    ) async throws(AggregatorError) -> ExecutionStatus {
        let request = Wire.ExecutionReq(id, of: task)
        let answer = try await call(Wire.AggregatorMethods.getExecutionStatus, request, .safe)
        return try reading { try ExecutionStatus(answered: answer.status) }
    }
}

extension Wire.ExecutionReq {
    fileprivate init(_ id: ExecutionID, of task: TaskID) {
        self.init()
        taskId = task.description
        executionId = id.description
    }
}
