import AVSCrypto
import AVSEngine
import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSWorkflow
import Synchronization
import Testing

@Suite("A user operation of a wallet")
struct UserOperationTests {
    private let rig: OperationRig

    init() throws { rig = try OperationRig() }

    @Test(
        "EE-X8, 7.8: has the larger of the chain's nonce and ours",
        arguments: [(5, 6, 6), (5, 3, 5), (5, nil, 5)] as [(UInt64, UInt64?, UInt64)])
    func nonces(onChain: UInt64, known: UInt64?, expected: UInt64) async throws {
        let wallet = rig.address(1)
        try await rig.register(wallet)
        rig.bench.state.withLock { $0.nonces[wallet] = onChain }
        if let known { try await rig.setLane(wallet, next: known) }
        #expect(try await rig.send(rig.order(wallet: wallet)).nonce == UInt256(expected))
        let lane = try rig.store.read { try $0.value(for: LaneKey(chainID: 31_337, sender: wallet)) }
        #expect(lane == Lane(nextNonce: UInt256(expected + 1)))
    }

    @Test("is signed by the controller, over its hash as a message")
    func signature() async throws {
        let wallet = rig.address(1)
        try await rig.register(wallet)
        let sent = try await rig.send(rig.order(wallet: wallet))
        let operation = try #require(rig.bench.state.withLock { $0.sent.first })
        let signature = try #require(Signature(bytes: operation.signature))
        #expect(signature.isValid(for: SignedMessage.digest(of: sent.userOperation.bytes), by: rig.key.address))
        #expect(operation.maxFeePerGas == UInt256(UInt64(3_260_000_000)), "2.26 gwei of tip and one more of head-room")
    }

    @Test("is made once for one order, whoever asks again; another request under its name is refused")
    func repetition() async throws {
        let wallet = rig.address(1)
        try await rig.register(wallet)
        let first = try await rig.send(rig.order(wallet: wallet))
        #expect(try await rig.send(rig.order(wallet: wallet), by: rig.sender(epoch: 2)) == first)
        await #expect(throws: WalletCallFailure.otherRequest(step: "n/0")) {
            _ = try await rig.send(rig.order(wallet: wallet, digest: 1))
        }
        #expect(rig.bench.state.withLock { $0.sent.count } == 1)
    }

    @Test(
        "XO-18: after an answer that was lost is looked up; what did not arrive is sent again as it was",
        arguments: [true, false])
    func lostAnswer(arrived: Bool) async throws {
        let wallet = rig.address(1)
        try await rig.register(wallet)
        rig.bench.state.withLock { ($0.refusals, $0.takesRefused) = ([.timeout], arrived) }
        let sent = try await rig.send(rig.order(wallet: wallet))
        let operations = rig.bench.state.withLock { $0.sent }
        #expect(operations.count == (arrived ? 1 : 2) && Set(operations).count == 1 && sent.nonce == .zero)
    }

    @Test("XO-18: whose fate nobody tells stays open, and comes to its end when it is asked for again")
    func unknown() async throws {
        let wallet = rig.address(1)
        try await rig.register(wallet)
        rig.bench.state.withLock {
            ($0.refusals, $0.silent) = ([.timeout, .timeout, .timeout], ["eth_getUserOperationByHash"])
        }
        await #expect {
            _ = try await rig.send(rig.order(wallet: wallet))
        } throws: { if case WalletCallFailure.outcomeUnknown = $0 { true } else { false } }
        await #expect(throws: WalletCallFailure.self, "the next operation of the wallet has to wait") {
            _ = try await rig.send(rig.order("n/1", wallet: wallet))
        }
        rig.bench.state.withLock { $0.silent = [] }
        _ = try await rig.send(rig.order(wallet: wallet))
        #expect(Set(rig.bench.state.withLock { $0.sent }).count == 1)
    }

    @Test("XO-18: whose nonce another one has is given up, with both told apart")
    func replaced() async throws {
        let wallet = rig.address(1)
        try await rig.register(wallet)
        rig.bench.state.withLock {
            ($0.refusals, $0.silent) = ([.timeout, .timeout, .timeout], ["eth_getUserOperationByHash"])
        }
        await #expect(throws: WalletCallFailure.self) { _ = try await rig.send(rig.order(wallet: wallet)) }
        rig.bench.state.withLock { ($0.silent, $0.nonces[wallet]) = ([], 1) }
        await #expect {
            _ = try await rig.send(rig.order(wallet: wallet))
        } throws: { "\($0)".contains("nonce 0 was used by another") }
        #expect(try await rig.send(rig.order("n/1", wallet: wallet)).nonce == UInt256(UInt64(1)))
    }

    @Test(
        "EE-X11, 7.8: after AA25 keeps its nonce where one before it waits, and takes the chain's where none does",
        arguments: [true, false])
    func conflict(isWaiting: Bool) async throws {
        let wallet = rig.address(1)
        try await rig.register(wallet)
        try await rig.setLane(wallet, next: 4)
        let before = UserOperation(
            sender: wallet, nonce: UInt256(UInt64(3)), callData: [], callGasLimit: .zero, verificationGasLimit: .zero,
            preVerificationGas: .zero, maxFeePerGas: .zero, maxPriorityFeePerGas: .zero)
        rig.bench.state.withLock { state in
            state.nonces[wallet] = 3
            state.refusals = [.rpc(.init(code: -32_500, message: "AA25 invalid account nonce"))]
            if isWaiting { state.waiting = [before] }
        }
        let sent = try await rig.send(rig.order(wallet: wallet))
        #expect(sent.nonce == UInt256(UInt64(isWaiting ? 4 : 3)))
        #expect(rig.bench.state.withLock { $0.sent.count } == 2)
    }

    @Test("XO-14: of a run that lost its claim is not sent")
    func lostClaim() async throws {
        let wallet = rig.address(1)
        try await rig.register(wallet)
        await #expect(throws: (any Error).self) { _ = try await rig.send(rig.order(wallet: wallet, isOfRun: true)) }
        #expect(rig.bench.state.withLock { $0.sent.isEmpty })
    }

    @Test("is never signed for a wallet that is not the owner's")
    func foreign() async throws {
        await #expect(throws: (any Error).self) { _ = try await rig.send(rig.order(wallet: rig.address(3))) }
        #expect(rig.bench.state.withLock { $0.sent.isEmpty })
    }

    @Test("EE-X8: of one wallet does not wait for another wallet's", .timeLimit(.minutes(1)))
    func lanes() async throws {
        let (slow, quick) = (rig.address(1), rig.address(2))
        let (open, opened) = AsyncStream.makeStream(of: Void.self)
        // The first wallet's operation is with the bundler until the second one's has arrived.
        let bench = OperationBench { operation in
            if operation.sender == quick { opened.finish() } else { for await _ in open {} }
        }
        let rig = try OperationRig(bench)
        let sender = rig.sender()
        for wallet in [slow, quick] { try await rig.register(wallet) }
        async let first = rig.send(rig.order("n/0", wallet: slow), by: sender)
        let second = try await rig.send(rig.order("n/1", wallet: quick), by: sender)
        #expect(try await [first.sender, second.sender] == [slow, quick])
    }

    @Test("EE-X8, 7.8: of one wallet comes after the one before, ten at a time or not")
    func oneAtATime() async throws {
        let wallet = rig.address(1)
        try await rig.register(wallet)
        let sender = rig.sender()
        let nonces = try await withThrowingTaskGroup(of: UInt256.self) { group in
            for number in 0..<10 {
                group.addTask { [rig] in try await rig.send(rig.order("n/\(number)", wallet: wallet), by: sender).nonce
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(nonces.sorted() == (0..<10).map { UInt256(UInt64($0)) })
        #expect(
            rig.bench.state.withLock { $0.sent.map(\.nonce) } == nonces.sorted(), "none was sent twice, none too early")
    }
}
