import AVSCrypto
import AVSEngine
import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSTesting
import AVSWorkflow
import Synchronization
import Testing

@Suite("KMS-7: a controller")
struct SigningPolicyTests {
    private static let entryPoint = Harness.entryPoint
    private static let call = SmartAccount.Call(target: .zero, value: UInt256(60 as UInt64))
    private let time = SkippingTime()

    private func signer(_ change: (inout SigningPolicy) -> Void = { _ in }) throws -> ControllerSigner {
        var policy = SigningPolicy(entryPoints: [1: Self.entryPoint])
        change(&policy)
        return ControllerSigner(
            key: try SigningKey(bytes: [UInt8](repeating: 1, count: 32)), policy: policy, time: time)
    }

    /// One that may cost 100 × 7 wei of gas and moves what its calls do.
    private func operation(_ callData: [UInt8] = SmartAccount.execute(call)) -> UserOperation {
        UserOperation(
            sender: .zero, nonce: .zero, callData: callData, callGasLimit: UInt256(20 as UInt64),
            verificationGasLimit: UInt256(30 as UInt64), preVerificationGas: UInt256(50 as UInt64),
            maxFeePerGas: UInt256(7 as UInt64), maxPriorityFeePerGas: .zero)
    }

    private func sign(_ operation: UserOperation, by signer: ControllerSigner) throws -> [UInt8] {
        try signer.sign(operation, entryPoint: Self.entryPoint, chainID: 1)
    }

    @Test("signs for the entry point of a chain that it knows, and for no other")
    func entryPoints() throws {
        let signer = try signer()
        let signature = try #require(Signature(bytes: try sign(operation(), by: signer)))
        let hash = operation().hash(entryPoint: Self.entryPoint, chainID: 1)
        #expect(signature.isValid(for: SignedMessage.digest(of: hash.bytes), by: signer.address))
        for (entryPoint, chainID) in [(Self.entryPoint, 2), (Harness.factory, 1)] as [(Address, UInt64)] {
            #expect(throws: SigningRefusal.foreignEntryPoint(entryPoint, chainID: chainID)) {
                try signer.sign(operation(), entryPoint: entryPoint, chainID: chainID)
            }
        }
    }

    @Test("signs what it can read only: one call, or a batch of calls")
    func calls() throws {
        let signer = try signer()
        let batch = SmartAccount.executeBatch([Self.call, Self.call])
        _ = try sign(operation(batch), by: signer)
        for callData in [
            [], [1, 2, 3], Array(batch.dropLast(200)), SmartAccount.tokenTransfer(to: .zero, amount: .zero),
        ] {
            #expect(throws: SigningRefusal.unreadableCall) { try sign(operation(callData), by: signer) }
        }
    }

    @Test("signs up to its bounds for one operation, the paymaster's hash of it too", arguments: [true, false])
    func perOperation(isGas: Bool) throws {
        let cost: UInt64 = isGas ? 700 : 120
        let operation = operation(SmartAccount.executeBatch([Self.call, Self.call]))
        for bound in [cost, cost - 1] {
            let signer = try signer { policy in
                if isGas { policy.gasPerOperation = UInt256(bound) } else { policy.valuePerOperation = UInt256(bound) }
            }
            if bound == cost {
                _ = try sign(operation, by: signer)
                _ = try signer.sign(paymasterHash: .zero, of: operation)
            } else {
                #expect(throws: SigningRefusal.self) { try sign(operation, by: signer) }
                #expect(throws: SigningRefusal.self) { try signer.sign(paymasterHash: .zero, of: operation) }
            }
        }
    }

    @Test("signs up to its bounds for a day, of each chain; the next day begins anew", arguments: [true, false])
    func perDay(isGas: Bool) async throws {
        let signer = try signer { policy in
            policy.entryPoints[2] = Self.entryPoint
            if isGas {
                policy.gasPerDay = UInt256(2_099 as UInt64)
            } else {
                policy.valuePerDay = UInt256(179 as UInt64)
            }
        }
        for _ in 0..<2 { _ = try sign(operation(), by: signer) }
        #expect(throws: SigningRefusal.self) { try sign(operation(), by: signer) }
        _ = try signer.sign(operation(), entryPoint: Self.entryPoint, chainID: 2)
        try await time.sleep(until: time.monotonic + .seconds(24 * 3_600 - 1))
        #expect(throws: SigningRefusal.self) { try sign(operation(), by: signer) }
        try await time.sleep(until: time.monotonic + .seconds(1))
        _ = try sign(operation(), by: signer)
    }

    @Test("signs so many operations a minute, and says how many")
    func rate() async throws {
        let signer = try signer { $0.operationsPerMinute = 2 }
        for _ in 0..<2 { _ = try sign(operation(), by: signer) }
        #expect(throws: SigningRefusal.tooMany(allowedPerMinute: 2)) { try sign(operation(), by: signer) }
        try await time.sleep(until: time.monotonic + .seconds(60))
        _ = try sign(operation(), by: signer)
    }

    @Test("that refuses leaves the operation unsent, and its wallet free")
    func refused() async throws {
        let rig = try OperationRig { $0.valuePerDay = UInt256(1 as UInt64) }
        let wallet = rig.address(1)
        try await rig.register(wallet)
        _ = try await rig.send(rig.order(wallet: wallet))
        for step in ["n/1", "n/2"] {
            await #expect {
                _ = try await rig.send(rig.order(step, wallet: wallet))
            } throws: { error in
                "\(error)" == "the controller does not sign: the value of a day would be 2 wei, at most 1 are allowed"
            }
        }
        #expect(rig.bench.state.withLock { $0.sent.count } == 1)
    }
}
