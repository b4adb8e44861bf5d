public import AVSPrimitives
import BigInt

/// The methods that we use, typed. Each throws ``ChainError/malformedAnswer(method:reason:)`` if the answer is none.
extension ChainClient {
    /// `eth_call`: what the call returns. A reverted call throws ``ChainError/rpc(_:)``.
    public func call(
        to address: Address, data: [UInt8], from: Address? = nil, value: UInt256? = nil, block: BlockTag = .latest
    ) async throws(ChainError) -> [UInt8] {
        let call = CallRequest(from: from, to: address, value: value, data: data)
        return try await ask("eth_call", [call.json, block.json], \.data)
    }

    /// `eth_estimateGas`.
    public func estimateGas(_ call: CallRequest) async throws(ChainError) -> UInt64 {
        try await ask("eth_estimateGas", [call.json]) { $0.quantity?.uint64 }
    }

    /// `eth_blockNumber`: the newest block that the node has.
    public func blockNumber() async throws(ChainError) -> UInt64 {
        try await ask("eth_blockNumber", []) { $0.quantity?.uint64 }
    }

    /// `eth_getBlockByNumber`: nil if the node has no such block.
    public func block(_ tag: BlockTag) async throws(ChainError) -> Block? {
        try await askOptional("eth_getBlockByNumber", [tag.json, false]) { Block(json: $0) }
    }

    /// `eth_getLogs`, in the order of the chain. Nodes limit the range and the number of logs and answer with an error.
    public func logs(_ filter: LogFilter) async throws(ChainError) -> [EventLog] {
        try await ask("eth_getLogs", [filter.json]) { json in
            guard let objects = json.arrayValue else { return nil }
            let logs = objects.compactMap { EventLog(json: $0) }
            return logs.count == objects.count ? logs : nil
        }
    }

    /// `eth_getCode`: empty for an address without contract.
    public func code(at address: Address, block: BlockTag = .latest) async throws(ChainError) -> [UInt8] {
        try await ask("eth_getCode", [.string(address.lowercased), block.json], \.data)
    }

    /// `eth_getBalance`, in wei.
    public func balance(of address: Address, block: BlockTag = .latest) async throws(ChainError) -> UInt256 {
        try await ask("eth_getBalance", [.string(address.lowercased), block.json], \.quantity)
    }

    /// `eth_getTransactionCount`: the nonce of the account's next transaction.
    public func transactionCount(
        of address: Address, block: BlockTag = .latest
    ) async throws(ChainError) -> UInt64 {
        try await ask("eth_getTransactionCount", [.string(address.lowercased), block.json]) { $0.quantity?.uint64 }
    }

    /// `eth_getStorageAt`.
    public func storage(
        of address: Address, at slot: Hash32, block: BlockTag = .latest
    ) async throws(ChainError) -> Hash32 {
        let parameters: [JSONValue] = [.string(address.lowercased), .string(slot.hex), block.json]
        // Some nodes leave out leading zeros.
        return try await ask("eth_getStorageAt", parameters) { $0.quantity.flatMap { Hash32(bytes: $0.bigEndian) } }
    }

    /// `eth_gasPrice`, in wei per gas.
    public func gasPrice() async throws(ChainError) -> UInt256 { try await ask("eth_gasPrice", [], \.quantity) }

    /// `eth_maxPriorityFeePerGas`, in wei per gas.
    public func maxPriorityFeePerGas() async throws(ChainError) -> UInt256 {
        try await ask("eth_maxPriorityFeePerGas", [], \.quantity)
    }

    /// What a transaction should offer now: twice the base fee and the node's tip, which carries it through some full
    /// blocks; on chains without a base fee the node's price.
    public func suggestedFees() async throws(ChainError) -> Transaction.Fees {
        guard let base = try await block(.latest)?.baseFeePerGas else { return .legacy(gasPrice: try await gasPrice()) }
        let tip = try await maxPriorityFeePerGas()
        let maximum = UInt256(base.magnitude * 2 + tip.magnitude) ?? .max
        return .dynamic(maxPriorityFeePerGas: tip, maxFeePerGas: maximum)
    }

    /// `eth_chainId`: what the endpoint says, to be compared with ``chainID`` at the start.
    public func reportedChainID() async throws(ChainError) -> UInt64 {
        try await ask("eth_chainId", []) { $0.quantity?.uint64 }
    }

    /// `eth_sendRawTransaction`: the transaction's hash.
    public func send(rawTransaction bytes: [UInt8]) async throws(ChainError) -> Hash32 {
        try await ask("eth_sendRawTransaction", [.data(bytes)]) { Hash32(json: $0) }
    }

    /// `eth_getTransactionReceipt`: nil until the transaction is in a block.
    public func receipt(of transaction: Hash32) async throws(ChainError) -> TransactionReceipt? {
        try await askOptional("eth_getTransactionReceipt", [.string(transaction.hex)]) { TransactionReceipt(json: $0) }
    }

    func ask<Value>(
        _ method: String, _ parameters: [JSONValue], _ read: (JSONValue) -> Value?
    ) async throws(ChainError) -> Value {
        let json = try await request(method, parameters)
        guard let value = read(json) else {
            throw .malformedAnswer(method: method, reason: String(json.serialized.prefix(200)))
        }
        return value
    }

    func askOptional<Value>(
        _ method: String, _ parameters: [JSONValue], _ read: (JSONValue) -> Value?
    ) async throws(ChainError) -> Value? {
        let json = try await request(method, parameters)
        if json.isNull { return nil }
        guard let value = read(json) else {
            throw .malformedAnswer(method: method, reason: String(json.serialized.prefix(200)))
        }
        return value
    }
}
