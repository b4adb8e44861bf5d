import AVSEthereum
import AVSModel
import AVSPrimitives
import Testing

@testable import AVSWorkflow

private func method(_ name: String, inputs: [JSONValue] = [], outputs: [JSONValue]) -> JSONValue {
    [
        "type": "function", "name": .string(name), "stateMutability": "view", "inputs": .array(inputs),
        "outputs": .array(outputs),
    ]
}

private func parameter(_ name: String, _ type: String) -> JSONValue { ["name": .string(name), "type": .string(type)] }

private let aggregator: [JSONValue] = [
    method(
        "latestRoundData",
        outputs: [
            parameter("roundId", "uint80"), parameter("answer", "int256"), parameter("startedAt", "uint256"),
            parameter("updatedAt", "uint256"), parameter("answeredInRound", "uint80"),
        ]),
    method("decimals", outputs: [parameter("", "uint8")]),
    method("totalSupply", outputs: [parameter("", "uint256")]),
    method("paused", outputs: [parameter("", "bool")]),
    method("owner", outputs: [parameter("", "address")]),
    method("pair", outputs: [parameter("", "uint256"), parameter("", "uint256")]),
    method("getRoundData", inputs: [parameter("roundId", "uint80")], outputs: [parameter("answer", "int256")]),
    method(
        "quote",
        inputs: [
            [
                "name": "p", "type": "tuple",
                "components": [parameter("token", "address"), parameter("amount", "uint256")],
            ]
        ],
        outputs: [parameter("", "uint256")]),
]

private func selector(_ name: String) -> String {
    do {
        return Hex.encode0x(try ABIContract(entries: aggregator).function(named: name).selector)
    } catch {
        return "\(error)"
    }
}

private func chain(_ answers: [String: Result<[UInt8], ChainError>] = [:], code: [UInt8] = [0x60]) -> FakeChain {
    let standard: [String: Result<[UInt8], ChainError>] = [
        "latestRoundData": .success(word(1) + word(215_012_345_678) + word(2) + word(3) + word(1)),
        "decimals": .success(word(8)), "totalSupply": .success(word(1_500_000_000)), "paused": .success(word(1)),
        "owner": .success([UInt8](repeating: 0, count: 12) + Sample.wallet.bytes),
        "pair": .success(word(115_257_792) + word(93_425)), "getRoundData": .success(word(77)),
        "quote": .success(word(9)),
    ]
    let all = standard.merging(answers) { $1 }
    return FakeChain(answers: Dictionary(uniqueKeysWithValues: all.map { (selector($0.key), $0.value) }), code: code)
}

private func read(
    _ calls: [MethodCall], address: String = Sample.contract, abi: [JSONValue] = aggregator,
    variables: [String: JSONValue] = [:], chain: FakeChain = chain()
) async -> FinishedNode {
    let node = Node(
        id: "C1", name: "c",
        config: .contractRead(ContractReadNode(contractAddress: address, contractABI: abi, methodCalls: calls)))
    return await Sample.run(node, variables: variables, in: Sample.environment(chain: chain))
}

@Suite("A contract read node")
struct ContractReadNodeTests {
    @Test(
        "EE-NR1 EE-NR12 shows outputs by method, leaves as texts",
        arguments: [
            ("decimals", "8"), ("paused", "true"), ("owner", .string(Sample.wallet.checksummed)),
            (
                "latestRoundData",
                ["roundId": "1", "answer": "215012345678", "startedAt": "2", "updatedAt": "3", "answeredInRound": "1"]
            ),
            ("pair", ["output_0": "115257792", "output_1": "93425"]),
        ] as [(String, JSONValue)])
    func outputs(name: String, value: JSONValue) async {
        let finished = await read([MethodCall(methodName: name)])
        #expect(finished.step.success)
        #expect(finished.step.output == [name: value])
        #expect(finished.data == [name: value])
    }

    @Test("EE-NR2 reports each call with its ABI and value; EE-NR13 context")
    func metadata() async {
        let finished = await read([MethodCall(methodName: "decimals"), MethodCall(methodName: "latestRoundData")])
        #expect(finished.step.output?.objectValue?.keys.sorted() == ["decimals", "latestRoundData"])
        #expect(finished.step.metadata?.arrayValue?.count == 2)
        #expect(
            finished.step.metadata?[0] == [
                "methodName": "decimals", "success": true, "error": "", "value": "8",
                "methodABI": [
                    "name": "decimals", "type": "function", "inputs": [], "outputs": [["name": "", "type": "uint8"]],
                    "stateMutability": "view",
                ],
            ])
        #expect(finished.step.metadata?[1]?["value"]?["answer"] == "215012345678")
        #expect(
            finished.step.executionContext == ["is_simulated": false, "provider": "chain_rpc", "chain_id": 11_155_111])
    }

    @Test(
        "EE-NR3 formats named fields with the decimals of the provider, before or after it", arguments: [true, false])
    func decimals(providerFirst: Bool) async {
        let provider = MethodCall(
            methodName: "decimals", applyToFields: ["latestRoundData.answer", "latestRoundData.nope", "x"])
        let round = MethodCall(methodName: "latestRoundData")
        let finished = await read(providerFirst ? [provider, round] : [round, provider])
        #expect(finished.step.output?["latestRoundData"]?["answer"] == "2150.12345678")
        #expect(finished.step.output?["latestRoundData"]?["answerRaw"] == nil)
        #expect(finished.step.output?["latestRoundData"]?["roundId"] == "1")
        #expect(finished.step.output?["decimals"] == "8")
        let raw = finished.step.metadata?.arrayValue?.compactMap { $0["value"]?["answer"] }
        #expect(raw == ["215012345678"])
    }

    @Test("EE-NR4 formats a single output by the method's name")
    func singleOutput() async {
        let finished = await read([
            MethodCall(methodName: "decimals", applyToFields: ["totalSupply"]), MethodCall(methodName: "totalSupply"),
        ])
        #expect(finished.step.output == ["decimals": "8", "totalSupply": "15"])
    }

    @Test("EE-NR5 checks its configuration in order")
    func configuration() async {
        let call = [MethodCall(methodName: "decimals")]
        let cases: [(FinishedNode, String, ErrorCode)] = [
            (await read([], address: "", abi: []), "contractAddress is required", .missingRequiredField),
            (await read([], address: "0x12", abi: []), "contractAbi is required", .missingRequiredField),
            (
                await read([], address: "0x12"), "invalid contract address: '0x12' is not a hex address",
                .invalidAddress
            ),
            (await read([]), "methodCalls is required", .missingRequiredField),
            (
                await read(call, address: "{{q.data.a}}"),
                "could not resolve variable q.data.a in contractAddress. Make sure to run the 'q' node first",
                .invalidAddress
            ),
            (
                await read(call, abi: ["text"]),
                "failed to parse ABI: entry 0: unsupported ABI type 'entry is not an object'",
                .invalidNodeConfig
            ),
        ]
        for (finished, error, code) in cases {
            #expect(finished.step.error == error)
            #expect(finished.step.errorCode == code)
            #expect(finished.step.output == nil)
        }
        let unknown = await read([MethodCall(methodName: "nope")])
        #expect(unknown.step.error == "invalid request: method 'nope' not found in contract ABI")
        #expect(unknown.step.errorCode == .invalidRequest)
    }

    @Test("EE-NR6 templates names and parameters, and counts them")
    func parameters() async {
        let variables: [String: JSONValue] = [
            "m": "getRoundData", "r": ["data": 5], "aa_sender": .string(Sample.wallet.checksummed),
        ]
        let server = chain()
        let finished = await read(
            [MethodCall(methodName: "{{m}}", parameters: ["{{r.data}}"])], variables: variables, chain: server)
        #expect(finished.step.output == ["getRoundData": "77"])
        #expect(server.calls.first?["data"] == .string(selector("getRoundData") + Hex.encode(word(5))))
        #expect(server.calls.first?["from"] == .string(Sample.wallet.lowercased))
        let mismatch = await read([MethodCall(methodName: "getRoundData", parameters: ["1", "2"])])
        #expect(mismatch.step.error == "invalid request: method 'getRoundData' expects 1 parameters, got 2")
        #expect(mismatch.step.metadata?[0]?["methodABI"]?["name"] == "getRoundData")
        let unresolved = await read([MethodCall(methodName: "getRoundData", parameters: ["{{q.data.b}}"])])
        #expect(
            unresolved.step.error
                == "could not resolve variable q.data.b in method 'getRoundData'. Make sure to run the 'q' node first")
        #expect(unresolved.step.output == nil)
    }

    @Test("EE-NR7 holds given call data against the method's name")
    func callData() async {
        let good = await read([MethodCall(methodName: "decimals", callData: selector("decimals"))])
        #expect(good.step.output == ["decimals": "8"])
        let nameless = await read([MethodCall(methodName: "", callData: selector("decimals"))])
        #expect(nameless.step.output == ["decimals": "8"])
        let mismatch = await read([MethodCall(methodName: "totalSupply", callData: selector("decimals"))])
        #expect(mismatch.step.error.contains("method name mismatch: callData selects 'decimals', not 'totalSupply'"))
        let foreign = await read([MethodCall(methodName: "decimals", callData: "0xdeadbeef")])
        #expect(foreign.step.error.contains("method name mismatch: callData selects 0xdeadbeef"))
        for text in ["0x", "0x12", "xyz", "0x123"] {
            let finished = await read([MethodCall(methodName: "decimals", callData: text)])
            #expect(finished.step.error.contains("is not the hex of at least 4 bytes"))
        }
    }

    @Test("EE-NR8 tells an address without code from an empty answer")
    func emptyAnswers() async {
        let empty: [String: Result<[UInt8], ChainError>] = ["decimals": .success([])]
        let noCode = await read([MethodCall(methodName: "decimals")], chain: chain(empty, code: []))
        #expect(noCode.step.error == "invalid request: no contract code at address \(Sample.contract)")
        let noData = await read([MethodCall(methodName: "decimals")], chain: chain(empty))
        #expect(noData.step.error.hasPrefix("invalid request: contract call returned no data"))
    }

    @Test("EE-NR9 names unnamed outputs by position")
    func unnamed() async {
        let finished = await read([MethodCall(methodName: "pair")])
        #expect(finished.step.output?["pair"] == ["output_0": "115257792", "output_1": "93425"])
    }

    @Test("EE-NR10 makes all calls and keeps what succeeded")
    func partialFailure() async {
        let finished = await read(
            [MethodCall(methodName: "decimals"), MethodCall(methodName: "paused"), MethodCall(methodName: "owner")],
            chain: chain(["paused": .failure(.timeout), "owner": .success([1, 2, 3])]))
        #expect(!finished.step.success)
        #expect(finished.step.error == "invalid request: contract call failed: chain request: timeout")
        #expect(finished.step.output == ["decimals": "8", "paused": nil, "owner": nil])
        #expect(finished.step.metadata?[1]?["success"] == false)
        let names = finished.step.metadata?.arrayValue?.map { $0["methodABI"]?["name"] }
        #expect(names == ["decimals", "paused", "owner"])
        #expect(finished.step.metadata?[2]?["error"]?.stringValue?.hasPrefix("answer of 'owner' does not fit") == true)
    }

    @Test("EE-NR11 takes tuples as JSON arrays and names what is wrong inside")
    func tuples() async {
        let good = await read([
            MethodCall(
                methodName: "quote", parameters: [#"["0x3333333333333333333333333333333333333333", 80000000000000000]"#]
            )
        ])
        #expect(good.step.output == ["quote": "9"])
        let bad = await read([
            MethodCall(methodName: "quote", parameters: [#"["0x3333333333333333333333333333333333333333", "many"]"#])
        ])
        #expect(
            bad.step.error
                == "invalid request: failed to parse tuple amount (uint256): expected numeric value, got 'many'")
    }

    @Test("EE-P11 passes ABI text with markers through untouched")
    func abiMarkers() async {
        let abi: [JSONValue] = [
            ["type": "function", "name": "decimals", "inputs": [], "outputs": [["name": "{{x}}", "type": "uint8"]]]
        ]
        let finished = await read([MethodCall(methodName: "decimals")], abi: abi)
        #expect(finished.step.success)
        #expect(finished.step.metadata?[0]?["methodABI"]?["outputs"]?[0]?["name"] == "{{x}}")
    }

    @Test("fails without a chain, and with an ABI beyond its limits")
    func environment() async {
        let node = Node(
            id: "C1", name: "c",
            config: .contractRead(
                ContractReadNode(
                    contractAddress: Sample.contract, contractABI: aggregator,
                    methodCalls: [MethodCall(methodName: "decimals")])))
        let finished = await Sample.run(node, in: Sample.environment(chain: nil))
        #expect(finished.step.error == "invalid request: no chain is configured")
        let big: JSONValue = ["type": "event", "name": .string(String(repeating: "x", count: 102_400))]
        let large = await read([MethodCall(methodName: "decimals")], abi: aggregator + [big])
        #expect(large.step.errorCode == .invalidNodeConfig)
    }
}
