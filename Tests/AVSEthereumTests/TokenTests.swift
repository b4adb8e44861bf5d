import AVSEthereum
import AVSPrimitives
import Testing

@Suite("A token")
struct TokenTests {
    private static func answer(_ type: ABIType, _ value: ABIValue) throws -> [UInt8] {
        try ABI.encode([value], as: [type])
    }

    /// A contract that answers these methods and refuses the others.
    private static func read(_ answers: [String: [UInt8]]) async throws -> TokenMetadata? {
        let bySelector = Dictionary(
            uniqueKeysWithValues: answers.map { (Array(Keccak256.hash("\($0.key)()".utf8).bytes.prefix(4)), $0.value) })
        return try await TokenMetadata.read { bySelector[$0] }
    }

    @Test("says its name, symbol and decimals") func metadata() async throws {
        let found = try await Self.read([
            "name": Self.answer(.string, .string("USD Coin")), "symbol": Self.answer(.string, .string("USDC")),
            "decimals": Self.answer(.uint(bits: 8), .uint(UInt256(6))),
        ])
        #expect(found == TokenMetadata(name: "USD Coin", symbol: "USDC", decimals: 6))
    }

    @Test("of the oldest kind says them in 32 bytes") func bytes32() async throws {
        let maker = Array("MKR".utf8) + [UInt8](repeating: 0, count: 29)
        let found = try await Self.read(["symbol": maker])
        #expect(found == TokenMetadata(name: "Unknown Token", symbol: "MKR", decimals: 18))
    }

    @Test("that says nothing, or nothing that can be, is none") func none() async throws {
        #expect(try await Self.read([:]) == nil)
        let word = [UInt8](repeating: 255, count: 32)
        #expect(try await Self.read(["decimals": word, "name": [1, 2, 3], "symbol": []]) == nil)
    }

    @Test("cannot fill a log or a template with its name") func longName() async throws {
        let name = "\u{1B}[2J\n" + String(repeating: "x", count: 10_000)
        let found = try await Self.read(["name": Self.answer(.string, .string(name))])
        #expect(found?.name.count == TokenMetadata.textLimit && found?.name.hasPrefix("[2Jx") == true)
    }

    @Test("shows integers of events in units, and nothing else") func amounts() {
        #expect(TokenAmount.text(.string("1500000"), decimals: 6) == "1.5")
        #expect(TokenAmount.text(.string("-1500000"), decimals: 6) == "-1.5")
        #expect(TokenAmount.text(.number(250), decimals: 2) == "2.5")
        for json in ["", "-", "0x10", "1.5", "1e3", .string(String(repeating: "9", count: 79)), .bool(true), .null, [:]]
            as [JSONValue]
        {
            #expect(TokenAmount.text(json, decimals: 6) == nil)
        }
        for number in [0.5, .infinity, .nan] { #expect(TokenAmount.text(.number(number), decimals: 6) == nil) }
    }

    private static let token = Address("0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238") ?? .zero
    private static let holder = Address("0x00000000000000000000000000000000000000c3") ?? .zero

    private static func log(topics: [Hash32]? = nil, data: [UInt8] = UInt256(1_500_000).bigEndian) -> EventLog {
        let word = Hash32(bytes: [UInt8](repeating: 0, count: 12) + holder.bytes) ?? .zero
        return EventLog(address: token, topics: topics ?? [TokenTransfer.topic0, word, .zero], data: data)
    }

    @Test("tells a transfer with everything that a workflow asks for (4.5.4)") func transfer() throws {
        let transfer = try #require(TokenTransfer(Self.log()))
        let json = transfer.json(TokenMetadata(name: "USD Coin", symbol: "USDC", decimals: 6), direction: .sent)
        #expect(
            JSONValue.object(json) == [
                "eventName": "Transfer", "tokenName": "USD Coin", "tokenSymbol": "USDC", "tokenDecimals": 6,
                "contractAddress": .string(Self.token.checksummed), "fromAddress": .string(Self.holder.checksummed),
                "toAddress": .string(Address.zero.checksummed), "value": "1500000", "valueFormatted": "1.5",
                "direction": "sent", "walletAddress": .string(Self.holder.checksummed),
            ])
        #expect(transfer.json(.unknown, direction: .unknown)["walletAddress"] == nil)
        #expect(transfer.json(.unknown, direction: .received)["walletAddress"] == .string(Address.zero.checksummed))
    }

    @Test("does not take other logs for transfers") func others() {
        let word = Hash32(bytes: [UInt8](repeating: 7, count: 32)) ?? .zero
        #expect(TokenTransfer(Self.log(topics: [])) == nil)
        #expect(TokenTransfer(Self.log(topics: [word, .zero, .zero])) == nil)
        #expect(TokenTransfer(Self.log(topics: [TokenTransfer.topic0, .zero, .zero, .zero], data: [])) == nil)
        #expect(TokenTransfer(Self.log(topics: [TokenTransfer.topic0, word, .zero])) == nil)
        #expect(TokenTransfer(Self.log(data: [])) == nil)
    }

    @Test("transfer is seen from the one side that is named, else by whoever is known to watch")
    func direction() throws {
        let transfer = try #require(TokenTransfer(Self.log()))
        for (sender, receiver, watched, expected) in [
            (true, false, nil, .sent), (true, false, .zero, .sent), (false, true, Self.holder, .received),
            (true, true, nil, .unknown), (false, false, nil, .unknown), (true, true, Self.token, .unknown),
            (true, true, .zero, .received), (false, false, Self.holder, .sent),
        ] as [(Bool, Bool, Address?, TokenTransfer.Direction)] {
            #expect(
                transfer.direction(namesSender: sender, namesReceiver: receiver, watched: watched) == expected)
        }
    }

    private static let transferEntry: JSONValue = [
        "type": "event", "name": "Transfer",
        "inputs": [
            ["name": "from", "type": "address", "indexed": true], ["name": "to", "type": "address", "indexed": true],
            ["name": "value", "type": "uint256", "indexed": false],
        ],
    ]

    @Test("EE-TE5: a report of a transfer is flat only if an ABI has its event, and raw without one (4.5.6)")
    func report() throws {
        let log = Self.log()
        let abi = try ABIContract(entries: [Self.transferEntry])
        let report = try EventReport(log, by: abi)
        let transfer = try #require(report.transfer)
        #expect(report.json["Transfer"]?["value"] == "1500000", "what is said where nobody asks the token")
        let flat = report.json(
            of: transfer, .unknown, direction: .sent, at: Timestamp(milliseconds: 5), chainID: 31_337)
        #expect(flat["valueFormatted"] == "0.0000000000015" && flat["direction"] == "sent")
        #expect(flat["blockTimestamp"] == 5 && flat["chainId"] == 31_337 && flat["blockNumber"] == 0)
        #expect(flat["transactionHash"] == .string(log.transactionHash.hex))
        for abi in [nil, try ABIContract(entries: [])] {
            let raw = try EventReport(log, by: abi)
            #expect(raw.decoded == nil && raw.transfer == nil && raw.json == log.rawJSON)
        }
        #expect(throws: ABIError.self) { try EventReport(Self.log(data: []), by: abi) }
    }
}
