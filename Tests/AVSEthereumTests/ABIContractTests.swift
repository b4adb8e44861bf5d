import AVSPrimitives
import BigInt
import Testing

@testable import AVSEthereum

@Suite("A contract's ABI")
struct ABIContractTests {
    static func contract(_ entries: String...) throws -> ABIContract {
        try ABIContract(entries: entries.map { try JSONValue(parsing: $0) })
    }

    static func entry(_ name: String, _ types: [String]) -> String {
        let inputs = types.enumerated().map { #"{"name":"p\#($0)","type":"\#($1)"}"# }.joined(separator: ",")
        return #"{"type":"function","name":"\#(name)","inputs":[\#(inputs)],"outputs":[]}"#
    }

    static let quote = """
        {"type":"function","name":"quoteExactInputSingle","inputs":[{"name":"params","type":"tuple","components":[
        {"name":"tokenIn","type":"address"},{"name":"tokenOut","type":"address"},{"name":"amountIn","type":"uint256"},
        {"name":"fee","type":"uint24"},{"name":"sqrtPriceLimitX96","type":"uint160"}]}],"outputs":[]}
        """

    /// Origin: execution engine specification, 7.2.
    @Test(
        "EE-X9: knows the selectors of the contracts we use",
        arguments: [
            ("createAccount", ["address", "uint256"], "5fbfb9cf"), ("getAddress", ["address", "uint256"], "8cb84e18"),
            ("getNonce", ["address", "uint192"], "35567e1a"), ("execute", ["address", "uint256", "bytes"], "b61d27f6"),
            ("executeBatch", ["address[]", "bytes[]"], "18dfb3c7"),
            ("executeBatchWithValues", ["address[]", "uint256[]", "bytes[]"], "c3ff72fc"),
            ("verifyingSigner", [], "23d9ac9b"),
            ("owner", [], "8da5cb5b"), ("transfer", ["address", "uint256"], "a9059cbb"), ("decimals", [], "313ce567"),
            ("approve", ["address", "uint256"], "095ea7b3"), ("balanceOf", ["address"], "70a08231"),
            ("allowance", ["address", "address"], "dd62ed3e"), ("symbol", [], "95d89b41"), ("name", [], "06fdde03"),
            ("totalSupply", [], "18160ddd"), ("getRoundData", ["uint80"], "9a6fc8f5"),
            ("latestRoundData", [], "feaf968c"),
        ])
    func selectors(name: String, types: [String], selector: String) throws {
        let function = try Self.contract(Self.entry(name, types)).function(named: name)
        #expect(Hex.encode(function.selector) == selector)
    }

    @Test("EE-X9: knows the selector of the paymaster's getHash over a user operation") func getHash() {
        let word = ABIType.uint(bits: 48)
        let inputs = [UserOperation.abiType, word, word].map { ABIParameter(name: "", type: $0) }
        #expect(Hex.encode(ABIFunction(name: "getHash", inputs: inputs).selector) == "94e1fc19")
    }

    /// Origin: execution engine specification, 7.7 and 7.9.
    @Test("EE-X9: encodes the specification's vectors") func vectors() throws {
        let (threes, ones) = (String(repeating: "33", count: 20), String(repeating: "11", count: 20))
        let approve = try Self.contract(Self.entry("approve", ["address", "uint256"]))
        let expected =
            "095ea7b3" + String(repeating: "0", count: 24) + threes + String(repeating: "0", count: 59) + "f4240"
        #expect(Hex.encode(try approve.encodeCall("approve", parameters: ["0x" + threes, "1000000"])) == expected)
        let batch = try Self.contract(Self.entry("executeBatchWithValues", ["address[]", "uint256[]", "bytes[]"]))
        let data = try batch.encodeCall(
            "executeBatchWithValues", parameters: [#"["0x\#(threes)","0x\#(ones)"]"#, "[1000,5]", #"["0x","0x"]"#])
        let words = stride(from: 4, to: data.count, by: 32).map { Hex.encode(data[$0..<$0 + 32].drop { $0 == 0 }) }
        #expect(words == ["60", "c0", "0120", "02", threes, ones, "02", "03e8", "05", "02", "40", "60", "", ""])
    }

    @Test("EE-NR11, EE-NW8, EE-X9: takes a struct as JSON array or object, and keeps every digit") func tuples() throws
    {
        let contract = try Self.contract(Self.quote)
        let weth = "0xfff9976782d46cc05630d1f6ebab18b2324d6b14"
        let threes = "0x" + String(repeating: "33", count: 20)
        let array = try contract.encodeCall(
            "quoteExactInputSingle", parameters: [#"["\#(weth)","\#(threes)",80000000000000000,500,0]"#])
        #expect(Hex.encode(array).hasPrefix("c6a5026a") && array.count == 4 + 5 * 32)
        #expect(Hex.encode(array[68..<100]).hasSuffix("011c37937e080000"))
        let object = try contract.encodeCall(
            "quoteExactInputSingle",
            parameters: [
                #"{"sqrtPriceLimitX96":"0","fee":500,"amountIn":"80000000000000000","tokenOut":"\#(threes)","tokenIn":"\#(weth)"}"#
            ])
        #expect(object == array)
    }

    @Test(
        "EE-NW8, EE-NR6, EE-NR11, EE-NW10: names what is wrong with parameters",
        arguments: [
            (
                [#"{"tokenIn":"0x3333333333333333333333333333333333333333"}"#],
                "missing required field 'tokenOut' in struct parameter for method 'quoteExactInputSingle'"
            ),
            (
                [#"["0x3333333333333333333333333333333333333333"]"#],
                "failed to parse params ((address,address,uint256,uint24,uint160)): tuple expects 5 elements, got 1"
            ),
            ([#"["0x33"]"#, "1"], "method 'quoteExactInputSingle' expects 1 parameters, got 2"),
            ([], "method 'quoteExactInputSingle' expects 1 parameters, got 0"),
            (
                [
                    #"["0x3333333333333333333333333333333333333333","0x3333333333333333333333333333333333333333","MAX",1,0]"#
                ],
                "failed to parse tuple amountIn (uint256): expected numeric value, got 'MAX'"
            ),
            (
                [
                    #"["0x3333333333333333333333333333333333333333","0x3333333333333333333333333333333333333333",1,16777216,0]"#
                ],
                "failed to parse tuple fee (uint24): value out of range: '16777216'"
            ),
            (
                ["hello"],
                "failed to parse params ((address,address,uint256,uint24,uint160)): expected a JSON array, got 'hello'"
            ),
        ] as [([String], String)])
    func parameterErrors(parameters: [String], message: String) throws {
        let contract = try Self.contract(Self.quote)
        let error = #expect(throws: ABIError.self) {
            try contract.encodeCall("quoteExactInputSingle", parameters: parameters)
        }
        #expect(error?.description == message)
    }

    @Test("EE-NW9: one JSON array stands for all parameters, with exact digits") func expansion() throws {
        let contract = try Self.contract(Self.entry("transfer", ["address", "uint256"]))
        let threes = "0x" + String(repeating: "33", count: 20)
        let expected = try contract.encodeCall("transfer", parameters: [threes, "1000000"])
        #expect(try contract.encodeCall("transfer", parameters: [#"["\#(threes)", 1000000]"#]) == expected)
        #expect(try contract.encodeCall("transfer", parameters: [#"["\#(threes)", "1000000"]"#]) == expected)
        let large = "123456789012345678901234567890"
        #expect(
            try contract.encodeCall("transfer", parameters: [#"["\#(threes)", \#(large)]"#])
                == contract.encodeCall("transfer", parameters: [threes, large]))
    }

    @Test("chooses among overloads by the number of parameters, or by signature") func overloads() throws {
        let contract = try Self.contract(
            Self.entry("mint", ["address"]), Self.entry("mint", ["address", "uint256"]), Self.entry("mint", ["bytes"]))
        let zero = Address.zero.lowercased
        #expect(try contract.encodeCall("mint", parameters: [zero, "5"]).count == 68)
        #expect(try contract.encodeCall("mint(bytes)", parameters: ["0x01"]).count == 4 + 96)
        #expect(throws: ABIError.parameterCount(method: "mint", expected: 1, got: 3)) {
            try contract.encodeCall("mint", parameters: ["1", "2", "3"])
        }
        #expect(throws: ABIError.unknownMethod("burn")) { try contract.encodeCall("burn", parameters: []) }
        #expect(contract.function(selector: contract.functions[1].selector + [1, 2])?.inputs.count == 2)
    }

    @Test(
        "reads leaves from texts",
        arguments: [
            ("uint8", "255", "ff"), ("uint8", "0xff", "ff"), ("int8", "-128", "80"), ("int8", "0x7f", "7f"),
            ("bool", "true", "01"),
            ("bool", "1", "01"), ("bool", "false", "00"), ("bool", "0", "00"),
        ])
    func leaves(type: String, text: String, lastByte: String) throws {
        let contract = try Self.contract(Self.entry("f", [type]))
        #expect(Hex.encode(try contract.encodeCall("f", parameters: [text]).suffix(1)) == lastByte)
    }

    @Test(
        "refuses texts that are no value of the type",
        arguments: [
            ("uint8", "256"), ("uint8", "-1"), ("uint8", "+1"), ("uint8", "1.0"), ("uint8", ""), ("uint8", "1e2"),
            ("int8", "-129"),
            ("int8", "128"), ("int8", "--1"), ("int8", "-0x1"), ("bool", "yes"), ("bool", "True"), ("address", "0x12"),
            ("bytes4", "0x0102"), ("bytes4", "0x0102030405"), ("bytes4", "hello"), ("bytes", "0x0"), ("bytes", "0xzz"),
            ("uint8[]", "1"), ("uint8[]", "{}"), ("uint8[2]", "[1]"), ("uint8[]", "[null]"), ("string[]", "[[]]"),
            ("uint8[]", "[1"),
        ])
    func leafRefusals(type: String, text: String) throws {
        let contract = try Self.contract(Self.entry("f", [type]))
        #expect(throws: ABIError.self) { try contract.encodeCall("f", parameters: [text]) }
    }

    @Test("takes plain text for bytes") func plainBytes() throws {
        let contract = try Self.contract(Self.entry("f", ["bytes4", "bytes", "string"]))
        let data = try contract.encodeCall("f", parameters: ["ab", "héllo", "0x12"])
        let values = try ABI.decode(Array(data.dropFirst(4)), as: contract.functions[0].inputs.map(\.type))
        #expect(values == [.bytes([0x61, 0x62, 0, 0]), .bytes(Array("héllo".utf8)), .string("0x12")])
    }

    @Test("EE-NR9, EE-NR12: shows outputs as strings by name, or by position") func outputs() throws {
        func function(_ outputs: String) throws -> ABIFunction {
            try ABIFunction(try JSONValue(parsing: #"{"name":"f","outputs":[\#(outputs)]}"#))
        }
        let two = try function(#"{"type":"uint256"},{"type":"uint256","name":""}"#)
        let words = UInt256(115_257_792).bigEndian + UInt256(93425).bigEndian
        #expect(two.outputJSON(try two.decodeOutputs(words)) == ["output_0": "115257792", "output_1": "93425"])
        let named = try function(
            #"{"type":"bool","name":"ok"},{"type":"address","name":"who"},{"type":"int8","name":"n"}"#)
        let ones = try #require(Address(String(repeating: "1", count: 40)))
        let data = try ABI.encode([.bool(true), .address(ones), .int(-1)], as: named.outputs.map(\.type))
        #expect(
            named.outputJSON(try named.decodeOutputs(data)) == [
                "ok": "true", "who": .string(ones.checksummed), "n": "-1",
            ])
        let single = try function(#"{"type":"bool","name":"ok"}"#)
        #expect(single.outputJSON(try single.decodeOutputs(UInt256(1).bigEndian)) == "true")
        let nothing = try function("")
        #expect(nothing.outputJSON(try nothing.decodeOutputs([])) == nil)
    }

    @Test("skips what it has no use for, and says which entry is wrong") func entries() throws {
        let contract = try Self.contract(
            #"{"type":"constructor","inputs":[]}"#, #"{"type":"fallback"}"#, #"{"type":"receive"}"#,
            #"{"type":"other"}"#,
            #"{"name":"old","inputs":[]}"#, #"{"type":"error","name":"Bad","inputs":[{"type":"uint8"}]}"#)
        #expect(
            contract.functions.map(\.name) == ["old"] && contract.errors.map(\.name) == ["Bad"] && contract.events == []
        )
        for (entry, text) in [
            (#"{"type":"function"}"#, "failed to parse ABI: entry 0: unsupported ABI type 'entry has no name'"),
            (#"[]"#, "failed to parse ABI: entry 0: unsupported ABI type 'entry is not an object'"),
            (#"{"name":"f","inputs":[{"type":"x"}]}"#, "failed to parse ABI: entry 0: unsupported ABI type 'x'"),
        ] {
            let error = #expect(throws: ABIError.self) { try Self.contract(entry) }
            #expect(error?.description == text)
        }
    }
}

@Suite("A revert reason")
struct RevertReasonTests {
    @Test("is read from what the call returned") func texts() throws {
        let text = [0x08, 0xc3, 0x79, 0xa0] + (try ABI.encode([.string("too low")], as: [.string]))
        #expect(RevertReason.text(of: text) == "too low")
        let panic = [0x4e, 0x48, 0x7b, 0x71] + UInt256(0x11).bigEndian
        #expect(RevertReason.text(of: panic) == "panic: arithmetic overflow (0x11)")
        let contract = try ABIContractTests.contract(
            #"{"type":"error","name":"Insufficient","inputs":[{"type":"uint256"},{"type":"bool"}]}"#)
        let custom = try contract.errors[0].encodeCall([.uint(UInt256(7)), .bool(false)])
        #expect(RevertReason.text(of: custom, contract: contract) == "Insufficient(7, false)")
        #expect(RevertReason.text(of: custom) == nil && RevertReason.text(of: []) == nil)
        #expect(RevertReason.text(of: Array(text.prefix(40))) == nil)
    }
}
