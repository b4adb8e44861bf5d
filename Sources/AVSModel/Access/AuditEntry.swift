public import AVSPrimitives

/// One act of an administrator, as the audit log keeps it (ADM-1). Nothing in it is secret.
///
/// Entries are a chain: each holds the digest of the one before, so that nobody changes or removes one unnoticed. What
/// was cut off at the end only a copy elsewhere can tell.
public struct AuditEntry: Hashable, Sendable {
    public var id: ULID
    public var act: AdminAct
    public var at: Timestamp
    /// SHA-256 of the entry before as it is stored: its key and its record. ``Hash32/zero`` for the first.
    public var previous: Hash32

    public init(id: ULID, act: AdminAct, at: Timestamp, previous: Hash32) {
        self.id = id
        self.act = act
        self.at = at
        self.previous = previous
    }
}

/// Who administers, and from where.
public struct Administrator: Hashable, Sendable {
    /// `key <id of an API key>`, or `token <the first 16 hex digits of its digest>` for a token without a record.
    public var name: String
    /// The peer's address.
    public var origin: String

    public init(name: String, origin: String) {
        self.name = name
        self.origin = origin
    }
}

/// Who did what to what.
public struct AdminAct: Hashable, Sendable {
    public var by: Administrator
    /// `api-key.create`
    public var action: String
    /// What it was done to: an id or an address.
    public var object: String
    /// What was there, as compact JSON; empty for nothing.
    public var before: String
    /// What is there now, as compact JSON; empty for nothing.
    public var after: String

    public init(by: Administrator, action: String, object: String, before: String = "", after: String = "") {
        self.by = by
        self.action = action
        self.object = object
        self.before = before
        self.after = after
    }
}
