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
import Testing

/// A clock whose sleepers wake at once, at the time that they wanted.
private final class SkippingTime: TimeSource {
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
private final class OperationBench: ChainClient {
    struct State {
        /// Of each sender; what is not here is 0.
        var nonces: [Address: UInt64] = [:]
        var included: [Hash32: UserOperation] = [:]
        var waiting: [UserOperation] = []
        /// What the next sends answer instead; nil takes the operation.
        var refusals: [ChainError?] = []
        /// Takes what it refuses, as a bundler whose answer is lost.
        var takesRefused = false
        var sent: [UserOperation] = []
        /// Questions that nobody answers.
        var silent: Set<String> = []
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
        case "eth_getBalance": return "0x0"
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
            "number": "0x5", "hash": .string(Hash32.zero.hex), "parentHash": .string(Hash32.zero.hex), "gasLimit": "0x0",
            "gasUsed": "0x0", "baseFeePerGas": "0x1", "timestamp": .quantity(state.withLock { $0.headTime }),
        ]
    }

    /// `getNonce` of the entry point; of wallets and paymasters nothing is asked here.
    private func answer(_ call: JSONValue) -> JSONValue {
        guard let data = call["data"]?.data, data.starts(with: [0x35, 0x56, 0x7e, 0x1a]), let sender = Address(bytes: data[16..<36])
        else { return "0x" }
        return .string(Hex.encode0x(UInt256(state.withLock { $0.nonces[sender] ?? 0 }).bigEndian))
    }

    private func logs(_ filter: JSONValue) -> JSONValue {
        guard let hash = filter["topics"]?.arrayValue?.last?.stringValue.flatMap({ Hash32($0) }),
            state.withLock({ $0.included[hash] != nil })
        else { return [] }
        let words = [UInt256.zero, UInt256(UInt64(1)), .zero, .zero].flatMap(\.bigEndian)
        let zero = JSONValue.string(Hash32.zero.hex)
        return [
            [
                "address": .string(Self.entryPoint.checksummed), "data": .string(Hex.encode0x(words)), "blockNumber": "0x5",
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
        guard let operation = UserOperation(json: json) else { throw .malformedAnswer(method: "send", reason: "no operation") }
        await onSend(operation)
        let refusal = state.withLock { state -> ChainError? in
            state.sent.append(operation)
            let refusal = state.refusals.isEmpty ? nil : state.refusals.removeFirst()
            if refusal == nil || state.takesRefused { Self.include(operation, in: &state) }
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

@Suite("A user operation of a wallet")
struct UserOperationTests {
    private let store = MemoryStore()
    private let bench: OperationBench
    private let time = SkippingTime()
    private let key: SigningKey

    init() throws { try self.init(OperationBench()) }

    private init(_ bench: OperationBench) throws {
        self.bench = bench
        key = try SigningKey(bytes: [UInt8](repeating: 1, count: 32))
    }

    private func sender(epoch: UInt64 = 1) -> UserOperationSender {
        var chain = ChainSettings(client: bench, entryPoint: Harness.entryPoint, factory: Harness.factory)
        chain.bundler = bench
        let configuration = EngineConfiguration(chains: [31_337: chain], defaultChainID: 31_337, approvedOperators: [])
        return UserOperationSender(
            store: store, configuration: configuration,
            signer: OperationSigner(key: key, allowed: [31_337: Harness.entryPoint]), epoch: epoch, time: time,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func address(_ number: UInt8) -> Address { Address(bytes: [UInt8](repeating: number, count: 20)) ?? .zero }

    private func register(_ wallet: Address) async throws {
        try await store.update { transaction in
            try transaction.put(
                WalletKey(owner: Harness.owner, wallet: wallet),
                SmartWallet(owner: Harness.owner, address: wallet, factory: Harness.factory, salt: .zero))
        }
    }

    private func order(_ step: String = "n/0", wallet: Address, isOfRun: Bool = false, digest: UInt8 = 0) -> WalletOrder {
        WalletOrder(
            execution: ExecutionID(ULID(value: 9)), step: step, isOfRun: isOfRun, chainID: 31_337, owner: Harness.owner,
            wallet: wallet, requestDigest: Keccak256.hash([digest]), patience: .seconds(60))
    }

    private func send(_ order: WalletOrder, by sender: UserOperationSender? = nil) async throws -> SentCall {
        try await (sender ?? self.sender()).send(order) {
            WalletCall(SmartAccount.Call(target: .zero, value: UInt256(UInt64(1))))
        }
    }

    private func setLane(_ wallet: Address, next: UInt64) async throws {
        try await store.update { transaction in
            try transaction.put(LaneKey(chainID: 31_337, sender: wallet), Lane(nextNonce: UInt256(next)))
        }
    }

    @Test("7.8: has the larger of the chain's nonce and ours", arguments: [(5, 6, 6), (5, 3, 5), (5, nil, 5)] as [(UInt64, UInt64?, UInt64)])
    func nonces(onChain: UInt64, known: UInt64?, expected: UInt64) async throws {
        let wallet = address(1)
        try await register(wallet)
        bench.state.withLock { $0.nonces[wallet] = onChain }
        if let known { try await setLane(wallet, next: known) }
        #expect(try await send(order(wallet: wallet)).nonce == UInt256(expected))
        let lane = try store.read { try $0.value(for: LaneKey(chainID: 31_337, sender: wallet)) }
        #expect(lane == Lane(nextNonce: UInt256(expected + 1)))
    }

    @Test("is signed by the controller, over its hash as a message")
    func signature() async throws {
        let wallet = address(1)
        try await register(wallet)
        let sent = try await send(order(wallet: wallet))
        let operation = try #require(bench.state.withLock { $0.sent.first })
        let signature = try #require(Signature(bytes: operation.signature))
        #expect(signature.isValid(for: SignedMessage.digest(of: sent.userOperation.bytes), by: key.address))
        #expect(operation.maxFeePerGas == UInt256(UInt64(3_260_000_000)), "2.26 gwei of tip and one more of head-room")
    }

    @Test("is made once for one order, whoever asks again; another request under its name is refused")
    func repetition() async throws {
        let wallet = address(1)
        try await register(wallet)
        let first = try await send(order(wallet: wallet))
        #expect(try await send(order(wallet: wallet), by: sender(epoch: 2)) == first)
        await #expect(throws: WalletCallFailure.otherRequest(step: "n/0")) {
            _ = try await send(order(wallet: wallet, digest: 1))
        }
        #expect(bench.state.withLock { $0.sent.count } == 1)
    }

    @Test("XO-18: after an answer that was lost is looked up; what did not arrive is sent again as it was", arguments: [true, false])
    func lostAnswer(arrived: Bool) async throws {
        let wallet = address(1)
        try await register(wallet)
        bench.state.withLock { ($0.refusals, $0.takesRefused) = ([.timeout], arrived) }
        let sent = try await send(order(wallet: wallet))
        let operations = bench.state.withLock { $0.sent }
        #expect(operations.count == (arrived ? 1 : 2) && Set(operations).count == 1 && sent.nonce == .zero)
    }

    @Test("XO-18: whose fate nobody tells stays open, and comes to its end when it is asked for again")
    func unknown() async throws {
        let wallet = address(1)
        try await register(wallet)
        bench.state.withLock { ($0.refusals, $0.silent) = ([.timeout, .timeout, .timeout], ["eth_getUserOperationByHash"]) }
        await #expect {
            _ = try await send(order(wallet: wallet))
        } throws: { if case WalletCallFailure.outcomeUnknown = $0 { true } else { false } }
        await #expect(throws: WalletCallFailure.self, "the next operation of the wallet has to wait") {
            _ = try await send(order("n/1", wallet: wallet))
        }
        bench.state.withLock { $0.silent = [] }
        _ = try await send(order(wallet: wallet))
        #expect(Set(bench.state.withLock { $0.sent }).count == 1)
    }

    @Test("XO-18: whose nonce another one has is given up, with both told apart")
    func replaced() async throws {
        let wallet = address(1)
        try await register(wallet)
        bench.state.withLock { ($0.refusals, $0.silent) = ([.timeout, .timeout, .timeout], ["eth_getUserOperationByHash"]) }
        await #expect(throws: WalletCallFailure.self) { _ = try await send(order(wallet: wallet)) }
        bench.state.withLock { ($0.silent, $0.nonces[wallet]) = ([], 1) }
        await #expect {
            _ = try await send(order(wallet: wallet))
        } throws: { "\($0)".contains("nonce 0 was used by another") }
        #expect(try await send(order("n/1", wallet: wallet)).nonce == UInt256(UInt64(1)))
    }

    @Test("7.8: after AA25 keeps its nonce where one before it waits, and takes the chain's where none does", arguments: [true, false])
    func conflict(isWaiting: Bool) async throws {
        let wallet = address(1)
        try await register(wallet)
        try await setLane(wallet, next: 4)
        let before = UserOperation(
            sender: wallet, nonce: UInt256(UInt64(3)), callData: [], callGasLimit: .zero, verificationGasLimit: .zero,
            preVerificationGas: .zero, maxFeePerGas: .zero, maxPriorityFeePerGas: .zero)
        bench.state.withLock { state in
            state.nonces[wallet] = 3
            state.refusals = [.rpc(.init(code: -32_500, message: "AA25 invalid account nonce"))]
            if isWaiting { state.waiting = [before] }
        }
        let sent = try await send(order(wallet: wallet))
        #expect(sent.nonce == UInt256(UInt64(isWaiting ? 4 : 3)))
        #expect(bench.state.withLock { $0.sent.count } == 2)
    }

    @Test("XO-14: of a run that lost its claim is not sent")
    func lostClaim() async throws {
        let wallet = address(1)
        try await register(wallet)
        await #expect(throws: (any Error).self) { _ = try await send(order(wallet: wallet, isOfRun: true)) }
        #expect(bench.state.withLock { $0.sent.isEmpty })
    }

    @Test("is never signed for a wallet that is not the owner's")
    func foreign() async throws {
        await #expect(throws: (any Error).self) { _ = try await send(order(wallet: address(3))) }
        #expect(bench.state.withLock { $0.sent.isEmpty })
    }
}
