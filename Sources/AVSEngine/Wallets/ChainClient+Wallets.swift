import AVSEthereum
import AVSPrimitives

/// What the engine asks of the contracts of smart wallets.
///
/// - Source: execution-engine 7.2 and 7.3.
extension ChainClient {
    /// `getAddress(address,uint256)` of the factory: where it puts the wallet.
    func walletAddress(owner: Address, factory: Address, salt: UInt256) async throws -> Address {
        let answer = try await call(to: factory, data: [0x8c, 0xb8, 0x4e, 0x18] + word(owner) + salt.bigEndian)
        guard answer.count == 32, answer.prefix(12).allSatisfy({ $0 == 0 }),
            let address = Address(bytes: answer.suffix(20))
        else { throw ChainError.malformedAnswer(method: "getAddress", reason: Hex.encode0x(answer.prefix(64))) }
        return address
    }

    /// `getNonce(address,uint192)` of the entry point, with key 0.
    func walletNonce(of sender: Address, entryPoint: Address) async throws(ChainError) -> UInt256 {
        let key = [UInt8](repeating: 0, count: 32)
        let answer = try await call(to: entryPoint, data: [0x35, 0x56, 0x7e, 0x1a] + word(sender) + key)
        guard answer.count == 32, let nonce = UInt256(bigEndian: answer) else {
            throw ChainError.malformedAnswer(method: "getNonce", reason: Hex.encode0x(answer.prefix(64)))
        }
        return nonce
    }

    private func word(_ address: Address) -> [UInt8] { [UInt8](repeating: 0, count: 12) + address.bytes }
}
