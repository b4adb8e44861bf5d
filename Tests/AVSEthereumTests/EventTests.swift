import AVSPrimitives
import AVSTesting
import BigInt
import Testing

@testable import AVSEthereum

@Suite("An event")
struct EventTests {
    static func event(_ name: String, _ inputs: [(String, String, Bool)]) throws -> ABIEvent {
        ABIEvent(
            name: name,
            inputs: try inputs.map { ABIParameter(name: $0.0, type: try ABIType(parsing: $0.1), isIndexed: $0.2) })
    }

    static func topic(_ value: BigInt) -> Hash32 { Hash32(bytes: value.twosComplement.bigEndian) ?? .zero }

    /// Origin: execution engine specification, 7.2.
    @Test(
        "has the digest of its signature as topic 0",
        arguments: [
            (
                "Transfer", ["address", "address", "uint256"],
                "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
            ),
            (
                "Approval", ["address", "address", "uint256"],
                "8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
            ),
            (
                "AnswerUpdated", ["int256", "uint256", "uint256"],
                "0559884fd3a460db3073b7fc896cc77986f16e378210ded43186175bf646fc5f"
            ),
            (
                "UserOperationEvent", ["bytes32", "address", "address", "uint256", "bool", "uint256", "uint256"],
                "49628fd1471006c1482da88028e9ce4dbb080b815c9b0344d39e5a8e6ec1419f"
            ),
        ])
    func topics(name: String, types: [String], topic: String) throws {
        let event = try Self.event(name, types.map { ("", $0, false) })
        #expect(event.topic0.hex == "0x" + topic)
    }

    @Test("is shown by the table of execution engine 4.5.6; EE-TE17: negative indexed values stay negative")
    func shapes() throws {
        let event = try Self.event(
            "E",
            [
                ("big", "uint256", true), ("small", "int16", true), ("tag", "bytes4", true), ("n", "uint64", false),
                ("ok", "bool", false),
                ("who", "address", false), ("text", "string", false), ("raw", "bytes", false),
                ("four", "bytes4", false),
                ("list", "uint8[]", false),
            ])
        let data = try ABI.encode(
            [
                .uint(UInt256(5)), .bool(true), .address(.zero), .string("hi"), .bytes([1]), .bytes([1, 2, 3, 4]),
                .array([.uint(UInt256(1)), .uint(UInt256(2))]),
            ],
            as: event.inputs.dropFirst(3).map(\.type))
        let tag = try #require(Hash32("01020304" + String(repeating: "0", count: 56)))
        let log = EventLog(
            address: .zero, topics: [event.topic0, Self.topic(-0 + 1 << 255), Self.topic(-7), tag], data: data)
        #expect(
            try event.decode(log).json == [
                "E": [
                    "big": .string(String(BigInt(1) << 255)), "small": -7, "tag": .string(tag.hex), "n": "5",
                    "ok": true,
                    "who": "0x0000000000000000000000000000000000000000", "text": "hi", "raw": "0x01",
                    "four": "0x01020304",
                    "list": ["1", "2"],
                ]
            ])
        let answer = try Self.event("A", [("current", "int256", true), ("", "uint64", true), ("s", "string", true)])
        let digest = Keccak256.hash("text".utf8)
        let second = EventLog(
            address: .zero, topics: [answer.topic0, Self.topic(-5), Self.topic(1 << 63), digest], data: [])
        #expect(
            try answer.decode(second).json == [
                "A": ["current": "-5", "arg1": "9223372036854775808", "s": .string(digest.hex)]
            ])
    }

    @Test("EE-TE14: a generic event with one indexed and two other static arguments has 64 bytes of data")
    func generic() throws {
        let event = try Self.event(
            "Supply", [("a", "address", true), ("b", "uint256", false), ("c", "uint256", false)])
        let values: [ABIValue] = [.uint(UInt256(1)), .uint(UInt256(2))]
        #expect(try ABI.encode(values, as: event.inputs.filter { !$0.isIndexed }.map(\.type)).count == 64)
    }

    @Test("is told from another of the same signature by its indexed arguments") func indexedCount() throws {
        let types: [(String, String)] = [("from", "address"), ("to", "address"), ("value", "uint256")]
        let coin = try Self.event("Transfer", types.map { ($0.0, $0.1, $0.0 != "value") })
        let deed = try Self.event("Transfer", types.map { ($0.0, $0.1, true) })
        var contract = try ABIContract(entries: [])
        contract.events = [coin, deed]
        let log = EventLog(address: .zero, topics: [coin.topic0, .zero, .zero, .zero], data: [])
        #expect(contract.event(of: log) == deed)
        #expect(throws: ABIError.topicMismatch(event: "Transfer", expected: 3, got: 4)) { try coin.decode(log) }
        var other = log
        other.topics[0] = .zero
        #expect(contract.event(of: other) == nil)
        #expect(throws: ABIError.self) { try deed.decode(other) }
        other.topics = []
        #expect(contract.event(of: other) == nil)
    }

    @Test("without signature in its topics can be decoded") func anonymous() throws {
        var event = try Self.event("Note", [("a", "uint8", true), ("b", "uint8", false)])
        event.isAnonymous = true
        let log = EventLog(address: .zero, topics: [Self.topic(3)], data: UInt256(4).bigEndian)
        #expect(try event.decode(log).arguments == ["a": 3, "b": "4"])
    }
}

@Suite("A log")
struct EventLogTests {
    static let json: JSONValue = [
        "address": "0x1c7d4b196cb0c7b01d743fbc6116a902379c7238", "topics": [.string(Hash32.zero.hex)], "data": "0x0102",
        "blockNumber": "0x10", "blockHash": .string(Hash32.zero.hex), "transactionHash": .string(Hash32.zero.hex),
        "transactionIndex": "0x1", "logIndex": "0x2", "removed": true,
    ]

    @Test("is read from a node's JSON, and shown raw (EE-TE5)") func reading() throws {
        let log = try #require(EventLog(json: Self.json))
        #expect(
            log.blockNumber == 16 && log.logIndex == 2 && log.transactionIndex == 1 && log.removed
                && log.data == [1, 2])
        #expect(
            log.rawJSON == [
                "contractAddress": "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238", "blockNumber": 16, "logIndex": 2,
                "transactionHash": .string(Hash32.zero.hex), "blockHash": .string(Hash32.zero.hex), "data": "0x0102",
                "topics": [.string(Hash32.zero.hex)], "removed": true,
            ])
        let metadata = log.metadataJSON(chainID: 11_155_111)
        #expect(
            metadata["chainId"] == 11_155_111 && metadata["address"] == "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238")
        #expect(
            metadata["transactionIndex"] == 1 && metadata["contractAddress"] == nil
                && metadata["executionContext"] == nil)
    }

    @Test(
        "is refused when a field is missing or malformed",
        arguments: [
            "address", "topics", "data", "blockNumber", "blockHash", "transactionHash", "transactionIndex", "logIndex",
        ])
    func refusals(field: String) throws {
        for bad in [nil, .null, .number(1), "0xzz", "zz", .array([.string("0x12")]), .object([:])] as [JSONValue?] {
            var members = try #require(Self.json.objectValue)
            members[field] = bad
            #expect(EventLog(json: .object(members)) == nil)
        }
        var members = try #require(Self.json.objectValue)
        members["topics"] = .array([JSONValue](repeating: .string(Hash32.zero.hex), count: 5))
        #expect(EventLog(json: .object(members)) == nil && EventLog(json: nil) == nil)
    }
}

@Suite("A log filter")
struct LogFilterTests {
    static let usdc = "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238"
    static let signature = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"

    static func log(_ topics: [Hash32], at address: String = usdc) -> EventLog {
        EventLog(address: Address(address) ?? .zero, topics: topics, data: [])
    }

    @Test("matches addresses as alternatives and topics by position") func matching() throws {
        let (from, to) = (
            Hash32(bytes: [UInt8](repeating: 0, count: 12) + [UInt8](repeating: 0x22, count: 20)), Hash32.zero
        )
        let topics = [try #require(Hash32(Self.signature)), try #require(from), to]
        let padded = "0x" + String(repeating: "22", count: 20)
        for (list, expected) in [
            ([], true), ([Self.signature], true), (["", padded], true), (["null", "", ""], true), ([padded], false),
            ([Self.signature, padded, Hash32.zero.hex], true), ([Self.signature, Hash32.zero.hex], false),
            ([String(Self.signature.dropFirst(2)).uppercased()], true),
        ] as [([String], Bool)] {
            #expect(
                try LogFilter(addresses: [Self.usdc], topics: list).matches(Self.log(topics)) == expected, "\(list)")
        }
        #expect(try LogFilter(addresses: [], topics: []).matches(Self.log([])))
        #expect(try !LogFilter(addresses: [padded], topics: []).matches(Self.log(topics)))
        #expect(try LogFilter(addresses: [padded, Self.usdc], topics: []).matches(Self.log(topics)))
    }

    @Test("DEFECT-23: does not match a log with fewer topics, whatever the positions ask for") func longer() throws {
        let log = Self.log([try #require(Hash32(Self.signature))])
        #expect(try !LogFilter(addresses: [], topics: [Self.signature, Hash32.zero.hex]).matches(log))
        #expect(try !LogFilter(addresses: [], topics: [Self.signature, ""]).matches(log))
        #expect(try !LogFilter(addresses: [], topics: [""]).matches(Self.log([])))
    }

    @Test(
        "EE-TE2: says what is wrong with a text",
        arguments: [
            ("0x0xddf252", "doubled 0x prefix"), ("ddf252", "missing 0x prefix"), ("0xzz", "not a hex digit"),
            ("0xddf252", "expected 64 hex digits, got 6"),
        ])
    func topicErrors(text: String, reason: String) {
        #expect(throws: LogFilterError.invalidTopic(text, reason: reason)) { try LogFilter.topic(parsing: text) }
    }

    @Test("EE-TE2: refuses addresses that are none and more than four topics") func otherErrors() {
        #expect(throws: LogFilterError.invalidAddress("0x123")) { try LogFilter(addresses: ["0x123"], topics: []) }
        #expect(throws: LogFilterError.tooManyTopics(5)) { try LogFilter(addresses: [], topics: ["", "", "", "", ""]) }
    }

    @Test("is written as eth_getLogs takes it") func json() throws {
        var filter = try LogFilter(addresses: [Self.usdc], topics: [Self.signature, ""])
        filter.topics.append([Hash32.zero, try #require(Hash32(Self.signature))])
        filter.fromBlock = .number(16)
        filter.toBlock = .latest
        #expect(
            filter.json == [
                "address": [.string(Self.usdc.lowercased())], "fromBlock": "0x10", "toBlock": "latest",
                "topics": [.string(Self.signature), nil, [.string(Hash32.zero.hex), .string(Self.signature)]],
            ])
        #expect(LogFilter().json == [:])
    }

    @Test("of several filters matches whatever any of them does", arguments: 0..<40 as Range<UInt64>)
    func union(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let hashes = (0..<3).map { Keccak256.hash([$0]) }
        let addresses = (0..<3).compactMap { Address(bytes: [UInt8](repeating: $0, count: 20)) }
        let filters = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            LogFilter(
                addresses: addresses.filter { _ in Bool.random(using: &random) },
                topics: (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    Bool.random(using: &random) ? nil : Set(hashes.filter { _ in Bool.random(using: &random) })
                })
        }
        let union = try #require(LogFilter.union(of: filters))
        for _ in 0..<200 {
            let log = EventLog(
                address: addresses.randomElement(using: &random) ?? .zero,
                topics: (0..<Int.random(in: 0...4, using: &random)).compactMap { _ in
                    hashes.randomElement(using: &random)
                },
                data: [])
            if filters.contains(where: { $0.matches(log) }) { #expect(union.matches(log)) }
        }
        #expect(LogFilter.union(of: []) == nil)
        #expect(filters.count > 1 || union.topics == filters[0].topics)
    }
}
