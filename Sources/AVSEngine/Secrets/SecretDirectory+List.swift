public import AVSModel
public import AVSPrimitives
import AVSSchema
import AVSStorage

/// Which secrets of a list a caller wants. The list ascends by workflow, those of no workflow last, then by name.
public struct SecretPageRequest: Hashable, Sendable {
    public enum Position: Hashable, Sendable {
        case first
        /// Strictly behind it.
        case after(SecretPosition)
        /// Strictly ahead of it, the nearest.
        case before(SecretPosition)
    }

    public var position: Position
    /// At least 1.
    public var limit: Int
    /// Only the secrets of this workflow.
    public var workflow: ScopeID?

    public init(position: Position = .first, limit: Int, workflow: ScopeID? = nil) {
        self.position = position
        self.limit = limit
        self.workflow = workflow
    }
}

/// A place in an owner's list. It names no owner, so that it means nothing in another's.
public struct SecretPosition: Hashable, Sendable {
    public var workflow: ScopeID?
    public var name: SecretName

    public init(workflow: ScopeID?, name: SecretName) {
        self.workflow = workflow
        self.name = name
    }

    fileprivate func key(of owner: Address) -> SecretKey {
        SecretKey(owner: owner, scope: workflow.map { .workflow($0) } ?? .user, name: name)
    }
}

extension SecretDirectory {
    /// One page of the owner's secrets, without their values. Rows that cannot be read are skipped.
    public func list(_ request: SecretPageRequest, owner: Address) async throws -> Page<SecretEntry> {
        var rows =
            request.workflow.map { SecretKey.rows(of: owner, workflow: $0) } ?? SecretKey.rows(of: owner)
        var isForward = true
        switch request.position {
        case .first: break
        case .after(let place): rows = rows.after(place.key(of: owner))
        case .before(let place):
            rows = rows.before(place.key(of: owner))
            isForward = false
        }
        let wanted = request.limit + 1
        let found = try await store.readWithoutBlocking { [rows, isForward] snapshot in
            var entries: [SecretEntry] = []
            try snapshot.scan(
                rows, order: isForward ? .ascending : .descending, limit: StorageLimits.scanRowsMax,
                undecodable: { _ in .next }
            ) { key, value in
                entries.append(SecretEntry(key, value))
                return entries.count == wanted ? .stop : .next
            }
            return entries
        }
        return Page(found: found, limit: request.limit, isForward: isForward, hasCursor: request.position != .first)
    }
}

extension SecretEntry {
    fileprivate init(_ key: SecretKey, _ value: StoredSecret) {
        let never = Timestamp(milliseconds: 0)
        switch value {
        case .plain:
            self.init(name: key.name, scope: key.scope, owner: key.owner, createdAt: never, updatedAt: never)
        case .sealed(let secret):
            self.init(
                name: key.name, scope: key.scope, owner: key.owner, createdAt: secret.createdAt,
                updatedAt: secret.updatedAt)
        }
    }
}
