import AVSPrimitives
import AVSTesting
import BigInt
import Testing

@testable import AVSEthereum

@Suite("RLP")
struct RLPTests {
    /// Origin: the Ethereum wiki's examples, and pyrlp 5.0.0.
    @Test(
        "encodes and decodes the published examples",
        arguments: [
            (.bytes(Array("dog".utf8)), "83646f67"),
            (.list([.bytes(Array("cat".utf8)), .bytes(Array("dog".utf8))]), "c88363617483646f67"),
            (.bytes([]), "80"), (.list([]), "c0"), (.bytes([0]), "00"), (.bytes([0x0f]), "0f"),
            (.bytes([0x80]), "8180"),
            (.bytes([4, 0]), "820400"),
            (.list([.list([]), .list([.list([])]), .list([.list([]), .list([.list([])])])]), "c7c0c1c0c3c0c1c0"),
            (
                .bytes(Array("Lorem ipsum dolor sit amet, consectetur adipisicing elit".utf8)),
                "b8384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465747572206164697069736963696e6720656c6974"
            ),
            (
                .list([.bytes([0xec, 0x0b]), .list([.bytes([0x8a])]), .bytes([UInt8](repeating: 0x58, count: 20))]),
                "db82ec0bc2818a945858585858585858585858585858585858585858"
            ),
        ] as [(RLP, String)])
    func published(item: RLP, hex: String) throws {
        #expect(Hex.encode(item.encoded) == hex)
        #expect(try RLP(decoding: try #require(Hex.decode(hex))) == item)
    }

    @Test(
        "has one text per value, and an error for every other",
        arguments: [
            ("", .endsEarly), ("81", .endsEarly), ("83646f", .endsEarly), ("c1", .endsEarly), ("b8", .endsEarly),
            ("b938", .endsEarly),
            ("bfffffffffffffffff", .endsEarly), ("ffffffffffffffffff", .endsEarly), ("8100", .notCanonical),
            ("817f", .notCanonical),
            ("b800", .notCanonical), ("b837" + String(repeating: "00", count: 55), .notCanonical),
            ("b90038", .notCanonical),
            ("f800", .notCanonical), ("8080", .trailingBytes(1)), ("c28100", .notCanonical), ("c182", .endsEarly),
        ] as [(String, RLPError)])
    func refusals(hex: String, error: RLPError) throws {
        let bytes = try #require(Hex.decode(hex))
        #expect(throws: error) { try RLP(decoding: bytes) }
    }

    @Test("survives the round trip; cut or flipped it has an answer", arguments: 0..<40 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let item = Self.item(depth: 3, using: &random)
        let bytes = item.encoded
        #expect(try RLP(decoding: bytes) == item)
        for count in bytes.indices { #expect(throws: RLPError.self) { try RLP(decoding: Array(bytes.prefix(count))) } }
        for index in bytes.indices {
            var changed = bytes
            changed[index] = UInt8.random(in: .min ... .max, using: &random)
            if case .success(let other) = Result(catching: { try RLP(decoding: changed) }) {
                #expect(other.encoded == changed)
            }
        }
    }

    static func item(depth: Int, using random: inout SeededGenerator) -> RLP {
        if depth == 0 || Bool.random(using: &random) {
            let count = [0, 1, 2, 20, 54, 55, 56, 57, 256].randomElement(using: &random) ?? 0
            return .bytes((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) })
        }
        return .list((0..<Int.random(in: 0...4, using: &random)).map { _ in item(depth: depth - 1, using: &random) })
    }

    @Test("is bounded in depth") func depth() {
        var item = RLP.list([])
        for _ in 0..<40 { item = .list([item]) }
        #expect(throws: RLPError.tooDeep) { try RLP(decoding: item.encoded) }
    }
}

@Suite("A transaction")
struct TransactionTests {
    static let threes = Address(bytes: [UInt8](repeating: 0x33, count: 20))

    /// Origin: eth-account 0.14.0, key of 32 × 0x01.
    @Test(
        "has the digest and the bytes of another implementation",
        arguments: [
            (
                Transaction(
                    chainID: 11_155_111, nonce: 7, fees: .legacy(gasPrice: UInt256(3_000_000_000)), gasLimit: 21000,
                    to: threes, value: UInt256(1000)),
                "f3515baaaf8140dd4d33f83f507eca0fa3b424166ec617d533ebf1d1e802c66d",
                "3669f15a28c376d1cf04352ad445b9e41c85e9bdef2fedff8f05bd9f8f77a346",
                "2417665e75c704867f7181b4d2e4f00fe69ead26d88a0c7e9a0cd1c4da972c9e", 0,
                "f8690784b2d05e008252089433333333333333333333333333333333333333338203e8808401546d71a03669f15a28c376d1cf04352ad445b9e41c85e9bdef2fedff8f05bd9f8f77a346a02417665e75c704867f7181b4d2e4f00fe69ead26d88a0c7e9a0cd1c4da972c9e"
            ),
            (
                Transaction(
                    chainID: 1, nonce: 0, fees: .legacy(gasPrice: .zero), gasLimit: 500_000, to: nil, data: [0x60, 0]),
                "4cf0a527d073d1b930e146504280b6cbbba404e77ed5c0477341efc965cbb443",
                "1ce59e9a311742bc6aaa7ad4100be908bce7b05c76619552832b4d22f982b4b8",
                "1beca6d4013aac14bb8d22ef618fe3acf18aaf23dce5f8b197f69724ad0424b1", 1,
                "f84e80808307a120808082600026a01ce59e9a311742bc6aaa7ad4100be908bce7b05c76619552832b4d22f982b4b8a01beca6d4013aac14bb8d22ef618fe3acf18aaf23dce5f8b197f69724ad0424b1"
            ),
            (
                Transaction(
                    chainID: 11_155_111, nonce: 7,
                    fees: .dynamic(maxPriorityFeePerGas: UInt256(2_000_000_000), maxFeePerGas: UInt256(3_000_000_000)),
                    gasLimit: 21000,
                    to: threes, value: UInt256(1_000_000_000_000_000_000), data: [0xa9, 0x05, 0x9c, 0xbb]),
                "3015586601369b38284732381dc5fe4cc453c900dcfa1467e4a47313b3b2514e",
                "a07ca14c67d5df0aacb081382dd0d8dcd433882606d03276cc3ae19f898a6bb9",
                "716203fcbf80d221cc29191c9c48b71c3ab23d49377ae3d0282432f2f2ebc015", 1,
                "02f87983aa36a707847735940084b2d05e00825208943333333333333333333333333333333333333333880de0b6b3a764000084a9059cbbc001a0a07ca14c67d5df0aacb081382dd0d8dcd433882606d03276cc3ae19f898a6bb9a0716203fcbf80d221cc29191c9c48b71c3ab23d49377ae3d0282432f2f2ebc015"
            ),
            (
                Transaction(
                    chainID: 31337, nonce: 300, fees: .dynamic(maxPriorityFeePerGas: .zero, maxFeePerGas: .zero),
                    gasLimit: 5_000_000, to: nil,
                    data: [UInt8](repeating: 0x60, count: 60)),
                "b0c0725f0f53f885abf384b6c36293b8711db332db2805490bb42ccef2d61ed2",
                "61e31b5ce33925008fdca7f73c338282b50dc72e6af8c39c6b8cb9a4dfaabc2b",
                "4defeafcc0ab2a7603884a43a1a915cf7b964ce4ef936a578b098bffa5ee514c", 0,
                "02f890827a6982012c8080834c4b408080b83c" + String(repeating: "60", count: 60)
                    + "c080a061e31b5ce33925008fdca7f73c338282b50dc72e6af8c39c6b8cb9a4dfaabc2ba04defeafcc0ab2a7603884a43a1a915cf7b964ce4ef936a578b098bffa5ee514c"
            ),
        ] as [(Transaction, String, String, String, UInt8, String)])
    func vectors(transaction: Transaction, digest: String, r: String, s: String, yParity: UInt8, raw: String) throws {
        #expect(transaction.signingHash.hex == "0x" + digest)
        let signed = transaction.signed(
            r: try #require(UInt256(hex: r)), s: try #require(UInt256(hex: s)), yParity: yParity)
        #expect(signed.map { Hex.encode($0) } == raw)
        #expect(transaction.signed(r: .zero, s: .zero, yParity: 2) == nil)
    }

    @Test("has an answer for chain ids that legacy signatures cannot say") func hugeChainID() {
        let transaction = Transaction(chainID: .max, nonce: 0, fees: .legacy(gasPrice: .zero), gasLimit: 0, to: nil)
        #expect(transaction.signed(r: .zero, s: .zero, yParity: 0) == nil)
    }
}

@Suite("A user operation")
struct UserOperationTests {
    static let entryPoint = Address("0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789") ?? .zero

    static func operation(nonce: UInt64, initCode: [UInt8] = [], paymasterAndData: [UInt8] = []) throws -> UserOperation
    {
        let threes = [UInt8](repeating: 0, count: 12) + [UInt8](repeating: 0x33, count: 20)
        let words = [UInt256(1000), UInt256(0x60), .zero].flatMap(\.bigEndian)
        let gwei: UInt64 = 1_000_000_000
        return UserOperation(
            sender: try #require(Address(bytes: [UInt8](repeating: 0x22, count: 20))), nonce: UInt256(nonce),
            initCode: initCode,
            callData: [0xb6, 0x1d, 0x27, 0xf6] + threes + words, callGasLimit: UInt256(200_000),
            verificationGasLimit: UInt256(1_000_000), preVerificationGas: UInt256(50_000),
            maxFeePerGas: UInt256(3 * gwei),
            maxPriorityFeePerGas: UInt256(2 * gwei), paymasterAndData: paymasterAndData)
    }

    /// Origin: execution engine specification, 7.3, 7.4 and 7.6.
    @Test("EE-X9: has the identity of the specification's vectors") func vectors() throws {
        let plain = try Self.operation(nonce: 7)
        #expect(
            plain.hash(entryPoint: Self.entryPoint, chainID: 11_155_111).hex
                == "0x2f0231cca728d00feb8707b40432aad5520b877005a076185da36925c91da905")
        let ones = try #require(Address(bytes: [UInt8](repeating: 0x11, count: 20)))
        let create = ABIFunction(
            name: "createAccount", inputs: [.init(name: "", type: .address), .init(name: "", type: .uint(bits: 256))])
        let factory = try #require(Address("0xB99BC2E399e06CddCF5E725c0ea341E8f0322834"))
        let initCode = factory.bytes + (try create.encodeCall([.address(ones), .uint(.zero)]))
        #expect(initCode.count == 88)
        #expect(
            try Self.operation(nonce: 0, initCode: initCode).hash(entryPoint: Self.entryPoint, chainID: 11_155_111).hex
                == "0x69350b2fc427df2a7aafd8a40f7fcabf27d72065874a5eb239299ad19eaee4aa")
        let paymaster = try #require(Address("0xf023eA291F5bEDA4Bf59BbDC9004F1d18be19D6f"))
        let validity = try ABI.encode(
            [.uint(UInt256(1_700_000_900)), .uint(.zero)], as: [.uint(bits: 48), .uint(bits: 48)])
        let sponsored = paymaster.bytes + validity + [UInt8](repeating: 0xaa, count: 65)
        #expect(sponsored.count == 149)
        #expect(
            try Self.operation(nonce: 7, paymasterAndData: sponsored).hash(
                entryPoint: Self.entryPoint, chainID: 11_155_111
            ).hex
                == "0xc0cf0f3326e45e5c7f2b2885c9c2117b888c5e2877c56f62809141cb26f702ed")
    }

    @Test("is written as bundlers take it, and as an ABI value") func forms() throws {
        let operation = try Self.operation(nonce: 0)
        #expect(
            operation.json["nonce"] == "0x0" && operation.json["initCode"] == "0x"
                && operation.json["callGasLimit"] == "0x30d40")
        #expect(
            operation.json["sender"] == "0x2222222222222222222222222222222222222222"
                && operation.json.objectValue?.count == 11)
        #expect(throws: Never.self) { try ABI.encode([operation.abiValue], as: [UserOperation.abiType]) }
    }
}

@Suite("A token amount")
struct TokenAmountTests {
    /// Origin: execution engine specification, 7.9.
    @Test(
        "EE-X9: is written without trailing zeros",
        arguments: [
            (1_500_000, 6, "1.5"), (1_000_000, 6, "1"), (1, 18, "0.000000000000000001"), (0, 6, "0"), (123, 0, "123"),
            (-1_500_000, 6, "-1.5"), (-1, 2, "-0.01"), (100, 1, "10"), (5, -1, "5"), (5, 256, "5"), (0, 255, "0"),
        ])
    func texts(raw: Int, decimals: Int, text: String) {
        #expect(TokenAmount.text(BigInt(raw), decimals: decimals) == text)
    }

    @Test("EE-X9: lies in the slot of its holder") func slot() throws {
        let holder = try #require(Address(bytes: [UInt8](repeating: 0x22, count: 20)))
        #expect(
            TokenAmount.mappingSlot(of: holder, at: 9).hex
                == "0x3d7fc000e3f5fa268818a8a2c201da9ba83d04d1d8c60bde02e1e461f3fe95bf")
        #expect(TokenAmount.mappingSlot(of: holder, at: 9, .vyper) != TokenAmount.mappingSlot(of: holder, at: 9))
    }
}
