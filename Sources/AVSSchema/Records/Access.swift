public import AVSModel
public import AVSPrimitives
import AVSProto
public import AVSStorage

extension APIKey: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.ApiKeyRecord(serialized: bytes)
        guard let id = APIKeyID(record.id) else { throw MalformedValue("'\(record.id.prefix(64))' is no key's id") }
        guard let digest = Hash32(bytes: record.digest) else {
            throw MalformedValue("a digest of \(record.digest.count) bytes")
        }
        var scopes: Set<APIScope> = []
        for word in record.scopes {
            guard let scope = APIScope(rawValue: word) else { throw MalformedValue("'\(word.prefix(64))' is no scope") }
            scopes.insert(scope)
        }
        self.init(
            id: id, name: record.name, account: record.account.isEmpty ? nil : try Address(recorded: record.account),
            scopes: scopes, digest: digest, createdAt: Timestamp(milliseconds: record.createdAt),
            expiresAt: Timestamp(milliseconds: record.expiresAt), revokedAt: Timestamp(ifNotZero: record.revokedAt),
            lastUsedAt: Timestamp(ifNotZero: record.lastUsedAt),
            rates: APIKeyRates(
                reads: record.reads.map { CallRate($0) }, writes: record.writes.map { CallRate($0) },
                simulations: record.simulations.map { CallRate($0) }))
    }

    public var stored: [UInt8] {
        var record = Stored.ApiKeyRecord()
        record.id = "\(id)"
        record.name = name
        record.account = account?.lowercased ?? ""
        record.scopes = scopes.sorted().map(\.rawValue)
        record.digest = digest.bytes
        record.createdAt = createdAt.milliseconds
        record.expiresAt = expiresAt.milliseconds
        record.revokedAt = revokedAt?.milliseconds ?? 0
        record.lastUsedAt = lastUsedAt?.milliseconds ?? 0
        record.reads = rates.reads.map { Stored.CallRateRecord($0) }
        record.writes = rates.writes.map { Stored.CallRateRecord($0) }
        record.simulations = rates.simulations.map { Stored.CallRateRecord($0) }
        return record.serialized()
    }
}

extension CallRate {
    fileprivate init(_ record: Stored.CallRateRecord) {
        self.init(perSecond: Int(record.perSecond), burst: Int(record.burst))
    }
}

extension Stored.CallRateRecord {
    fileprivate init(_ rate: CallRate) {
        self.init()
        perSecond = Int64(rate.perSecond)
        burst = Int64(rate.burst)
    }
}

extension Timestamp {
    fileprivate init?(ifNotZero milliseconds: Int64) {
        guard milliseconds != 0 else { return nil }
        self.init(milliseconds: milliseconds)
    }
}

/// An ``AuditEntry`` without its id, which is its key.
public struct RecordedAct: Hashable, Sendable {
    public var act: AdminAct
    public var at: Timestamp
    public var previous: Hash32

    public init(act: AdminAct, at: Timestamp, previous: Hash32) {
        self.act = act
        self.at = at
        self.previous = previous
    }
}

extension RecordedAct: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.AuditRecord(serialized: bytes)
        let previous = record.previous.isEmpty ? .zero : Hash32(bytes: record.previous)
        guard let previous else { throw MalformedValue("a digest of \(record.previous.count) bytes") }
        self.init(
            act: AdminAct(
                by: Administrator(name: record.who, origin: record.origin), action: record.action,
                object: record.object, before: record.before, after: record.after),
            at: Timestamp(milliseconds: record.at), previous: previous)
    }

    public var stored: [UInt8] {
        var record = Stored.AuditRecord()
        record.who = act.by.name
        record.origin = act.by.origin
        record.action = act.action
        record.object = act.object
        record.before = act.before
        record.after = act.after
        record.at = at.milliseconds
        record.previous = previous == .zero ? [] : previous.bytes
        return record.serialized()
    }
}
