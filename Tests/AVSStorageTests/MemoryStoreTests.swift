import AVSStorage
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite("The memory store") struct MemoryStoreTests {
    @Test("DUR-10 shows an unsynced update to later updates at once, to reads when something was synced")
    func unsynced() async throws {
        let store = MemoryStore()
        try await store.updateUnsynced { try $0.put(bytes("a"), bytes("1")) }
        #expect(try store.read { try $0.get(bytes("a")) } == nil)
        #expect(try await store.updateUnsynced { try $0.get(bytes("a")) } == bytes("1"))
        try await store.update { _ in }
        #expect(try store.read { try $0.get(bytes("a")) } == bytes("1"))
    }

    @Test("DUR-10 loses exactly the unsynced updates in a crash")
    func restart() async throws {
        let store = MemoryStore()
        try await store.update { try $0.put(bytes("a"), bytes("1")) }
        try await store.updateUnsynced { try $0.put(bytes("a"), bytes("2")) }
        #expect(try store.restarted().read { try $0.get(bytes("a")) } == bytes("1"))
        store.sync()
        #expect(try store.restarted().read { try $0.get(bytes("a")) } == bytes("2"))
    }

    @Test("runs bodies twice on demand, to show one that is not pure")
    func repeats() async throws {
        let store = MemoryStore(repeatsBodies: true)
        for _ in 0..<2 {
            try await store.update { transaction in
                let count = try transaction.get(bytes("n")).map { try DecimalText(stored: $0).value } ?? 0
                try transaction.put(bytes("n"), DecimalText(count + 1).stored)
            }
        }
        #expect(try store.read { try $0.get(bytes("n")) } == bytes("2"))
    }
}
