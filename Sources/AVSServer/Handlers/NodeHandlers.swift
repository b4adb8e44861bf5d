import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire
import Logging

/// What operators call.
///
/// - Source: aggregator-api 6.
struct NodeHandlers: Sendable {
    let engine: TaskEngine
    let authentication: OperatorAuthentication
    let aliases: OperatorAliases?
    let gate: CallGate
    let time: any TimeSource
    let logger: Logger

    /// Largest report: an event's decoded map, far below the 4 MiB of other calls.
    private static let reportLimitBytes = 1 << 20

    var methods: [RPCMethod] {
        let small = RPCMethod.Options(requestLimitBytes: Authenticator.anonymousRequestLimitBytes)
        let report = RPCMethod.Options(requestLimitBytes: Self.reportLimitBytes)
        return [
            .unary(Wire.NodeMethods.healthCheck, options: small) { _, _ in health() },
            .unary(Wire.NodeMethods.ping, options: small) { request, call in try await ping(request, call) },
            .serverStreaming(Wire.NodeMethods.syncMessages, options: small) { request, call, writer in
                try await sync(request, call, writer)
            },
            .unary(Wire.NodeMethods.ack, options: small) { _, call in
                _ = try await anyApprovedOperator(call)
                return .with { $0.value = true }
            },
            .unary(Wire.NodeMethods.notifyTriggers, options: report) { request, call in
                try await notify(request, call)
            },
            .unary(Wire.NodeMethods.reportEventOverload, options: small) { request, call in
                try await overload(request, call)
            },
        ]
    }

    // MARK: Life

    private func health() -> Wire.HealthCheckResponse {
        .with {
            $0.status = "OK"
            $0.message = "Aggregator is running"
            $0.timestamp = UInt64(clamping: time.now.milliseconds)
        }
    }

    private func ping(_ request: Wire.Checkin, _ call: CallContext) async throws -> Wire.CheckinResp {
        let address = try await call.node(request.address, authentication, aliases)
        let now = time.now
        try await engine.ping(
            OperatorInfo(
                address: address, remoteIP: request.remoteIP, lastPing: now, version: request.version,
                metricsPort: request.metricsPort, blockNumber: request.blockNumber, eventCount: request.eventCount))
        return .with { $0.updatedAt = .init(now) }
    }

    // MARK: Stream

    private func sync(
        _ request: Wire.SyncMessagesReq, _ call: CallContext, _ writer: ResponseWriter<Wire.SyncMessagesResp>
    ) async throws {
        let address = try await call.node(request.address, authentication, aliases)
        let capabilities = request.capabilities.map {
            OperatorCapabilities(events: $0.eventMonitoring, blocks: $0.blockMonitoring, times: $0.timeMonitoring)
        }
        try await writer.sendHeaders()
        let outcome = try await engine.serveOperator(address, capabilities: capabilities ?? .all) { message in
            try await writer.write(Wire.SyncMessagesResp(message))
        }
        if case .tooSlow(let limit) = outcome {
            let cooldown = engine.configuration.times.reconnectCooldown
            throw RPCStatus.tooSlow(limit: limit, retryAfter: cooldown, spread: address.hashValue)
        }
        call.setTrailingMetadata(RetryAdvice(within: Self.reconnectSpread, name: address.bytes).metadata)
    }

    /// Over how long operators come back that were sent away together (OVL-13).
    private static let reconnectSpread = Duration.seconds(10)

    // MARK: Reports

    private func notify(
        _ request: Wire.NotifyTriggersReq, _ call: CallContext
    ) async throws -> Wire.NotifyTriggersResp {
        let reporter = try await call.node(request.address, authentication, aliases)
        try gate.admitReport(of: reporter)
        try RequestText.checked(request.taskId, "task id")
        let report = TriggerFired(
            taskID: TaskID(request.taskId) ?? TaskID(.zero), reporter: reporter,
            output: request.triggerOutput?.output
                ?? TriggerOutput(kind: TriggerKind(rawValue: request.triggerType.rawValue) ?? .manual, data: nil),
            requestID: try RequestText.checked(request.triggerRequestId, "trigger_request_id"),
            chainID: request.chainId == 0 ? nil : request.chainId)
        let answer = TaskID(request.taskId) == nil ? .notFound : try await engine.accept(report)
        return .with {
            $0.updatedAt = .init(time.now)
            $0.remainingExecutions = answer.remaining
            $0.taskStillEnabled = answer.keepsWatching
            $0.status = answer.status
            $0.message = answer.message
        }
    }

    private func overload(
        _ request: Wire.EventOverloadAlert, _ call: CallContext
    ) async throws -> Wire.EventOverloadResponse {
        let reporter = try await anyApprovedOperator(call)
        logger.warning("an operator reports too many events", metadata: [
            "operator": "\(reporter)", "events": "\(request.eventsDetected)", "limit": "\(request.safetyLimit)",
        ])
        var answer = Wire.EventOverloadResponse()
        answer.timestamp = UInt64(clamping: time.now.milliseconds)
        answer.message = "Task was already disabled or not found"
        guard let id = TaskID(request.taskId) else { return answer }
        do {
            (answer.taskCancelled, answer.message) = try await engine.reportOverload(of: id, by: reporter)
        } catch {
            answer.message = "Failed to disable task: \(RPCStatus(answering: error).message)"
        }
        return answer
    }

    /// The approved operator that signed this call, for rpcs whose message does not name it (3.5).
    private func anyApprovedOperator(_ call: CallContext) async throws(RPCStatus) -> Address {
        let approved = engine.configuration.approvedOperators.sorted()
        guard authentication.mode == .enforce else { return approved.first ?? .zero }
        if case .node(let credential) = call[Caller.Key.self] {
            // Who signed with its own key needs no look at the registry.
            for address in approved where credential.isSigned(by: address, for: address) { return address }
            for address in approved {
                if await credential.isSigned(for: address, aliases) { return address }
            }
        }
        throw RPCStatus(.unauthenticated, .unauthorized, "User Auth key is invalid")
    }
}

extension Wire.SyncMessagesResp {
    init(_ message: OperatorMessage) {
        self.init()
        id = message.taskID.description
        switch message {
        case .monitor(let check):
            op = .monitorTaskTrigger
            taskMetadata = TaskMetadata(check)
        case .immediate(let check):
            op = .immediateTrigger
            taskMetadata = TaskMetadata(check)
        case .disable: op = .disableTask
        case .delete: op = .deleteTask
        }
    }
}

extension Wire.SyncMessagesResp.TaskMetadata {
    init(_ check: TaskCheck) {
        self.init()
        taskId = check.taskID.description
        remain = check.maxExecution
        expiredAt = check.expiredAt?.milliseconds ?? 0
        startAt = check.startAt?.milliseconds ?? 0
        trigger = Wire.TaskTrigger(check.trigger)
        chainId = check.chainID
    }
}

extension WellKnown.Timestamp {
    init(_ instant: AVSPrimitives.Timestamp) {
        self.init()
        seconds = instant.seconds
        nanos = Int32(clamping: (instant.milliseconds - instant.seconds * 1_000) * 1_000_000)
    }
}
