import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSTesting
import Synchronization
import Testing

@testable import AVSWorkflow

/// A sender that remembers what it was asked, and answers as it is told.
private final class FakeSender: WalletCallSender {
    let isSponsored: Bool
    private let answer: @Sendable (WalletOrder, WalletCall) throws -> SentCall
    private let asked = Mutex<[(order: WalletOrder, call: WalletCall)]>([])

    init(isSponsored: Bool = true, _ answer: @escaping @Sendable (WalletOrder, WalletCall) throws -> SentCall) {
        self.isSponsored = isSponsored
        self.answer = answer
    }

    var orders: [WalletOrder] { asked.withLock { $0.map(\.order) } }
    var calls: [WalletCall] { asked.withLock { $0.map(\.call) } }

    func isSponsored(onChain chainID: UInt64) -> Bool { isSponsored }

    func send(
        _ order: WalletOrder, _ call: @escaping @Sendable () async throws -> WalletCall
    ) async throws -> SentCall {
        let call = try await call()
        asked.withLock { $0.append((order, call)) }
        return try answer(order, call)
    }
}

/// A chain that knows a balance and simulates calls as it is told.
private struct WriteChain: ChainClient {
    let chainID: UInt64 = 11_155_111
    var balance = UInt256(UInt64(0))
    var simulation: JSONValue = .null

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        switch method {
        case "eth_getBalance": return .string(balance.hexQuantity)
        case "eth_getBlockByNumber": return .null
        case "eth_simulateV1": return [["calls": [simulation]]]
        default: throw .malformedAnswer(method: method, reason: "not in this test")
        }
    }
}

@Suite("A node that writes")
struct WriteNodeTests {
    private static let recipient = "0x3333333333333333333333333333333333333333"
    private static let transfer: JSONValue = [
        "type": "function", "name": "transfer", "outputs": [["name": "", "type": "bool"]],
        "inputs": [["name": "to", "type": "address"], ["name": "value", "type": "uint256"]],
    ]

    private func environment(
        _ sender: some WalletCallSender, chain: WriteChain = WriteChain(), isSimulated: Bool = false
    ) -> WorkflowEnvironment {
        var environment = Sample.environment(chain: chain)
        environment.wallet = ActingWallet(
            owner: Sample.owner, address: Sample.wallet, execution: ExecutionID(ULID(value: 7)), isOfRun: true,
            isSimulated: isSimulated, sender: sender)
        return environment
    }

    private static func sent(_ call: WalletCall, _ fate: SentCall.Fate) -> SentCall {
        SentCall(
            userOperation: .zero, sender: Sample.wallet, nonce: UInt256(UInt64(3)),
            callData: SmartAccount.execute(call.call),
            fate: fate)
    }

    private static func receipt() throws -> TransactionReceipt {
        try #require(
            TransactionReceipt(json: [
                "transactionHash": .string(Hash32.zero.hex), "blockNumber": "0x5",
                "blockHash": .string(Hash32.zero.hex),
                "gasUsed": "0x186a0", "effectiveGasPrice": "0x3b9aca00", "status": "0x1", "logs": [],
            ]))
    }

    private func write(
        _ calls: MethodCall..., abi: [JSONValue] = [transfer], value: String? = nil, gas: String? = nil
    ) -> Node {
        Node(
            id: "w", name: "w",
            config: .contractWrite(
                ContractWriteNode(
                    contractAddress: Sample.contract, contractABI: abi, methodCalls: calls, isSimulated: false,
                    value: value,
                    gasLimit: gas)))
    }

    @Test("EE-NW14: without a receipt is pending, and with one has its gas")
    func receipts() async throws {
        let call = MethodCall(methodName: "transfer", parameters: [Self.recipient, "5"])
        let waiting = FakeSender { Self.sent($1, .waiting) }
        let pending = await Sample.run(write(call), in: environment(waiting)).step
        #expect(pending.success && pending.output == ["transfer": true] && pending.gasUsed == "")
        let shown = pending.metadata?.arrayValue?.first?["receipt"]
        #expect(shown?["status"] == "pending" && shown?["transactionHash"] == "pending" && shown?["nonce"] == "0x3")
        #expect(shown?["sender"] == .string(Sample.wallet.checksummed) && shown?["userOpHash"] != nil)
        let receipt = try Self.receipt()
        let done = FakeSender { Self.sent($1, .carriedOut(receipt, succeeded: true)) }
        let step = await Sample.run(write(call), in: environment(done)).step
        #expect(step.success && step.gasUsed == "100000" && step.gasPrice == "1000000000")
        #expect(step.totalGasCost == "100000000000000" && step.executionContext?["provider"] == "bundler")
        let reverted = FakeSender { Self.sent($1, .carriedOut(receipt, succeeded: false)) }
        let failed = await Sample.run(write(call), in: environment(reverted)).step
        #expect(!failed.success && failed.error.contains("UserOp execution failed") && failed.output == [:])
    }

    @Test("names each of its effects, the same when it runs again")
    func orders() async throws {
        let sender = FakeSender { Self.sent($1, .waiting) }
        let first = MethodCall(methodName: "transfer", parameters: [Self.recipient, "5"])
        let second = MethodCall(methodName: "transfer", parameters: [Self.recipient, "6"])
        let node = write(first, second, value: "{{wei}}", gas: "300000")
        for _ in 0..<2 { _ = await Sample.run(node, variables: ["wei": 9], in: environment(sender)) }
        let orders = sender.orders
        #expect(orders.map(\.step) == ["w/0", "w/1", "w/0", "w/1"] && orders[0] == orders[2] && orders[1] == orders[3])
        #expect(orders[0].requestDigest != orders[1].requestDigest && orders.allSatisfy { $0.isOfRun })
        let call = try #require(sender.calls.first)
        #expect(call.call.value == UInt256(UInt64(9)) && call.gasLimit == UInt256(UInt64(300_000)) && call.reimburses)
    }

    @Test("EE-NW15, EE-NW4: a refusal fails its method, and the first one its step; the others are made all the same")
    func refusals() async throws {
        let sender = FakeSender { order, call in
            guard order.step == "w/0" else { return Self.sent(call, .waiting) }
            throw WalletCallFailure.notSent("the wallet has not enough ETH to pay for gas (AA21)")
        }
        let call = MethodCall(methodName: "transfer", parameters: [Self.recipient, "5"])
        let step = await Sample.run(write(call, call), in: environment(sender)).step
        #expect(step.error == "invalid request: the wallet has not enough ETH to pay for gas (AA21)")
        #expect(step.metadata?.arrayValue?.map { $0["success"] } == [false, true] && sender.orders.count == 2)
    }

    @Test("does nothing where a template has no value, not even what comes before it")
    func unresolved() async throws {
        let sender = FakeSender { Self.sent($1, .waiting) }
        let calls = [
            MethodCall(methodName: "transfer", parameters: [Self.recipient, "5"]),
            MethodCall(methodName: "transfer", parameters: ["{{nobody.there}}", "5"]),
        ]
        let step = await Sample.run(write(calls[0], calls[1]), in: environment(sender)).step
        #expect(!step.success && step.error.contains("nobody.there") && sender.orders.isEmpty && step.metadata == nil)
    }

    @Test(
        "EE-NW8, EE-NW9, EE-NW10: takes parameters as they may be written",
        arguments: [
            (["[\"0x3333333333333333333333333333333333333333\", 1000000]"], ""),
            (["0x3333333333333333333333333333333333333333", "MAX"], "expected numeric value, got 'MAX'"),
            (["0x3333333333333333333333333333333333333333"], "method 'transfer' expects 2 parameters, got 1"),
        ] as [([String], String)])
    func parameters(given: [String], error: String) async throws {
        let sender = FakeSender { Self.sent($1, .waiting) }
        let step = await Sample.run(
            write(MethodCall(methodName: "transfer", parameters: given)), in: environment(sender)).step
        #expect(step.success == error.isEmpty && (error.isEmpty || step.error.contains(error)))
        #expect(
            sender.calls.first.flatMap { UInt256(bigEndian: $0.call.data.suffix(32)) }
                == (error.isEmpty ? UInt256(UInt64(1_000_000)) : nil))
    }

    @Test("EE-NW6: a revert has the contract's reason, status 0x0 and an object for output")
    func reverts() async throws {
        let reason = try ABI.encode([.string("not today")], as: [.string])
        let chain = WriteChain(simulation: [
            "status": "0x0", "returnData": .string(Hex.encode0x([0x08, 0xc3, 0x79, 0xa0] + reason)), "gasUsed": "0x0",
            "logs": [],
        ])
        var config = ContractWriteNode(
            contractAddress: Sample.contract, contractABI: [Self.transfer],
            methodCalls: [MethodCall(methodName: "transfer", parameters: [Self.recipient, "5"])])
        config.isSimulated = true
        let sender = FakeSender { Self.sent($1, .waiting) }
        let step = await Sample.run(
            Node(id: "w", name: "w", config: .contractWrite(config)), variables: ["settings": ["chain_id": "0xaa36a7"]],
            in: environment(sender, chain: chain)
        ).step
        #expect(step.error == "invalid request: execution reverted: not today" && step.output == [:])
        #expect(step.metadata?.arrayValue?.first?["receipt"]?["status"] == "0x0" && sender.orders.isEmpty)
        #expect(step.executionContext?["provider"] == "tenderly")
    }

    @Test("EE-NE6: everything is read when it is the transfer's turn, and needs a paymaster")
    func everything() async throws {
        let node = Node(
            id: "e", name: "e", config: .ethTransfer(ETHTransferNode(destination: Self.recipient, amount: "max")))
        let receipt = try Self.receipt()
        let sender = FakeSender { Self.sent($1, .carriedOut(receipt, succeeded: true)) }
        let rich = WriteChain(balance: UInt256(UInt64(77)))
        let step = await Sample.run(node, in: environment(sender, chain: rich)).step
        #expect(step.output?["transfer"]?["value"] == "77" && sender.calls.first?.reimburses == false)
        #expect(step.metadata?["totalGasCost"] == "100000000000000" && step.gasUsed == "100000")
        let poor = await Sample.run(node, in: environment(sender)).step
        #expect(poor.error.hasPrefix("cannot resolve MAX amount: "))
        let alone = FakeSender(isSponsored: false) { Self.sent($1, .waiting) }
        let refused = await Sample.run(node, in: environment(alone, chain: rich)).step
        #expect(refused.error.hasPrefix("cannot use MAX amount without paymaster") && alone.orders.isEmpty)
    }
}
