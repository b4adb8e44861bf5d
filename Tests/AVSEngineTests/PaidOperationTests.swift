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

@Suite("A user operation that somebody pays for")
struct PaidOperationTests {
    private static let paymaster = Address("0xf023eA291F5bEDA4Bf59BbDC9004F1d18be19D6f") ?? .zero
    /// Two cents, at 2,500 dollars for a coin.
    private static let executionFee = UInt256(8_000_000_000_000 as UInt64)
    /// What the bench estimates, and 21,000, at 3.26 gwei.
    private static let reimbursement = UInt256(267_608 * 3_260_000_000 as UInt64)

    private let rig: OperationRig
    private let wallet: Address

    init() throws {
        rig = try OperationRig(paymaster: Self.paymaster)
        wallet = rig.address(1)
    }

    /// As runs are that may still write.
    private func claimRun() async throws {
        let claim = Claim(
            epoch: 1, attempt: 1, taskID: TaskID(ULID(value: 7)), jobNumber: 1, startedAt: rig.time.now,
            deadline: rig.time.now.adding(.seconds(900)))
        try await rig.store.update { try $0.put(ClaimKey(OperationRig.execution), claim) }
    }

    private func setBalance(_ balance: UInt64) { rig.bench.state.withLock { $0.balance = UInt256(balance) } }

    private func lastCallData() throws -> [UInt8] { try #require(rig.bench.state.withLock { $0.sent.last }).callData }

    private let call = SmartAccount.Call(target: .zero, value: UInt256(1 as UInt64))

    private func payments(_ amounts: UInt256...) -> [UInt8] {
        SmartAccount.executeBatch([call] + amounts.map { SmartAccount.Call(target: OperationBench.owner, value: $0) })
    }

    @Test(
        "EE-X13, 7.7: pays back what it can afford to the last wei, the fee of the execution included; else the original call is sent",
        arguments: [true, false])
    func affordable(isEnough: Bool) async throws {
        try await rig.register(wallet)
        try await claimRun()
        let needed = UInt64(267_608 * 3_260_000_000 + 8_000_000_000_000 + 1)
        setBalance(isEnough ? needed : needed - 1)
        _ = try await rig.send(rig.order(wallet: wallet, isOfRun: true))
        let expected = isEnough ? payments(Self.reimbursement, Self.executionFee) : SmartAccount.execute(call)
        #expect(try lastCallData() == expected)
    }

    @Test("EE-X13, 8.1: of a run pays for the execution once, however many follow")
    func feeOnce() async throws {
        try await rig.register(wallet)
        try await claimRun()
        setBalance(.max)
        for (step, expected) in [
            ("n/0", payments(Self.reimbursement, Self.executionFee)), ("n/1", payments(Self.reimbursement)),
        ] {
            _ = try await rig.send(rig.order(step, wallet: wallet, isOfRun: true))
            #expect(try lastCallData() == expected, "\(step)")
        }
    }

    @Test(
        "EE-X13, 8.3: has two legs where no execution is paid for: outside of runs, and without a price of the coin",
        arguments: [(false, 2_500_000_000), (true, 0)] as [(Bool, UInt64)])
    func withoutFee(isOfRun: Bool, coinPrice: UInt64) async throws {
        try await rig.register(wallet)
        try await claimRun()
        setBalance(.max)
        let sender = rig.sender { $0.fees.coinPrice = Dollars(millionths: coinPrice) }
        _ = try await rig.send(rig.order(wallet: wallet, isOfRun: isOfRun), by: sender)
        #expect(try lastCallData() == payments(Self.reimbursement))
    }

    @Test("EE-X13: is not wrapped where everything is to leave, as withdrawals ask")
    func withdrawal() async throws {
        try await rig.register(wallet)
        setBalance(.max)
        _ = try await rig.send(rig.order(wallet: wallet), reimburses: false)
        #expect(try lastCallData() == SmartAccount.execute(call))
    }

    @Test(
        "EE-X11: is made anew for each conflict of nonces, at most three times, with signatures of its own",
        arguments: [3, 4])
    func rebuilt(conflicts: Int) async throws {
        try await rig.register(wallet)
        rig.bench.state.withLock { state in
            state.refusals = Array(
                repeating: .rpc(.init(code: -32_500, message: "AA25 invalid account nonce")), count: conflicts)
            state.isRaced = true
        }
        if conflicts <= 3 {
            #expect(try await rig.send(rig.order(wallet: wallet)).nonce == UInt256(3 as UInt64))
        } else {
            await #expect(throws: WalletCallFailure.self) { _ = try await rig.send(rig.order(wallet: wallet)) }
        }
        let sent = rig.bench.state.withLock { $0.sent }
        #expect(sent.map(\.nonce) == (0...3).map { UInt256(UInt64($0)) })
        for operation in sent { try check(operation, by: rig.key.address) }
    }

    /// That the controller signed what the paymaster hashed, and then the operation with it.
    private func check(_ operation: UserOperation, by signer: Address) throws {
        let data = operation.paymasterAndData
        #expect(data.count == 149 && data.starts(with: Self.paymaster.bytes))
        let until = try #require(UInt256(bigEndian: data[20..<52])?.uint64)
        var asked = operation
        asked.signature = try placeholder()
        asked.paymasterAndData = SmartAccount.paymasterData(
            Self.paymaster, validUntil: until, signature: try placeholder())
        let hash = Keccak256.hash(try SmartAccount.paymasterHashCall(asked, validUntil: until))
        let sponsored = try #require(Signature(bytes: Array(data.suffix(65))))
        #expect(sponsored.isValid(for: SignedMessage.digest(of: hash.bytes), by: signer))
        let own = try #require(Signature(bytes: operation.signature))
        #expect(own.isValid(for: SignedMessage.digest(of: OperationBench.hash(of: operation).bytes), by: signer))
    }

    private func placeholder() throws -> [UInt8] { try rig.key.signMessage(Hash32.zero.bytes).bytes }
}
