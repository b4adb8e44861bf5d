public import AVSPrimitives

/// Calls of the ERC-4337 contracts as bytes: wallet, factory, paymaster.
///
/// - Source: execution-engine 7.2, 7.3, 7.6 and 7.7.
public enum SmartAccount {
    /// One call that a wallet makes.
    public struct Call: Hashable, Sendable {
        public var target: Address
        /// Wei.
        public var value: UInt256
        public var data: [UInt8]

        public init(target: Address, value: UInt256, data: [UInt8] = []) {
            self.target = target
            self.value = value
            self.data = data
        }
    }

    /// `execute(address,uint256,bytes)` of a wallet.
    public static func execute(_ call: Call) -> [UInt8] {
        [0xb6, 0x1d, 0x27, 0xf6] + word(call.target) + call.value.bigEndian + word(0x60) + tail(call.data)
    }

    /// What ``execute(_:)`` sends, in wei; nil for any other call.
    public static func value(ofExecute callData: [UInt8]) -> UInt256? {
        guard callData.starts(with: [0xb6, 0x1d, 0x27, 0xf6]), callData.count >= 68 else { return nil }
        return UInt256(bigEndian: callData[36..<68])
    }

    /// `executeBatchWithValues(address[],uint256[],bytes[])` of a wallet: the calls in order, all or none.
    public static func executeBatch(_ calls: [Call]) -> [UInt8] {
        let count = word(calls.count)
        let targets = count + calls.flatMap { word($0.target) }
        let values = count + calls.flatMap(\.value.bigEndian)
        var offsets: [UInt8] = []
        var tails: [UInt8] = []
        for call in calls {
            offsets += word(32 * calls.count + tails.count)  // from the word after the length
            tails += tail(call.data)
        }
        let heads = [96, 96 + targets.count, 96 + targets.count + values.count].flatMap { word($0) }
        return [0xc3, 0xff, 0x72, 0xfc] + heads + targets + values + count + offsets + tails
    }

    /// What the calls of ``execute(_:)`` or ``executeBatch(_:)`` send together, in wei, at most the largest word; nil
    /// for any other call.
    public static func value(movedBy callData: [UInt8]) -> UInt256? {
        if let value = value(ofExecute: callData) { return value }
        guard callData.starts(with: [0xc3, 0xff, 0x72, 0xfc]) else { return nil }
        let types: [ABIType] = [.array(.address), .array(.uint(bits: 256)), .array(.bytes)]
        do throws(ABIError) {
            let parts = try ABI.decode(Array(callData.dropFirst(4)), as: types)
            guard parts.count == types.count, case .array(let values) = parts[1] else { return nil }
            return values.reduce(UInt256.zero) { sum, value in
                guard case .uint(let value) = value else { return sum }
                return UInt256(sum.magnitude + value.magnitude) ?? .max
            }
        } catch {
            return nil
        }
    }

    /// What makes a wallet that is not there yet: the factory, and `createAccount(address,uint256)`.
    public static func initCode(factory: Address, owner: Address, salt: UInt256) -> [UInt8] {
        factory.bytes + [0x5f, 0xbf, 0xb9, 0xcf] + word(owner) + salt.bigEndian
    }

    /// `paymasterAndData` of the verifying paymaster.
    ///
    ///     | paymaster: 20 bytes | valid until: 32 | valid after: 32 | signature: 65 |
    ///
    /// - Parameter validUntil: seconds since the epoch; `validAfter` is always 0.
    public static func paymasterData(_ paymaster: Address, validUntil: UInt64, signature: [UInt8]) -> [UInt8] {
        paymaster.bytes + UInt256(validUntil).bigEndian + UInt256.zero.bigEndian + signature
    }

    /// `getHash(UserOperation,uint48,uint48)` of the verifying paymaster: what its signer signs.
    public static func paymasterHashCall(_ operation: UserOperation, validUntil: UInt64) throws(ABIError) -> [UInt8] {
        let window = ABIType.uint(bits: 48)
        return [0x94, 0xe1, 0xfc, 0x19]
            + (try ABI.encode(
                [operation.abiValue, .uint(UInt256(validUntil)), .uint(.zero)],
                as: [UserOperation.abiType, window, window]))
    }

    /// `transfer(address,uint256)` of an ERC-20 contract.
    public static func tokenTransfer(to recipient: Address, amount: UInt256) -> [UInt8] {
        [0xa9, 0x05, 0x9c, 0xbb] + word(recipient) + amount.bigEndian
    }

    private static func word(_ address: Address) -> [UInt8] { [UInt8](repeating: 0, count: 12) + address.bytes }
    private static func word(_ count: Int) -> [UInt8] { UInt256(UInt64(count)).bigEndian }

    /// Length and bytes, filled up to whole words.
    private static func tail(_ data: [UInt8]) -> [UInt8] {
        word(data.count) + data + [UInt8](repeating: 0, count: (32 - data.count % 32) % 32)
    }
}

/// The entry point's word on one user operation: `UserOperationEvent`.
public struct UserOperationEvent: Hashable, Sendable {
    /// `UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)`.
    public static let topic0 = Keccak256.hash(
        "UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)".utf8)

    public var nonce: UInt256
    /// False if the inner call was reverted.
    public var succeeded: Bool
    public var transaction: Hash32

    /// Nil for any other log.
    public init?(_ log: EventLog) {
        guard log.topics.count == 4, log.topics[0] == Self.topic0, log.data.count == 128,
            let nonce = UInt256(bigEndian: log.data.prefix(32))
        else { return nil }
        self.nonce = nonce
        succeeded = log.data[63] == 1
        transaction = log.transactionHash
    }
}
