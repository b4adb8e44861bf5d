import AVSStorage
import Foundation
import Testing

@testable import AVSRocksDB

/// Figures for a person, not assertions: `AVS_MEASURE=1 swift test --filter Measurements`.
@Suite("Measurements", .enabled(if: ProcessInfo.processInfo.environment["AVS_MEASURE"] != nil))
struct Measurements {
    @Test("commits per second", arguments: [1, 64])
    func commits(writers: Int) async throws {
        let directory = try TemporaryDirectory()
        let store = try RocksDBStore.open(path: directory.database, creates: true, options: StoreLog().options())
        let updates = writers == 1 ? 2_000 : 20_000
        let clock = ContinuousClock()
        let value = [UInt8](repeating: 7, count: 300)
        let took = try await clock.measure {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<writers {
                    group.addTask {
                        for index in 0..<(updates / writers) {
                            try await store.update { try $0.put(bytes("k:\(writer):\(index)"), value) }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18
        print(
            "\(writers) writers: \(Int(Double(updates) / seconds)) updates/s, \(Int(Double(store.status.commit) / seconds)) commits/s"
        )
        let reads = try await clock.measure {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<min(writers, 4) {
                    group.addTask {
                        for index in 0..<20_000 {
                            _ = try store.read { try $0.get(bytes("k:\(writer):\(index % 300)")) }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        print("\(min(writers, 4)) readers: \(reads / 20_000 / min(writers, 4)) per get")
        await store.close()
    }
}
