import AVSEthereum
import AVSPrimitives
import Synchronization

/// What a simulated call came to.
struct TriedCall: Hashable, Sendable {
    var isReverted: Bool
    /// What the call returned, reverted or not.
    var output: [UInt8]
    var gasUsed: UInt256
    var logs: [EventLog]
    /// The node's own words for a reverted call.
    var error: String
}

/// Tries writes on a chain without sending them, each on what those before it in the same run would have left.
///
/// `eth_simulateV1` is asked to run all of them again in order, with 100 ether for the wallet. A node that does not
/// have the method is asked by `eth_call`: then a call does not see the ones before it, and of its logs only a token's
/// transfers and approvals are known.
///
/// - Source: execution-engine 4.5.4 and 5.3.3.
final class TriedCalls: Sendable {
    /// Of one run.
    private static let limit = 100
    private static let gas: UInt64 = 8_000_000
    private static let balance: JSONValue = ["balance": "0x56bc75e2d63100000"]

    private let change: TokenBalanceChange?
    private let storage = Mutex<ChangedBalance?>(nil)
    private let earlier = Mutex<[CallRequest]>([])

    /// - Parameter change: a balance that all calls are to see changed.
    init(after change: TokenBalanceChange? = nil) {
        self.change = change
    }

    /// - Throws: ``ChainError`` where the chain does not say; a reverted call is an answer.
    func attempt(
        _ call: SmartAccount.Call, from sender: Address, on chain: any ChainClient
    ) async throws(ChainError) -> TriedCall {
        let request = CallRequest(from: sender, to: call.target, value: call.value, data: call.data, gas: Self.gas)
        let before = earlier.withLock { $0 }
        guard before.count < Self.limit else {
            throw .malformedAnswer(method: "eth_simulateV1", reason: "a run simulates at most \(Self.limit) writes")
        }
        let overrides = try await overrides(of: sender, on: chain)
        let tried: TriedCall
        do throws(ChainError) {
            tried = try await Self.simulate(before + [request], with: overrides, on: chain)
        } catch .rpc(let error) where error.code == -32_601 {
            tried = try await Self.call(request, call, with: overrides, on: chain)
        }
        if !tried.isReverted { earlier.withLock { $0.append(request) } }
        return tried
    }

    /// What the chain is to assume. A token's storage is read once for all calls.
    private func overrides(of sender: Address, on chain: any ChainClient) async throws(ChainError) -> JSONValue {
        var overrides = [sender.lowercased: Self.balance]
        guard let change else { return .object(overrides) }
        let storage: ChangedBalance
        if let known = self.storage.withLock({ $0 }) {
            storage = known
        } else {
            storage = try await ChangedBalance(change, on: chain)
            self.storage.withLock { $0 = storage }
        }
        overrides[change.token.lowercased] = storage.stateOverride
        return .object(overrides)
    }

    private static func simulate(
        _ calls: [CallRequest], with overrides: JSONValue, on chain: any ChainClient
    ) async throws(ChainError) -> TriedCall {
        let block: JSONValue = ["stateOverrides": overrides, "calls": .array(calls.map(\.json))]
        let answer = try await chain.request("eth_simulateV1", [["blockStateCalls": [block]], "latest"])
        guard let last = answer.arrayValue?.first?["calls"]?.arrayValue?.last, let status = last["status"]?.quantity
        else { throw .malformedAnswer(method: "eth_simulateV1", reason: String(answer.serialized.prefix(200))) }
        return TriedCall(
            isReverted: status == .zero, output: last["returnData"]?.data ?? last["error"]?["data"]?.data ?? [],
            gasUsed: last["gasUsed"]?.quantity ?? .zero,
            logs: (last["logs"]?.arrayValue ?? []).compactMap { EventLog(json: $0) },
            error: last["error"]?["message"]?.stringValue ?? "")
    }

    private static func call(
        _ request: CallRequest, _ call: SmartAccount.Call, with overrides: JSONValue, on chain: any ChainClient
    ) async throws(ChainError) -> TriedCall {
        do throws(ChainError) {
            let output = try await chain.request("eth_call", [request.json, "latest", overrides]).data ?? []
            return TriedCall(
                isReverted: false, output: output, gasUsed: .zero, logs: logs(of: call, from: request.from ?? .zero),
                error: "")
        } catch .rpc(let error) {
            return TriedCall(
                isReverted: true, output: error.revertData ?? [], gasUsed: .zero, logs: [], error: error.message)
        }
    }

    /// What a token writes when it transfers or approves.
    private static func logs(of call: SmartAccount.Call, from sender: Address) -> [EventLog] {
        let word = { (index: Int) in
            call.data.count >= 36 + 32 * index ? Array(call.data[(4 + 32 * index)..<(36 + 32 * index)]) : nil
        }
        let owner = [UInt8](repeating: 0, count: 12) + sender.bytes
        let parts: (event: String, topics: [[UInt8]?], data: [UInt8]?)
        switch Array(call.data.prefix(4)) {
        case [0xa9, 0x05, 0x9c, 0xbb]: parts = ("Transfer", [owner, word(0)], word(1))
        case [0x23, 0xb8, 0x72, 0xdd]: parts = ("Transfer", [word(0), word(1)], word(2))
        case [0x09, 0x5e, 0xa7, 0xb3]: parts = ("Approval", [owner, word(0)], word(1))
        default: return []
        }
        let topics = parts.topics.compactMap { $0.flatMap { Hash32(bytes: $0) } }
        guard topics.count == 2, let data = parts.data else { return [] }
        let signature = Keccak256.hash("\(parts.event)(address,address,uint256)".utf8)
        return [EventLog(address: call.target, topics: [signature] + topics, data: data)]
    }
}
