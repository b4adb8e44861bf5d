import AVSCrypto
import AVSEngine
import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import AVSWorkflow
import Logging
import Synchronization

/// A clock whose sleepers wake at once, at the time that they wanted.
final class SkippingTime: TimeSource {
    private let state = Mutex((now: Timestamp(milliseconds: 1_900_000_000_000), monotonic: ContinuousClock().now))

    var now: Timestamp { state.withLock { $0.now } }
    var monotonic: ContinuousClock.Instant { state.withLock { $0.monotonic } }

    func sleep(until deadline: ContinuousClock.Instant) async throws {
        try Task.checkCancellation()
        state.withLock { state in
            guard deadline > state.monotonic else { return }
            state.now = state.now.adding(deadline - state.monotonic)
            state.monotonic = deadline
        }
    }
}

/// A chain and its bundler: wallets are deployed, an operation that is taken is in the next block.
final class OperationBench: ChainClient {
    struct State {
        /// Of each sender; what is not here is 0.
        var nonces: [Address: UInt64] = [:]
        var included: [Hash32: UserOperation] = [:]
        var waiting: [UserOperation] = []
        /// What the next sends answer instead; nil takes the operation.
        var refusals: [ChainError?] = []
        /// Takes what it refuses, as a bundler whose answer is lost.
        var takesRefused = false
        /// Somebody else's operation takes the nonce of one that is refused.
        var isRaced = false
        var sent: [UserOperation] = []
        /// Questions that nobody answers.
        var silent: Set<String> = []
        /// Of every wallet, in wei.
        var balance = UInt256.zero
        var headTime: UInt64 = 1_900_000_000
    }

    static let entryPoint = Harness.entryPoint
    let chainID: UInt64 = 31_337
    let state = Mutex(State())
    private let onSend: @Sendable (UserOperation) async -> Void

    init(onSend: @escaping @Sendable (UserOperation) async -> Void = { _ in }) { self.onSend = onSend }

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        if state.withLock({ $0.silent.contains(method) }) { throw .timeout }
        switch method {
        case "eth_getBlockByNumber": return block
        case "eth_getCode": return "0x60"
        case "eth_getBalance": return .string(state.withLock { $0.balance.hexQuantity })
        case "eth_maxPriorityFeePerGas": return "0x77359400"
        case "eth_call": return answer(parameters.first ?? .null)
        case "eth_getLogs": return logs(parameters.first ?? .null)
        case "eth_getTransactionReceipt": return receipt(parameters.first?.stringValue ?? "")
        case "eth_estimateUserOperationGas":
            return ["callGasLimit": "0x10000", "verificationGasLimit": "0x20000", "preVerificationGas": "0xc350"]
        case "eth_sendUserOperation": return try await take(parameters.first ?? .null)
        case "eth_getUserOperationReceipt": return .null
        case "eth_getUserOperationByHash":
            let known = state.withLock { state in
                state.waiting.contains { .string(Self.hash(of: $0).hex) == parameters.first }
            }
            return known ? [:] : .null
        case "debug_bundler_dumpMempool": return .array(state.withLock { $0.waiting.map(\.json) })
        default: throw .rpc(.init(code: -32_601, message: "Method not found"))
        }
    }

    static func hash(of operation: UserOperation) -> Hash32 { operation.hash(entryPoint: entryPoint, chainID: 31_337) }

    private var block: JSONValue {
        [
            "number": "0x5", "hash": .string(Hash32.zero.hex), "parentHash": .string(Hash32.zero.hex),
            "gasLimit": "0x0",
            "gasUsed": "0x0", "baseFeePerGas": "0x1", "timestamp": .quantity(state.withLock { $0.headTime }),
        ]
    }

    /// To whom the paymaster belongs.
    static let owner = Address("0x00000000000000000000000000000000000000e1") ?? .zero

    /// `getNonce` of the entry point; `owner` and `getHash` of a paymaster, which says of nobody that it trusts them.
    private func answer(_ call: JSONValue) -> JSONValue {
        guard let data = call["data"]?.data, data.count >= 4 else { return "0x" }
        switch Hex.encode(data[..<4]) {
        case "35567e1a":
            guard data.count == 68, let sender = Address(bytes: data[16..<36]) else { return "0x" }
            return .string(Hex.encode0x(UInt256(state.withLock { $0.nonces[sender] ?? 0 }).bigEndian))
        case "8da5cb5b": return .string(Hex.encode0x([UInt8](repeating: 0, count: 12) + Self.owner.bytes))
        case "94e1fc19": return .string(Keccak256.hash(data).hex)
        default: return "0x"
        }
    }

    private func logs(_ filter: JSONValue) -> JSONValue {
        guard let hash = filter["topics"]?.arrayValue?.last?.stringValue.flatMap({ Hash32($0) }),
            state.withLock({ $0.included[hash] != nil })
        else { return [] }
        let words = [UInt256.zero, UInt256(UInt64(1)), .zero, .zero].flatMap(\.bigEndian)
        let zero = JSONValue.string(Hash32.zero.hex)
        return [
            [
                "address": .string(Self.entryPoint.checksummed), "data": .string(Hex.encode0x(words)),
                "blockNumber": "0x5",
                "topics": [.string(UserOperationEvent.topic0.hex), .string(hash.hex), zero, zero], "blockHash": zero,
                "transactionHash": .string(hash.hex), "transactionIndex": "0x0", "logIndex": "0x0",
            ]
        ]
    }

    private func receipt(_ transaction: String) -> JSONValue {
        [
            "transactionHash": .string(transaction), "blockNumber": "0x5", "blockHash": .string(Hash32.zero.hex),
            "gasUsed": "0x5208", "effectiveGasPrice": "0x1", "status": "0x1", "logs": [],
        ]
    }

    private func take(_ json: JSONValue) async throws(ChainError) -> JSONValue {
        guard let operation = UserOperation(json: json) else {
            throw .malformedAnswer(method: "send", reason: "no operation")
        }
        await onSend(operation)
        let refusal = state.withLock { state -> ChainError? in
            state.sent.append(operation)
            let refusal = state.refusals.isEmpty ? nil : state.refusals.removeFirst()
            if refusal == nil || state.takesRefused { Self.include(operation, in: &state) }
            if refusal != nil, state.isRaced { state.nonces[operation.sender] = (operation.nonce.uint64 ?? 0) + 1 }
            return refusal
        }
        if let refusal { throw refusal }
        return .string(Self.hash(of: operation).hex)
    }

    static func include(_ operation: UserOperation, in state: inout State) {
        state.included[hash(of: operation)] = operation
        state.nonces[operation.sender] = (operation.nonce.uint64 ?? 0) + 1
    }
}

/// A sender of user operations over a store in memory, and its world.
struct OperationRig {
    let store = MemoryStore()
    let bench: OperationBench
    let time = SkippingTime()
    let key: SigningKey
    let paymaster: Address?
    /// Every sender has this one signer.
    let signer: ControllerSigner

    init(
        _ bench: OperationBench = OperationBench(), paymaster: Address? = nil,
        _ change: (inout SigningPolicy) -> Void = { _ in }
    ) throws {
        self.bench = bench
        self.paymaster = paymaster
        var policy = SigningPolicy(entryPoints: [31_337: Harness.entryPoint])
        change(&policy)
        key = try SigningKey(bytes: [UInt8](repeating: 1, count: 32))
        signer = ControllerSigner(key: key, policy: policy, time: time)
    }

    func sender(epoch: UInt64 = 1, _ change: (inout EngineConfiguration) -> Void = { _ in }) -> UserOperationSender {
        var chain = ChainSettings(client: bench, entryPoint: Harness.entryPoint, factory: Harness.factory)
        chain.bundler = bench
        chain.paymaster = paymaster
        var configuration = EngineConfiguration(chains: [31_337: chain], defaultChainID: 31_337, approvedOperators: [])
        change(&configuration)
        return UserOperationSender(
            store: store, configuration: configuration, signer: signer, epoch: epoch, time: time,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func address(_ number: UInt8) -> Address { Address(bytes: [UInt8](repeating: number, count: 20)) ?? .zero }

    func register(_ wallet: Address) async throws {
        try await store.update { transaction in
            try transaction.put(
                WalletKey(owner: Harness.owner, wallet: wallet),
                SmartWallet(owner: Harness.owner, address: wallet, factory: Harness.factory, salt: .zero))
        }
    }

    /// The execution of every order.
    static let execution = ExecutionID(ULID(value: 9))

    func order(_ step: String = "n/0", wallet: Address, isOfRun: Bool = false, digest: UInt8 = 0) -> WalletOrder {
        WalletOrder(
            execution: Self.execution, step: step, isOfRun: isOfRun, chainID: 31_337, owner: Harness.owner,
            wallet: wallet, requestDigest: Keccak256.hash([digest]), patience: .seconds(60))
    }

    /// Has the wallet send one wei to nobody.
    func send(
        _ order: WalletOrder, by sender: UserOperationSender? = nil, reimburses: Bool = true
    ) async throws -> SentCall {
        try await (sender ?? self.sender()).send(order) {
            WalletCall(SmartAccount.Call(target: .zero, value: UInt256(UInt64(1))), reimburses: reimburses)
        }
    }

    func setLane(_ wallet: Address, next: UInt64) async throws {
        try await store.update { transaction in
            try transaction.put(LaneKey(chainID: 31_337, sender: wallet), Lane(nextNonce: UInt256(next)))
        }
    }
}
