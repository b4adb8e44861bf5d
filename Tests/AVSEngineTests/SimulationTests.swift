import AVSModel
import AVSPrimitives
import AVSStorage
import AVSTesting
import AVSWorkflow
import Logging
import Testing

@testable import AVSEngine

/// A store that nothing can be read from.
private struct UnreadableStore: KeyValueStore {
    func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R { throw StorageError.closed }

    func update<R: Sendable>(_ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R) async throws -> R {
        throw StorageError.closed
    }

    func updateUnsynced<R: Sendable>(
        _ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R
    ) async throws -> R {
        throw StorageError.closed
    }
}

/// Fires at once what takes no chain; it takes a second.
private struct SlowTrials: ImmediateRunner {
    let time: ManualTime

    func run(_ trial: NodeTrial) async -> Step {
        let variables = RunVariables(secrets: trial.secrets, input: trial.input, wallet: trial.wallet).values
        return Step(
            id: "", name: "", kind: .node(trial.node.kind), output: ["sender": variables["aa_sender"] ?? .null,
            "salt": variables["aa_salt"] ?? .null], startAt: time.now, endAt: time.now)
    }

    func run(_ trial: TriggerTrial) async throws(NodeFailure) -> TriggerTrial.Outcome {
        time.advance(by: .seconds(1))
        return TriggerTrial.Outcome(output: trial.input["apContext"] ?? .null)
    }
}

@Suite("A simulation")
struct SimulationTests {
    private let time = ManualTime()
    private let runner = ScriptedRunner()

    private func engine(_ store: any KeyValueStore) -> TaskEngine {
        let chain = ChainSettings(client: FactoryChain(), entryPoint: Harness.entryPoint, factory: Harness.factory)
        var configuration = EngineConfiguration(chains: [31_337: chain], defaultChainID: 31_337, approvedOperators: [])
        configuration.macroSecrets = ["key": "of the server"]
        return TaskEngine(
            store: store, configuration: configuration, runner: runner, immediate: SlowTrials(time: time), epoch: 1,
            time: time, random: SeededGenerator(seed: 1),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private static let transfer = Node.Config.ethTransfer(ETHTransferNode(destination: "{{aa_sender}}", amount: "1"))
    private static let branch = Node.Config.branch(BranchNode(conditions: []))

    private func task(_ config: Node.Config, wallet: Address) -> AutomationTask {
        AutomationTask(
            id: TaskID(.zero), owner: Harness.owner, wallet: wallet, name: "x",
            trigger: Trigger(id: "t", name: "t", config: .manual(ManualTrigger())),
            nodes: [Node(id: "n", name: "n", config: config)], edges: [Edge(id: "e", source: "t", target: "n")],
            inputVariables: [:], chainID: 31_337)
    }

    @Test("6.3 begins with the trial of its trigger")
    func times() async throws {
        let before = time.now
        let execution = try await engine(MemoryStore()).simulate(task(Self.branch, wallet: .zero))
        #expect(runner.started.first?.startedAt == before && execution.startAt == before && execution.endAt == time.now)
    }

    @Test("6.3 sees the server's secrets when the store cannot be read")
    func secrets() async throws {
        let wallet = FactoryChain.wallet(of: Harness.owner)
        let execution = try await engine(UnreadableStore()).simulate(task(Self.transfer, wallet: wallet))
        #expect(execution.status == .success)
        #expect(runner.started.first?.secrets == ["key": "of the server"] && runner.started.first?.walletSalt == nil)
    }

    @Test("6.1 of a trigger alone sees the server's secrets, one of a task only its variables")
    func triggerScope() async throws {
        let trigger = Trigger(id: "t", name: "t", config: .manual(ManualTrigger()))
        let (alone, chain) = try await engine(MemoryStore()).run(trigger, input: ["a": 1])
        #expect(alone.output == ["configVars": ["key": "of the server"]] && chain == 31_337)
        _ = try await engine(MemoryStore()).simulate(task(Self.branch, wallet: .zero))
        #expect(runner.started.first?.trigger.data == .null)
    }

    @Test("6.6 ends when its last node ended")
    func end() async throws {
        let ended = time.now.adding(.seconds(-9))
        let step = Step(id: "n", name: "n", kind: .node(.branch), startAt: ended, endAt: ended)
        runner.end(with: [step])
        #expect(try await engine(MemoryStore()).simulate(task(Self.branch, wallet: .zero)).endAt == ended)
        try await Harness().working { harness in
            harness.runner.end(with: [step])
            let task = try await harness.createTask()
            let run = TriggerRequest(taskID: task, owner: Harness.owner, isBlocking: true)
            #expect(try await harness.engine.trigger(run).execution?.endAt == ended)
        }
    }

    @Test(
        "2.1 knows the salt of its wallet, registered or not, where it acts on the chain",
        arguments: [0, 4, 5, nil] as [UInt64?])
    func salt(number: UInt64?) async throws {
        let wallet = number.map { FactoryChain.wallet(of: Harness.owner, salt: UInt256($0)) } ?? Harness.stranger
        let expected = number.flatMap { $0 < 5 ? UInt256($0) : nil }
        _ = try await engine(MemoryStore()).simulate(task(Self.transfer, wallet: wallet))
        _ = try await engine(MemoryStore()).simulate(task(Self.branch, wallet: wallet))
        #expect(runner.started.map(\.walletSalt) == [expected, nil])
        let settings: JSONValue = ["settings": ["runner": .string(wallet.lowercased)]]
        let alone = await engine(MemoryStore()).run(
            Node(id: "n", name: "n", config: Self.transfer), input: settings.objectValue ?? [:], owner: Harness.owner)
        guard let expected else { return #expect(alone.failure?.code == .smartWalletNotFound) }
        #expect(alone.step?.output == ["sender": .string(wallet.checksummed), "salt": .string("\(expected)")])
    }

    @Test("2.1 is like a run: a stored task's knows the salt too")
    func stored() async throws {
        try await Harness().working { harness in
            let wallet = FactoryChain.wallet(of: Harness.owner, salt: UInt256(UInt64(3)))
            _ = try await harness.engine.wallets.register(
                wallet, owner: Harness.owner, factory: Harness.factory, salt: UInt256(UInt64(3)))
            let task = try await harness.createTask { $0.wallet = wallet }
            _ = try await harness.engine.trigger(TriggerRequest(taskID: task, owner: Harness.owner, isBlocking: true))
            #expect(harness.runner.started.map(\.walletSalt) == [UInt256(UInt64(3))])
        }
    }
}
