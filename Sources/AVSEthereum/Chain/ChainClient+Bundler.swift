public import AVSPrimitives

/// What a bundler thinks an operation needs.
public struct UserOperationGas: Hashable, Sendable {
    public var callGasLimit: UInt256
    public var verificationGasLimit: UInt256
    public var preVerificationGas: UInt256

    public init(callGasLimit: UInt256, verificationGasLimit: UInt256, preVerificationGas: UInt256) {
        self.callGasLimit = callGasLimit
        self.verificationGasLimit = verificationGasLimit
        self.preVerificationGas = preVerificationGas
    }

    init?(json: JSONValue) {
        // Bundlers of the first drafts say `verificationGas`.
        guard let call = json["callGasLimit"]?.quantity, let pre = json["preVerificationGas"]?.quantity,
            let verification = (json["verificationGasLimit"] ?? json["verificationGas"])?.quantity
        else { return nil }
        self.init(callGasLimit: call, verificationGasLimit: verification, preVerificationGas: pre)
    }
}

/// What became of a user operation.
public struct UserOperationReceipt: Hashable, Sendable {
    public var userOperationHash: Hash32
    public var sender: Address
    public var nonce: UInt256
    /// False if the inner call was reverted.
    public var succeeded: Bool
    /// In wei, as the entry point charged it.
    public var actualGasCost: UInt256
    public var actualGasUsed: UInt256
    /// Of the transaction that carried the bundle.
    public var transaction: TransactionReceipt

    init?(json: JSONValue) {
        guard let hash = Hash32(json: json["userOpHash"]), let sender = Address(json: json["sender"]),
            let nonce = json["nonce"]?.quantity, let succeeded = json["success"]?.boolValue,
            let cost = json["actualGasCost"]?.quantity, let used = json["actualGasUsed"]?.quantity,
            let transaction = json["receipt"].flatMap({ TransactionReceipt(json: $0) })
        else { return nil }
        userOperationHash = hash
        self.sender = sender
        self.nonce = nonce
        self.succeeded = succeeded
        actualGasCost = cost
        actualGasUsed = used
        self.transaction = transaction
    }
}

/// The methods of a bundler (execution engine, 7.8; ERC-4337). A bundler is a ``ChainClient`` with its own endpoint.
extension ChainClient {
    /// `eth_sendUserOperation`: the operation's hash as the bundler computed it.
    public func send(_ operation: UserOperation, to entryPoint: Address) async throws(ChainError) -> Hash32 {
        try await ask("eth_sendUserOperation", [operation.json, .string(entryPoint.checksummed)]) { Hash32(json: $0) }
    }

    /// `eth_estimateUserOperationGas`, with the limits that the operation has as a start.
    public func estimateGas(
        of operation: UserOperation, at entryPoint: Address
    ) async throws(ChainError) -> UserOperationGas {
        let parameters: [JSONValue] = [operation.json, .string(entryPoint.checksummed), [:]]
        return try await ask("eth_estimateUserOperationGas", parameters) { UserOperationGas(json: $0) }
    }

    /// `eth_getUserOperationReceipt`: nil until the operation is in a block.
    public func receipt(ofUserOperation hash: Hash32) async throws(ChainError) -> UserOperationReceipt? {
        try await askOptional("eth_getUserOperationReceipt", [.string(hash.hex)]) { UserOperationReceipt(json: $0) }
    }

    /// `eth_getUserOperationByHash`: whether the bundler knows the operation, waiting or done.
    public func knowsUserOperation(_ hash: Hash32) async throws(ChainError) -> Bool {
        try await !request("eth_getUserOperationByHash", [.string(hash.hex)]).isNull
    }

    /// `eth_simulateUserOperation`, which most bundlers lack.
    public func simulate(_ operation: UserOperation, at entryPoint: Address) async throws(ChainError) {
        _ = try await request(
            "eth_simulateUserOperation", [operation.json, .string(entryPoint.checksummed), "latest"])
    }

    /// `debug_bundler_dumpMempool`: the operations that wait. Only bundlers for development tell.
    public func waitingUserOperations(at entryPoint: Address) async throws(ChainError) -> [UserOperation] {
        try await ask("debug_bundler_dumpMempool", [.string(entryPoint.checksummed)]) { json in
            json.arrayValue.map { $0.compactMap { UserOperation(json: $0) } }
        }
    }

    /// `debug_bundler_sendBundleNow`: do not wait for more operations. Only bundlers for development obey.
    public func sendBundleNow() async throws(ChainError) { _ = try await request("debug_bundler_sendBundleNow", []) }

    /// `eth_supportedEntryPoints`.
    public func supportedEntryPoints() async throws(ChainError) -> [Address] {
        try await ask("eth_supportedEntryPoints", []) { json in
            json.arrayValue.map { $0.compactMap { Address(json: $0) } }
        }
    }
}
