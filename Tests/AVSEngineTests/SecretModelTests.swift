import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Testing

@testable import AVSEngine

/// What secrets are, without a database: names to values, in the order of their keys.
private struct SecretModel {
    struct Place: Hashable, Comparable {
        var owner: Address
        var organisation = "_"
        var workflow = "_"
        var name: String

        static func < (left: Place, right: Place) -> Bool {
            (left.workflow, left.name) < (right.workflow, right.name)  // ASCII only, so as bytes
        }

        var scope: String { organisation != "_" ? "org" : workflow != "_" ? "workflow" : "user" }
    }

    struct Value { var text: String, createdAt: Timestamp, updatedAt: Timestamp }

    var values: [Place: Value] = [:]

    func listed(_ owner: Address, workflow: String?) -> [Place] {
        values.keys.filter {
            $0.owner == owner && $0.organisation == "_" && (workflow == nil || $0.workflow == workflow)
        }.sorted()
    }

    func seen(by owner: Address, in workflow: String) -> [String: String] {
        var seen: [String: String] = ["ap_macro": "macro", "shared": "macro"]
        for place in listed(owner, workflow: "_") { seen[place.name] = values[place]?.text }
        for place in listed(owner, workflow: workflow) where seen[place.name] == nil {
            seen[place.name] = values[place]?.text
        }
        return seen
    }

    mutating func delete(_ place: Place) -> String? {
        if values.removeValue(forKey: place) != nil { return place.scope }
        guard place.scope == "user" else { return nil }
        let named = values.keys.filter { $0.owner == place.owner && $0.name == place.name }
        guard let only = named.first, named.count == 1 else { return nil }
        values[only] = nil
        return only.scope
    }
}

/// One random walk: the engine and the model side by side.
private struct SecretWalk {
    static let limit = 12
    static let names = ["a", "b", "c", "A", "shared", "z_9"]
    static let owners = [Harness.owner, Harness.stranger]
    static let tasks = (1...2).map { TaskID(ULID(value: UInt128($0))) }

    var random: SeededGenerator
    var model = SecretModel()
    let store = MemoryStore()
    let time = ManualTime()
    let roots: TestRootKeys
    var keys: [RootKey]
    var harness: Harness
    var steps = 0

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        keys = [try TestRootKeys.key(1)]
        roots = TestRootKeys(keys)
        harness = Self.harness(store, time, roots, seed: seed)
        try harness.engine.secrets.loadKeys()
    }

    private static func harness(
        _ store: MemoryStore, _ time: ManualTime, _ roots: TestRootKeys, seed: UInt64
    ) -> Harness {
        Harness(store: store, time: time, seed: seed) {
            $0.rootKeys = roots
            $0.macroSecrets = ["ap_macro": "macro", "shared": "macro"]
            $0.limits.secretsPerOwner = limit
        }
    }

    private mutating func place() throws -> (SecretModel.Place, SecretName, SecretScope) {
        var place = SecretModel.Place(
            owner: Self.owners.randomElement(using: &random) ?? .zero,
            name: Self.names.randomElement(using: &random) ?? "")
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1: break
        case 2, 3: place.workflow = "\(Self.tasks.randomElement(using: &random) ?? TaskID(.zero))"
        default: place.organisation = Bool.random(using: &random) ? "acme" : "Initech"
        }
        let scope = try SecretScope(
            workflow: place.workflow == "_" ? "" : place.workflow,
            organisation: place.organisation == "_" ? "" : place.organisation)
        return (place, try SecretName(place.name), scope)
    }

    mutating func step() async throws {
        steps += 1
        time.advance(by: .milliseconds(1))
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<35: try await create()
        case 35..<50: try await update()
        case 50..<75: try await delete()
        case 75..<90: try await list()
        case 90..<97: try await see()
        case 97: try rotate()
        case 98: try await reseal()
        default: try restart()
        }
    }

    private mutating func value() -> String {
        String(repeating: "é", count: Int.random(in: 0..<40, using: &random)) + "\(random.next())"
    }

    private mutating func create() async throws {
        let (place, name, scope) = try place()
        let (text, now) = (value(), time.now)
        let count = model.values.keys.filter { $0.owner == place.owner }.count
        let old = model.values[place]
        do {
            let change = try await harness.engine.secrets.create(
                name, scope: scope, owner: place.owner, value: Sensitive(text))
            #expect(change.isNew == (old == nil) && change.entry.createdAt == old?.createdAt ?? now)
            #expect(old != nil || count < Self.limit)
            model.values[place] = SecretModel.Value(text: text, createdAt: old?.createdAt ?? now, updatedAt: now)
        } catch EngineError.quota {
            #expect(old == nil && count == Self.limit)
        }
    }

    private mutating func update() async throws {
        let (place, name, scope) = try place()
        let (text, now) = (value(), time.now)
        let old = model.values[place]
        do {
            let change = try await harness.engine.secrets.update(
                name, scope: scope, owner: place.owner, value: Sensitive(text))
            #expect(change.entry.createdAt == old?.createdAt && change.entry.updatedAt == now)
            if let old { model.values[place] = SecretModel.Value(text: text, createdAt: old.createdAt, updatedAt: now) }
        } catch EngineError.secretNotFound {
            #expect(old == nil)
        }
    }

    private mutating func delete() async throws {
        let (place, name, scope) = try place()
        let found = try await harness.engine.secrets.delete(name, scope: scope, owner: place.owner)
        let expected = model.delete(place)
        #expect(found?.name == expected)
    }

    private mutating func list() async throws {
        let owner = Self.owners.randomElement(using: &random) ?? .zero
        let only = Bool.random(using: &random) ? nil : Self.tasks.first
        let rows = model.listed(owner, workflow: only.map { "\($0)" })
        let limit = Int.random(in: 1...5, using: &random)
        var request = SecretPageRequest(limit: limit, workflow: only.map { ScopeID($0) })
        let (place, name, scope) = try place()
        let cursor = SecretPosition(workflow: scope.workflow, name: name)
        let from = SecretModel.Place(owner: owner, workflow: place.workflow, name: place.name)
        var expected = rows.prefix(limit)
        var more = rows.count > limit
        switch Int.random(in: 0..<3, using: &random) {
        case 0: break
        case 1:
            request.position = .after(cursor)
            let behind = rows.filter { from < $0 }
            (expected, more) = (behind.prefix(limit), behind.count > limit)
        default:
            request.position = .before(cursor)
            let ahead = rows.filter { $0 < from }
            (expected, more) = (ahead.suffix(limit), ahead.count > limit)
        }
        let page = try await harness.engine.secrets.list(request, owner: owner)
        #expect(
            page.rows.map { "\($0.scope.workflow?.description ?? "_"):\($0.name)" }
                == expected.map { "\($0.workflow):\($0.name)" })
        #expect(page.rows.map(\.updatedAt) == expected.map { model.values[$0]?.updatedAt })
        guard !expected.isEmpty else { return #expect(!page.hasNext && !page.hasPrevious) }
        if case .before = request.position {
            #expect(page.hasNext && page.hasPrevious == more)
        } else {
            #expect(page.hasNext == more && page.hasPrevious == (request.position != .first))
        }
    }

    private mutating func see() async throws {
        let owner = Self.owners.randomElement(using: &random) ?? .zero
        let task = Self.tasks.randomElement(using: &random) ?? TaskID(.zero)
        let record = AutomationTask(
            id: task, owner: owner, wallet: .zero, name: "t",
            trigger: Trigger(id: "t", name: "t", config: .block(BlockTrigger(interval: 1))),
            nodes: [], edges: [], inputVariables: [:], chainID: 31_337)
        #expect(try await harness.engine.secrets.values(for: record) == model.seen(by: owner, in: "\(task)"))
    }

    private mutating func rotate() throws {
        keys = [try TestRootKeys.key(UInt8(truncatingIfNeeded: steps % 251))] + keys.prefix(50)
        roots.set(keys)
        try harness.engine.secrets.loadKeys()
    }

    /// Brings everything under the current key; then it alone is enough.
    private mutating func reseal() async throws {
        let report = try await harness.engine.secrets.reseal()
        #expect(report.unreadable == 0 && report.resealed <= model.values.count)
        keys = [keys[0]]
        roots.set(keys)
        try harness.engine.secrets.loadKeys()
    }

    private mutating func restart() throws {
        harness = Self.harness(store, time, roots, seed: random.next())
        try harness.engine.secrets.loadKeys()
    }
}

@Suite("The secrets of owners")
struct SecretModelTests {
    @Test("are what a plain model says, through 100,000 random steps", arguments: [1, 2, 3, 4] as [UInt64])
    func model(seed: UInt64) async throws {
        var walk = try SecretWalk(seed: seed)
        for _ in 0..<25_000 { try await walk.step() }
        #expect(try walk.harness.findings() == [])
    }
}
