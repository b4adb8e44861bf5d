import AVSCrypto
import AVSInspection
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Synchronization
import Testing

@testable import AVSEngine

/// A store that takes a number of updates and then no more, as one whose disk is full.
final class FailingStore: KeyValueStore {
    private let base: MemoryStore
    private let left: Mutex<Int>

    init(_ base: MemoryStore, updates: Int) {
        self.base = base
        left = Mutex(updates)
    }

    func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R { try base.read(body) }

    func update<R: Sendable>(_ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R) async throws -> R {
        try left.withLock { left in
            guard left > 0 else { throw StorageError.readOnly("no space") }
            left -= 1
        }
        return try await base.update(body)
    }

    func updateUnsynced<R: Sendable>(
        _ body: @escaping @Sendable (inout AVSStorage.Transaction) throws -> R
    ) async throws -> R {
        try await update(body)
    }
}

@Suite("A root key")
struct RootKeyTests {
    private static func name(_ number: Int) throws -> SecretName { try SecretName("n\(number)") }

    private static func harness(_ store: any KeyValueStore, _ roots: TestRootKeys) throws -> Harness {
        let harness = Harness(store: store) { $0.rootKeys = roots }
        try harness.engine.secrets.loadKeys()
        return harness
    }

    private static func fill(_ harness: Harness, _ count: Int) async throws {
        for number in 0..<count {
            _ = try await harness.engine.secrets.create(
                name(number), scope: .user, owner: Harness.owner, value: Sensitive("value \(number)"))
        }
    }

    private static func task(text: String = "configVars") -> AutomationTask {
        AutomationTask(
            id: TaskID(.zero), owner: Harness.owner, wallet: .zero, name: text,
            trigger: Trigger(id: "t", name: "t", config: .block(BlockTrigger(interval: 1))), nodes: [], edges: [],
            inputVariables: [:], chainID: 31_337)
    }

    private static let boss = Administrator(name: "key 0", origin: "127.0.0.1:9")

    @Test(
        "KMS-3, ADM-1: goes only when nothing hangs on it and no call may still seal with it, and each change is noted")
    func retired() async throws {
        let (old, new) = (try TestRootKeys.key(1), try TestRootKeys.key(2))
        let (store, roots) = (MemoryStore(), TestRootKeys([old]))
        let harness = try Self.harness(store, roots)
        let engine = harness.engine
        try await Self.fill(harness, 3)
        roots.next = new
        await #expect(throws: EngineError.self) { try await engine.retireRootKey(old.id, by: Self.boss) }
        #expect(try await engine.rotateRootKey(by: Self.boss) == new.id)
        await #expect(throws: EngineError.self, "not taken yet") {
            try await engine.retireRootKey(old.id, by: Self.boss)
        }
        try engine.secrets.loadKeys()
        #expect(try await engine.rootKeyUse().rows.map(\.secrets) == [0, 3])
        harness.time.advance(by: .seconds(60))
        await #expect(throws: EngineError.rootKeyInUse("3 secrets are sealed with it")) {
            try await engine.retireRootKey(old.id, by: Self.boss)
        }
        _ = try await engine.secrets.reseal()
        try await engine.retireRootKey(old.id, by: Self.boss)
        #expect(try await engine.rootKeyUse().rows == [.init(id: new.id, state: .current, secrets: 3)])
        #expect(try await engine.audit.page(after: nil, limit: 9).items.map(\.entry.act.action) == [
            "root-key.rotate.begin", "root-key.rotate", "root-key.retire.begin", "root-key.retire",
        ])
    }

    @Test("ADM-1: never changes without an entry: a store that takes none leaves the files alone, a failure is noted")
    func noted() async throws {
        let roots = TestRootKeys([try TestRootKeys.key(1)])
        let store = MemoryStore()
        let full = try Self.harness(FailingStore(store, updates: 0), roots)
        roots.next = try TestRootKeys.key(2)
        await #expect(throws: StorageError.self) { try await full.engine.rotateRootKey(by: Self.boss) }
        #expect(roots.load().count == 1)
        roots.next = nil
        let harness = try Self.harness(store, roots)
        await #expect(throws: (any Error).self) { try await harness.engine.rotateRootKey(by: Self.boss) }
        let page = try await harness.engine.audit.page(after: nil, limit: 9)
        #expect(
            page.items.map(\.entry.act.action) == ["root-key.rotate.begin", "root-key.rotate.failed"] && page.isIntact)
    }

    @Test("that was just replaced stays for a minute, for calls that seal with it; one that is missing is told")
    func rest() async throws {
        let (old, new) = (try TestRootKeys.key(1), try TestRootKeys.key(2))
        let roots = TestRootKeys([old])
        let harness = try Self.harness(MemoryStore(), roots)
        roots.set([new, old])
        try harness.engine.secrets.loadKeys()
        harness.time.advance(by: .seconds(59))
        await #expect(throws: EngineError.self) { try await harness.engine.retireRootKey(old.id, by: Self.boss) }
        harness.time.advance(by: .seconds(1))
        try await Self.fill(harness, 1)
        try await harness.engine.retireRootKey(old.id, by: Self.boss)
        roots.set([old])
        #expect(try await harness.engine.rootKeyUse().rows.map(\.state) == [.current, .missing])
    }

    @Test("KMS-3: is rotated in turns, and wherever a pass is cut short every record stays readable", arguments: 0...3)
    func rotation(updates: Int) async throws {
        let (old, new) = (try TestRootKeys.key(1), try TestRootKeys.key(2))
        let (store, roots) = (MemoryStore(), TestRootKeys([old]))
        try await Self.fill(Self.harness(store, roots), 700)  // three turns
        roots.set([new, old])
        let cut = try Self.harness(FailingStore(store, updates: updates), roots)
        if updates < 3 {
            await #expect(throws: StorageError.self) { try await cut.engine.secrets.reseal() }
        } else {
            #expect(try await cut.engine.secrets.reseal() == ResealReport(resealed: 700))
        }
        let restarted = try Self.harness(store, roots)
        #expect(try await restarted.engine.secrets.values(for: Self.task()).count == 700)
        #expect(
            try await restarted.engine.secrets.reseal()
                == ResealReport(resealed: 700 - updates * 256 < 0 ? 0 : 700 - updates * 256))
        #expect(try await restarted.engine.secrets.reseal() == ResealReport())
        roots.set([new])
        let values = try await Self.harness(store, roots).engine.secrets.values(for: Self.task())
        #expect(values.count == 700 && values["n699"] == "value 699")
        #expect(try restarted.findings() == [])
    }

    @Test("KMS-3: is noticed while the service runs, and what is written meanwhile is kept")
    func online() async throws {
        let (old, new) = (try TestRootKeys.key(1), try TestRootKeys.key(2))
        let roots = TestRootKeys([old])
        let harness = try Self.harness(MemoryStore(), roots)
        try await Self.fill(harness, 10)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await harness.engine.secrets.run() }
            await harness.time.waitForSleepers(1)
            roots.set([new, old])
            harness.time.advance(by: .seconds(5))
            await harness.time.waitForSleepers(1)
            _ = try await harness.engine.secrets.create(
                Self.name(3), scope: .user, owner: Harness.owner, value: Sensitive("newer"))
            #expect(try await harness.engine.secrets.reseal() == ResealReport())
            group.cancelAll()
            do { try await group.waitForAll() } catch is CancellationError {}
        }
        roots.set([new])
        try harness.engine.secrets.loadKeys()
        let values = try await harness.engine.secrets.values(for: Self.task())
        #expect(values.count == 10 && values["n3"] == "newer")
    }

    @Test("KMS-4: seals what an older release wrote, and no plain value is left")
    func plainValues() async throws {
        let store = MemoryStore()
        let id = try #require(ScopeID("acme"))
        let keys = try [SecretScope.user, .workflow(id), .organisation(id)].map {
            SecretKey(owner: Harness.owner, scope: $0, name: try Self.name(1))
        }
        try await store.update { transaction in
            for key in keys { try transaction.put(key.bytes, Array("hunter2".utf8)) }
        }
        let harness = try Self.harness(store, TestRootKeys([try TestRootKeys.key(1)]))
        #expect(try await harness.engine.secrets.values(for: Self.task()) == ["n1": "hunter2"])
        #expect(try harness.findings().map(\.rule).sorted() == ["I14", "KMS-4", "KMS-4", "KMS-4"])
        #expect(try await harness.engine.secrets.reseal() == ResealReport(resealed: 3))
        try store.read { snapshot in
            _ = try snapshot.scan(.all, order: .ascending, limit: 100) { _, value in
                #expect(!String(decoding: value, as: UTF8.self).contains("hunter2"))
                return .next
            }
        }
        #expect(try await harness.engine.secrets.values(for: Self.task()) == ["n1": "hunter2"])
        #expect(try harness.findings() == [])
    }

    @Test("KMS-2: that is missing refuses what needs it with a clear text, and nothing else")
    func missing() async throws {
        let roots = TestRootKeys([try TestRootKeys.key(1)])
        let store = MemoryStore()
        try await Self.fill(Self.harness(store, roots), 2)
        roots.set([])
        let harness = try Self.harness(store, roots)
        await #expect(throws: SecretTrouble.noRootKey) { try await Self.fill(harness, 1) }
        await #expect(throws: SecretTrouble.noRootKey) { try await harness.engine.secrets.values(for: Self.task()) }
        #expect(try await harness.engine.secrets.values(for: Self.task(text: "plain")) == [:])
        #expect(
            try await harness.engine.secrets.list(SecretPageRequest(limit: 10), owner: Harness.owner).rows.count == 2)
        #expect(try await harness.engine.secrets.delete(Self.name(0), scope: .user, owner: Harness.owner) == .user)
        #expect(try await harness.engine.secrets.reseal() == ResealReport())
    }

    @Test("KMS-3: that disappears while the service runs is kept until another one is there")
    func disappeared() async throws {
        let (old, new) = (try TestRootKeys.key(1), try TestRootKeys.key(2))
        let roots = TestRootKeys([old])
        let harness = try Self.harness(MemoryStore(), roots)
        try await Self.fill(harness, 1)
        roots.set([])
        #expect(throws: SecretTrouble.noRootKey) { try harness.engine.secrets.loadKeys() }
        try await Self.fill(harness, 2)
        #expect(try await harness.engine.secrets.values(for: Self.task()).count == 2)
        roots.set([new, old])
        #expect(try harness.engine.secrets.loadKeys())
        #expect(try await harness.engine.secrets.reseal() == ResealReport(resealed: 2))
    }

    @Test("KMS-2: a run that speaks of secrets ends with the reason when the root key is gone")
    func run() async throws {
        let roots = TestRootKeys([try TestRootKeys.key(1)])
        let store = MemoryStore()
        try await Self.fill(Self.harness(store, roots), 1)
        roots.set([])
        let execution = try await Self.harness(store, roots).working { harness in
            let task = try await harness.createTask { $0.name = "{{apContext.configVars.n0}}" }
            return try await harness.engine.trigger(
                TriggerRequest(taskID: task, owner: Harness.owner, isBlocking: true)).execution
        }
        #expect(execution?.status == .failed || execution?.status == .error)
        #expect(execution?.error == "secrets are unavailable: the service has no root key")
    }

    @Test("of another service opens nothing: what is unreadable stays and is counted")
    func foreign() async throws {
        let store = MemoryStore()
        try await Self.fill(Self.harness(store, TestRootKeys([try TestRootKeys.key(1)])), 3)
        let harness = try Self.harness(store, TestRootKeys([try TestRootKeys.key(2)]))
        #expect(try await harness.engine.secrets.reseal() == ResealReport(unreadable: 3))
        await #expect(throws: SecretTrouble.self) { try await harness.engine.secrets.values(for: Self.task()) }
    }
}
