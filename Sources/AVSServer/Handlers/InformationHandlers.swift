import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire
import AVSWorkflow
import Logging

/// Counts and statistics of the caller's tasks, what tokens are called, what workflows cost.
///
/// - Source: aggregator-api 2.11, 2.13, 2.14.
struct InformationHandlers: Sendable {
    let engine: TaskEngine
    let validator: TaskValidator
    let logger: Logger

    var methods: [RPCMethod] {
        [
            .unary(Wire.AggregatorMethods.getWorkflowCount) { request, call in
                try await workflowCount(request, owner: call.user)
            },
            .unary(Wire.AggregatorMethods.getExecutionCount) { request, call in
                try await executionCount(request, owner: call.user)
            },
            .unary(Wire.AggregatorMethods.getExecutionStats) { request, call in
                try await statistics(request, owner: call.user)
            },
            .unary(Wire.AggregatorMethods.getTokenMetadata) { request, _ in try await token(request) },
            .unary(Wire.AggregatorMethods.estimateFees) { request, call in
                try await estimate(request, owner: call.user)
            },
        ]
    }

    // MARK: Counts

    private func workflowCount(
        _ request: Wire.GetWorkflowCountReq, owner: Address
    ) async throws -> Wire.GetWorkflowCountResp {
        // What is malformed is skipped, so a list of nothing else counts nothing.
        let wallets = request.addresses.isEmpty ? nil : Set(request.addresses.compactMap { Address($0) })
        let total = try await counting("workflow") { try await engine.taskCount(owner: owner, wallets: wallets) }
        return .with { $0.total = Int64(total) }
    }

    private func executionCount(
        _ request: Wire.GetExecutionCountReq, owner: Address
    ) async throws -> Wire.GetExecutionCountResp {
        let total = try await counting("execution") {
            try await engine.executionCount(owner: owner, tasks: Self.tasks(request.workflowIds))
        }
        return .with { $0.total = total }
    }

    private func statistics(
        _ request: Wire.GetExecutionStatsReq, owner: Address
    ) async throws -> Wire.GetExecutionStatsResp {
        let statistics: ExecutionStatistics
        do {
            statistics = try await engine.executionStatistics(
                owner: owner, tasks: Self.tasks(request.workflowIds), days: request.days > 0 ? request.days : 7)
        } catch {
            throw failed("Internal error retrieving tasks", error)
        }
        return .with {
            $0.total = statistics.total
            $0.succeeded = statistics.succeeded
            $0.failed = statistics.failed
            $0.avgExecutionTime = statistics.averageMilliseconds
        }
    }

    private static func tasks(_ texts: [String]) -> Set<TaskID>? {
        texts.isEmpty ? nil : Set(texts.compactMap { TaskID($0) })
    }

    private func counting<Count>(_ what: String, _ body: () async throws -> Count) async throws -> Count {
        do { return try await body() } catch { throw failed("Internal error counting \(what)", error) }
    }

    private func failed(_ text: String, _ error: any Error) -> any Error {
        if error is CancellationError { return error }
        logger.error("a count failed", metadata: ["error": "\(error)"])
        return RPCStatus(.internal, .storageReadError, text)
    }

    // MARK: Tokens

    private func token(_ request: Wire.GetTokenMetadataReq) async throws -> Wire.GetTokenMetadataResp {
        guard !request.address.isEmpty else {
            throw InvalidArgument(.missingRequiredField, "token address is required")
        }
        guard let address = Address(request.address) else {
            throw InvalidArgument(.invalidAddress, "invalid token address format")
        }
        do {
            guard let token = try await engine.tokens.token(address) else { return Wire.GetTokenMetadataResp() }
            return .with {
                $0.found = true
                $0.source = token.source.rawValue
                $0.token = .with {
                    $0.id = token.address.lowercased
                    $0.name = token.name
                    $0.symbol = token.symbol
                    $0.decimals = UInt32(clamping: token.decimals)
                }
            }
        } catch let error as EngineError {
            // Whoever asks is told that nothing is known, as of a token that is none (2.13).
            logger.warning("a token could not be looked up", metadata: ["token": "\(address)", "error": "\(error)"])
            return Wire.GetTokenMetadataResp()
        }
    }

    // MARK: Fees

    private func estimate(_ request: Wire.EstimateFeesReq, owner: Address) async throws -> Wire.EstimateFeesResp {
        guard let trigger = request.trigger, trigger.triggerType != nil else {
            throw InvalidArgument(.missingRequiredField, "trigger is required")
        }
        guard !request.nodes.isEmpty else {
            throw InvalidArgument(.missingRequiredField, "at least one node is required")
        }
        guard request.createdAt > 0 else {
            throw InvalidArgument(.invalidRequest, "created_at must be a positive timestamp")
        }
        guard request.expireAt > 0 else {
            throw InvalidArgument(.invalidRequest, "expire_at must be a positive timestamp")
        }
        guard request.expireAt > request.createdAt else {
            throw InvalidArgument(.invalidRequest, "expire_at must be after created_at")
        }
        try validator.checkLimits(nodes: request.nodes.count, edges: request.edges.count)
        let settings = request.inputVariables["settings"]
        let named = request.runner.isEmpty ? settings?["runner"]?.stringValue ?? "" : request.runner
        guard let runner = Address(named) else {
            let text = "a runner is required: no smart wallet was named to estimate for"
            throw RPCStatus(.notFound, .smartWalletNotFound, text)
        }
        let estimate = try await engine.estimateFees(
            of: request.nodes.map { try Node($0) }, runner: runner, owner: owner,
            chainID: try TaskSettings.chainID(settings?["chain_id"]))
        return Wire.EstimateFeesResp(estimate)
    }
}

extension Wire.EstimateFeesResp {
    fileprivate init(_ estimate: FeeEstimate) {
        self.init()
        success = true
        chainId = "\(estimate.chainID)"
        nativeToken = .with {
            $0.symbol = "ETH"
            $0.decimals = 18
        }
        executionFee = Wire.Fee(estimate.execution.description, .dollars)
        cogs = estimate.costs.map { Wire.NodeCOGS($0) }
        valueFee = Wire.ValueFee(estimate.value)
        pricingModel = "v1"
        warnings = estimate.warnings
    }
}
