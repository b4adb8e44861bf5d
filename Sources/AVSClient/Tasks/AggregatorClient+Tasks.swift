public import AVSModel
public import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTransport
import AVSWire

extension AggregatorClient {
    /// Stores a task, which is enabled at once.
    ///
    /// Without a key two calls make two tasks, so a call whose answer was lost is not repeated
    /// (``AggregatorError/unavailable(retryAfter:_:)``, ``AggregatorError/timedOut(_:)``): look into
    /// ``tasks(of:pageSize:includesNodes:includesEdges:)`` first.
    public func createTask(
        _ task: NewTask, idempotencyKey: IdempotencyKey? = nil
    ) async throws(AggregatorError) -> TaskID {
        let request = Wire.CreateTaskReq(task)
        let answer = try await call(Wire.AggregatorMethods.createTask, request, .change(idempotencyKey))
        return try reading {
            guard let id = TaskID(answer.id) else { throw MalformedMessage("'\(answer.id.prefix(64))' is no task id") }
            return id
        }
    }

    /// A task with everything that its owner may see.
    ///
    /// Its `chainID` is that of its settings, else that of the ``session``.
    public func getTask(_ id: TaskID) async throws(AggregatorError) -> AutomationTask {
        let session = try await signedIn()
        let request = Wire.IdReq.with { $0.id = id.description }
        let answer = try await call(Wire.AggregatorMethods.getTask, request, .safe)
        return try reading { try AutomationTask(answer, chainID: answer.settingsChainID ?? session.chainID) }
    }

    /// The tasks of some wallets of the caller, newest first.
    ///
    /// Lists carry no input variables, so a listed task does not tell its chain: `chainID` is 0.
    ///
    /// - Parameters:
    ///   - wallets: at least one. One that is not the caller's fails the whole call.
    ///   - pageSize: items to ask for at once; not negative.
    ///   - includesNodes: without them listed tasks have none.
    ///   - includesEdges: the same for edges.
    public func tasks(
        of wallets: [Address], pageSize: Int = Listing<AutomationTask>.defaultPageSize, includesNodes: Bool = false,
        includesEdges: Bool = false
    ) -> Listing<AutomationTask> {
        Listing { (position) async throws(AggregatorError) in
            let request = Wire.ListTasksReq.with {
                $0.smartWalletAddress = wallets.map(\.checksummed)
                $0.limit = Int64(pageSize)
                $0.includeNodes = includesNodes
                $0.includeEdges = includesEdges
                ($0.after, $0.before) = position.fields
            }
            let answer = try await self.call(Wire.AggregatorMethods.listTasks, request, .safe)
            return try self.reading {
                Page(try answer.items.map { try AutomationTask($0, chainID: 0) }, answer.pageInfo)
            }
        }
    }

    /// Pauses a task or lets it go on. What it already is stays, and is a success.
    ///
    /// - Throws: ``AggregatorError/notFound(_:)``; ``AggregatorError/refused(reason:_:)`` for a task that has ended or,
    ///   when pausing, is running.
    @discardableResult
    public func setTaskEnabled(
        _ id: TaskID, _ isEnabled: Bool, idempotencyKey: IdempotencyKey? = nil
    ) async throws(AggregatorError) -> TaskChange {
        let request = Wire.SetTaskEnabledReq.with {
            $0.id = id.description
            $0.enabled = isEnabled
        }
        let answer = try await response(Wire.AggregatorMethods.setTaskEnabled, request, .change(idempotencyKey))
        return try ChangeAnswer(answer.message).change(of: id, trailers: answer.trailingMetadata)
    }

    /// Ends a task for good and keeps its record.
    ///
    /// - Throws: ``AggregatorError/notFound(_:)``; ``AggregatorError/refused(reason:_:)`` for a task that has ended or
    ///   is running.
    @discardableResult
    public func cancelTask(
        _ id: TaskID, idempotencyKey: IdempotencyKey? = nil
    ) async throws(AggregatorError) -> TaskChange {
        let request = Wire.IdReq.with { $0.id = id.description }
        let answer = try await response(Wire.AggregatorMethods.cancelTask, request, .change(idempotencyKey))
        return try ChangeAnswer(answer.message).change(of: id, trailers: answer.trailingMetadata)
    }

    /// Removes a task; its history goes later.
    ///
    /// - Throws: ``AggregatorError/notFound(_:)``, also for the second call; ``AggregatorError/refused(reason:_:)``
    ///   while it is running.
    @discardableResult
    public func deleteTask(
        _ id: TaskID, idempotencyKey: IdempotencyKey? = nil
    ) async throws(AggregatorError) -> TaskChange {
        let request = Wire.IdReq.with { $0.id = id.description }
        let answer = try await response(Wire.AggregatorMethods.deleteTask, request, .change(idempotencyKey))
        return try ChangeAnswer(answer.message).change(of: id, trailers: answer.trailingMetadata)
    }

    /// Runs a task now, as if its trigger had fired.
    ///
    /// Without a key each call is a run. The aggregator finishes a run whose caller has gone.
    ///
    /// - Parameters:
    ///   - id: of the task.
    ///   - kind: the task's own kind of trigger.
    ///   - data: what the trigger produced; nil leaves it to the task.
    ///   - input: merged over the task's input variables, for this run only.
    ///   - isBlocking: wait for the end, up to ``Configuration/blockingTimeout``, instead of for the start.
    ///   - idempotencyKey: makes the call repeatable: one run, whoever asks how often.
    /// - Throws: ``AggregatorError/refused(reason:_:)`` for a task that may not run now.
    public func triggerTask(
        _ id: TaskID, kind: TriggerKind = .manual, data: JSONValue? = nil, input: [String: JSONValue] = [:],
        isBlocking: Bool = false, idempotencyKey: IdempotencyKey? = nil
    ) async throws(AggregatorError) -> TriggeredRun {
        let request = Wire.TriggerTaskReq.with {
            $0.taskId = id.description
            $0.triggerType = Wire.TriggerType(rawValue: kind.rawValue)
            $0.triggerOutput = data.map { Wire.TriggerTaskReq.OneOf_TriggerOutput(kind, $0) }
            $0.triggerInput = input
            $0.isBlocking = isBlocking
        }
        let timeout = isBlocking ? configuration.blockingTimeout : configuration.timeout
        let answer = try await call(
            Wire.AggregatorMethods.triggerTask, request, .change(idempotencyKey), timeout: timeout)
        return try reading { try TriggeredRun(answer, taskID: id) }
    }
}

extension Wire.Task {
    /// `settings.chain_id`: a number, or decimal or `0x` text.
    fileprivate var settingsChainID: UInt64? {
        switch inputVariables["settings"]?["chain_id"] {
        case .number(let number): UInt64(exactly: number)
        case .string(let text): (text.hasPrefix("0x") ? UInt256(hex: text) : UInt256(decimal: text))?.uint64
        default: nil
        }
    }
}
