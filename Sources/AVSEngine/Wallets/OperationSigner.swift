public import AVSCrypto
public import AVSEthereum
public import AVSPrimitives
import Synchronization

/// Signs for the wallets of this service, wherever the key is.
///
/// What may be signed is decided inside of it (KMS-7): a fault anywhere else in the server can ask for no more.
public protocol OperationSigner: Sendable {
    /// Whose signatures these are: wallets accept them, and the paymaster must trust them.
    var address: Address { get }

    /// Signs the operation's hash as an EIP-191 message (7.4).
    /// - Throws: ``SigningRefusal``, `CryptoError`.
    func sign(_ operation: UserOperation, entryPoint: Address, chainID: UInt64) throws -> [UInt8]

    /// Signs what the paymaster's `getHash` answered for the operation (7.6). What the contract hashed is not known
    /// here; the operation is held against the policy all the same.
    /// - Throws: ``SigningRefusal``, `CryptoError`.
    func sign(paymasterHash: Hash32, of operation: UserOperation) throws -> [UInt8]

    /// Of the right form, for estimates.
    func placeholder() throws -> [UInt8]
}

/// A signer with its key in this process.
public final class ControllerSigner: OperationSigner {
    private let key: SigningKey
    private let policy: SigningPolicy
    private let time: any TimeSource
    /// Of each chain of the policy.
    private let usage = Mutex<[UInt64: SigningUsage]>([:])

    public init(key: SigningKey, policy: SigningPolicy, time: any TimeSource) {
        self.key = key
        self.policy = policy
        self.time = time
    }

    public var address: Address { key.address }

    public func sign(_ operation: UserOperation, entryPoint: Address, chainID: UInt64) throws -> [UInt8] {
        guard policy.entryPoints[chainID] == entryPoint else {
            throw SigningRefusal.foreignEntryPoint(entryPoint, chainID: chainID)
        }
        let cost = try policy.cost(of: operation)
        let now = time.monotonic
        try usage.withLock { try $0[chainID, default: SigningUsage(since: now)].add(cost, at: now, policy) }
        return try key.signMessage(operation.hash(entryPoint: entryPoint, chainID: chainID).bytes).bytes
    }

    public func sign(paymasterHash: Hash32, of operation: UserOperation) throws -> [UInt8] {
        _ = try policy.cost(of: operation)
        return try key.signMessage(paymasterHash.bytes).bytes
    }

    public func placeholder() throws -> [UInt8] { try key.signMessage(Hash32.zero.bytes).bytes }
}
