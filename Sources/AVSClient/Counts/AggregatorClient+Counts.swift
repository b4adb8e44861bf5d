public import AVSModel
public import AVSPrimitives
import AVSProto

/// How the runs of some days went.
public struct ExecutionTotals: Hashable, Sendable {
    /// Runs that began.
    public var total: Int64
    /// Those of them in which every step succeeded.
    public var succeeded: Int64
    /// Whatever did not succeed.
    public var failed: Int64
    /// From start to end, over all runs; 0 without runs.
    public var averageDuration: Duration

    public init(total: Int64, succeeded: Int64, failed: Int64, averageDuration: Duration) {
        self.total = total
        self.succeeded = succeeded
        self.failed = failed
        self.averageDuration = averageDuration
    }
}

extension AggregatorClient {
    /// How many tasks there are, in any status.
    ///
    /// - Parameter wallets: of these; nil is of all the caller's. Those of somebody else count as none.
    public func getWorkflowCount(of wallets: [Address]? = nil) async throws(AggregatorError) -> Int64 {
        if wallets?.isEmpty == true { return 0 }  // on the wire an empty list asks for all
        let request = Wire.GetWorkflowCountReq.with { $0.addresses = wallets?.map(\.checksummed) ?? [] }
        return try await call(Wire.AggregatorMethods.getWorkflowCount, request, .safe).total
    }

    /// How many runs have finished.
    ///
    /// - Parameter tasks: of these; nil is of all the caller's. Those of somebody else count as none.
    public func getExecutionCount(of tasks: [TaskID]? = nil) async throws(AggregatorError) -> Int64 {
        if tasks?.isEmpty == true { return 0 }
        let request = Wire.GetExecutionCountReq.with { $0.workflowIds = tasks?.map(\.description) ?? [] }
        return try await call(Wire.AggregatorMethods.getExecutionCount, request, .safe).total
    }

    /// How the runs that began in the last days went.
    ///
    /// - Parameters:
    ///   - tasks: of these; nil is of all the caller's.
    ///   - days: of 24 hours, back from now; at least 1.
    public func getExecutionStats(
        of tasks: [TaskID]? = nil, days: Int = 7
    ) async throws(AggregatorError) -> ExecutionTotals {
        if tasks?.isEmpty == true {
            return ExecutionTotals(total: 0, succeeded: 0, failed: 0, averageDuration: .zero)
        }
        let request = Wire.GetExecutionStatsReq.with {
            $0.workflowIds = tasks?.map(\.description) ?? []
            $0.days = Int64(max(1, days))
        }
        let answer = try await call(Wire.AggregatorMethods.getExecutionStats, request, .safe)
        let milliseconds = Int64(exactly: answer.avgExecutionTime.rounded()) ?? 0
        return ExecutionTotals(
            total: answer.total, succeeded: answer.succeeded, failed: answer.failed,
            averageDuration: .milliseconds(milliseconds))
    }
}
