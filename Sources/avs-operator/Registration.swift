import AVSEthereum
import AVSPrimitives

/// Whether the operator is registered on chain. Asked where a registry coordinator is configured (aggregator-api 9.7).
struct Registration {
    let chain: any ChainClient
    let coordinator: Address

    /// `getOperatorStatus(address)`: 0 never registered, 1 registered, 2 deregistered.
    private static let getOperatorStatus: [UInt8] = [0xfd, 0x39, 0x10, 0x5a]

    /// - Throws: `StartFailure` if the operator is not registered, or the coordinator cannot be asked.
    func check(_ node: Address) async throws {
        let argument = [UInt8](repeating: 0, count: 12) + node.bytes
        let answer: [UInt8]
        do {
            answer = try await chain.call(to: coordinator, data: Self.getOperatorStatus + argument)
        } catch {
            throw StartFailure(75, "the registry coordinator \(coordinator) cannot be asked: \(error)")
        }
        guard answer.count == 32, let status = UInt256(bigEndian: answer)?.uint64 else {
            throw StartFailure(78, "\(coordinator) is no registry coordinator: it answers with \(answer.count) bytes")
        }
        guard status == 1 else {
            let word = status == 0 ? "was never registered" : "is registered no longer"
            throw StartFailure(78, "operator \(node) \(word) with \(coordinator)")
        }
    }
}
