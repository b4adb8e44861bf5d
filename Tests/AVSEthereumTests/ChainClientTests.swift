import AVSPrimitives
import BigInt
import Synchronization
import Testing

@testable import AVSEthereum

/// Answers from a table and keeps what it was asked.
final class ScriptedChain: ChainClient {
    let chainID: UInt64 = 31337
    let asked = Mutex<[(String, [JSONValue])]>([])
    let answers: [String: JSONValue]

    init(_ answers: [String: JSONValue]) { self.answers = answers }

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        asked.withLock { $0.append((method, parameters)) }
        guard let answer = answers[method] else { throw .unavailable(reason: "no answer") }
        return answer
    }
}

@Suite("A chain client")
struct ChainClientTests {
    @Test("asks and reads every method that we use") func methods() async throws {
        let hash = JSONValue.string(Hash32.zero.hex)
        let block: JSONValue = [
            "number": "0x10", "hash": hash, "parentHash": hash, "timestamp": "0x5", "difficulty": "0x0",
            "gasLimit": "0x1c9c380",
            "gasUsed": "0x5208", "baseFeePerGas": "0x7",
        ]
        let receipt: JSONValue = [
            "transactionHash": hash, "blockNumber": "0x10", "blockHash": hash, "gasUsed": "0x5208", "status": "0x1",
            "effectiveGasPrice": "0x3", "logs": [EventLogTests.json], "contractAddress": nil,
        ]
        let chain = ScriptedChain([
            "eth_call": "0x0102", "eth_blockNumber": "0x10", "eth_getBlockByNumber": block,
            "eth_getLogs": [EventLogTests.json],
            "eth_getCode": "0x", "eth_getBalance": "0xde0b6b3a7640000", "eth_chainId": "0x7a69",
            "eth_getTransactionReceipt": receipt,
            "eth_getStorageAt": "0x05", "eth_gasPrice": "0x1", "eth_maxPriorityFeePerGas": "0x2",
            "eth_sendRawTransaction": hash,
            "eth_estimateGas": "0x5208", "eth_getTransactionCount": "0x3",
        ])
        #expect(try await chain.call(to: .zero, data: [1], from: .zero, block: .number(3)) == [1, 2])
        #expect(try await chain.blockNumber() == 16)
        let header = try #require(try await chain.block(.latest))
        #expect(
            header.number == 16 && header.gasLimit == 30_000_000 && header.baseFeePerGas == UInt256(7)
                && header.timestamp == 5)
        #expect(try await chain.logs(LogFilter()).count == 1)
        #expect(try await chain.code(at: .zero) == [])
        #expect(try await chain.balance(of: .zero) == UInt256(1_000_000_000_000_000_000))
        #expect(try await chain.reportedChainID() == 31337)
        #expect(try await chain.receipt(of: .zero)?.logs.count == 1)
        #expect(try await chain.storage(of: .zero, at: .zero).bytes.last == 5)
        #expect(try await chain.gasPrice() == UInt256(1))
        #expect(try await chain.maxPriorityFeePerGas() == UInt256(2))
        #expect(try await chain.send(rawTransaction: [1]) == .zero)
        #expect(try await chain.estimateGas(CallRequest(to: nil)) == 21000)
        #expect(try await chain.transactionCount(of: .zero) == 3)
        let call = chain.asked.withLock { $0[0] }
        let zero = JSONValue.string(Address.zero.lowercased)
        #expect(call.0 == "eth_call" && call.1 == [["to": zero, "from": zero, "data": "0x01"], "0x3"])
    }

    @Test("tells an answer that is none from one that is not there yet") func malformed() async throws {
        let chain = ScriptedChain([
            "eth_blockNumber": "16", "eth_getBlockByNumber": nil, "eth_getTransactionReceipt": [:],
            "eth_getLogs": [nil],
            "eth_call": "0x1",
        ])
        await #expect(throws: ChainError.malformedAnswer(method: "eth_blockNumber", reason: "\"16\"")) {
            try await chain.blockNumber()
        }
        #expect(try await chain.block(.number(5)) == nil)
        await #expect(throws: ChainError.self) { try await chain.receipt(of: .zero) }
        await #expect(throws: ChainError.self) { try await chain.logs(LogFilter()) }
        await #expect(throws: ChainError.self) { try await chain.call(to: .zero, data: []) }
        await #expect(throws: ChainError.unavailable(reason: "no answer")) { try await chain.gasPrice() }
    }
}

@Suite("A bundler")
struct BundlerTests {
    @Test("is asked with the operation and the entry point") func methods() async throws {
        let hash = JSONValue.string(Hash32.zero.hex)
        let transaction: JSONValue = [
            "transactionHash": hash, "blockNumber": "0x1", "blockHash": hash, "gasUsed": "0x5208", "status": "0x1",
            "logs": [],
        ]
        let bundler = ScriptedChain([
            "eth_sendUserOperation": hash, "eth_getUserOperationByHash": nil,
            "eth_estimateUserOperationGas": [
                "callGasLimit": "0x1", "verificationGas": "0x2", "preVerificationGas": "0x3",
            ],
            "eth_getUserOperationReceipt": [
                "userOpHash": hash, "sender": .string(Address.zero.lowercased), "nonce": "0x7", "success": false,
                "actualGasCost": "0x10", "actualGasUsed": "0x20", "receipt": transaction,
            ], "eth_supportedEntryPoints": [.string(UserOperationTests.entryPoint.lowercased)],
        ])
        let operation = try UserOperationTests.operation(nonce: 7)
        #expect(try await bundler.send(operation, to: UserOperationTests.entryPoint) == .zero)
        let sent = bundler.asked.withLock { $0[0] }
        #expect(sent.1 == [operation.json, "0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789"])
        let gas = try await bundler.estimateGas(of: operation, at: UserOperationTests.entryPoint)
        #expect(gas.verificationGasLimit == UInt256(2) && gas.callGasLimit == UInt256(1))
        let receipt = try #require(try await bundler.receipt(ofUserOperation: .zero))
        #expect(!receipt.succeeded && receipt.nonce == UInt256(7) && receipt.transaction.succeeded)
        #expect(try await !bundler.knowsUserOperation(.zero))
        #expect(try await bundler.supportedEntryPoints() == [UserOperationTests.entryPoint])
    }
}

@Suite("JSON-RPC")
struct JSONRPCTests {
    @Test("writes requests") func requests() {
        let request = JSONRPC.Request(id: 7, method: "eth_call", parameters: [["to": "0x"], "latest"])
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == #"{"id":7,"jsonrpc":"2.0","method":"eth_call","params":[{"to":"0x"},"latest"]}"#)
    }

    @Test(
        "reads what nodes send",
        arguments: [
            (#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#, .response(id: 1, .success("0x1"))),
            (#"{"jsonrpc":"2.0","id":1,"result":null}"#, .response(id: 1, .success(nil))),
            (#"{"jsonrpc":"2.0","id":"1","result":null,"error":null}"#, .response(id: 1, .success(nil))),
            (
                #"{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"execution reverted","data":"0x08"}}"#,
                .response(id: 1, .failure(.init(code: 3, message: "execution reverted", data: "0x08")))
            ),
            (
                #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}"#,
                .unassignedError(.init(code: -32700, message: "parse error"))
            ),
            (#"{"id":2,"error":"busy"}"#, .response(id: 2, .failure(.init(code: 0, message: "\"busy\"")))),
            (
                #"{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x9","result":{"a":1}}}"#,
                .notification(subscription: "0x9", ["a": 1])
            ),
            ("[]", nil), ("{}", nil), (#"{"result":1}"#, nil), (#"{"id":1}"#, nil), (#"{"id":-1,"result":1}"#, nil),
            (#"{"id":1.5,"result":1}"#, nil),
            (#"{"method":"x"}"#, nil), (#"{"method":"x","params":[]}"#, nil),
        ] as [(String, JSONRPC.Message?)])
    func messages(text: String, message: JSONRPC.Message?) throws {
        #expect(try JSONRPC.message(parsing: Array(text.utf8)) == message)
    }

    @Test(
        "finds what a reverted call returned",
        arguments: [
            (JSONValue.string("0x08c3"), [0x08, 0xc3]), (["data": "0x01"], [1]), ("Reverted", nil), (nil, nil),
            (["x": 1], nil),
        ] as [(JSONValue, [UInt8]?)])
    func revertData(data: JSONValue, bytes: [UInt8]?) {
        #expect(JSONRPC.ErrorObject(code: 3, message: "", data: data).revertData == bytes)
    }

    @Test("reads quantities and data strictly") func values() {
        #expect(JSONValue.string("0x0").quantity == .zero && JSONValue.string("0x00ff").quantity == UInt256(255))
        for text in ["", "0x", "10", "0xg", "0X1", "0x" + String(repeating: "f", count: 65)] {
            #expect(JSONValue.string(text).quantity == nil)
        }
        #expect(
            JSONValue.string("0x").data == [] && JSONValue.string("0x0").data == nil
                && JSONValue.string("00").data == nil)
        #expect(
            JSONValue.number(1).quantity == nil && JSONValue.quantity(16) == "0x10" && JSONValue.data([1]) == "0x01")
    }
}
