public import AVSModel
public import AVSPrimitives
import AVSSchema
public import AVSWorkflow
import Logging

/// What RunNodeWithInputs answers beside the step.
public struct NodeTrialResult: Sendable {
    /// Nil when the node was refused before it ran.
    public var step: Step?
    /// Nil on success.
    public var failure: NodeFailure?
}

extension TaskEngine {
    /// The chain that `settings.chain_id` of the input names, else the default one.
    private func chainID(in input: [String: JSONValue]) throws(NodeFailure) -> UInt64 {
        do throws(InvalidArgument) {
            return try TaskSettings.chainID(input["settings"]?["chain_id"]) ?? configuration.defaultChainID
        } catch {
            throw NodeFailure(code: error.code, error.message)
        }
    }

    /// Runs one node with these variables and the server's own secrets (execution-engine 6.2).
    public func run(_ node: Node, input: [String: JSONValue], owner: Address) async -> NodeTrialResult {
        let chainID: UInt64
        var wallet: RunVariables.Wallet?
        do throws(NodeFailure) {
            chainID = try self.chainID(in: input)
            if node.config.actsOnChain { wallet = try await runner(of: node.kind, input: input, owner: owner) }
            do throws(NodeFailure) {
                try NodeRequirements.check(node.config)
            } catch {
                throw NodeFailure(code: error.code, "failed to create node: \(error.message)", details: error.details)
            }
            if let why = node.refusal {
                throw NodeFailure(code: .invalidNodeConfig, "failed to create node: \(why)")
            }
        } catch {
            return NodeTrialResult(failure: error)
        }
        // A name of the service's own: the caller's is not looked at.
        let fresh = Node(id: "node", name: "singleNodeExecution", config: node.config, retry: node.retry)
        var trial = NodeTrial(
            node: fresh, input: input, secrets: configuration.macroSecrets, chainID: chainID, owner: owner,
            wallet: wallet,
            executionID: newExecutionID(at: time.now))
        trial.deadline = time.monotonic + configuration.times.executionDeadline
        let step = await immediate.run(trial)
        let failure = step.success ? nil : NodeFailure(code: step.errorCode, step.error)
        return NodeTrialResult(step: step, failure: failure)
    }

    /// Whose wallet acts, for nodes that could write (execution-engine 6.2, step 2).
    private func runner(
        of kind: NodeKind, input: [String: JSONValue], owner: Address
    ) async throws(NodeFailure) -> RunVariables.Wallet {
        let type = kind.shortName
        guard let settings = input["settings"], !settings.isNull else {
            throw NodeFailure("settings is required for \(type)")
        }
        guard case .object(let entries) = settings else { throw NodeFailure("settings must be an object for \(type)") }
        guard let text = entries["runner"]?.stringValue, !text.isEmpty else {
            throw NodeFailure("settings.runner is required for \(type)")
        }
        guard let runner = Address(text) else {
            throw NodeFailure("settings.runner must be a valid hex address for \(type)")
        }
        let salt: UInt256?
        do {
            salt = try await wallets.actingSalt(of: runner, for: owner)
        } catch {
            throw NodeFailure(code: .rpcNodeError, "the wallet \(runner) could not be looked up")
        }
        guard let salt else {
            throw NodeFailure(
                code: .smartWalletNotFound, "settings.runner \(runner) is not a smart wallet of owner \(owner)")
        }
        return RunVariables.Wallet(address: runner, salt: salt)
    }

    /// Tries a trigger (execution-engine 4). Its templates see the input and the server's own secrets (6.1).
    /// - Returns: what its step would show, and on which chain.
    public func run(
        _ trigger: Trigger, input: [String: JSONValue]
    ) async throws(NodeFailure) -> (outcome: TriggerTrial.Outcome, chainID: UInt64) {
        let id = try chainID(in: input)
        let scope = RunVariables(secrets: configuration.macroSecrets, input: input).values
        return (try await immediate.run(TriggerTrial(trigger: trigger, input: scope, chainID: id)), id)
    }

    /// Runs a task that is not stored, with its trigger tried (execution-engine 6.3).
    ///
    /// - Parameter draft: validated; its id is set here.
    /// - Throws: ``NodeFailure`` when the trigger cannot be tried; ``InvalidArgument`` 3003 for a graph that cannot be
    ///   planned; ``EngineError/unknownChain(_:)``, ``SecretTrouble``.
    public func simulate(_ draft: AutomationTask) async throws -> Execution {
        guard configuration.chains[draft.chainID] != nil else { throw EngineError.unknownChain(draft.chainID) }
        let startAt = time.now
        var task = draft
        task.id = newTaskID(at: startAt)
        logWarnings(about: task)
        if task.edges.isEmpty { task.nodes = [] }  // allowed, and then no node is reached: only the trigger is shown
        let fired = try await immediate.run(
            TriggerTrial(trigger: task.trigger, input: task.inputVariables, chainID: task.chainID))
        let request = RunRequest(
            task: task, executionID: newExecutionID(at: startAt),
            trigger: TriggerOutput(kind: task.trigger.kind, data: fired.output),
            secrets: try await secrets.readableValues(for: task), walletSalt: await walletSalt(of: task), trial: fired,
            startedAt: startAt, deadline: time.monotonic + configuration.times.executionDeadline)
        let result = await runner.run(request, recorder: NoStepRecorder(), signal: StopSignal())
        guard result.status != .error || !result.steps.isEmpty else {
            throw InvalidArgument(.invalidWorkflow, "simulation failed: \(result.error)")
        }
        return Execution(
            id: request.executionID, taskID: task.id, index: 0, startAt: startAt, endAt: result.end(orElse: time.now),
            status: result.status, error: result.error, fees: configuration.fees.fees(of: draft.nodes),
            steps: result.steps
        ).cut(toFit: configuration.limits.executionRecordBytes)
    }

    /// Of the wallet that a simulated task names, which need not be there yet. The chain is asked only for a graph that
    /// acts on it (execution-engine 6.1).
    private func walletSalt(of task: AutomationTask) async -> UInt256? {
        do {
            guard task.nodes.contains(where: \.config.actsOnChain) else {
                return try await wallets.wallet(task.wallet, owner: task.owner)?.salt
            }
            return try await wallets.actingSalt(of: task.wallet, for: task.owner)
        } catch {
            logger.info("a wallet's salt is not known", metadata: ["wallet": "\(task.wallet)", "error": "\(error)"])
            return nil
        }
    }
}
