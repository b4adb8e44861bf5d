import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSStorage
import Testing

@testable import AVSServer

@Suite("An update made for a call")
struct OriginTests {
    @Test("OVL-4: every method of the schema has its class")
    func complete() {
        let known = Set((Wire.AggregatorMethods.all + Wire.NodeMethods.all).map(\.path))
        #expect(Set(CallClass.table.keys) == known)
    }

    @Test("OVL-4: says how urgent the call is and what it keeps alive")
    func origin() async throws {
        let store = NotingStore()
        let harness = try ServerHarness(store: store)
        let id = String(repeating: "0", count: 26)
        _ = try await harness.call(Wire.AggregatorMethods.cancelTask) { $0.id = id }
        _ = try await harness.call(Wire.AggregatorMethods.deleteTask) { $0.id = id }
        await #expect(throws: EngineError.taskNotFound) {
            _ = try await harness.call(Wire.AggregatorMethods.triggerTask) { $0.taskId = id }
        }
        _ = try await harness.call(Wire.NodeMethods.ping) { $0.address = ServerHarness.node.checksummed }
        #expect(store.origins.map(\.workClass) == [.change, .change, .report])
        #expect(store.origins[0].requestBytes == 28)
        _ = try await harness.engine.executions.recover()
        #expect(store.origins.last?.workClass == .control, "the service's own work comes first")
    }
}
