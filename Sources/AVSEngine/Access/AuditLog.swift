import AVSCrypto
public import AVSModel
public import AVSPrimitives
import AVSSchema
public import AVSStorage
import Logging

/// Some entries of the audit log, the oldest first.
public struct AuditPage: Hashable, Sendable {
    /// An entry and the digest that the next one has to hold.
    public struct Item: Hashable, Sendable {
        public var entry: AuditEntry
        public var digest: Hash32
    }

    public var items: [Item]
    public var hasMore: Bool
    /// Each of these holds the digest of the entry before it; the first that of whatever is there before it.
    public var isIntact: Bool
}

/// What administrators did (ADM-1): written in the update that makes the change, and read back in pages.
public struct AuditLog: Sendable {
    public static let rowsPerPage = 1...1_000

    let store: any KeyValueStore
    let time: any TimeSource
    let logger: Logger
    let random: RandomSource

    /// Notes an act whose change is not in the store, after it was done.
    public func record(_ act: AdminAct) async throws {
        let entry = draft()
        try await store.update { try $0.record(act, entry) }
        announce(act)
    }

    /// Does something that is not in the store, and so cannot be one update with its entry: an entry before it, whose
    /// action ends with `.begin`, and one after it, with `.failed` if it threw. A crash in between leaves the first, so
    /// that nothing happens unnoticed.
    ///
    /// - Parameter change: gets the act to complete what is known only afterwards.
    func around<Answer>(_ act: AdminAct, _ change: (inout AdminAct) throws -> Answer) async throws -> Answer {
        var begin = act
        begin.action += ".begin"
        try await record(begin)
        var done = act
        let answer: Result<Answer, any Error>
        do { answer = .success(try change(&done)) } catch {
            done.action += ".failed"
            answer = .failure(error)
        }
        try await record(done)
        return try answer.get()
    }

    /// One line of the log for an act that is recorded. Without what was changed: that is in the record.
    func announce(_ act: AdminAct) {
        logger.notice("an administrator's act", metadata: [
            "by": "\(act.by.name)", "from": "\(act.by.origin)", "action": "\(act.action)", "object": "\(act.object)",
        ])
    }

    /// What an update needs to record an act: made before it, because it may run again.
    func draft() -> AuditDraft {
        var random = random.generator
        return AuditDraft(at: time.now, using: &random)
    }

    /// - Parameters:
    ///   - after: the id of the last entry seen; `nil` starts with the first.
    ///   - limit: brought within ``rowsPerPage``.
    public func page(after: ULID?, limit: Int) async throws -> AuditPage {
        let limit = min(max(limit, Self.rowsPerPage.lowerBound), Self.rowsPerPage.upperBound)
        return try await store.readWithoutBlocking { snapshot in
            let all = Rows<AuditKey>.all.range
            let range = after.map { all.after(AuditKey($0).bytes) } ?? all
            var page = AuditPage(items: [], hasMore: false, isIntact: true)
            try snapshot.scan(range, order: .ascending, limit: limit + 1) { key, value in
                guard page.items.count < limit else {
                    page.hasMore = true
                    return .stop
                }
                let recorded = try RecordedAct(stored: value)
                let entry = AuditEntry(
                    id: try AuditKey(bytes: key).id, act: recorded.act, at: recorded.at, previous: recorded.previous)
                page.items.append(.init(entry: entry, digest: SHA256.hash(key + value)))
                return .next
            }
            guard let first = page.items.first else { return page }
            var expected = try snapshot.lastAuditDigest(in: all.before(AuditKey(first.entry.id).bytes))
            for item in page.items {
                if item.entry.previous != expected { page.isIntact = false }
                expected = item.digest
            }
            return page
        }
    }
}

/// Id and time of an entry that is yet to be written.
public struct AuditDraft: Sendable {
    var id: ULID
    var at: Timestamp

    init(id: ULID, at: Timestamp) {
        self.id = id
        self.at = at
    }

    /// For programs that change the files of a stopped service.
    public init(at now: Timestamp, using random: inout some RandomNumberGenerator) {
        var ids = ULIDGenerator()
        self.init(id: ids.next(at: now, using: &random), at: now)
    }
}

extension StoreReader where Self: ~Copyable {
    /// SHA-256 over key and record of the last entry in `range`; zero where there is none.
    fileprivate func lastAuditDigest(in range: KeyRange) throws -> Hash32 {
        var digest = Hash32.zero
        try scan(range, order: .descending, limit: 1) { key, value in
            digest = SHA256.hash(key + value)
            return .stop
        }
        return digest
    }
}

extension Transaction {
    /// Adds an entry behind the last one, whatever the clock says. Belongs into the update that makes the change.
    public mutating func record(_ act: AdminAct, _ draft: AuditDraft) throws {
        var last: [UInt8]?
        var previous = Hash32.zero
        try scan(Rows<AuditKey>.all.range, order: .descending, limit: 1) { key, value in
            (last, previous) = (key, SHA256.hash(key + value))
            return .stop
        }
        var id = draft.id
        if let last {
            let newest = try AuditKey(bytes: last).id
            if id <= newest { id = newest.next }
        }
        try put(AuditKey(id), RecordedAct(act: act, at: draft.at, previous: previous))
    }
}

extension ULID {
    /// The id behind this one.
    fileprivate var next: ULID { ULID(value: value == .max ? .max : value + 1) }
}
