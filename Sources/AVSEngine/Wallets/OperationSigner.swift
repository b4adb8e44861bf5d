public import AVSCrypto
import AVSEthereum
public import AVSPrimitives

/// The controller: signs user operations, and what the paymaster pays for, on the chains of this service only (KMS-7).
public struct OperationSigner: Sendable {
    private let key: SigningKey
    /// Chain id → the entry point there.
    private let allowed: [UInt64: Address]

    public init(key: SigningKey, allowed: [UInt64: Address]) {
        self.key = key
        self.allowed = allowed
    }

    /// Whose signatures these are: the paymaster must trust it.
    public var address: Address { key.address }

    /// Signs the operation's hash as an EIP-191 message (7.4).
    func sign(_ operation: inout UserOperation, entryPoint: Address, chainID: UInt64) throws {
        guard allowed[chainID] == entryPoint else {
            throw CryptoError.invalidKey("the controller signs nothing for entry point \(entryPoint) of chain \(chainID)")
        }
        operation.signature = try key.signMessage(operation.hash(entryPoint: entryPoint, chainID: chainID).bytes).bytes
    }

    /// Signs what the paymaster's `getHash` answered (7.6).
    func sign(paymasterHash: Hash32) throws -> [UInt8] { try key.signMessage(paymasterHash.bytes).bytes }

    /// Of the right form, for estimates.
    func placeholder() throws -> [UInt8] { try key.signMessage(Hash32.zero.bytes).bytes }
}
