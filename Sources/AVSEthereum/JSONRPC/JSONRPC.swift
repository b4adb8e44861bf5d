public import AVSPrimitives

/// JSON-RPC 2.0 as values: requests to be sent, and what a node sends back.
public enum JSONRPC {
    public struct Request: Hashable, Sendable {
        public var id: UInt64
        public var method: String
        public var parameters: [JSONValue]

        public init(id: UInt64, method: String, parameters: [JSONValue]) {
            self.id = id
            self.method = method
            self.parameters = parameters
        }

        /// The request in UTF-8.
        public var body: [UInt8] {
            let object: JSONValue = [
                "jsonrpc": "2.0", "id": .number(Double(id)), "method": .string(method), "params": .array(parameters),
            ]
            return object.serializedBytes
        }
    }

    /// The error that a node answers with.
    public struct ErrorObject: Error, Hashable, Sendable, CustomStringConvertible {
        public var code: Int64
        public var message: String
        /// For a reverted call, what it returned, in hex.
        public var data: JSONValue?

        public init(code: Int64, message: String, data: JSONValue? = nil) {
            self.code = code
            self.message = message
            self.data = data
        }

        public var description: String { "JSON-RPC error \(code): \(message)" }

        /// The bytes that a reverted call returned, if the node tells.
        public var revertData: [UInt8]? {
            let text = data?.stringValue ?? data?["data"]?.stringValue
            return text.flatMap { Hex.decode($0) }
        }
    }

    /// One thing that a node sends.
    public enum Message: Hashable, Sendable {
        /// The answer to the request with this id.
        case response(id: UInt64, Result<JSONValue, ErrorObject>)
        /// An error about a request that the node could not read, so without id.
        case unassignedError(ErrorObject)
        /// A value for a subscription (`eth_subscription`).
        case notification(subscription: String, JSONValue)
    }

    /// Answers may nest deeper than other JSON: call traces do.
    static let depthMaximum = 256

    /// Reads one message of a node.
    ///
    /// - Parameter bytes: UTF-8; the caller bounds the size.
    /// - Returns: nil if it is JSON but no message of JSON-RPC.
    /// - Throws: ``AVSPrimitives/JSONError``.
    public static func message(parsing bytes: [UInt8]) throws(JSONError) -> Message? {
        let json = try JSONValue(parsing: bytes, maximumDepth: depthMaximum, duplicateKeys: .last)
        if json["method"] != nil {
            guard let parameters = json["params"], let subscription = parameters["subscription"]?.stringValue,
                let result = parameters["result"]
            else { return nil }
            return .notification(subscription: subscription, result)
        }
        // A result of null beside an error of null is a result.
        if let error = json["error"], !error.isNull {
            let object = ErrorObject(
                code: error["code"]?.integerValue ?? 0, message: error["message"]?.stringValue ?? error.serialized,
                data: error["data"])
            guard let id = id(json["id"]) else { return .unassignedError(object) }
            return .response(id: id, .failure(object))
        }
        guard let result = json["result"], let id = id(json["id"]) else { return nil }
        return .response(id: id, .success(result))
    }

    /// Some nodes give the id back as text.
    private static func id(_ json: JSONValue?) -> UInt64? {
        switch json {
        case .number: json?.integerValue.flatMap { UInt64(exactly: $0) }
        case .string(let text): UInt256(decimal: text)?.uint64
        default: nil
        }
    }
}

/// How JSON-RPC writes numbers and bytes.
extension JSONValue {
    /// A *quantity*: `0x` and 1 to 64 hex digits. Leading zeros, which some nodes send, are accepted.
    public var quantity: UInt256? {
        guard let text = stringValue, text.hasPrefix("0x") else { return nil }
        return UInt256(hex: text)
    }

    /// *Data*: `0x` and pairs of hex digits.
    public var data: [UInt8]? {
        guard let text = stringValue, text.hasPrefix("0x") else { return nil }
        return Hex.decode(text)
    }

    public static func quantity(_ value: UInt64) -> JSONValue { .string(UInt256(value).hexQuantity) }

    public static func data(_ bytes: [UInt8]) -> JSONValue { .string(Hex.encode0x(bytes)) }
}
