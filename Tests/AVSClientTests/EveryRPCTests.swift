import AVSClient
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTransport
import AVSWire
import Testing

/// Every rpc of the schema, found by calling every method of the client.
@Suite("The client")
struct EveryRPCTests {
    /// Calls one method; what becomes of it does not matter.
    private typealias Call = @Sendable (AggregatorClient) async throws -> Void

    private func calls() throws -> [Call] {
        let (task, id, run, wallet) =
            (try TaskTests.newTask(), try Known.taskID, try Known.executionID, try Known.walletAddress)
        let (name, value) = (try SecretName("name"), Sensitive("value"))
        return [
            { _ = try await $0.getKey(message: "m", proof: "p") },
            { _ = try await $0.getSignatureFormat(for: wallet) },
            { _ = try await $0.getNonce(of: wallet) },
            { _ = try await $0.getWallet() },
            { _ = try await $0.setWallet(salt: .zero, isHidden: true) },
            { _ = try await $0.listWallets() },
            { _ = try await $0.withdrawFunds(Withdrawal(.everything, of: .coin, from: wallet, to: wallet)) },
            { _ = try await $0.createTask(task) },
            { _ = try await $0.tasks(of: [wallet]).page() },
            { _ = try await $0.getTask(id) },
            { _ = try await $0.setTaskEnabled(id, true) },
            { _ = try await $0.cancelTask(id) },
            { _ = try await $0.deleteTask(id) },
            { _ = try await $0.triggerTask(id) },
            { _ = try await $0.executions(of: id).page() },
            { _ = try await $0.getExecution(run, of: id) },
            { _ = try await $0.getExecutionStatus(run, of: id) },
            { _ = try await $0.createSecret(name, value) },
            { _ = try await $0.updateSecret(name, value) },
            { _ = try await $0.deleteSecret(name) },
            { _ = try await $0.secrets().page() },
            { _ = try await $0.getWorkflowCount() },
            { _ = try await $0.getExecutionCount() },
            { _ = try await $0.getExecutionStats() },
            { _ = try await $0.runNodeWithInputs(task.nodes[0]) },
            { _ = try await $0.runTrigger(task.trigger) },
            { _ = try await $0.simulateTask(task) },
            { _ = try await $0.getTokenMetadata(of: wallet) },
            { _ = try await $0.estimateFees(for: task) },
        ]
    }

    /// Every method of the schema's table, each answered with an empty message.
    private func everyMethod(_ seen: Seen<String>) -> [RPCMethod] {
        Wire.AggregatorMethods.all.map { method in
            let path = MethodPath(service: method.service, method: method.name)
            return .unary(path, request: .bytes, response: .bytes) { _, call in
                seen.append(call.method.text)
                return []
            }
        }
    }

    @Test("has a method for every rpc of the schema")
    func callsEveryRPC() async throws {
        let seen = Seen<String>()
        let calls = try calls()
        try await withAggregator(everyMethod(seen), session: try Known.session()) { client in
            for call in calls {
                // An empty message is no answer to many of them.
                do { try await call(client) } catch is AggregatorError {}
            }
        }
        #expect(Set(seen.all) == Set(Wire.AggregatorMethods.all.map(\.path)))
        #expect(seen.all.count == calls.count && calls.count == Wire.AggregatorMethods.all.count)
    }

    @Test("throws its own errors only, whatever comes back", arguments: [[0xff], [0x0a, 0x05, 0x61], [0x08, 0x80]])
    func badAnswers(bytes: [UInt8]) async throws {
        let methods = Wire.AggregatorMethods.all.map { method in
            RPCMethod.unary(
                MethodPath(service: method.service, method: method.name), request: .bytes, response: .bytes
            ) { _, _ in bytes }
        }
        let calls = try calls()
        try await withAggregator(methods, session: try Known.session()) { client in
            for call in calls {
                do {
                    try await call(client)
                    Issue.record("an answer of \(bytes) was taken")
                } catch let error as AggregatorError {
                    #expect(error.code == .internal)
                }
            }
        }
    }
}
