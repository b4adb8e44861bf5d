public import AVSModel
public import AVSPrimitives
import AVSSchema
import AVSStorage
import Logging
import Synchronization

/// The API keys with a record: made, looked up with every call that uses one, revoked, forgotten long after their end.
///
/// All of them are in memory, loaded at the start, so that a call costs no look at the store and a revocation counts
/// from the moment it is answered (T48, JWT-7). When a key was last used is written seldom and unsynced.
///
/// - Source: aggregator-api 3.3, reliability-security 5.6.
public final class APIKeyDirectory: Sendable {
    /// Keys with a record, about 400 bytes each: 4 MB.
    public static let countLimit = 10_000
    /// Between two turns of ``run()``: how old the last use in the store may be.
    static let period = Duration.seconds(30)
    /// How long a key's record outlives it, for people who ask what it was.
    static let retention = Duration.seconds(30 * 24 * 3_600)
    /// Records that one update changes at the most.
    private static let recordsPerUpdate = 256

    private struct State {
        var keys: [APIKeyID: APIKey] = [:]
        var ids: [Hash32: APIKeyID] = [:]
        /// Used since the last turn.
        var used: Set<APIKeyID> = []

        mutating func add(_ key: APIKey) {
            keys[key.id] = key
            ids[key.digest] = key.id
        }

        mutating func remove(_ id: APIKeyID) {
            guard let key = keys.removeValue(forKey: id) else { return }
            ids[key.digest] = nil
            used.remove(id)
        }
    }

    private let store: any KeyValueStore
    private let time: any TimeSource
    private let logger: Logger
    private let audit: AuditLog
    private let random: RandomSource
    private let ids = Mutex(ULIDGenerator())
    private let state = Mutex(State())
    /// Held while one key is taken over from the store; see ``takeOver(_:)``. Calls that only look keys up never wait
    /// for it.
    private let takingOver = Mutex(())

    init(store: any KeyValueStore, audit: AuditLog, random: RandomSource, time: any TimeSource, logger: Logger) {
        self.store = store
        self.audit = audit
        self.random = random
        self.time = time
        self.logger = logger
    }

    // MARK: Looking up

    /// Reads all records; before the first call of the service.
    /// - Throws: ``StorageError`` also for a record that cannot be read: a key that was revoked would count again.
    public func load() throws {
        let rows = try store.read { try $0.rows(Rows<APIKeyKey>.all, limit: StorageLimits.scanRowsMax) }
        state.withLock { state in
            for row in rows { state.add(row.value) }
        }
    }

    /// Whether there is none at all, so that no digest need be computed.
    public var isEmpty: Bool { state.withLock { $0.keys.isEmpty } }

    /// The key whose token, without its signature, has this SHA-256.
    public func key(digest: Hash32) -> APIKey? {
        state.withLock { state in state.ids[digest].flatMap { state.keys[$0] } }
    }

    public func key(_ id: APIKeyID) -> APIKey? { state.withLock { $0.keys[id] } }

    /// All keys, the oldest first.
    public var all: [APIKey] { state.withLock { Array($0.keys.values) }.sorted { $0.id < $1.id } }

    /// A key was used just now.
    public func noteUse(of id: APIKeyID) {
        let now = time.now
        state.withLock { state in
            guard state.keys[id] != nil else { return }
            state.keys[id]?.lastUsedAt = now
            state.used.insert(id)
        }
    }

    // MARK: Changes

    /// The id of a key that is yet to be made, which its token has to hold.
    public func newID() -> APIKeyID {
        var random = random.generator
        return APIKeyID(ids.withLock { [now = time.now] in $0.next(at: now, using: &random) })
    }

    /// Writes a new record.
    /// - Throws: ``EngineError/quota(name:limit:)`` when there are ``countLimit`` already.
    public func create(_ key: APIKey, by administrator: Administrator) async throws {
        try checkRoom()
        let act = AdminAct(
            by: administrator, action: "api-key.create", object: "\(key.id)", after: key.summary)
        let entry = audit.draft()
        try await store.update { transaction in
            try transaction.put(APIKeyKey(key.id), key)
            try transaction.record(act, entry)
        }
        state.withLock { $0.add(key) }
        audit.announce(act)
    }

    /// Gives a key other rates, from its next call on.
    /// - Throws: ``EngineError/apiKeyNotFound``, and what `change` throws.
    public func update(
        _ id: APIKeyID, by administrator: Administrator,
        rates change: @escaping @Sendable (APIKeyRates) throws -> APIKeyRates
    ) async throws -> APIKey {
        let entry = audit.draft()
        let (act, updated) = try await store.update { transaction -> (AdminAct, APIKey) in
            guard var key = try transaction.value(for: APIKeyKey(id)) else { throw EngineError.apiKeyNotFound }
            let before = key.summary
            key.rates = try change(key.rates)
            let act = AdminAct(
                by: administrator, action: "api-key.update", object: "\(id)", before: before, after: key.summary)
            try transaction.put(APIKeyKey(id), key)
            try transaction.record(act, entry)
            return (act, key)
        }
        try takeOver(id)
        audit.announce(act)
        return key(id) ?? updated
    }

    /// Ends a key at once. One that is revoked already stays as it is.
    /// - Throws: ``EngineError/apiKeyNotFound``.
    public func revoke(_ id: APIKeyID, by administrator: Administrator) async throws -> APIKey {
        guard let known = key(id) else { throw EngineError.apiKeyNotFound }
        guard known.revokedAt == nil else { return known }
        let entry = audit.draft()
        let act = AdminAct(
            by: administrator, action: "api-key.revoke", object: "\(id)", before: known.summary,
            after: known.revoked(at: entry.at).summary)
        let revoked = try await store.update { transaction -> APIKey in
            guard let stored = try transaction.value(for: APIKeyKey(id)) else { throw EngineError.apiKeyNotFound }
            let revoked = stored.revoked(at: stored.revokedAt ?? entry.at)
            try transaction.put(APIKeyKey(id), revoked)
            try transaction.record(act, entry)
            return revoked
        }
        try takeOver(id)
        audit.announce(act)
        return key(id) ?? revoked
    }

    /// Ends a token that has no record: from now on it has one, as a revoked key.
    /// - Parameter token: `revokedAt` is set here.
    public func revoke(unrecorded token: APIKey, by administrator: Administrator) async throws -> APIKey {
        try checkRoom()
        let entry = audit.draft()
        let key = token.revoked(at: entry.at)
        let act = AdminAct(by: administrator, action: "token.revoke", object: "\(key.id)", after: key.summary)
        try await store.update { transaction in
            try transaction.put(APIKeyKey(key.id), key)
            try transaction.record(act, entry)
        }
        state.withLock { $0.add(key) }
        audit.announce(act)
        return key
    }

    /// Has in memory what the store has by now. Of two changes of a key, the one that is told later of its commit may
    /// be the earlier one: so none brings its own result, and what is read later is also put there later. What was just
    /// written is read from memory.
    private func takeOver(_ id: APIKeyID) throws {
        try takingOver.withLock { _ in
            let stored = try store.read { try $0.value(for: APIKeyKey(id)) }
            state.withLock { state in
                guard var stored else { return state.remove(id) }
                // Written seldom; here it is known exactly.
                stored.lastUsedAt = [stored.lastUsedAt, state.keys[id]?.lastUsedAt].compactMap(\.self).max()
                state.add(stored)
            }
        }
    }

    private func checkRoom() throws {
        guard state.withLock({ $0.keys.count < Self.countLimit }) else {
            throw EngineError.quota(name: "API keys", limit: Self.countLimit)
        }
    }

    // MARK: Time going by

    /// Writes last uses and forgets keys of long ago, until cancelled; then writes last uses once more.
    public func run() async throws {
        while !Task.isCancelled {
            do {
                try await writeUses()
                try await forgetOld()
            } catch let error where !(error is CancellationError) {
                logger.error("API keys could not be kept up and are tried again", metadata: ["error": "\(error)"])
            }
            try await time.sleep(until: time.monotonic + Self.period)
        }
    }

    /// Writes when keys were last used. Not synced: a use that is lost harms nobody.
    public func writeUses() async throws {
        let used = state.withLock { state in
            defer { state.used = [] }
            return state.used.compactMap { id in state.keys[id].map { (id, $0.lastUsedAt) } }
        }
        for start in stride(from: 0, to: used.count, by: Self.recordsPerUpdate) {
            let part = used[start..<min(start + Self.recordsPerUpdate, used.count)]
            try await store.updateUnsynced { transaction in
                for (id, instant) in part {
                    // As it is stored, so that a revocation in between stays.
                    guard var key = try transaction.value(for: APIKeyKey(id)) else { continue }
                    key.lastUsedAt = instant
                    try transaction.put(APIKeyKey(id), key)
                }
            }
        }
    }

    /// Removes the records of keys that ended by themselves long ago: their tokens are no good with or without.
    func forgetOld() async throws {
        let limit = time.now.adding(.zero - Self.retention)
        let expired = state.withLock { $0.keys.values.filter { $0.expiresAt < limit }.map(\.id) }
        let old = expired.prefix(Self.recordsPerUpdate)
        guard !old.isEmpty else { return }
        try await store.update { transaction in
            for id in old { try transaction.delete(APIKeyKey(id)) }
        }
        state.withLock { state in
            for id in old { state.remove(id) }
        }
    }
}

extension APIKey {
    fileprivate func revoked(at instant: Timestamp) -> APIKey {
        var key = self
        key.revokedAt = instant
        return key
    }

    /// What the audit log says of it.
    fileprivate var summary: String {
        var fields: [String: JSONValue] = [
            "name": .string(name), "scopes": .array(scopes.sorted().map { .string($0.rawValue) }),
            "expiresAt": .string(expiresAt.iso8601),
        ]
        fields["account"] = account.map { .string($0.checksummed) }
        fields["revokedAt"] = revokedAt.map { .string($0.iso8601) }
        fields["reads"] = rates.reads.map { .string("\($0)") }
        fields["writes"] = rates.writes.map { .string("\($0)") }
        fields["simulations"] = rates.simulations.map { .string("\($0)") }
        return JSONValue.object(fields).serialized
    }
}
