import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSTesting
import BigInt
import Synchronization
import Testing

@testable import AVSWorkflow

/// A chain with one token, whose balances stand where it is told; it simulates every call as a success.
private final class TokenChain: ChainClient {
    let chainID: UInt64 = 11_155_111
    private let slot: Hash32
    private let word: Hash32
    private let hasOverrides: Bool
    private let seen = Mutex<(asked: Int, simulated: [JSONValue])>((0, []))

    init(slot: Hash32, balance: UInt256 = .zero, hasOverrides: Bool = true) {
        self.slot = slot
        word = Hash32(bytes: balance.bigEndian) ?? .zero
        self.hasOverrides = hasOverrides
    }

    /// How often a balance was asked for.
    var asked: Int { seen.withLock { $0.asked } }
    /// The state overrides of every simulation.
    var overrides: [JSONValue] { seen.withLock { $0.simulated } }

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        switch method {
        case "eth_call":
            seen.withLock { $0.asked += 1 }
            guard hasOverrides else { throw .rpc(JSONRPC.ErrorObject(code: -32_602, message: "too many arguments")) }
            let token = parameters.last?[Sample.contract.lowercased()]
            return token?["stateDiff"]?[slot.hex] ?? .string(word.hex)
        case "eth_getStorageAt":
            return .string(parameters.dropFirst().first == .string(slot.hex) ? word.hex : Hash32.zero.hex)
        case "eth_simulateV1":
            seen.withLock {
                $0.simulated.append(parameters.first?["blockStateCalls"]?.arrayValue?.first?["stateOverrides"] ?? .null)
            }
            return [["calls": [["status": "0x1", "returnData": "0x", "gasUsed": "0x5208", "logs": []]]]]
        default: throw .malformedAnswer(method: method, reason: "not in this test")
        }
    }
}

@Suite("A balance that a simulated transfer changed")
struct ChangedBalanceTests {
    private let token = Address(Sample.contract) ?? .zero

    private func change(_ amount: Int) -> TokenBalanceChange {
        TokenBalanceChange(token: token, holder: Sample.wallet, amount: BigInt(amount))
    }

    /// What two writes of one run have the chain assume of the token.
    private func overrides(_ change: TokenBalanceChange?, on chain: TokenChain) async throws -> [JSONValue?] {
        let trials = TriedCalls(after: change)
        for _ in 0..<2 {
            _ = try await trials.attempt(
                SmartAccount.Call(target: token, value: .zero, data: [1, 2, 3, 4]), from: Sample.wallet, on: chain)
        }
        #expect(chain.overrides.allSatisfy { $0[Sample.wallet.lowercased] == ["balance": "0x56bc75e2d63100000"] })
        return chain.overrides.map { $0[Sample.contract.lowercased()] }
    }

    private func stateDiff(_ slot: Hash32, _ value: UInt256) -> JSONValue {
        ["stateDiff": .object([slot.hex: .string(Hex.encode0x(value.bigEndian))])]
    }

    @Test(
        "EE-TE16: is found wherever tokens keep it, once for all writes of a run",
        arguments: [0, 1, 2, 3, 9, 51] as [UInt64], TokenAmount.MappingLayout.allCases)
    func layouts(position: UInt64, layout: TokenAmount.MappingLayout) async throws {
        let slot = TokenAmount.mappingSlot(of: Sample.wallet, at: position, layout)
        let chain = TokenChain(slot: slot, balance: UInt256(7))
        let expected = stateDiff(slot, UInt256(1_507))
        #expect(try await overrides(change(1_500), on: chain) == [expected, expected])
        #expect(chain.asked <= 12)
    }

    @Test("EE-TE16: is less by what was sent, and never below zero", arguments: [(7, 2), (9, 0), (10, 0)])
    func spending(amount: Int, left: UInt64) async throws {
        let slot = TokenAmount.mappingSlot(of: Sample.wallet, at: 0)
        let chain = TokenChain(slot: slot, balance: UInt256(9))
        #expect(try await overrides(change(-amount), on: chain).first == stateDiff(slot, UInt256(left)))
    }

    @Test("is at most what a word holds")
    func limit() async throws {
        let slot = TokenAmount.mappingSlot(of: Sample.wallet, at: 1)
        let chain = TokenChain(slot: slot, balance: .max)
        #expect(try await overrides(change(1), on: chain).first == stateDiff(slot, .max))
    }

    @Test("is taken to stand at the ninth position where the token or the node does not tell", arguments: [true, false])
    func unknown(hasOverrides: Bool) async throws {
        let chain = TokenChain(slot: .zero, hasOverrides: hasOverrides)
        let standard = TokenAmount.mappingSlot(of: Sample.wallet, at: 9)
        #expect(try await overrides(change(5), on: chain).first == stateDiff(standard, UInt256(5)))
    }

    @Test("is not asked for without a transfer") func none() async throws {
        let chain = TokenChain(slot: .zero)
        #expect(try await overrides(nil, on: chain).allSatisfy { $0 == nil } && chain.asked == 0)
    }
}
