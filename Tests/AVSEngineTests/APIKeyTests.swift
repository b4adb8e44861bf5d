import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Synchronization
import Testing

@testable import AVSEngine

/// A store whose next update is committed like any other, but whose caller is told when the test says so.
private final class LateStore: KeyValueStore {
    private enum State {
        case prompt
        case holdsNext
        case holds(CheckedContinuation<Void, Never>)
    }

    private let base = MemoryStore()
    private let state = Mutex(State.prompt)

    func holdNext() { state.withLock { $0 = .holdsNext } }

    var isHolding: Bool { state.withLock { if case .holds = $0 { true } else { false } } }

    func letGo() {
        let held = state.withLock { state in
            defer { state = .prompt }
            return state
        }
        if case .holds(let continuation) = held { continuation.resume() }
    }

    func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R { try base.read(body) }

    func update<R: Sendable>(_ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R) async throws -> R {
        let result = try await base.update(body)
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                guard case .holdsNext = state else { return false }
                state = .holds(continuation)
                return true
            }
            if !isHeld { continuation.resume() }
        }
        return result
    }

    func updateUnsynced<R: Sendable>(
        _ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R
    ) async throws -> R { try await update(body) }
}

@Suite("An API key")
struct APIKeyTests {
    private static let boss = Administrator(name: "key a", origin: "127.0.0.1:1")

    private static func directory(_ store: any KeyValueStore) async throws -> (APIKeyDirectory, APIKeyID) {
        let harness = Harness(store: store)
        let keys = harness.engine.apiKeys
        let id = keys.newID()
        let key = APIKey(
            id: id, name: "one", account: Harness.owner, scopes: [.read], digest: SHA256.hash([1]),
            createdAt: harness.time.now, expiresAt: harness.time.now.adding(.seconds(3_600)))
        try await keys.create(key, by: boss)
        return (keys, id)
    }

    private static func set(_ keys: APIKeyDirectory, _ id: APIKeyID, _ reads: Int) async throws {
        _ = try await keys.update(id, by: boss) { rates in
            rates.changed(reads: .own(CallRate(perSecond: reads, burst: reads)))
        }
    }

    @Test("has the rates of the later of two changes, also when the earlier one hears of its commit last")
    func order() async throws {
        let store = LateStore()
        let (keys, id) = try await Self.directory(store)
        store.holdNext()
        let earlier = Task { try await Self.set(keys, id, 1) }
        while !store.isHolding { await Task.yield() }
        try await Self.set(keys, id, 2)
        store.letGo()
        try await earlier.value
        #expect(keys.key(id)?.rates.reads?.perSecond == 2)
    }

    @Test("stays revoked when a change of its rates hears of its commit after that")
    func revocation() async throws {
        let store = LateStore()
        let (keys, id) = try await Self.directory(store)
        store.holdNext()
        let earlier = Task { try await Self.set(keys, id, 1) }
        while !store.isHolding { await Task.yield() }
        keys.noteUse(of: id)
        let used = try #require(keys.key(id)?.lastUsedAt)
        let revoked = try await keys.revoke(id, by: Self.boss)
        store.letGo()
        try await earlier.value
        #expect(revoked.revokedAt != nil && keys.key(id)?.revokedAt == revoked.revokedAt)
        #expect(keys.key(id)?.rates.reads?.perSecond == 1)
        #expect(keys.key(id)?.lastUsedAt == used)
    }

    @Test("is in memory what it is in the store, however many change it at the same time")
    func concurrent() async throws {
        let store = MemoryStore()
        let (keys, id) = try await Self.directory(store)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for reads in 1...50 { group.addTask { try await Self.set(keys, id, reads) } }
            try await group.waitForAll()
        }
        let stored = try store.read { try $0.value(for: APIKeyKey(id)) }
        #expect(keys.key(id)?.rates == stored?.rates)
    }
}
