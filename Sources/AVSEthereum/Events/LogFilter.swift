public import AVSPrimitives

/// Which logs to look for: those of any of some contracts whose topics match position by position.
public struct LogFilter: Hashable, Sendable {
    /// Any of these; empty means any contract.
    public var addresses: [Address]
    /// By position: nil matches any topic, otherwise one of the set must be there. A log with fewer topics than the
    /// filter has positions does not match, also where the positions match anything; nodes see it the same way.
    public var topics: [Set<Hash32>?]
    /// Both inclusive; nil leaves the bound to the node, which takes the latest block.
    public var fromBlock: BlockTag?
    public var toBlock: BlockTag?
    /// Exactly this block, in place of the range: nodes answer with an error if they do not have it, so that an empty
    /// answer means that there are none.
    public var blockHash: Hash32?

    public init(
        addresses: [Address] = [], topics: [Set<Hash32>?] = [], fromBlock: BlockTag? = nil, toBlock: BlockTag? = nil,
        blockHash: Hash32? = nil
    ) {
        self.addresses = addresses
        self.topics = topics
        self.fromBlock = fromBlock
        self.toBlock = toBlock
        self.blockHash = blockHash
    }

    /// Whether `log` is one that this filter looks for, whatever its block.
    public func matches(_ log: EventLog) -> Bool {
        guard addresses.isEmpty || addresses.contains(log.address), topics.count <= log.topics.count else {
            return false
        }
        return zip(topics, log.topics).allSatisfy { wanted, topic in wanted?.contains(topic) ?? true }
    }

    /// As `eth_getLogs` takes it, and `eth_subscribe`, which ignores the blocks.
    public var json: JSONValue {
        var members: [String: JSONValue] = [:]
        if !addresses.isEmpty { members["address"] = .array(addresses.map { .string($0.lowercased) }) }
        if !topics.isEmpty { members["topics"] = .array(topics.map(Self.json)) }
        if let blockHash { members["blockHash"] = .string(blockHash.hex) }
        if let fromBlock { members["fromBlock"] = fromBlock.json }
        if let toBlock { members["toBlock"] = toBlock.json }
        return .object(members)
    }

    /// One filter that matches whatever any of `filters` does, and as little else as one filter can say; nil if there
    /// are none. What would list more than 256 contracts or topics matches any instead: nodes limit the lists.
    ///
    /// Positions beyond the shortest list match anything by not being asked for: a longer list would demand topics.
    public static func union(of filters: [LogFilter]) -> LogFilter? {
        guard let first = filters.first else { return nil }
        let isAnyContract = filters.contains { $0.addresses.isEmpty }
        let listed = isAnyContract ? [] : Set(filters.flatMap(\.addresses)).sorted()
        let addresses = listed.count > 256 ? [] : listed
        let length = filters.reduce(first.topics.count) { min($0, $1.topics.count) }
        let topics = (0..<length).map { position -> Set<Hash32>? in
            let wanted = filters.map { $0.topics[position] }
            let union = wanted.reduce(into: Set<Hash32>()) { $0.formUnion($1 ?? []) }
            return wanted.contains(nil) || union.count > 256 ? nil : union
        }
        return LogFilter(addresses: addresses, topics: topics)
    }

    private static func json(_ wanted: Set<Hash32>?) -> JSONValue {
        guard let wanted else { return .null }
        let texts = wanted.sorted().map { JSONValue.string($0.hex) }
        return texts.count == 1 ? texts[0] : .array(texts)
    }
}

/// Why the texts of an event query are no filter.
public enum LogFilterError: Error, Hashable, Sendable, CustomStringConvertible {
    case invalidAddress(String)
    /// Neither empty, `null`, 32 bytes nor an address.
    case invalidTopic(String, reason: String)
    /// A log has at most four topics.
    case tooManyTopics(Int)

    public var description: String {
        switch self {
        case .invalidAddress(let text): "invalid contract address: '\(text.prefix(100))'"
        case .invalidTopic(let text, let reason): "invalid topic '\(text.prefix(100))': \(reason)"
        case .tooManyTopics(let count): "a log has at most 4 topics, the filter asks for \(count)"
        }
    }
}

extension LogFilter {
    /// The filter that an event query's texts mean (aggregator api, 6.14): addresses are alternatives; topics are a
    /// flat list by position, where `""` and `null` match anything and an address is padded to 32 bytes.
    public init(addresses: [String], topics: [String]) throws(LogFilterError) {
        guard topics.count <= 4 else { throw .tooManyTopics(topics.count) }
        let parsedAddresses = try addresses.map { (text) throws(LogFilterError) in
            guard let address = Address(text) else { throw .invalidAddress(text) }
            return address
        }
        let parsedTopics = try topics.map { (text) throws(LogFilterError) in try Self.topic(parsing: text) }
        self.init(addresses: parsedAddresses, topics: parsedTopics.map { $0.map { [$0] } })
    }

    /// Nil means any topic.
    public static func topic(parsing text: String) throws(LogFilterError) -> Hash32? {
        if text.isEmpty || text == "null" { return nil }
        if let address = Address(text) { return Hash32(bytes: [UInt8](repeating: 0, count: 12) + address.bytes) }
        guard let topic = Hash32(text) else { throw .invalidTopic(text, reason: reason(against: text)) }
        return topic
    }

    private static func reason(against text: String) -> String {
        let lowered = text.lowercased()
        if lowered.hasPrefix("0x0x") { return "doubled 0x prefix" }
        if !lowered.hasPrefix("0x") { return "missing 0x prefix" }
        let digits = lowered.utf8.dropFirst(2)
        let isHex = digits.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
        }
        return isHex ? "expected 64 hex digits, got \(digits.count)" : "not a hex digit"
    }
}
