public import AVSPrimitives

/// What an API key may be used for.
///
/// `admin` and `operator` open parts of the service `aggregator.Admin`; neither implies `read` or `write`. No scope
/// makes anybody an operator: `aggregator.Node` wants the operator's own signature (D-16).
public enum APIScope: String, CaseIterable, Comparable, Hashable, Sendable {
    /// What changes nothing and acts nowhere, on behalf of the key's account.
    case read
    /// What changes something, or acts outside: tasks, wallets, secrets, trial runs.
    case write
    /// All of the service `aggregator.Admin`, and tokens for any account.
    case admin
    /// The operators' part of the service `aggregator.Admin`.
    case node = "operator"

    private var place: Int {
        switch self {
        case .read: 0
        case .write: 1
        case .admin: 2
        case .node: 3
        }
    }

    public static func < (left: APIScope, right: APIScope) -> Bool { left.place < right.place }
}

/// The id of an API key: a ULID in lower case.
public struct APIKeyID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let ulid: ULID

    public init(_ ulid: ULID) { self.ulid = ulid }

    /// - Returns: `nil` unless `text` is 26 characters of lower-case Crockford base 32.
    public init?(_ text: String) {
        guard let ulid = ULID(text) else { return nil }
        self.ulid = ulid
    }

    public var description: String { ulid.description }

    public static func < (left: APIKeyID, right: APIKeyID) -> Bool { left.ulid < right.ulid }
}

/// What is known of an API key. The key itself is a token that only its holder has: here is a digest of what it signs.
///
/// - Source: aggregator-api 3.3, reliability-security T48.
public struct APIKey: Hashable, Sendable {
    /// Bytes of a name: enough for a word about what the key is for.
    public static let nameLimitBytes = 64

    public var id: APIKeyID
    /// What people call it: at most ``nameLimitBytes`` of printable ASCII.
    public var name: String
    /// The account that the key acts for; `nil` for a key that is nobody's and administers only.
    public var account: Address?
    public var scopes: Set<APIScope>
    /// SHA-256 of the token without its signature.
    public var digest: Hash32
    public var createdAt: Timestamp
    /// The key is good before that moment.
    public var expiresAt: Timestamp
    /// `nil` for a key that is good.
    public var revokedAt: Timestamp?
    /// When the key was last used, at most a minute old while the service runs; `nil` if never.
    public var lastUsedAt: Timestamp?
    /// Shared with the tokens that were made with it.
    public var rates: APIKeyRates

    public init(
        id: APIKeyID, name: String, account: Address?, scopes: Set<APIScope>, digest: Hash32, createdAt: Timestamp,
        expiresAt: Timestamp, revokedAt: Timestamp? = nil, lastUsedAt: Timestamp? = nil,
        rates: APIKeyRates = APIKeyRates()
    ) {
        self.id = id
        self.name = name
        self.account = account
        self.scopes = scopes
        self.digest = digest
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
        self.lastUsedAt = lastUsedAt
        self.rates = rates
    }

    /// How a key stands.
    public enum State: String, Hashable, Sendable {
        case good, revoked, expired
    }

    public func state(at now: Timestamp) -> State {
        if revokedAt != nil { return .revoked }
        return now < expiresAt ? .good : .expired
    }

    /// Whether `text` can be the name of a key.
    public static func isName(_ text: String) -> Bool {
        (1...nameLimitBytes).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    }
}
