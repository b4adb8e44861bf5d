import AVSModel
import AVSPrimitives
import AVSProto
import AVSSchema
import AVSStorage
import AVSTesting
import AVSWire
import Testing

@Suite("A record as its owner sees it")
struct RecordedTests {
    private static let owner = Address("0x00000000000000000000000000000000000000a1") ?? .zero
    private static let subsets: [Set<RecordedTask.Part>] = [
        [], [.nodes], [.edges], [.inputVariables], [.nodes, .edges], [.nodes, .edges, .inputVariables],
    ]

    @Test(
        "of a task has the bytes that decoding and encoding gives, whole and in part",
        arguments: 0..<60 as Range<UInt64>)
    func task(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let task = random.task(owner: Self.owner, wallet: Self.owner)
        let recorded = try RecordedTask(stored: task.stored)
        #expect(recorded.id == task.id && recorded.owner == task.owner && recorded.status == task.status)
        for parts in Self.subsets {
            for status in TaskStatus.allCases {
                var shown = try AutomationTask(stored: task.stored)
                shown.status = status
                if parts.contains(.nodes) { shown.nodes = [] }
                if parts.contains(.edges) { shown.edges = [] }
                if parts.contains(.inputVariables) { shown.inputVariables = [:] }
                #expect(try recorded.message(without: parts, showing: status) == Wire.Task(shown).serialized())
            }
        }
        #expect(try recorded.message(without: []) == Wire.Task(task).serialized())
    }

    @Test("of a run has the bytes that decoding and encoding gives", arguments: 0..<60 as Range<UInt64>)
    func execution(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let execution = random.execution(of: TaskID(random.ulid()))
        let recorded = try RecordedExecution(stored: execution.stored)
        #expect(recorded.id == execution.id && recorded.status == execution.status)
        #expect(recorded.message == Wire.Execution(try Execution(stored: execution.stored)).serialized())
    }

    @Test("that is damaged is refused, or is still a message that can be read", arguments: 0..<10 as Range<UInt64>)
    func damaged(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let task = random.task(owner: Self.owner, wallet: Self.owner)
        let record = task.stored
        for cut in 0..<record.count {
            if let task = readable({ try RecordedTask(stored: Array(record.prefix(cut))) }) {
                _ = try Wire.Task(serialized: task.message)
            }
        }
        for _ in 0..<300 {
            var bytes = record
            bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            guard let task = readable({ try RecordedTask(stored: bytes) }) else { continue }
            _ = try Wire.Task(serialized: task.message(without: [.nodes], showing: .failed))
        }
    }

    private func readable<Value>(_ read: () throws -> Value) -> Value? {
        do { return try read() } catch { return nil }
    }

    @Test("contradicting its key is undecodable, never another's (I1)")
    func contradiction() async throws {
        var random = SeededGenerator(seed: 7)
        let task = random.task(owner: Self.owner, wallet: Self.owner, status: .enabled)
        let other = random.task(owner: Self.owner, wallet: Self.owner, status: .disabled)
        let execution = random.execution(of: task.id)
        let store = MemoryStore()
        let key = HistoryKey(task.id, ExecutionID(other.id.ulid))
        try await store.update { transaction in
            try transaction.put(TaskKey(status: .enabled, id: task.id).bytes, other.stored)
            try transaction.put(key.bytes, execution.stored)
        }
        #expect(throws: StorageError.self) { try store.read { _ = try $0.recordedTask(task.id) } }
        #expect(throws: StorageError.self) { try store.read { _ = try $0.recordedExecution(key) } }
    }
}
