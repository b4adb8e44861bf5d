import AVSCrypto
public import AVSModel
public import AVSPrimitives
import AVSSchema
import AVSStorage
import Logging
import Synchronization

/// The secrets of owners: written and removed by rpcs, listed without their values, opened for runs only.
///
/// - Source: aggregator-api 2.10 and 8, reliability-security 5.7.
public final class SecretDirectory: Sendable {
    let store: any KeyValueStore
    let time: any TimeSource
    let logger: Logger
    let random: RandomSource
    private let configuration: EngineConfiguration
    private let known: Mutex<RootKeys>
    /// When the current key last became another one, in this process.
    private let changedAt = Mutex<ContinuousClock.Instant?>(nil)

    init(
        store: any KeyValueStore, configuration: EngineConfiguration, time: any TimeSource, random: RandomSource,
        logger: Logger
    ) {
        self.store = store
        self.configuration = configuration
        self.time = time
        self.random = random
        self.logger = logger
        known = Mutex(RootKeys())
    }

    // MARK: Keys

    var keys: RootKeys { known.withLock { $0 } }

    /// Looks at the provider.
    ///
    /// Keys that were there do not go because their file is gone: it may be on its way, and a running service would
    /// fail every run until it is back.
    /// - Returns: whether the current key is another one than before.
    /// - Throws: what the provider throws, and ``SecretTrouble/noRootKey`` for keys that are gone; they stay as they
    ///   were.
    @discardableResult
    public func loadKeys() throws -> Bool {
        let loaded = RootKeys(try configuration.rootKeys.load())
        guard loaded.current != nil || keys.current == nil else { throw SecretTrouble.noRootKey }
        let before = known.withLock { keys in
            defer { keys = loaded }
            return keys.current?.id
        }
        let isNew = before != loaded.current?.id
        if isNew, before != nil { changedAt.withLock { $0 = time.monotonic } }
        return isNew
    }

    /// Whether a key has not been the current one for so long.
    func isOutOfUse(_ id: RootKey.ID, for duration: Duration) -> Bool {
        guard keys.current?.id != id else { return false }
        return changedAt.withLock { $0 }.map { time.monotonic - $0 >= duration } ?? true
    }

    // MARK: Changes

    /// Writes a secret, whether there is one of that name or not.
    ///
    /// - Returns: the entry, and whether it is new.
    /// - Throws: ``EngineError/quota(name:limit:)`` for a value over its size and for one secret too many,
    ///   ``EngineError/spaceLow(what:)``, ``SecretTrouble``.
    public func create(
        _ name: SecretName, scope: SecretScope, owner: Address, value: Sensitive<String>,
        receipt: Receipt<SecretChange>? = nil
    ) async throws -> SecretChange {
        guard !configuration.isSpaceLow() else { throw EngineError.spaceLow(what: "new secrets") }
        let key = SecretKey(owner: owner, scope: scope, name: name)
        let now = time.now
        let sealed = try seal(value, at: key, now: now)
        let limit = configuration.limits.secretsPerOwner
        return try await store.update { transaction in
            try transaction.once(receipt) { transaction in
                let createdAt = try transaction.creation(of: key)
                if createdAt == nil, try transaction.secretCount(of: owner, atMost: limit) >= limit {
                    throw EngineError.quota(name: "secrets per owner", limit: limit)
                }
                return try transaction.write(sealed, at: key, createdAt: createdAt ?? now, isNew: createdAt == nil)
            }
        }
    }

    /// Replaces the value of a secret; its scope stays.
    /// - Throws: ``EngineError/secretNotFound``, and as ``create(_:scope:owner:value:receipt:)``.
    public func update(
        _ name: SecretName, scope: SecretScope, owner: Address, value: Sensitive<String>,
        receipt: Receipt<SecretChange>? = nil
    ) async throws -> SecretChange {
        let key = SecretKey(owner: owner, scope: scope, name: name)
        let sealed = try seal(value, at: key, now: time.now)
        return try await store.update { transaction in
            try transaction.once(receipt) { transaction in
                guard let createdAt = try transaction.creation(of: key) else { throw EngineError.secretNotFound }
                return try transaction.write(sealed, at: key, createdAt: createdAt, isNew: false)
            }
        }
    }

    /// Removes a secret. Without a scope, and where there is none of the user's own, the only one of that name.
    /// - Returns: the scope it was in; `nil` when there is none.
    public func delete(
        _ name: SecretName, scope: SecretScope, owner: Address, receipt: Receipt<SecretScope?>? = nil
    ) async throws -> SecretScope? {
        try await store.update { transaction in
            try transaction.once(receipt) { transaction in
                var found = scope
                if try !transaction.contains(SecretKey(owner: owner, scope: scope, name: name)) {
                    guard scope == .user else { return nil }
                    let scopes = try transaction.scopes(of: name, owner: owner)
                    guard let only = scopes.first, scopes.count == 1 else { return nil }
                    found = only
                }
                try transaction.delete(SecretKey(owner: owner, scope: found, name: name))
                if let organisation = found.organisation {
                    try transaction.delete(SecretOfOwnerKey(owner: owner, organisation: organisation, name: name))
                }
                return found
            }
        }
    }

    private func seal(_ value: Sensitive<String>, at key: SecretKey, now: Timestamp) throws -> SealedSecret {
        let bytes = Array(value.exposed.utf8)
        let limit = configuration.limits.secretBytes
        guard bytes.count <= limit else { throw EngineError.quota(name: "bytes per secret", limit: limit) }
        guard let root = keys.current else { throw SecretTrouble.noRootKey }
        var generator = random.generator
        return try SecretSealer.seal(bytes, at: key, with: root, createdAt: now, updatedAt: now, using: &generator)
    }

    // MARK: For runs

    /// What `apContext.configVars` holds in a run of the task: the server's own, over them the user's, and for names
    /// that are still free the workflow's (aggregator-api 8.3).
    ///
    /// A value that cannot be opened is left out and logged, without its name's value. But a task that speaks of
    /// configured variables does not run on a service that lost its root key (KMS-2).
    /// - Throws: ``SecretTrouble/noRootKey`` or ``SecretTrouble/unknownRootKey(_:)``, for such a task.
    func values(for task: AutomationTask) async throws -> [String: String] {
        let stored = try await store.readWithoutBlocking { snapshot in
            let user = try snapshot.secrets(SecretKey.rows(of: task.owner, workflow: nil))
            return (user, try snapshot.secrets(SecretKey.rows(of: task.owner, workflow: ScopeID(task.id))))
        }
        let keys = keys
        var values = configuration.macroSecrets
        values.merge(try open(stored.0, keys, for: task)) { _, user in user }
        values.merge(try open(stored.1, keys, for: task)) { wider, _ in wider }
        return values
    }

    /// As ``values(for:)``; where the store cannot be read, the server's own (8.3, execution-engine 6.3).
    func readableValues(for task: AutomationTask) async throws(SecretTrouble) -> [String: String] {
        do {
            return try await values(for: task)
        } catch let trouble as SecretTrouble {
            throw trouble
        } catch {
            logger.error("secrets could not be read", metadata: ["task": "\(task.id)", "error": "\(error)"])
            return configuration.macroSecrets
        }
    }

    private func open(
        _ rows: [(key: SecretKey, value: StoredSecret)], _ keys: RootKeys, for task: AutomationTask
    ) throws -> [String: String] {
        var values: [String: String] = [:]
        lazy var needsAll = task.speaksOfConfiguredVariables  // looked at for the first row that asks
        for row in rows {
            do throws(SecretTrouble) {
                let bytes = try SecretSealer.open(row.value, at: row.key, with: keys)
                values[row.key.name.description] = String(decoding: bytes, as: UTF8.self)
            } catch {
                logger.error(
                    "a secret cannot be opened",
                    metadata: ["owner": "\(task.owner)", "name": "\(row.key.name)", "error": "\(error)"])
                switch error {
                case .noRootKey, .unknownRootKey: if needsAll { throw error }
                case .notAuthentic, .library: break
                }
            }
        }
        return values
    }
}

/// What became of a secret that was written.
public struct SecretChange: Hashable, Sendable {
    public var entry: SecretEntry
    /// Whether there was none of that name in that scope.
    public var isNew: Bool
}

extension AutomationTask {
    /// Whether any text of the task names `configVars`: what the run cannot do without.
    fileprivate var speaksOfConfiguredVariables: Bool {
        let word = Array("configVars".utf8)
        let record = stored
        guard record.count >= word.count else { return false }
        return (0...record.count - word.count).contains { record[$0..<$0 + word.count].elementsEqual(word) }
    }
}

extension StoreReader where Self: ~Copyable {
    /// The rows that can be read, at most as many as an owner may have.
    fileprivate func secrets(_ rows: Rows<SecretKey>) throws -> [(key: SecretKey, value: StoredSecret)] {
        var found: [(key: SecretKey, value: StoredSecret)] = []
        try scan(rows, limit: StorageLimits.scanRowsMax, undecodable: { _ in .next }) { key, value in
            found.append((key, value))
            return .next
        }
        return found
    }

    /// When the secret was created; `nil` when there is none. A record that cannot be read, or of an older release,
    /// counts as made at the epoch.
    fileprivate func creation(of key: SecretKey) throws -> Timestamp? {
        guard let bytes = try get(key.bytes) else { return nil }
        do {
            if case .sealed(let secret) = try StoredSecret(stored: bytes) { return secret.createdAt }
        } catch {
            // It is about to be replaced: that it is damaged matters no more.
        }
        return Timestamp(milliseconds: 0)
    }

    /// How many secrets the owner has, of all scopes; counting ends at `limit`.
    fileprivate func secretCount(of owner: Address, atMost limit: Int) throws -> Int {
        var count = 0
        for range in [SecretKey.rows(of: owner).range, Rows<SecretOfOwnerKey>(under: owner).range] where count < limit {
            try scan(range, order: .ascending, limit: limit - count) { _, _ in
                count += 1
                return .next
            }
        }
        return count
    }

    /// In which scopes the owner has a secret of that name.
    fileprivate func scopes(of name: SecretName, owner: Address) throws -> [SecretScope] {
        var scopes: [SecretScope] = []
        try scan(SecretKey.rows(of: owner).range, order: .ascending, limit: StorageLimits.scanRowsMax) { bytes, _ in
            if let key = SecretKey(readable: bytes), key.name == name { scopes.append(key.scope) }
            return .next
        }
        let ofOwner = Rows<SecretOfOwnerKey>(under: owner)
        try scan(ofOwner.range, order: .ascending, limit: StorageLimits.scanRowsMax) { bytes, _ in
            let key = try SecretOfOwnerKey(bytes: bytes)
            if key.name == name { scopes.append(.organisation(key.organisation)) }
            return .next
        }
        return scopes
    }
}

extension SecretKey {
    /// `nil` for a row of an older release whose name no request can name (DEFECT-19).
    init?(readable bytes: [UInt8]) {
        do { try self.init(bytes: bytes) } catch { return nil }
    }
}

extension Transaction {
    /// Writes a sealed value, and the entry by which an organisation's is found again.
    fileprivate mutating func write(
        _ sealed: SealedSecret, at key: SecretKey, createdAt: Timestamp, isNew: Bool
    ) throws -> SecretChange {
        var sealed = sealed
        sealed.createdAt = createdAt
        try put(key, .sealed(sealed))
        try noteOrganisation(of: key)
        return SecretChange(
            entry: SecretEntry(
                name: key.name, scope: key.scope, owner: key.owner, createdAt: createdAt, updatedAt: sealed.updatedAt),
            isNew: isNew)
    }

    mutating func noteOrganisation(of key: SecretKey) throws {
        guard let organisation = key.scope.organisation else { return }
        try put(SecretOfOwnerKey(owner: key.owner, organisation: organisation, name: key.name), [])
    }
}
