public import AVSPrimitives
import BigInt

/// A user operation of ERC-4337 for EntryPoint version 0.6 (execution engine, 7.4).
public struct UserOperation: Hashable, Sendable {
    public var sender: Address
    public var nonce: UInt256
    /// Factory and its calldata if the wallet is not deployed yet; else empty.
    public var initCode: [UInt8]
    public var callData: [UInt8]
    public var callGasLimit: UInt256
    public var verificationGasLimit: UInt256
    public var preVerificationGas: UInt256
    /// Wei per gas.
    public var maxFeePerGas: UInt256
    public var maxPriorityFeePerGas: UInt256
    /// Paymaster, its own data and its signature; empty if the wallet pays.
    public var paymasterAndData: [UInt8]
    public var signature: [UInt8]

    public init(
        sender: Address, nonce: UInt256, initCode: [UInt8] = [], callData: [UInt8], callGasLimit: UInt256,
        verificationGasLimit: UInt256, preVerificationGas: UInt256, maxFeePerGas: UInt256,
        maxPriorityFeePerGas: UInt256, paymasterAndData: [UInt8] = [], signature: [UInt8] = []
    ) {
        self.sender = sender
        self.nonce = nonce
        self.initCode = initCode
        self.callData = callData
        self.callGasLimit = callGasLimit
        self.verificationGasLimit = verificationGasLimit
        self.preVerificationGas = preVerificationGas
        self.maxFeePerGas = maxFeePerGas
        self.maxPriorityFeePerGas = maxPriorityFeePerGas
        self.paymasterAndData = paymasterAndData
        self.signature = signature
    }

    /// The operation's identity on a chain, which the controller signs as an EIP-191 message. The signature is not
    /// part of it.
    public func hash(entryPoint: Address, chainID: UInt64) -> Hash32 {
        let gas = [callGasLimit, verificationGasLimit, preVerificationGas, maxFeePerGas, maxPriorityFeePerGas]
        let inner = Keccak256.hash(
            Self.word(sender) + nonce.bigEndian + Keccak256.hash(initCode).bytes + Keccak256.hash(callData).bytes
                + gas.flatMap(\.bigEndian) + Keccak256.hash(paymasterAndData).bytes)
        return Keccak256.hash(inner.bytes + Self.word(entryPoint) + UInt256(chainID).bigEndian)
    }

    /// As bundlers take it: `0x` hex, numbers without leading zeros, the sender checksummed.
    public var json: JSONValue {
        [
            "sender": .string(sender.checksummed), "nonce": .string(nonce.hexQuantity),
            "initCode": .string(Hex.encode0x(initCode)), "callData": .string(Hex.encode0x(callData)),
            "callGasLimit": .string(callGasLimit.hexQuantity),
            "verificationGasLimit": .string(verificationGasLimit.hexQuantity),
            "preVerificationGas": .string(preVerificationGas.hexQuantity),
            "maxFeePerGas": .string(maxFeePerGas.hexQuantity),
            "maxPriorityFeePerGas": .string(maxPriorityFeePerGas.hexQuantity),
            "paymasterAndData": .string(Hex.encode0x(paymasterAndData)),
            "signature": .string(Hex.encode0x(signature)),
        ]
    }

    /// Reads what ``json`` wrote; nil if a member is missing or malformed.
    public init?(json: JSONValue) {
        guard let sender = Address(json: json["sender"]), let nonce = json["nonce"]?.quantity,
            let initCode = json["initCode"]?.data, let callData = json["callData"]?.data,
            let callGas = json["callGasLimit"]?.quantity, let verification = json["verificationGasLimit"]?.quantity,
            let pre = json["preVerificationGas"]?.quantity, let maximum = json["maxFeePerGas"]?.quantity,
            let priority = json["maxPriorityFeePerGas"]?.quantity,
            let paymasterAndData = json["paymasterAndData"]?.data, let signature = json["signature"]?.data
        else { return nil }
        self.init(
            sender: sender, nonce: nonce, initCode: initCode, callData: callData, callGasLimit: callGas,
            verificationGasLimit: verification, preVerificationGas: pre, maxFeePerGas: maximum,
            maxPriorityFeePerGas: priority, paymasterAndData: paymasterAndData, signature: signature)
    }

    /// The operation as a value of ``abiType``, for the paymaster's `getHash`.
    public var abiValue: ABIValue {
        .tuple([
            .address(sender), .uint(nonce), .bytes(initCode), .bytes(callData), .uint(callGasLimit),
            .uint(verificationGasLimit), .uint(preVerificationGas), .uint(maxFeePerGas), .uint(maxPriorityFeePerGas),
            .bytes(paymasterAndData), .bytes(signature),
        ])
    }

    /// The struct `UserOperation` of EntryPoint version 0.6.
    public static let abiType: ABIType = {
        let word = ABIType.uint(bits: 256)
        let types: [(String, ABIType)] = [
            ("sender", .address), ("nonce", word), ("initCode", .bytes), ("callData", .bytes), ("callGasLimit", word),
            ("verificationGasLimit", word), ("preVerificationGas", word), ("maxFeePerGas", word),
            ("maxPriorityFeePerGas", word), ("paymasterAndData", .bytes), ("signature", .bytes),
        ]
        return .tuple(types.map { ABIParameter(name: $0, type: $1) })
    }()

    private static func word(_ address: Address) -> [UInt8] { [UInt8](repeating: 0, count: 12) + address.bytes }
}
