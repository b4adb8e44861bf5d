public import AVSCrypto
public import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage

/// The root keys and how many secrets hang on each (KMS-3).
public struct RootKeyUse: Hashable, Sendable {
    public enum State: String, Hashable, Sendable {
        case current, old
        /// Secrets are sealed with it, and it is not there.
        case missing
    }

    public struct Row: Hashable, Sendable {
        public var id: RootKey.ID
        public var state: State
        public var secrets: Int
    }

    /// The current key first.
    public var rows: [Row] = []
    /// Secrets of an older release that are not sealed yet.
    public var unsealed = 0
    public var unreadable = 0
}

extension TaskEngine {
    /// Since when a root key has to be out of use before it may go: longer than any call that may still seal with it.
    static let rootKeyRest = Duration.seconds(60)

    /// Asks for the keys as they are now, and counts what each has sealed, in turns of bounded size (KEY-4).
    public func rootKeyUse() async throws -> RootKeyUse {
        let ids = try configuration.rootKeys.load().map(\.id)
        var counts: [RootKey.ID: Int] = [:]
        var use = RootKeyUse()
        var rest = Rows<SecretKey>.all.range
        while true {
            let turn = try await store.readWithoutBlocking { [rest] in try $0.sealings(in: rest) }
            for id in turn.ids { counts[id, default: 0] += 1 }
            use.unsealed += turn.unsealed
            use.unreadable += turn.unreadable
            guard let last = turn.last else { break }
            rest = rest.after(last)
        }
        for (place, id) in ids.enumerated() {
            let count = counts.removeValue(forKey: id) ?? 0
            use.rows.append(.init(id: id, state: place == 0 ? .current : .old, secrets: count))
        }
        for (id, count) in counts.sorted(by: { $0.key.description < $1.key.description }) {
            use.rows.append(.init(id: id, state: .missing, secrets: count))
        }
        return use
    }

    /// Makes a new root key the current one. The service takes it within seconds, and seals every secret anew.
    public func rotateRootKey(by administrator: Administrator) async throws -> RootKey.ID {
        let act = AdminAct(by: administrator, action: "root-key.rotate", object: "")
        return try await audit.around(act) { act in
            let id = try configuration.rootKeys.rotate()
            act.object = "\(id)"
            return id
        }
    }

    /// Removes a root key that has sealed nothing any more.
    /// - Throws: ``EngineError/rootKeyInUse(_:)``, whatever the provider throws.
    public func retireRootKey(_ id: RootKey.ID, by administrator: Administrator) async throws {
        guard secrets.isOutOfUse(id, for: Self.rootKeyRest) else {
            throw EngineError.rootKeyInUse("it is the current one, or was less than a minute ago")
        }
        let count = try await rootKeyUse().rows.first { $0.id == id }?.secrets ?? 0
        guard count == 0 else { throw EngineError.rootKeyInUse("\(count) secrets are sealed with it") }
        let act = AdminAct(by: administrator, action: "root-key.retire", object: "\(id)")
        try await audit.around(act) { _ in try configuration.rootKeys.retire(id) }
    }
}

extension StoreReader where Self: ~Copyable {
    /// With which keys the next secrets are sealed; `last` is where to go on, `nil` at the end.
    fileprivate func sealings(
        in range: KeyRange
    ) throws -> (ids: [RootKey.ID], unsealed: Int, unreadable: Int, last: [UInt8]?) {
        var ids: [RootKey.ID] = []
        var (unsealed, unreadable) = (0, 0)
        var last: [UInt8]?
        try scan(range, order: .ascending, limit: 1_000) { key, value in
            last = key
            do {
                switch try StoredSecret(stored: value) {
                case .plain: unsealed += 1
                case .sealed(let secret):
                    if let id = RootKey.ID(bytes: secret.rootKeyID) { ids.append(id) } else { unreadable += 1 }
                }
            } catch {
                unreadable += 1
            }
            return .next
        }
        return (ids, unsealed, unreadable, last)
    }
}
