public import AVSCrypto

/// Where root keys come from (KMS-2). Asked at the start and from time to time, so that they can be rotated while the
/// service runs.
public protocol RootKeyProvider: Sendable {
    /// The keys, the current one first; empty where there is none.
    func load() throws -> [RootKey]
    /// Makes a new key the current one; the others stay. Durable when it returns.
    /// - Throws: ``RootKeyFileTrouble``.
    func rotate() throws -> RootKey.ID
    /// Removes a key that is not the current one.
    func retire(_ id: RootKey.ID) throws
}

extension RootKeyProvider {
    public func rotate() throws -> RootKey.ID { throw RootKeyFileTrouble.fixed }
    public func retire(_ id: RootKey.ID) throws { throw RootKeyFileTrouble.fixed }
}

/// Why a provider could not change its keys, for its administrator.
public struct RootKeyFileTrouble: Error, Hashable, Sendable {
    public var text: String

    public init(_ text: String) { self.text = text }

    /// Of a provider that cannot change any.
    public static let fixed = RootKeyFileTrouble("they come from the environment, or there is no keys_dir")
}

/// No keys at all.
public struct NoRootKeys: RootKeyProvider {
    public init() {}
    public func load() -> [RootKey] { [] }
}

/// The keys that are known: the first seals, all of them open.
public struct RootKeys: Sendable {
    /// Beyond it something else than rotation is going on.
    public static let countLimit = 64

    public let current: RootKey?
    private let byID: [RootKey.ID: RootKey]

    public init(_ keys: [RootKey] = []) {
        current = keys.first
        byID = Dictionary(keys.prefix(Self.countLimit).map { ($0.id, $0) }) { first, _ in first }
    }

    public subscript(id: RootKey.ID) -> RootKey? { byID[id] }

    public var ids: Set<RootKey.ID> { Set(byID.keys) }
}

/// Why secrets cannot be used. Its text is for callers and logs: it names keys by their ids, never a value.
public enum SecretTrouble: Error, Hashable, Sendable, CustomStringConvertible {
    /// No root key is configured (KMS-2).
    case noRootKey
    /// The value was sealed under a root key that is no longer there.
    case unknownRootKey(RootKey.ID)
    /// The record was changed, or belongs elsewhere.
    case notAuthentic
    /// libcrypto refused.
    case library(String)

    public var description: String {
        switch self {
        case .noRootKey: "secrets are unavailable: the service has no root key"
        case .unknownRootKey(let id): "secrets are unavailable: root key \(id) is missing"
        case .notAuthentic: "a secret cannot be read: its record is not authentic"
        case .library(let text): "secrets are unavailable: \(text)"
        }
    }
}
