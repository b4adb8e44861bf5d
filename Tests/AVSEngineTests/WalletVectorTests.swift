import AVSCrypto
import AVSEthereum
import AVSModel
import AVSPrimitives
import Testing

@testable import AVSEngine

/// Origin: execution engine specification, 7.1 to 7.7.
@Suite("A wallet's bytes")
struct WalletVectorTests {
    private static let owner = Address(bytes: [UInt8](repeating: 0x11, count: 20)) ?? .zero
    private static let recipient = Address(bytes: [UInt8](repeating: 0x33, count: 20)) ?? .zero
    private static let paymaster = Address("0xf023eA291F5bEDA4Bf59BbDC9004F1d18be19D6f") ?? .zero
    private static let call = SmartAccount.Call(target: recipient, value: UInt256(1_000 as UInt64))
    private static let threes = word(String(repeating: "33", count: 20))
    private static let ones = word(String(repeating: "11", count: 20))

    /// 64 digits.
    private static func word(_ hex: String) -> String { String(repeating: "0", count: 64 - hex.utf8.count) + hex }

    private static func operation(nonce: UInt64, initCode: [UInt8] = []) -> UserOperation {
        let gwei: UInt64 = 1_000_000_000
        return UserOperation(
            sender: Address(bytes: [UInt8](repeating: 0x22, count: 20)) ?? .zero, nonce: UInt256(nonce),
            initCode: initCode, callData: SmartAccount.execute(call), callGasLimit: UInt256(200_000 as UInt64),
            verificationGasLimit: UInt256(1_000_000 as UInt64), preVerificationGas: UInt256(50_000 as UInt64),
            maxFeePerGas: UInt256(3 * gwei), maxPriorityFeePerGas: UInt256(2 * gwei))
    }

    @Test("EE-X9, 7.3: the code that makes it is the factory and its call")
    func initCode() {
        let code = SmartAccount.initCode(factory: Harness.factory, owner: Self.owner, salt: .zero)
        #expect(Hex.encode(code) == "b99bc2e399e06cddcf5e725c0ea341e8f03228345fbfb9cf" + Self.ones + Self.word(""))
        #expect(code.count == 88)
    }

    @Test("EE-X9, 7.4: a call is execute(address,uint256,bytes)")
    func execute() {
        let expected = "b61d27f6" + Self.threes + Self.word("3e8") + Self.word("60") + Self.word("")
        #expect(Hex.encode(SmartAccount.execute(Self.call)) == expected)
    }

    @Test(
        "EE-X9, 7.4: an operation is signed over its hash as a message",
        arguments: [
            (
                7, false,
                "b5aff98256094432113c60b39660adff0626385bb1b858520031ac85537dab5279bb28f92fed184fa14268271dfdf958570f6d47f2f41b2c5669e9c83754735f1c"
            ),
            (
                0, true,
                "42b9ea9a5fb229a45e42c36b6f4730439c74aa9efcd79e9532747d1e4c1f9d771484de838f83f96cdf7a40eae41aab4bbef91f5dedca06477ead255d3e832ad21b"
            ),
        ] as [(UInt64, Bool, String)])
    func signature(nonce: UInt64, deploys: Bool, expected: String) throws {
        let key = try SigningKey(bytes: [UInt8](repeating: 1, count: 32))
        #expect(key.address.checksummed == "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1")
        let initCode = SmartAccount.initCode(factory: Harness.factory, owner: Self.owner, salt: .zero)
        let operation = Self.operation(nonce: nonce, initCode: deploys ? initCode : [])
        let hash = operation.hash(entryPoint: Harness.entryPoint, chainID: 11_155_111)
        #expect(Hex.encode(try key.signMessage(hash.bytes).bytes) == expected)
    }

    @Test("EE-X9, 7.6: the paymaster's data begins with its address and its time")
    func paymasterData() {
        let data = SmartAccount.paymasterData(
            Self.paymaster, validUntil: 1_700_000_900, signature: [UInt8](repeating: 0xaa, count: 65))
        let head = "f023ea291f5beda4bf59bbdc9004f1d18be19d6f" + Self.word("6553f484") + Self.word("")
        #expect(Hex.encode(data[..<84]) == head && data.count == 149)
        var operation = Self.operation(nonce: 7)
        operation.paymasterAndData = data
        #expect(
            operation.hash(entryPoint: Harness.entryPoint, chainID: 11_155_111).hex
                == "0xc0cf0f3326e45e5c7f2b2885c9c2117b888c5e2877c56f62809141cb26f702ed")
    }

    @Test("EE-X9, 7.7: a call and a payment are one batch")
    func batch() {
        let payment = SmartAccount.Call(target: Self.owner, value: UInt256(5 as UInt64))
        let words = ["60", "c0", "120", "2", Self.threes, Self.ones, "2", "3e8", "5", "2", "40", "60", "", ""]
        let expected = "c3ff72fc" + words.map { Self.word($0) }.joined()
        #expect(Hex.encode(SmartAccount.executeBatch([Self.call, payment])) == expected)
    }

    @Test(
        "EE-X9, 7.5: offers the node's tip and an eighth, at least 2 gwei, and a maximum with room for the base fee",
        arguments: [
            (0, 0, 2_000_000_000, 3_000_000_000),
            (3_000_000_000, 10_000_000_000, 3_390_000_000, 23_390_000_000),
            (3_000_000_199, 0, 3_390_000_212, 4_390_000_212),
            (20_000_000_000, nil, 22_600_000_000, 23_600_000_000),
        ] as [(UInt64, UInt64?, UInt64, UInt64)])
    func fees(tip: UInt64, base: UInt64?, priority: UInt64, maximum: UInt64) {
        let fees = OperationFees(tip: UInt256(tip), baseFee: base.map { UInt256($0) })
        #expect(fees.priority == UInt256(priority) && fees.maximum == UInt256(maximum))
    }
}
