import AVSCrypto
import AVSEngine
import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSSchema
import AVSStorage
import AVSTesting
import AVSWorkflow
import Logging
import Synchronization
import Testing

@testable import AVSServer

/// A chain that nobody is expected to ask.
private struct SilentChain: ChainClient {
    let chainID: UInt64 = 31_337

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        throw .malformedAnswer(method: method, reason: "no chain in this test")
    }
}

private struct NoRunner: WorkflowRunner {
    func run(
        _ request: RunRequest, recorder: some StepRecorder, signal: StopSignal
    ) async -> RunResult {
        RunResult(steps: [], status: .success, error: "")
    }
}

/// A store that notes on whose behalf it is updated.
final class NotingStore: KeyValueStore {
    private let base = MemoryStore()
    private let noted = Mutex<[UpdateOrigin]>([])

    var origins: [UpdateOrigin] { noted.withLock { $0 } }

    func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R { try base.read(body) }

    func update<R: Sendable>(_ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R) async throws -> R {
        noted.withLock { $0.append(UpdateOrigin.current) }
        return try await base.update(body)
    }

    func updateUnsynced<R: Sendable>(
        _ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R
    ) async throws -> R {
        noted.withLock { $0.append(UpdateOrigin.current) }
        return try await base.updateUnsynced(body)
    }
}

/// The methods of the service over a store in memory, called as the transport calls them: bytes in, bytes out.
struct ServerHarness: Sendable {
    static let owner = Address("0x00000000000000000000000000000000000000a1") ?? .zero
    static let stranger = Address("0x00000000000000000000000000000000000000a2") ?? .zero
    static let wallet = Address("0x00000000000000000000000000000000000000b2") ?? .zero
    static let node = Address("0x00000000000000000000000000000000000000c1") ?? .zero

    let store: any KeyValueStore
    let time = ManualTime()
    let engine: TaskEngine
    let services: Services
    let gate: CallGate

    init(
        store: any KeyValueStore = MemoryStore(), showsCanceledAsDisabled: Bool = true,
        limits: CallLimits = CallLimits(), _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) throws {
        self.store = store
        let chain = ChainSettings(client: SilentChain(), entryPoint: .zero, factory: Self.wallet)
        var configuration = EngineConfiguration(
            chains: [31_337: chain], defaultChainID: 31_337, approvedOperators: [Self.node])
        change(&configuration)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        engine = TaskEngine(
            store: store, configuration: configuration, runner: NoRunner(), epoch: 1, time: time,
            random: SeededGenerator(seed: 1), logger: logger)
        let tokens = try JWT(secret: SharedSecret(try SecretBytes(copying: Array(repeating: 7, count: 32))))
        let health = HealthBoard()
        gate = CallGate(limits, anonymous: Services.anonymousPaths(health, nil), time: time)
        services = Services(
            engine: engine,
            authority: TokenAuthority(tokens: tokens, chainID: 31_337, version: "1", maximumLifetime: nil),
            operators: OperatorAuthentication(mode: .off), gate: gate, showsCanceledAsDisabled: showsCanceledAsDisabled,
            taskLimits: .init(), health: health, reflection: nil, time: time, logger: logger)
    }

    /// Registers the wallet of ``owner``, so that no chain has to be asked whose it is.
    func registerWallet() async throws {
        try await store.update { transaction in
            try transaction.put(
                WalletKey(owner: Self.owner, wallet: Self.wallet),
                SmartWallet(owner: Self.owner, address: Self.wallet, factory: nil, salt: .zero))
        }
    }

    func call<Input, Output>(
        _ method: ProtoMethod<Input, Output>, as user: Address = owner, _ set: (inout Input) throws -> Void
    ) async throws -> (message: Output, bytes: [UInt8]) {
        let path = MethodPath(service: method.service, method: method.name)
        let found = try #require(services.methods.last { $0.path == path })
        guard case .unary(let respond) = found.handler else { throw RPCStatus(.internal, "\(path) is not unary") }
        var context = CallContext(method: path, kind: .unary, peer: Peer(address: "test:1"), receivedAt: time.now)
        context[Caller.Key.self] = .user(user)
        let bytes = try await respond(Input.with(set).serialized(), context)
        return (try Output(serialized: bytes), bytes)
    }
}
