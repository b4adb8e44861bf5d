import AVSModel
import AVSPrimitives
import AVSRPC
import AVSStorage
import AVSTesting
import Logging
import Synchronization
import Testing

@testable import AVSServer

@Suite("A process that is short of memory")
struct MemoryWatchTests {
    private final class Memory: Sendable {
        private let bytes = Mutex(0)
        func set(_ value: Int) { bytes.withLock { $0 = value } }
        var value: Int { bytes.withLock { $0 } }
    }

    private let memory = Memory()
    private let time = ManualTime()

    private func watch() -> MemoryWatch {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return MemoryWatch(budgetBytes: 1_000, time: time, logger: logger) { [memory] in memory.value }
    }

    private func call(_ path: String) throws -> CallContext {
        var call = CallContext(
            method: try #require(MethodPath(path)), kind: .unary, peer: Peer(address: "1.2.3.4:5"),
            receivedAt: time.now)
        call[Caller.Key.self] = .user(ServerHarness.owner)
        return call
    }

    @Test("OVL-9, OVL-4: sheds the least urgent work first, and the reports of operators and what ends work never",
        arguments: [
            (800, []), (801, [.trial]), (900, [.trial]), (901, [.trial, .create, .read]),
            (5_000, [.trial, .create, .read]),
        ] as [(Int, Set<WorkClass>)])
    func classes(bytes: Int, refused: Set<WorkClass>) async throws {
        let watch = watch()
        var limits = CallLimits()
        limits.runningPerCaller = 100
        let gate = CallGate(limits, anonymous: [], memory: watch, time: time)
        memory.set(bytes)
        _ = try watch.look()
        var seen: Set<WorkClass> = []
        for (path, workClass) in CallClass.table {
            var call = try call(path)
            do {
                try await gate.admit(&call)
                gate.release(call)
            } catch let refusal as RPCStatus {
                seen.insert(workClass)
                #expect(refusal.code == .resourceExhausted && refusal.message.contains("1000 bytes"))
                #expect(refusal.metadata["grpc-retry-pushback-ms"].flatMap(Int.init).map { $0 > 1_000 } == true)
                #expect(refused.contains(workClass), "\(path)")
            }
        }
        #expect(seen == refused)
        #expect((watch.connectionRefusal != nil) == (bytes > 800))
    }

    @Test("OVL-9: a state ends two points below where it began, at once however far memory falls")
    func slack() throws {
        let watch = watch()
        let steps: [(Int, MemoryPressure)] = [
            (801, .high), (800, .high), (781, .high), (780, .none), (800, .none), (901, .severe), (890, .severe),
            (880, .high), (950, .severe), (100, .none), (951, .exhausted),
        ]
        for (bytes, expected) in steps {
            memory.set(bytes)
            #expect(try watch.look() == expected, "at \(bytes)")
        }
    }

    @Test("OVL-9: is noticed within a quarter of a second, and ends before the kernel ends it")
    func exhausted() async throws {
        let watch = watch()
        memory.set(500)
        let running = Task { try await watch.watch() }
        await time.waitForSleepers(1)
        memory.set(960)
        time.advance(by: MemoryWatch.period)
        await #expect(throws: MemoryExhausted(residentBytes: 960, budgetBytes: 1_000)) { try await running.value }
        #expect(MemoryWatch.period == .milliseconds(250))
    }

    @Test("OVL-9: gives back what is free at once, and then every second until there is enough")
    func relief() throws {
        let count = Atomic<Int>(0)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let watch = MemoryWatch(
            budgetBytes: 1_000, time: time, logger: logger, relieve: { count.add(1, ordering: .relaxed) }
        ) { [memory] in memory.value }
        for (bytes, looks, expected) in [(500, 8, 0), (850, 1, 1), (850, 3, 1), (850, 5, 3), (100, 9, 3), (950, 1, 4)] {
            memory.set(bytes)
            for _ in 0..<looks { _ = try watch.look() }
            #expect(count.load(ordering: .relaxed) == expected)
        }
    }

    @Test("whose memory nobody tells goes on as it was")
    func unknown() throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let watch = MemoryWatch(budgetBytes: 1_000, time: time, logger: logger) { nil }
        #expect(try watch.look() == .none)
    }
}
