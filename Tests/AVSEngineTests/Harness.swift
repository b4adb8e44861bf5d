import AVSEngine
import AVSEthereum
import AVSInspection
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import AVSWorkflow
import Logging
import Synchronization
import Testing

/// A chain whose factory puts the wallet of an owner at a place that the owner and the salt decide.
struct FactoryChain: ChainClient {
    let chainID: UInt64 = 31_337

    static func wallet(of owner: Address, salt: UInt256 = .zero) -> Address {
        Address(bytes: Keccak256.hash(owner.bytes + salt.bigEndian).bytes.suffix(20)) ?? .zero
    }

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        guard method == "eth_call",
            let data = parameters.first?["data"]?.stringValue ?? parameters.first?["input"]?.stringValue,
            let bytes = Hex.decode(data), bytes.count == 68, let owner = Address(bytes: bytes[16..<36]),
            let salt = UInt256(bigEndian: bytes[36...])
        else { return .null }
        let word = [UInt8](repeating: 0, count: 12) + Self.wallet(of: owner, salt: salt).bytes
        return .string(Hex.encode0x(word))
    }
}

/// Runs nothing: records what it is told to, and answers at once, or when a test lets it.
final class ScriptedRunner: WorkflowRunner {
    private struct State {
        var records: [(record: NodeRecord, isDurable: Bool)] = []
        var recordsAfterHold = false
        var refusals: [any Error] = []
        var failures: [NodeFailure] = []
        var steps: [Step] = []
        var started: [RunRequest] = []
        /// Of these, those that have recorded what they are told to before they count as started.
        var settled = 0
        var isHolding = false
        var held: [CheckedContinuation<Void, Never>] = []
        var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var started: [RunRequest] { state.withLock { $0.started } }

    /// Whether so many runs have started, as ``waitForStarted(_:)`` counts.
    func hasStarted(_ count: Int) -> Bool { state.withLock { $0.settled >= count } }

    /// What the recorder of a run threw.
    var refusals: [any Error] { state.withLock { $0.refusals } }

    /// Why steps were not recorded with what they produced.
    var failures: [NodeFailure] { state.withLock { $0.failures } }

    /// What each run from now on comes to.
    func end(with steps: [Step]) { state.withLock { $0.steps = steps } }

    /// Each run from now on records these, before it counts as started or after it was held.
    func write(_ records: [(record: NodeRecord, isDurable: Bool)], isAfterHold: Bool = false) {
        state.withLock {
            $0.records = records
            $0.recordsAfterHold = isAfterHold
        }
    }

    /// - Returns: how the run ends when its recorder refuses.
    private func record(by recorder: some StepRecorder) async -> RunResult? {
        for (record, isDurable) in state.withLock({ $0.records }) {
            if record.finished != nil, let failure = await recorder.refusal(of: record) {
                state.withLock { $0.failures.append(failure) }
                continue
            }
            do { try await recorder.record(record, isDurable: isDurable) } catch {
                state.withLock { $0.refusals.append(error) }
                return RunResult(steps: [], status: .error, error: "\(error)")
            }
        }
        return nil
    }

    /// Runs wait from now on.
    func hold() { state.withLock { $0.isHolding = true } }

    /// All runs go on, now and later.
    func letGo() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for run in held { run.resume() }
    }

    /// Returns once so many runs have started.
    func waitForStarted(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                guard state.settled < count else { return true }
                state.waiting.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    func run(
        _ request: RunRequest, recorder: some StepRecorder, signal: StopSignal
    ) async -> RunResult {
        state.withLock { $0.started.append(request) }
        let refusal = state.withLock({ $0.recordsAfterHold }) ? nil : await record(by: recorder)
        let ready = state.withLock { state in
            state.settled += 1
            let count = state.settled
            defer { state.waiting.removeAll { $0.count <= count } }
            return state.waiting.filter { $0.count <= count }.map(\.continuation)
        }
        for continuation in ready { continuation.resume() }
        if let refusal { return refusal }
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                guard state.isHolding else { return true }
                state.held.append(continuation)
                return false
            }
            if goesOn { continuation.resume() }
        }
        if state.withLock({ $0.recordsAfterHold }), let refusal = await record(by: recorder) { return refusal }
        if signal.isSet { return RunResult(steps: [], status: .error, error: "cancelled") }
        return RunResult(steps: state.withLock { $0.steps }, status: .success, error: "")
    }
}

/// An engine over a store in memory, with time standing still.
struct Harness: Sendable {
    static let owner = Address("0x00000000000000000000000000000000000000a1") ?? .zero
    static let stranger = Address("0x00000000000000000000000000000000000000a2") ?? .zero
    static let node = Address("0x00000000000000000000000000000000000000c1") ?? .zero
    static let otherNode = Address("0x00000000000000000000000000000000000000c2") ?? .zero
    static let factory = Address("0xB99BC2E399e06CddCF5E725c0ea341E8f0322834") ?? .zero
    static let entryPoint = Address("0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789") ?? .zero

    let store: any KeyValueStore
    let time: ManualTime
    let runner = ScriptedRunner()
    let engine: TaskEngine

    init(
        store: any KeyValueStore = MemoryStore(), time: ManualTime = ManualTime(), epoch: UInt64 = 1, seed: UInt64 = 1,
        _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) {
        self.store = store
        self.time = time
        let chain = ChainSettings(client: FactoryChain(), entryPoint: Self.entryPoint, factory: Self.factory)
        var configuration = EngineConfiguration(
            chains: [31_337: chain], defaultChainID: 31_337, approvedOperators: [Self.node, Self.otherNode])
        configuration.times.syncInitialDelay = .zero
        change(&configuration)
        engine = TaskEngine(
            store: store, configuration: configuration, runner: runner, epoch: epoch, time: time,
            random: SeededGenerator(seed: seed), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs `body` while the worker runs jobs; the worker ends with it.
    func working<Answer: Sendable>(
        _ body: @Sendable @escaping (Harness) async throws -> Answer
    ) async throws -> Answer {
        try await withThrowingTaskGroup(of: Void.self) { group in
            _ = try await engine.executions.recover()
            group.addTask { await engine.executions.run() }
            let answer = try await body(self)
            await engine.executions.beginDrain()
            try await group.waitForAll()
            return answer
        }
    }

    func createTask(
        _ trigger: Trigger.Config = .block(BlockTrigger(interval: 5)),
        _ change: (inout AutomationTask) -> Void = { _ in }
    ) async throws -> TaskID {
        var draft = AutomationTask(
            id: TaskID(ULID.zero), owner: Self.owner, wallet: FactoryChain.wallet(of: Self.owner), name: "sample",
            trigger: Trigger(id: "t", name: "trigger", config: trigger),
            nodes: [
                Node(id: "n", name: "node", config: .customCode(CustomCodeNode(language: .javaScript, source: "")))
            ],
            edges: [Edge(id: "e", source: "t", target: "n")], inputVariables: ["settings": ["name": "sample"]],
            chainID: 31_337)
        change(&draft)
        return try await engine.create(draft).id
    }

    static func report(_ task: TaskID, block: Int, by reporter: Address = node, id: String? = nil) -> TriggerFired {
        TriggerFired(
            taskID: task, reporter: reporter,
            output: TriggerOutput(kind: .block, data: ["blockNumber": .number(Double(block))]),
            requestID: id ?? "\(task):\(block)")
    }

    /// As it is stored.
    func task(_ id: TaskID) throws -> AutomationTask { try #require(try store.read { try $0.task(id) }) }

    /// The records of a task's runs, the newest first.
    func executions(_ id: TaskID) throws -> [Execution] {
        try store.read { try $0.rows(Rows<HistoryKey>(under: id), order: .descending, limit: 1_000).map(\.value) }
    }

    /// What `avsctl store check` says of the database.
    func findings() throws -> [StoreFinding] {
        try store.read { snapshot in
            var check = StoreCheck()
            var found: [StoreFinding] = []
            var cursor: [UInt8]?
            repeat { cursor = try check.check(after: cursor, in: snapshot) { found.append($0) } } while cursor != nil
            return found
        }
    }
}
