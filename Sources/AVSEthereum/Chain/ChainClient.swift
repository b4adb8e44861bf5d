public import AVSPrimitives

/// A chain that can be asked. `AVSChain` asks over HTTP; tests answer themselves.
public protocol ChainClient: Sendable {
    /// The chain that the endpoints are configured for.
    var chainID: UInt64 { get }

    /// One JSON-RPC call.
    ///
    /// - Returns: the `result`, null included.
    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue
}

/// Why a chain did not answer as hoped.
public enum ChainError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No endpoint could be reached; `reason` is the last one's.
    case unavailable(reason: String)
    case timeout
    /// The endpoint asks for fewer requests.
    case rateLimited(reason: String)
    /// The node refused or the call was reverted.
    case rpc(JSONRPC.ErrorObject)
    /// The answer is none that the method can have.
    case malformedAnswer(method: String, reason: String)
    /// The answer is larger than the client accepts.
    case tooLarge(limitBytes: Int)
    /// The surrounding task was cancelled.
    case cancelled

    public var description: String {
        switch self {
        case .unavailable(let reason): "chain connection error: \(reason)"
        case .timeout: "chain request: timeout"
        case .rateLimited(let reason): "chain endpoint limits the rate of requests: \(reason)"
        case .rpc(let error): error.description
        case .malformedAnswer(let method, let reason): "\(method): unexpected answer: \(reason)"
        case .tooLarge(let limitBytes): "chain answer is larger than \(limitBytes) bytes"
        case .cancelled: "chain request was cancelled"
        }
    }
}

/// A call to be simulated by a node.
public struct CallRequest: Hashable, Sendable {
    public var from: Address?
    /// Nil creates a contract.
    public var to: Address?
    /// Wei.
    public var value: UInt256?
    public var data: [UInt8]
    public var gas: UInt64?

    public init(from: Address? = nil, to: Address?, value: UInt256? = nil, data: [UInt8] = [], gas: UInt64? = nil) {
        self.from = from
        self.to = to
        self.value = value
        self.data = data
        self.gas = gas
    }

    public var json: JSONValue {
        var members: [String: JSONValue] = ["data": .data(data)]
        if let from { members["from"] = .string(from.lowercased) }
        if let to { members["to"] = .string(to.lowercased) }
        if let value { members["value"] = .string(value.hexQuantity) }
        if let gas { members["gas"] = .quantity(gas) }
        return .object(members)
    }
}
