public import AVSPrimitives
import BigInt

/// An event of a contract.
public struct ABIEvent: Hashable, Sendable {
    public var name: String
    public var inputs: [ABIParameter]
    /// Without its signature in topic 0.
    public var isAnonymous: Bool

    public init(name: String, inputs: [ABIParameter], isAnonymous: Bool = false) {
        self.name = name
        self.inputs = inputs
        self.isAnonymous = isAnonymous
    }

    /// Reads one entry of a JSON ABI, whatever its `type`.
    public init(_ entry: JSONValue) throws(ABIError) {
        guard let name = entry["name"]?.stringValue, !name.isEmpty else { throw .unsupportedType("entry has no name") }
        self.init(
            name: name, inputs: try ABIParameter.list(entry["inputs"]),
            isAnonymous: entry["anonymous"]?.boolValue ?? false)
    }

    /// `Transfer(address,address,uint256)`.
    public var signature: String { "\(name)(\(inputs.map(\.type.canonicalName).joined(separator: ",")))" }

    /// The digest of the signature.
    public var topic0: Hash32 { Keccak256.hash(signature.utf8) }

    public var indexedCount: Int { inputs.count { $0.isIndexed } }

    /// The arguments of a log of this event, in the order of the ABI.
    ///
    /// - Throws: ``ABIError/topicMismatch(event:expected:got:)`` if the number of topics or topic 0 is another event's,
    ///   and what ``ABI/decode(_:as:)`` throws.
    public func decode(_ log: EventLog) throws(ABIError) -> DecodedEvent {
        let topics = isAnonymous ? log.topics[...] : log.topics.dropFirst()
        guard topics.count == indexedCount, isAnonymous || log.topics.first == topic0 else {
            let expected = indexedCount + (isAnonymous ? 0 : 1)
            throw .topicMismatch(event: name, expected: expected, got: log.topics.count)
        }
        var data = try ABI.decode(log.data, as: inputs.filter { !$0.isIndexed }.map(\.type))[...]
        var rest = topics
        var fields: [DecodedEvent.Field] = []
        for (index, input) in inputs.enumerated() {
            let name = input.name.isEmpty ? "arg\(index)" : input.name
            if !input.isIndexed, let value = data.popFirst() {
                fields.append(.init(name: name, type: input.type, topic: nil, value: value))
            } else if let topic = rest.popFirst() {
                let value = input.type.isWord ? try ABI.decodeWord(topic, as: input.type) : nil
                fields.append(.init(name: name, type: input.type, topic: topic, value: value))
            }
        }
        return DecodedEvent(name: self.name, fields: fields)
    }
}

/// A log read by its event.
public struct DecodedEvent: Hashable, Sendable {
    public struct Field: Hashable, Sendable {
        /// `arg0`, `arg1`, … by position where the ABI has no name.
        public var name: String
        public var type: ABIType
        /// The word in the topics, if the argument is indexed.
        public var topic: Hash32?
        /// Nil for an indexed argument of which the topic holds only a digest (strings, bytes, arrays, tuples).
        public var value: ABIValue?

        public init(name: String, type: ABIType, topic: Hash32?, value: ABIValue?) {
            self.name = name
            self.type = type
            self.topic = topic
            self.value = value
        }

        /// The argument as execution engine 4.5.6 shows it: integers are decimal strings, but a number where they are
        /// indexed, of at most 64 bits, and a double holds them exactly; indexed `bytesN` and digests are the topic.
        public var json: JSONValue {
            guard let value else { return .string(topic?.hex ?? "") }
            guard let topic else { return value.eventJSON(type) }
            switch type {
            case .fixedBytes, .function:
                return .string(topic.hex)
            case .uint(let bits) where bits <= 64, .int(let bits) where bits <= 64:
                if let integer = value.integer, integer.magnitude <= 1 << 53 { return .number(Double(integer)) }
                return value.eventJSON(type)
            default:
                return value.eventJSON(type)
            }
        }
    }

    public var name: String
    public var fields: [Field]

    public init(name: String, fields: [Field]) {
        self.name = name
        self.fields = fields
    }

    public subscript(field name: String) -> Field? { fields.first { $0.name == name } }

    /// `{"<argument>": value, …}`.
    public var arguments: JSONValue {
        .object(Dictionary(fields.map { ($0.name, $0.json) }) { first, _ in first })
    }

    /// `{"<EventName>": {"<argument>": value, …}}`.
    public var json: JSONValue { .object([name: arguments]) }
}
