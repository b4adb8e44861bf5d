public import AVSPrimitives

/// What a contract's JSON ABI says: methods, events and errors.
public struct ABIContract: Hashable, Sendable {
    /// In the order of the JSON.
    public var functions: [ABIFunction] = []
    public var events: [ABIEvent] = []
    /// Custom errors; they have the shape of functions without outputs.
    public var errors: [ABIFunction] = []

    /// A contract of which nothing is known.
    public init() {}

    /// Reads the entries of a JSON ABI. Constructors, `fallback`, `receive` and kinds that we do not know are skipped.
    ///
    /// - Parameter entries: JSON objects; the caller bounds their number and size.
    /// - Throws: ``ABIError/malformedEntry(index:reason:)``.
    public init(entries: [JSONValue]) throws(ABIError) {
        for (index, entry) in entries.enumerated() {
            do {
                try add(entry)
            } catch {
                throw .malformedEntry(index: index, reason: error.description)
            }
        }
    }

    private mutating func add(_ entry: JSONValue) throws(ABIError) {
        guard case .object = entry else { throw .unsupportedType("entry is not an object") }
        // The ABI's specification lets `type` be left out for functions.
        switch entry["type"]?.stringValue ?? (entry["type"] == nil ? "function" : "") {
        case "function": functions.append(try ABIFunction(entry))
        case "event": events.append(try ABIEvent(entry))
        case "error": errors.append(try ABIFunction(entry))
        default: break
        }
    }

    /// The method with these first four bytes of calldata.
    public func function(selector: some Collection<UInt8>) -> ABIFunction? {
        functions.first { $0.selector.elementsEqual(selector.prefix(4)) }
    }

    /// The method of this name, or of this signature if `name` has parentheses.
    ///
    /// Of overloaded methods, the first with `parameterCount` inputs; if there is none, the first, so that the error
    /// can say how many it wants.
    ///
    /// - Throws: ``ABIError/unknownMethod(_:)``.
    public func function(named name: String, parameterCount: Int? = nil) throws(ABIError) -> ABIFunction {
        let candidates = functions.filter { $0.name == name || $0.signature == name }
        let fitting = candidates.first { parameterCount == nil || $0.inputs.count == parameterCount }
        guard let function = fitting ?? candidates.first else { throw .unknownMethod(name) }
        return function
    }

    /// The event that `log` is of: by topic 0, and by the number of indexed arguments, since ERC-20 and ERC-721 give
    /// the same signature to transfers with two and with three.
    public func event(of log: EventLog) -> ABIEvent? {
        guard let topic = log.topics.first else { return nil }
        let candidates = events.filter { !$0.isAnonymous && $0.topic0 == topic }
        return candidates.first { $0.indexedCount + 1 == log.topics.count } ?? candidates.first
    }
}

/// A method of a contract, or one of its errors.
public struct ABIFunction: Hashable, Sendable {
    public var name: String
    public var inputs: [ABIParameter]
    public var outputs: [ABIParameter]
    /// `view`, `pure`, `nonpayable` or `payable`; empty if the ABI does not say.
    public var stateMutability: String

    public init(
        name: String, inputs: [ABIParameter], outputs: [ABIParameter] = [], stateMutability: String = ""
    ) {
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.stateMutability = stateMutability
    }

    /// Reads one entry of a JSON ABI, whatever its `type`.
    public init(_ entry: JSONValue) throws(ABIError) {
        guard let name = entry["name"]?.stringValue, !name.isEmpty else { throw .unsupportedType("entry has no name") }
        self.init(
            name: name, inputs: try ABIParameter.list(entry["inputs"]),
            outputs: try ABIParameter.list(entry["outputs"]),
            stateMutability: entry["stateMutability"]?.stringValue ?? "")
    }

    /// `transfer(address,uint256)`.
    public var signature: String { "\(name)(\(inputs.map(\.type.canonicalName).joined(separator: ",")))" }

    /// The first four bytes of the digest of the signature.
    public var selector: [UInt8] { Array(Keccak256.hash(signature.utf8).bytes.prefix(4)) }

    /// Selector and encoded parameters.
    public func encodeCall(_ values: [ABIValue]) throws(ABIError) -> [UInt8] {
        guard values.count == inputs.count else {
            throw .parameterCount(method: name, expected: inputs.count, got: values.count)
        }
        return selector + (try ABI.encode(values, as: inputs.map(\.type)))
    }

    /// The outputs in the answer of a call.
    public func decodeOutputs(_ data: [UInt8]) throws(ABIError) -> [ABIValue] {
        try ABI.decode(data, as: outputs.map(\.type))
    }

    /// The outputs as execution engine 5.2 shows them: a single one by itself; several as an object by name, where
    /// those without name are `output_0`, `output_1`, … by position. No outputs give null.
    public func outputJSON(_ values: [ABIValue]) -> JSONValue {
        let leaves = zip(values, outputs).map { $0.outputJSON($1.type) }
        guard leaves.count != 1 else { return leaves[0] }
        guard !leaves.isEmpty else { return .null }
        let names = outputs.enumerated().map { $1.name.isEmpty ? "output_\($0)" : $1.name }
        return .object(Dictionary(zip(names, leaves)) { first, _ in first })
    }
}

extension ABIParameter {
    /// The parameters of an entry's `inputs`, `outputs` or `components`; absent means none.
    static func list(_ json: JSONValue?, depth: Int = 0) throws(ABIError) -> [ABIParameter] {
        guard let json else { return [] }
        guard let entries = json.arrayValue else { throw .unsupportedType("parameters are not an array") }
        guard depth <= ABIType.depthMaximum else { throw .unsupportedType("tuple nested too deep") }
        var parameters: [ABIParameter] = []
        for entry in entries {
            guard let type = entry["type"]?.stringValue else { throw .unsupportedType("parameter has no type") }
            let components = try list(entry["components"], depth: depth + 1)
            parameters.append(
                ABIParameter(
                    name: entry["name"]?.stringValue ?? "", type: try ABIType(parsing: type, components: components),
                    isIndexed: entry["indexed"]?.boolValue ?? false))
        }
        return parameters
    }
}
